"""The command: `python -m portal.standin --port 8099 --data instance/standin.db`."""

import argparse
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from portal.domain.standin import CLIENT_ID, DEFAULT_PORT
from portal.standin.access import is_loopback_name
from portal.standin.app import create_standin
from portal.standin.front import Front
from portal.standin.server import Server
from portal.standin.world import World


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Serve until interrupted. What prevents it is said in one line, with exit status 1."""
    parser = argparse.ArgumentParser(prog="python -m portal.standin", description="The stand-in for Google Calendar.")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--data", type=Path, default=Path("instance/standin.db"), help="the file it keeps all in")
    parser.add_argument("--consent", choices=("auto", "page"), default="page", help="auto: allow without asking")
    parser.add_argument("--batch-limit", type=int, default=1000, help="calls that one batch may have")
    options = parser.parse_args(arguments)
    client = environ.get("GOOGLE_CLIENT_ID", "")
    if client not in ("", CLIENT_ID):
        return _refuse("GOOGLE_CLIENT_ID is set: the stand-in for Google starts only where no Google client is.")
    if not is_loopback_name(options.host):
        return _refuse(
            "The stand-in for Google listens on this machine only:"
            f" --host 127.0.0.1, ::1 or localhost, not {options.host}."
        )
    try:
        world = World(options.data, consent=options.consent, batch_limit=options.batch_limit)
    except Exception as error:
        return _refuse(f"The stand-in for Google can't use {options.data}: {error}.")
    try:
        server = Server(Front(create_standin(world), world), options.host, options.port)
    except (OSError, OverflowError) as error:
        world.close()
        return _refuse(f"The stand-in for Google can't listen on {options.host}:{options.port}: {error}.")
    signal.signal(signal.SIGTERM, _interrupt)
    sys.stdout.write(f"Stand-in for Google Calendar (not Google): {server.base_url}\n")
    sys.stdout.flush()
    try:
        server.serve_forever(0.2)
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
        world.close()
    return 0


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _refuse(reason: str) -> int:
    sys.stderr.write(reason + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
