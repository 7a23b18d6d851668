"""Which offerings are free on a day for so long: two SQL statements and arithmetic, however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal.domain.availability import Obstacle
from portal.domain.periods import Period, PeriodError
from portal.domain.rules import NO_RULES
from portal.domain.zones import day_start, instants_at
from portal.policies import NOBODY, Actor
from portal.queries.availability import add_stale, assembled, obstacles_of_offerings, understood_text


@dataclass(frozen=True, slots=True)
class Wanted:
    """A day, a part of it by the wall clock (None: from its beginning, to its end), and how long."""

    day: date
    duration: timedelta
    after: time | None = None
    before: time | None = None

    def window(self, zone: ZoneInfo) -> Period | None:
        """The instants that are meant in a zone; None where the zone never had them."""
        start = day_start(self.day, zone) if self.after is None else _at(self.day, self.after, zone)[0]
        end = (
            day_start(self.day + timedelta(days=1), zone)
            if self.before is None
            else _at(self.day, self.before, zone)[-1]
        )
        try:
            return Period(start, end)
        except PeriodError:
            return None


def free_offerings(
    offerings: Sequence[tuple[int, str]], wanted: Wanted, now: datetime, actor: Actor = NOBODY
) -> dict[int, Period]:
    """Of these offerings (id, attributes as JSON) those that are free as wanted, each by its own clocks.

    With the first such period. A quota of the actor's is not asked. One SQL statement.
    """
    of_zone: dict[ZoneInfo, Period | None] = {}
    windows: dict[int, Period] = {}
    known = {}
    widest = timedelta()
    for offering_id, attributes in offerings:
        it = understood_text(attributes)
        if it.zone not in of_zone:
            of_zone[it.zone] = wanted.window(it.zone)
        window = of_zone[it.zone]
        # A place that is not open at all in that time is not asked about any further.
        if window is None or window.end <= now or not _may_be_open(it.schedule.periods, window):
            continue
        known[offering_id], windows[offering_id] = it, window
        if it.rules is not NO_RULES:
            widest = max(widest, it.rules.gap)
    if not windows:
        return {}
    hull = Period(min(it.start for it in windows.values()) - widest, max(it.end for it in windows.values()) + widest)
    taken = obstacles_of_offerings(list(windows), hull, actor)
    add_stale(taken, known, now)
    found = {}
    # What would be free if nothing were taken, for offerings that are alike: it is so wherever nothing taken meets it,
    # because what is taken only ever makes less free.
    clear: dict[int, Period | None] = {}
    for offering_id, window in windows.items():
        it = known[offering_id]
        if id(it) not in clear:
            clear[id(it)] = assembled(it, now, []).next_free(window.start, window.end, wanted.duration)
        period = clear[id(it)]
        if period is not None and _met(period, taken.get(offering_id, ()), it.rules.gap):
            free = assembled(it, now, taken[offering_id])
            period = free.next_free(window.start, window.end, wanted.duration)
        if period is not None:
            found[offering_id] = period
    return found


def _met(period: Period, taken: Iterable[Obstacle], gap: timedelta) -> bool:
    start, end = period.start - gap, period.end + gap
    return any(it.period.start < end and it.period.end > start for it in taken)


def _may_be_open(periods: Sequence[Period], window: Period) -> bool:
    return any(it.start < window.end and it.end > window.start for it in periods)


def _at(day: date, clock: time, zone: ZoneInfo) -> tuple[datetime, ...]:
    return instants_at(datetime.combine(day, clock), zone)
