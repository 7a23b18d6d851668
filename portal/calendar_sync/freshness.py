"""How old busy times may be before an owner's choice for that case holds (`booking_rules.stale_busy`)."""

from __future__ import annotations

from datetime import datetime, timedelta

# They are read every quarter of an hour; four reads that failed are no accident.
STALE_AFTER = timedelta(hours=1)
STALE = "Busy times have not been read from Google Calendar for more than an hour: it can't be booked until they are."


def is_stale(last_read: datetime | None, now: datetime) -> bool:
    """Whether what is known of busy times is too old. `last_read` None: they have never been read."""
    return last_read is None or now - last_read > STALE_AFTER
