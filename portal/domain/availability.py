"""What is free of an offering, and why the rest is not: the one module behind page, API and booking service.

How the time is cut
-------------------
Entries of the schedule are instants; business hours, weekdays and slot steps are wall-clock, in the offering's zone.
Where the Waldur API contract is silent (it stores no zone, and its web interface decides in the browser), this holds:

* Each local day is cut by itself: boundaries are businessHours.startTime plus whole multiples of slotDuration, up to
  endTime, wherever the offering's clocks show such a time. Not the start of an entry: Waldur moves that to the
  present on every answer, so an imported one would shift all steps by odd minutes.
* A step is what lies between two boundaries that follow each other, wholly inside the schedule and the business
  hours. What is left over before closing time, or beside the edge of an entry, is not offered, and says so.
* Clocks going forward: a boundary in the skipped hour falls on the instant of the change. Going back: a boundary
  shown twice cuts twice. So every hour of both days is offered once, no step overlaps another, an instrument that
  is open round the clock has no hole in that night, and 08:00 stays 08:00. On these nights alone a step can be
  shorter or longer than slotDuration by the change (a night shift of 00:00–08:00 lasts 7 or 9 hours).
* A slotDuration of 24 hours is the business day: from opening to closing, however long that is.
* `weekends: false` closes Saturday and Sunday, `daysOfWeek` every day that it does not name.

A partition
-----------
Every instant of a window is in exactly one stretch: a step that is free, a step that is refused, or time that is no
step. Whatever is not free has a refusal with a reason in words. Bookings, closures, notice and the like are all
`Obstacle`s; what depends on the length of a request, or on who asks, is a `Check`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from heapq import heappop, heappush
from itertools import pairwise
from zoneinfo import ZoneInfo

from portal.domain.periods import Period, PeriodError, intersect, merge, subtract
from portal.domain.schedules import LONGEST_SLOT, WEEKEND, Config, Schedule
from portal.domain.zones import LocalDay, clock_text, local_date, period_text

# Time that this module looks at; a schedule may say "until the year 9999", where calendars end.
EVER = Period(datetime(1970, 1, 2, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC))
# A request beyond this is refused before its days are counted.
LONGEST_REQUEST = timedelta(days=366)

_DAY_NAMES = ("Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays")


class Code(StrEnum):
    """Why something is not free. The order is the order of telling: where several are true the first one is told.

    What the owner set comes before what others took, since no other slot would be refused for less.
    """

    OUTSIDE_SCHEDULE = "outside_schedule"
    WEEKEND = "weekend"
    DAY_CLOSED = "day_closed"
    OUTSIDE_HOURS = "outside_hours"
    REMAINDER = "remainder"
    PAST = "past"
    CLOSURE = "closure"
    TOO_SOON = "too_soon"
    TOO_LATE = "too_late"
    BOUNDARY = "boundary"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    QUOTA = "quota"
    BOOKED = "booked"
    REQUESTED = "requested"
    BUSY = "busy"
    BUFFER = "buffer"


_RANK = {code: rank for rank, code in enumerate(Code)}
# Somebody else has the time: another slot may do. Everything else is a rule that is broken.
CONFLICTS = frozenset({Code.BOOKED, Code.REQUESTED, Code.BUSY, Code.BUFFER})
FREE, MINE = "free", "mine"
_STATES = {
    Code.PAST: "past",
    Code.TOO_SOON: "soon",
    Code.TOO_LATE: "late",
    Code.BOOKED: "booked",
    Code.REQUESTED: "requested",
    Code.BUSY: "busy",
}
CLOSED = "closed"
_TEXTS = {
    Code.OUTSIDE_SCHEDULE: "The offering is not available at this time.",
    Code.WEEKEND: "Closed at weekends.",
    Code.PAST: "This time has begun already or has passed.",
    Code.CLOSURE: "Closed: {period}.",
    Code.TOO_SOON: "Too soon to be booked.",
    Code.TOO_LATE: "Too far ahead to be booked.",
    Code.TOO_SHORT: "Too short.",
    Code.TOO_LONG: "Too long.",
    Code.QUOTA: "You have booked as much as one person may.",
    Code.BOOKED: "Already booked: {period}.",
    Code.REQUESTED: "Held by a request that has not been answered yet: {period}.",
    Code.BUSY: "Blocked in the offering’s calendar: {period}.",
    Code.BUFFER: "Kept free beside another booking: {period}.",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a time is not free. `text` is for people; `period` is what stands there (the rival, the closed time)."""

    code: Code
    text: str
    period: Period
    mine: bool = False

    @property
    def is_conflict(self) -> bool:
        """Whether somebody else holds the time (a 409), rather than that a rule is broken (a 400)."""
        return self.code in CONFLICTS

    @property
    def state(self) -> str:
        """How a table shows the time: mine, booked, requested, busy, past, soon, late or closed."""
        return MINE if self.mine else _STATES.get(self.code, CLOSED)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Time that is taken away, whatever the reason. `mine`: the reader's own booking or request.

    `text` replaces the usual words of the code; "{period}" in it becomes the period by the offering's clocks.
    """

    period: Period
    code: Code
    text: str = ""
    mine: bool = False


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of time of one kind, in UTC: a bookable step (`is_step`), free or refused, or time that is no step."""

    period: Period
    is_step: bool
    refusal: Refusal | None = None

    @property
    def start(self) -> datetime:
        return self.period.start

    @property
    def end(self) -> datetime:
        return self.period.end

    @property
    def is_free(self) -> bool:
        return self.refusal is None

    @property
    def state(self) -> str:
        """free, mine, booked, requested, busy, past, soon, late or closed."""
        return FREE if self.refusal is None else self.refusal.state

    @property
    def reason(self) -> str:
        """Why it can't be booked, in words; "" where it can."""
        return "" if self.refusal is None else self.refusal.text


@dataclass(frozen=True, slots=True)
class Day:
    """One local day of an availability table: all its stretches in order, from midnight to midnight."""

    date: date
    stretches: list[Stretch]

    @property
    def steps(self) -> list[Stretch]:
        """The stretches that can be booked or could be, were they free."""
        return [stretch for stretch in self.stretches if stretch.is_step]


# What depends on a whole request: its length, who asks, how much they have. None where nothing is wrong.
Check = Callable[[Period], Refusal | None]


def past(now: datetime) -> Obstacle:
    """Everything before the present instant. A step that has begun is past as well."""
    return Obstacle(Period(EVER.start, now), Code.PAST)


class Availability:
    """What is free of one offering. Building it costs O(n log n) in the obstacles, each question O(log n) a step.

    `zone` is the offering's. `obstacles` are in any order and may overlap; only those that touch the windows asked
    about need to be given. `checks` see whole requests, so they speak in `explain` only.
    """

    def __init__(
        self,
        schedule: Schedule,
        zone: ZoneInfo,
        obstacles: Iterable[Obstacle] = (),
        checks: Sequence[Check] = (),
    ) -> None:
        self.schedule = schedule
        self.zone = zone
        self.checks = checks
        self._periods = intersect(schedule.periods, [EVER])
        self._ends = [period.end for period in self._periods]
        self._track = _Track(obstacles)
        self._boundaries = _boundaries(schedule.config)

    def steps(self, window: Period) -> list[Period]:
        """The steps wholly inside the window, whether somebody has them or not."""
        return [it.period for it in self._cut(window) if it.is_step and window.contains(it.period)]

    def stretches(self, window: Period) -> list[Stretch]:
        """The window as stretches in order, without a gap or an overlap.

        A step at the edge of the window is given whole; time that is no step is cut off there. Neighbouring time
        that is no step for the same reason is one stretch, also across midnight.
        """
        joined: list[Stretch] = []
        for it in self._answered(self._cut(window)):
            last = joined[-1] if joined else None
            if last and not last.is_step and not it.is_step and _alike(last.refusal, it.refusal):
                joined[-1] = Stretch(Period(last.start, it.end), False, last.refusal)
            else:
                joined.append(it)
        return joined

    def free(self, window: Period, duration: timedelta | None = None) -> list[Period]:
        """What can be booked wholly inside the window: the free steps, or for each free step that it can start with
        the shortest run of free steps without a gap that lasts at least `duration`.
        """
        return list(_runs(self._free_steps(window), duration))

    def next_free(self, after: datetime, limit: datetime, duration: timedelta | None = None) -> Period | None:
        """The first of `free` that starts at or after `after` and ends by `limit`; None where there is none.

        It stops at the first one found, and passes over time outside the schedule without looking at its days.
        """
        if limit <= after:
            return None
        return next(_runs(self._free_steps(Period(after, limit)), duration), None)

    def explain(self, period: Period) -> Refusal | None:
        """Why a period can't be booked, or None where it can. For a step it is the reason that `stretches` gives."""
        return next(iter(self.refusals(period)), None)

    def refusals(self, period: Period) -> list[Refusal]:
        """What is against a period, the first to be told first; of obstacles that lie on each other only that one."""
        if period.duration > LONGEST_REQUEST:
            return [Refusal(Code.TOO_LONG, f"A booking lasts at most {LONGEST_REQUEST.days} days.", period)]
        touched = list(self._cut(period))
        found = [it.refusal for it in touched if it.refusal is not None]
        if not found:
            whole = Period(touched[0].start, touched[-1].end)
            if whole != period:
                text = f"Choose whole slots: the nearest are {period_text(whole, self.zone)}."
                found.append(Refusal(Code.BOUNDARY, text, whole))
        found += [refusal for check in self.checks if (refusal := check(period)) is not None]
        found += [self._refusal(obstacle) for obstacle in self._track.across(period)]
        return sorted(dict.fromkeys(found), key=lambda it: (_RANK[it.code], it.period))

    def days(self, first: date, count: int) -> list[Day]:
        """`count` local days from `first`, each with all its stretches; none of them crosses midnight."""
        dates = [first + timedelta(days=number) for number in range(count)]
        found = ((day, _local_day(day, self.zone)) for day in dates)
        return [Day(day, list(self._answered(self._cut_day(local))) if local else []) for day, local in found]

    def _free_steps(self, window: Period) -> Iterator[Period]:
        done: date | None = None
        for period in self._touching(window):
            part = _within(period, window)
            for local in _days(part, self.zone):
                # Two entries may meet in one day.
                if done is not None and local.date <= done:
                    continue
                done = local.date
                for it in self._answered(self._cut_day(local)):
                    if it.is_step and it.is_free and window.contains(it.period):
                        yield it.period

    def _answered(self, stretches: Iterable[Stretch]) -> Iterator[Stretch]:
        """The stretches with the steps that an obstacle touches refused."""
        for it in stretches:
            if it.is_step and (obstacle := self._track.first(it.period)) is not None:
                yield Stretch(it.period, True, self._refusal(obstacle))
            else:
                yield it

    def _refusal(self, obstacle: Obstacle) -> Refusal:
        text = obstacle.text or _TEXTS.get(obstacle.code, "Not available.")
        if "{period}" in text:
            text = text.replace("{period}", period_text(obstacle.period, self.zone))
        return Refusal(obstacle.code, text, obstacle.period, obstacle.mine)

    def _cut(self, window: Period) -> Iterator[Stretch]:
        """The stretches of the window by schedule and hours alone: steps whole, other time cut off at the edge."""
        known = window.intersection(EVER)
        if known is None:
            yield _no_step(window, Code.OUTSIDE_SCHEDULE)
            return
        if window.start < known.start:
            yield _no_step(Period(window.start, known.start), Code.OUTSIDE_SCHEDULE)
        for local in _days(known, self.zone):
            for it in self._cut_day(local):
                if it.period.overlaps(known):
                    yield it if it.is_step else Stretch(_within(it.period, known), False, it.refusal)
        if known.end < window.end:
            yield _no_step(Period(known.end, window.end), Code.OUTSIDE_SCHEDULE)

    def _touching(self, window: Period) -> Iterator[Period]:
        """The periods of the schedule that overlap the window."""
        for index in range(bisect_right(self._ends, window.start), len(self._periods)):
            if self._periods[index].start >= window.end:
                return
            yield self._periods[index]

    def _cut_day(self, local: LocalDay) -> list[Stretch]:
        """One local day by schedule and hours alone."""
        config = self.schedule.config
        day = local.period
        offered = [_within(period, day) for period in self._touching(day)]
        cut = [_no_step(part, Code.OUTSIDE_SCHEDULE) for part in subtract([day], offered)]
        weekday = local.date.isoweekday() % 7
        if weekday in WEEKEND and not config.weekends:
            cut += [_no_step(part, Code.WEEKEND) for part in offered]
        elif weekday not in config.days:
            cut += [_no_step(part, Code.DAY_CLOSED, f"Closed on {_DAY_NAMES[weekday]}.") for part in offered]
        elif offered:
            open_times = _open_times(local, config)
            hours = f"Outside business hours ({clock_text(config.opens)}–{clock_text(config.closes)})."
            cut += [_no_step(part, Code.OUTSIDE_HOURS, hours) for part in subtract(offered, open_times)]
            usable = intersect(offered, open_times)
            steps = _steps(local, config, self._boundaries, open_times, usable)
            left = "Too short for a whole slot."
            cut += [_no_step(part, Code.REMAINDER, left) for part in subtract(usable, steps)]
            cut += [Stretch(step, True) for step in steps]
        cut.sort(key=lambda it: it.start)
        return cut


def _boundaries(config: Config) -> list[int]:
    """The wall-clock times, in seconds since midnight, at which steps begin and end."""
    if config.slot >= LONGEST_SLOT:
        return [config.opens, config.closes]
    return list(range(config.opens, config.closes + 1, int(config.slot.total_seconds())))


def _open_times(local: LocalDay, config: Config) -> list[Period]:
    """When the clocks of the day show business hours: once, but for days on which they show an hour twice."""
    edges = {local.period.start, local.period.end, *local.instants(config.opens), *local.instants(config.closes)}
    if local.change is not None:
        edges.add(local.change)
    inside = sorted(edge for edge in edges if local.period.start <= edge <= local.period.end)
    return merge(
        Period(start, end) for start, end in pairwise(inside) if config.opens <= local.seconds(start) < config.closes
    )


def _steps(
    local: LocalDay, config: Config, boundaries: list[int], open_times: list[Period], usable: list[Period]
) -> list[Period]:
    if config.slot >= LONGEST_SLOT:
        return [opening for opening in open_times if opening in usable]
    edges = sorted({instant for seconds in boundaries for instant in local.instants(seconds)})
    steps = []
    rest = iter(usable)
    part = next(rest, None)
    for start, end in pairwise(edges):
        while part is not None and part.end <= start:
            part = next(rest, None)
        if part is None:
            break
        if part.start <= start and end <= part.end:
            steps.append(Period(start, end))
    return steps


def _days(window: Period, zone: ZoneInfo) -> Iterator[LocalDay]:
    """The local days that a window touches, in order."""
    day = local_date(window.start, zone)
    while True:
        local = _local_day(day, zone)
        if local is not None:
            if local.period.start >= window.end:
                return
            yield local
        day += timedelta(days=1)


def _local_day(day: date, zone: ZoneInfo) -> LocalDay | None:
    """The day; None where the zone never had it."""
    try:
        return LocalDay(day, zone)
    except PeriodError:
        return None


def _runs(steps: Iterable[Period], duration: timedelta | None) -> Iterator[Period]:
    run: list[Period] = []
    for step in steps:
        if duration is None:
            yield step
            continue
        if run and run[-1].end != step.start:
            run.clear()
        run.append(step)
        while run and run[-1].end - run[0].start >= duration:
            yield Period(run[0].start, run[-1].end)
            run.pop(0)


def _no_step(period: Period, code: Code, text: str = "") -> Stretch:
    return Stretch(period, False, Refusal(code, text or _TEXTS[code], period))


def _within(period: Period, window: Period) -> Period:
    """The part of a period in a window that it is known to overlap."""
    return Period(max(period.start, window.start), min(period.end, window.end))


def _alike(one: Refusal | None, other: Refusal | None) -> bool:
    return one is not None and other is not None and (one.code, one.text) == (other.code, other.text)


class _Track:
    """Obstacles laid on one line: at each instant the one that is told first, so that a search is a bisection."""

    __slots__ = ("_ends", "_pieces")

    def __init__(self, obstacles: Iterable[Obstacle]) -> None:
        waiting = sorted(obstacles, key=lambda it: it.period.start, reverse=True)
        points = sorted({edge for it in waiting for edge in (it.period.start, it.period.end)})
        self._pieces: list[tuple[datetime, Obstacle]] = []
        self._ends: list[datetime] = []
        live: list[tuple[int, datetime, int, Obstacle]] = []
        for at, until in pairwise(points):
            while waiting and waiting[-1].period.start <= at:
                entering = waiting.pop()
                heappush(live, (_RANK[entering.code], entering.period.start, len(waiting), entering))
            while live and live[0][3].period.end <= at:
                heappop(live)
            if live:
                self._pieces.append((at, live[0][3]))
                self._ends.append(until)

    def across(self, period: Period) -> Iterator[Obstacle]:
        """The obstacles that stand out somewhere in the period, in order of time; one may come several times."""
        for index in range(bisect_right(self._ends, period.start), len(self._pieces)):
            start, obstacle = self._pieces[index]
            if start >= period.end:
                return
            yield obstacle

    def first(self, period: Period) -> Obstacle | None:
        """Of the obstacles in the period the one to tell, or None."""
        return min(self.across(period), key=lambda it: (_RANK[it.code], it.period), default=None)
