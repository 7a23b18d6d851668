"""The emulator for tests: a real server on a free port, run by a thread of the test process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from portal.dev.google_emulator.app import create_emulator
from portal.dev.google_emulator.controls import grant, reset_state
from portal.dev.google_emulator.gateway import Gateway
from portal.dev.google_emulator.scopes import PREFIX, canonical
from portal.dev.google_emulator.server import EmulatorServer, in_background
from portal.dev.google_emulator.state import EmulatorState


@dataclass(frozen=True)
class RunningEmulator:
    """An emulator at `base_url`, with its state for inspection and fault injection."""

    base_url: str
    state: EmulatorState

    def grant(self, account: str, *scopes: str) -> dict[str, str]:
        """Tokens as after a consent; calendar scopes may omit their prefix."""
        wanted = [PREFIX + name if name.startswith("calendar") else name for name in scopes or ("openid", "calendar")]
        granted, unknown = canonical(" ".join(wanted))
        if unknown:
            raise ValueError(f"unknown scopes: {unknown}")
        return grant(self.state, account, " ".join(granted))

    def reset(self) -> None:
        """Reset the emulator to its first start."""
        reset_state(self.state)


@contextmanager
def running_emulator(data_path: Path | str, *, consent: str = "auto", port: int = 0) -> Iterator[RunningEmulator]:
    """Run an emulator until the block ends; only its data file is left."""
    state = EmulatorState(data_path, consent=consent)
    try:
        server = EmulatorServer(Gateway(create_emulator(state), state), "127.0.0.1", port)
        with in_background(server) as base_url:
            yield RunningEmulator(base_url, state)
    finally:
        state.close()
