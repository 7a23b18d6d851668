"""The search for free times: what the query string asks for, with an error for the reader if it can't be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from decimal import Decimal

from portal.domain.zones import date_text, duration_text
from portal.localization import gettext as _
from portal.localization import localized
from portal.queries.free_offerings import FreeTimeQuery
from portal.web.links import printable

NAMES = ("date", "after", "before", "hours")
DEFAULT = Decimal(1)
LONGEST = Decimal(720)
_HOURS = re.compile(r"\d{1,3}(?:[.,]\d{1,6})?", re.ASCII)


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
        """The query in words: "Tue 3 Mar 2026, from 09:00, for 2 hours"."""
        if self.wanted is None:
            return ""
        parts = [localized(date_text(self.wanted.day))]
        parts += [_("from %(time)s", time=self.after)] if self.wanted.after else []
        parts += [_("until %(time)s", time=self.before)] if self.wanted.before else []
        length = localized(duration_text(self.wanted.duration, days=False))
        return ", ".join([*parts, _("for %(length)s", length=length)])


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
        raise ValueError(_("Choose the day on which it has to be free."))
    try:
        day = date.fromisoformat(asked.date)
        if len(asked.date) != 10 or not 1970 <= day.year <= 9000:
            raise ValueError
    except ValueError:
        raise ValueError(_("The day is not a date such as 2026-03-31.")) from None
    after, before = _clock(asked.after), _clock(asked.before)
    hours = DEFAULT
    if asked.hours:
        hours = Decimal(asked.hours.replace(",", ".")) if _HOURS.fullmatch(asked.hours) else Decimal(0)
    if not 0 < hours <= LONGEST:
        raise ValueError(_("Enter a number of hours up to %(most)s.", most=LONGEST))
    if after is not None and before is not None and before <= after:
        raise ValueError(_("The latest end must be after the earliest start."))
    return FreeTimeQuery(day, timedelta(seconds=int(hours * 3600)), after, before)


def _clock(text: str) -> time | None:
    if not text:
        return None
    try:
        found = time.fromisoformat(text)
        if found.tzinfo is not None:
            raise ValueError
    except ValueError:
        raise ValueError(_("“%(text)s” is not a time of day such as 09:30.", text=text)) from None
    return found
