"""Instants as text: ISO 8601 in UTC, such as `2025-03-14T09:26:53.589793Z`, as in Waldur's API."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from portal.domain.texts import visible

_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.]\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII | re.IGNORECASE)
_DATE_ONLY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def format_instant(instant: datetime) -> str:
    """An aware instant as ISO 8601 in UTC with `Z`; microseconds are left out when zero. Raises ValueError if naive."""
    text = as_utc(instant).replace(tzinfo=None).isoformat()
    return f"{text}Z"


def parse_instant(text: object) -> datetime:
    """The aware UTC instant of a text: date, `T`, hours, minutes, optional seconds and fraction, and a UTC offset.

    Raises ValueError, also without an offset; the message fits after a field name ("start: is not …").
    """
    if not isinstance(text, str):
        raise ValueError("is not a text with a date and a time")
    text = text.strip()
    if _DATE_ONLY.fullmatch(text):
        raise ValueError(f"“{text}” is a date without a time of day and a time zone")
    form = _FORM.fullmatch(text)
    if form is None:
        raise ValueError(f"“{visible(text)}” is not a date and time such as 2025-03-14T09:26:53Z")
    if form[3] is None:
        raise ValueError(f"“{text}” has no time zone: end it with Z or an offset such as +02:00")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"“{text}” is not a date and time that exists") from None


def as_utc(instant: datetime) -> datetime:
    """The same instant with UTC as its zone. Raises ValueError if it is naive."""
    if instant.tzinfo is UTC:
        return instant
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(UTC)
