"""Instants as text: RFC 3339, written in UTC such as `2025-03-14T09:26:53.589793Z`, as in Waldur's API."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from portal.domain.messages import Message
from portal.domain.texts import visible

_FORM = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:(?P<second>\d\d)([.]\d+)?)?(?P<offset>Z|[+-]\d\d:?\d\d)?",
    re.ASCII | re.IGNORECASE,
)
_DATE_ONLY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# In a query, a plus sign that was not escaped arrives as a space.
_LOST_PLUS = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d\S*) (\d\d:?\d\d)", re.ASCII | re.IGNORECASE)


def format_instant(instant: datetime) -> str:
    """An aware instant as ISO 8601 in UTC with `Z`; microseconds are left out when zero. Raises ValueError if naive."""
    text = as_utc(instant).replace(tzinfo=None).isoformat()
    return f"{text}Z"


def parse_instant(text: object, *, naive_is_utc: bool = False) -> datetime:
    """The aware UTC instant of a text in the format of RFC 3339; digits after the microseconds are cut off.

    Seconds may be missing, and the colon of the offset. With `naive_is_utc`, so may the offset and the time of day.
    Raises ValueError; the message fits after a field name ("start: is not …").
    """
    if not isinstance(text, str):
        raise ValueError(Message("is not a text with a date and a time"))
    text = text.strip()
    shown = visible(text[:100])
    if _DATE_ONLY.fullmatch(text):
        if not naive_is_utc:
            raise ValueError(Message("“%(shown)s” is a date without a time of day and a time zone", shown=shown))
        text = f"{text}T00:00Z"
    form = _FORM.fullmatch(text)
    if form is None:
        raise ValueError(Message("“%(shown)s” is not a date and time such as 2025-03-14T09:26:53Z", shown=shown))
    if form["offset"] is None:
        if not naive_is_utc:
            raise ValueError(
                Message("“%(shown)s” has no time zone: end it with Z or an offset such as +02:00", shown=shown)
            )
        text = f"{text}Z"
    if form["second"] == "60":
        raise ValueError(Message("“%(shown)s” is a leap second: use the second before or after it", shown=shown))
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(Message("“%(shown)s” is not a date and time that exists", shown=shown)) from None


def parse_query_instant(text: str, *, naive_is_utc: bool = False) -> datetime:
    """The same for a parameter of an address, in which the plus sign of an offset may have become a space."""
    found = _LOST_PLUS.fullmatch(text.strip())
    return parse_instant(f"{found[1]}+{found[2]}" if found else text, naive_is_utc=naive_is_utc)


def as_utc(instant: datetime) -> datetime:
    """The same instant with UTC as its zone. Raises ValueError if it is naive."""
    if instant.tzinfo is UTC:
        return instant
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise ValueError(Message("an instant needs a time zone"))
    return instant.astimezone(UTC)
