"""The emulator's clock: the system time, which tests can shift or freeze."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from portal.dev.google_emulator.store import Store, get_meta, set_meta


class EmulatorClock:
    """The emulator's current time. A shifted or frozen clock survives a restart."""

    def __init__(self, store: Store) -> None:
        self._store = store
        with store.read() as db:
            kept = json.loads(get_meta(db, "clock") or "{}")
        self._frozen = datetime.fromisoformat(kept["frozen"]) if "frozen" in kept else None
        self._offset = timedelta(seconds=kept.get("offset", 0))

    def now(self) -> datetime:
        """The time, aware, UTC."""
        return self._frozen or datetime.now(UTC) + self._offset

    def ms(self) -> int:
        """The time in whole milliseconds since 1970."""
        return to_ms(self.now())

    def freeze(self, moment: datetime) -> None:
        """Freeze the clock at a moment."""
        self._frozen, self._offset = moment.astimezone(UTC), timedelta(0)
        self._keep()

    def advance(self, seconds: float) -> None:
        """Shift the clock, also back; a frozen clock stays frozen."""
        if self._frozen:
            self._frozen += timedelta(seconds=seconds)
        else:
            self._offset += timedelta(seconds=seconds)
        self._keep()

    def use_system_time(self) -> None:
        """Go back to the system time."""
        self._frozen, self._offset = None, timedelta(0)
        self._keep()

    def _keep(self) -> None:
        kept = {"frozen": self._frozen.isoformat()} if self._frozen else {"offset": self._offset.total_seconds()}
        with self._store.write() as db:
            set_meta(db, "clock", json.dumps(kept))


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware moment."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def from_ms(ms: int) -> datetime:
    """The aware UTC moment of milliseconds since 1970."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


def timestamp(ms: int) -> str:
    """The format of created and updated: RFC 3339, UTC, milliseconds."""
    return from_ms(ms).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def local_timestamp(ms: int, zone: ZoneInfo) -> str:
    """The format of event times: RFC 3339, whole seconds, the zone's offset (Z for UTC)."""
    text = from_ms(ms).astimezone(zone).isoformat(timespec="seconds")
    return text.removesuffix("+00:00") + "Z" if zone.key in ("UTC", "Etc/UTC") else text
