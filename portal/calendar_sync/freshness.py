"""How old busy times may be before they count as stale, and the owner's choice (`booking_rules.stale_busy`) applies."""

from __future__ import annotations

from datetime import datetime, timedelta

from portal.domain.messages import Message

# They are read every quarter of an hour, so four reads in a row have failed.
STALE_AFTER = timedelta(hours=1)
STALE = Message(
    "Busy times have not been read from Google Calendar for more than an hour: it can't be booked until they are."
)


def is_stale(last_read: datetime | None, now: datetime) -> bool:
    """Whether the busy times are too old. `last_read` None: they have never been read."""
    return last_read is None or now - last_read > STALE_AFTER
