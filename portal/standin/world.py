"""One running stand-in: its store, clock, counters, faults and notifier, in one hand."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from flask import current_app

from portal.domain.standin import CLIENT_ID, CLIENT_SECRET
from portal.standin.channels import Notifier
from portal.standin.clock import Clock
from portal.standin.counters import Counters
from portal.standin.faults import Faults
from portal.standin.store import Store


@dataclass
class World:
    """What every room of the stand-in shares. `clients` are the OAuth clients it knows, id: secret."""

    data: Path | str
    consent: str = "page"
    batch_limit: int = 1000
    clients: dict[str, str] = field(default_factory=lambda: {CLIENT_ID: CLIENT_SECRET})

    def __post_init__(self) -> None:
        if self.consent not in ("auto", "page"):
            raise ValueError("consent is auto or page.")
        self.store = Store(self.data)
        self.clock = Clock(self.store)
        self.counters = Counters(self.clock)
        self.faults = Faults()
        self.notifier = Notifier()

    def close(self) -> None:
        """Stop the notifier and close the file."""
        self.notifier.close()
        self.store.close()


def world() -> World:
    """The stand-in that answers the current request."""
    return cast(World, current_app.extensions["standin"])
