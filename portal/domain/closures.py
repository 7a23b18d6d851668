"""Closures of an offering: times at which it cannot be booked, whatever its schedule (`booking_rules.closures`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal.domain.instants import parse_instant
from portal.domain.messages import Message, reason_of
from portal.domain.periods import Period
from portal.domain.refusals import ALL_TIME
from portal.domain.schedules import ValidationProblem
from portal.domain.zones import day_start, instants_at

MAX_CLOSURES = 500
_CLOCK = re.compile(r"\d{1,2}:\d\d(:\d\d)?", re.ASCII)
_LOCAL = re.compile(r"(\d{4}-\d\d-\d\d)[T ]+(\d{1,2}):(\d\d)(?::(\d\d))?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Closure:
    """A time at which an offering is closed: two instants (UTC), two local times (naive), or two dates (inclusive)."""

    start: date | datetime
    end: date | datetime
    reason: str = ""

    def period(self, zone: ZoneInfo) -> Period | None:
        """The closed period; dates and local times are in the offering's time zone.

        None if both ends are in an hour that is skipped when clocks go forward. Of an hour that is shown twice both
        are closed.
        """
        if isinstance(self.start, datetime) and isinstance(self.end, datetime):
            start = instants_at(self.start, zone)[0] if self.start.tzinfo is None else self.start
            end = instants_at(self.end, zone)[-1] if self.end.tzinfo is None else self.end
            return Period(start, end) if start < end else None
        return Period(day_start(self.start, zone), day_start(self.end + timedelta(days=1), zone))


def read_closures(raw: object, problems: list[ValidationProblem]) -> tuple[Closure, ...]:
    """The closures of a stored list; what is wrong with it is added to `problems`."""
    if raw is None:
        return ()
    if not isinstance(raw, list):
        problems.append(ValidationProblem(".closures", "must be a list of closures, each with a start and an end"))
        return ()
    if len(raw) > MAX_CLOSURES:
        problems.append(
            ValidationProblem(
                ".closures",
                Message("has %(number)s entries: at most %(most)s are accepted", number=len(raw), most=MAX_CLOSURES),
            )
        )
        return ()
    found = (_closure(f".closures[{index}]", entry, problems) for index, entry in enumerate(raw))
    return tuple(closure for closure in found if closure is not None)


def _closure(path: str, entry: object, problems: list[ValidationProblem]) -> Closure | None:
    if not isinstance(entry, Mapping):
        problems.append(ValidationProblem(path, "must be an object with a start and an end"))
        return None
    ends: list[date | datetime] = []
    for key in ("start", "end"):
        try:
            ends.append(_edge(entry.get(key), ends[0] if ends else None))
        except ValueError as error:
            problems.append(ValidationProblem(f"{path}.{key}", reason_of(error)))
    reason = entry.get("reason") or ""
    if not isinstance(reason, str) or len(reason) > 200:
        problems.append(ValidationProblem(f"{path}.reason", Message("must be a text of at most 200 characters")))
        return None
    if len(ends) < 2:
        return None
    start, end = ends
    if _kind(start) != _kind(end):
        problems.append(
            ValidationProblem(path, Message("must have two dates, two local times or two instants, not a mix"))
        )
        return None
    if end < start or (isinstance(start, datetime) and end == start):
        problems.append(ValidationProblem(f"{path}.end", Message("must be after the start")))
        return None
    return Closure(start, end, reason)


def _kind(edge: date | datetime) -> str:
    if not isinstance(edge, datetime):
        return "date"
    return "local time" if edge.tzinfo is None else "instant"


def _edge(value: object, start: date | datetime | None) -> date | datetime:
    """An end of a closure. A time of day alone is on the day of a `start` that is a local time."""
    if isinstance(value, str):
        value = value.strip()
    if isinstance(value, str) and _kind(start or date.min) == "local time" and _CLOCK.fullmatch(value):
        value = f"{start:%Y-%m-%d} {value}"
    if isinstance(value, str) and (form := _LOCAL.fullmatch(value)):
        return _local_time(value, form)
    if isinstance(value, str) and len(value) == 10:
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise ValueError(Message("“%(value)s” is not a date such as 2025-12-24", value=value)) from None
        if not ALL_TIME.start.year < day.year < ALL_TIME.end.year:
            raise ValueError(Message("“%(value)s” is too far away", value=value))
        return day
    instant = parse_instant(value)
    if not ALL_TIME.contains_instant(instant):
        raise ValueError(Message("is too far away"))
    return instant


def _local_time(value: str, form: re.Match[str]) -> datetime:
    """A date and a time of day without a zone; 24:00 is the end of the day."""
    try:
        hour, minute, second = int(form[2]), int(form[3]), int(form[4] or 0)
        is_end_of_day = (hour, minute, second) == (24, 0, 0)
        day = _edge(form[1], None)
        local = datetime.combine(day, time(0 if is_end_of_day else hour, minute, second))
    except ValueError as error:
        if "too far" in str(error):
            raise
        raise ValueError(Message("“%(value)s” is not a date and time such as 2025-12-24 09:00", value=value)) from None
    return local + timedelta(days=is_end_of_day)
