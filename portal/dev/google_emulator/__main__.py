"""The command: `python -m portal.dev.google_emulator --port 8099 --data instance/emulator.db`."""

import argparse
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from portal.dev.google_emulator.access import is_loopback_name
from portal.dev.google_emulator.app import create_emulator
from portal.dev.google_emulator.gateway import Gateway
from portal.dev.google_emulator.server import EmulatorServer
from portal.dev.google_emulator.settings import CLIENT_ID, DEFAULT_PORT
from portal.dev.google_emulator.state import EmulatorState


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Serve until interrupted. An error is reported in one line, with exit status 1."""
    parser = argparse.ArgumentParser(
        prog="python -m portal.dev.google_emulator", description="The Google Calendar emulator."
    )
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--data", type=Path, default=Path("instance/emulator.db"), help="the file that holds its state")
    parser.add_argument("--consent", choices=("auto", "page"), default="page", help="auto: grant without asking")
    parser.add_argument("--batch-limit", type=int, default=1000, help="calls that one batch may have")
    options = parser.parse_args(arguments)
    client = environ.get("GOOGLE_CLIENT_ID", "")
    if client not in ("", CLIENT_ID):
        return _refuse("GOOGLE_CLIENT_ID is set: the Google Calendar emulator starts only without a Google client.")
    if not is_loopback_name(options.host):
        return _refuse(
            "The Google Calendar emulator listens on this machine only:"
            f" --host 127.0.0.1, ::1 or localhost, not {options.host}."
        )
    try:
        state = EmulatorState(options.data, consent=options.consent, batch_limit=options.batch_limit)
    except Exception as error:
        return _refuse(f"The Google Calendar emulator can't use {options.data}: {error}.")
    try:
        server = EmulatorServer(Gateway(create_emulator(state), state), options.host, options.port)
    except (OSError, OverflowError) as error:
        state.close()
        return _refuse(f"The Google Calendar emulator can't listen on {options.host}:{options.port}: {error}.")
    signal.signal(signal.SIGTERM, _interrupt)
    sys.stdout.write(f"Google Calendar emulator (not Google): {server.base_url}\n")
    sys.stdout.flush()
    try:
        server.serve_forever(0.2)
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
        state.close()
    return 0


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _refuse(reason: str) -> int:
    sys.stderr.write(reason + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
