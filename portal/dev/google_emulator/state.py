"""The state of one running emulator: store, clock, counters, faults and notifier."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from flask import current_app

from portal.dev.google_emulator.channels import Notifier
from portal.dev.google_emulator.clock import EmulatorClock
from portal.dev.google_emulator.counters import CallCounters
from portal.dev.google_emulator.faults import Faults
from portal.dev.google_emulator.settings import CLIENT_ID, CLIENT_SECRET
from portal.dev.google_emulator.store import Store


@dataclass
class EmulatorState:
    """What the modules of the emulator share. `clients` are its OAuth clients, id: secret."""

    data: Path | str
    consent: str = "page"
    batch_limit: int = 1000
    clients: dict[str, str] = field(default_factory=lambda: {CLIENT_ID: CLIENT_SECRET})

    def __post_init__(self) -> None:
        if self.consent not in ("auto", "page"):
            raise ValueError("consent is auto or page.")
        self.store = Store(self.data)
        self.clock = EmulatorClock(self.store)
        self.counters = CallCounters(self.clock)
        self.faults = Faults()
        self.notifier = Notifier()

    def close(self) -> None:
        """Stop the notifier and close the file."""
        self.notifier.close()
        self.store.close()


def current_state() -> EmulatorState:
    """The state of the emulator that handles the current request."""
    return cast(EmulatorState, current_app.extensions["google_emulator"])
