"""“Free on … for … hours”: what the address asks for, in the reader's words where it can't be understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from decimal import Decimal, InvalidOperation

from portal.domain.zones import date_text, duration_text
from portal.queries.free_offerings import FreeTimeQuery
from portal.web.links import printable

NAMES = ("date", "after", "before", "hours")
DEFAULT = Decimal(1)
LONGEST = Decimal(720)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed, and what it means: `wanted`, or `error`, or neither where nothing was asked."""

    date: str = ""
    after: str = ""
    before: str = ""
    hours: str = ""
    wanted: FreeTimeQuery | None = None
    error: str = ""

    @property
    def given(self) -> bool:
        return bool(self.date or self.after or self.before or self.hours)

    @property
    def words(self) -> str:
        """The wish in words: "Tue 3 Mar 2026, from 09:00, for 2 hours"."""
        if self.wanted is None:
            return ""
        parts = [date_text(self.wanted.day)]
        parts += [f"from {self.after}"] if self.wanted.after else []
        parts += [f"until {self.before}"] if self.wanted.before else []
        return ", ".join([*parts, f"for {duration_text(self.wanted.duration, days=False)}"])


def read(args: Mapping[str, str]) -> Asked:
    """What the query string asks for."""
    typed = {name: printable(args.get(name, "")).strip()[:20] for name in NAMES}
    asked = Asked(typed["date"], typed["after"], typed["before"], typed["hours"])
    if not asked.given:
        return asked
    try:
        return replace(asked, wanted=_wanted(asked))
    except ValueError as error:
        return replace(asked, error=str(error))


def _wanted(asked: Asked) -> FreeTimeQuery:
    if not asked.date:
        raise ValueError("Choose the day on which it has to be free.")
    try:
        day = date.fromisoformat(asked.date)
        if len(asked.date) != 10 or not 1970 <= day.year <= 9000:
            raise ValueError
    except ValueError:
        raise ValueError("The day is not a date such as 2026-03-31.") from None
    after, before = _clock(asked.after), _clock(asked.before)
    try:
        hours = Decimal(asked.hours.replace(",", ".")) if asked.hours else DEFAULT
        if not (hours.is_finite() and 0 < hours <= LONGEST):
            raise InvalidOperation
    except InvalidOperation:
        raise ValueError(f"The number of hours is not one up to {LONGEST}.") from None
    if after is not None and before is not None and before <= after:
        raise ValueError("The latest end must be after the earliest start.")
    return FreeTimeQuery(day, timedelta(seconds=int(hours * 3600)), after, before)


def _clock(text: str) -> time | None:
    if not text:
        return None
    try:
        found = time.fromisoformat(text)
        if found.tzinfo is not None:
            raise ValueError
    except ValueError:
        raise ValueError(f"“{text}” is not a time of day such as 09:30.") from None
    return found
