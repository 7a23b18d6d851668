"""What is free of an offering, and why the rest is not: the one module behind page, API and booking service.

A partition
-----------
Every instant of a window is in exactly one stretch: a step that is free, a step that is refused, or time that is no
step. Whatever is not free has a refusal with a reason in words. Bookings, closures, notice and the like are all
`Obstacle`s; what depends on the length of a request, or on who asks, is a `Check`. How days are cut into steps is told
in `portal.domain.steps`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from threading import Lock
from zoneinfo import ZoneInfo

from portal.domain.periods import Period, PeriodError, intersect, merge, subtract
from portal.domain.refusals import EVER, FREE, RANK, Check, Code, Obstacle, Refusal, Track, past, words
from portal.domain.schedules import WEEKEND, Schedule
from portal.domain.steps import boundaries_of, open_times, steps_of
from portal.domain.zones import LocalDay, clock_text, local_date, period_text

__all__ = ["LONGEST_REQUEST", "Availability", "Check", "Code", "Day", "Obstacle", "Refusal", "Stretch", "past"]

# A request beyond this is refused before its days are counted.
LONGEST_REQUEST = timedelta(days=366)

_DAY_NAMES = ("Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays")

# So many stretches are kept of days that were cut, of all schedules together: some 16 MB.
MOST_KEPT = 100_000


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


class Cuts:
    """Days as schedules cut them: the last ones that were asked for, however many schedules there are.

    A key stands for a schedule and a zone.
    """

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._lock = Lock()
        self._days: OrderedDict[tuple[Hashable, date], list[Stretch]] = OrderedDict()
        self.size = 0

    def get(self, key: Hashable, day: date) -> list[Stretch] | None:
        """The day, if it is kept."""
        with self._lock:
            cut = self._days.get((key, day))
            if cut is not None:
                self._days.move_to_end((key, day))
            return cut

    def put(self, key: Hashable, day: date, cut: list[Stretch]) -> None:
        """Keep the day for a while."""
        with self._lock:
            self.size += len(cut) - len(self._days.pop((key, day), ()))
            self._days[key, day] = cut
            while self.size > self._most:
                self.size -= len(self._days.popitem(last=False)[1])


_cuts = Cuts()


class Availability:
    """What is free of one offering. Building it costs O(n log n) in the obstacles, each question O(log n) a step.

    `zone` is the offering's. `obstacles` are in any order and may overlap; only those that touch the windows asked
    about need to be given. `checks` see whole periods: they speak where whole periods are asked about. `shortest` is
    the minimum duration, which one of the checks demands: nothing shorter is offered. `memo` stands for this schedule
    and zone: under it is kept how days are cut, which is most of the work (None: it is not).
    """

    def __init__(
        self,
        schedule: Schedule,
        zone: ZoneInfo,
        obstacles: Iterable[Obstacle] = (),
        checks: Sequence[Check] = (),
        shortest: timedelta | None = None,
        memo: Hashable = None,
    ) -> None:
        self.schedule = schedule
        self.zone = zone
        self.checks = checks
        self.shortest = shortest
        self._memo = memo
        self._periods = intersect(schedule.periods, [EVER])
        self._ends = [period.end for period in self._periods]
        self._track = Track(obstacles)
        self._boundaries = boundaries_of(schedule.config)

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
        the shortest run of free steps without a gap that lasts at least `duration` (and the minimum duration).
        """
        return [run for run in self._runs(window, duration) if self._check(run) is None]

    def next_free(self, after: datetime, limit: datetime, duration: timedelta | None = None) -> Period | None:
        """The first of `free` that starts at or after `after` and ends by `limit`; None where there is none.

        It stops at the first one found, and passes over time outside the schedule without looking at its days.
        """
        if limit <= after:
            return None
        runs = self._runs(Period(after, limit), duration)
        return next((run for run in runs if self._check(run) is None), None)

    def nearest(self, period: Period, within: timedelta, most: int = 3) -> list[Period]:
        """Up to `most` periods that can be booked, as long as this one, that start nearest to it; in order of time.

        They lie at most `within` before and after it; where they are cut into steps they may be a bit longer.
        """
        window = Period(period.start - within, period.end + within)
        found = sorted(self.free(window, period.duration), key=lambda it: abs(it.start - period.start))
        return sorted(found[:most])

    def offer(self, window: Period, duration: timedelta | None = None) -> tuple[list[Period], list[Stretch]]:
        """The window as what can be booked (`free`) and, with reasons, the rest: every instant is in one of the two.

        A refused step at the edge of the window is given whole; of a free one that reaches beyond it, the part inside
        is refused, since it is no whole slot.
        """
        slots: list[Period] = []
        against: dict[datetime, Refusal] = {}
        for run in self._runs(window, duration):
            refusal = self._check(run)
            if refusal is None:
                slots.append(run)
            else:
                against[run.start] = refusal
        covered = merge(slots)
        ends = [it.end for it in covered]
        refused = []
        for stretch in self.stretches(window):
            if not stretch.is_free:
                refused.append(stretch)
                continue
            inside = bisect_right(ends, stretch.start)
            if inside < len(covered) and covered[inside].contains(stretch.period):
                continue
            part = _within(stretch.period, window)
            refusal = self.explain(part) or against.get(stretch.start) or _too_little(part)
            refused.append(Stretch(part, True, refusal))
        return slots, refused

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
        found += self._against(period)
        found += [self._refusal(obstacle) for obstacle in self._track.across(period)]
        return sorted(dict.fromkeys(found), key=lambda it: (RANK[it.code], it.period))

    def days(self, first: date, count: int) -> list[Day]:
        """`count` local days from `first`, each with all its stretches; none of them crosses midnight."""
        dates = [first + timedelta(days=number) for number in range(count)]
        found = ((day, _local_day(day, self.zone)) for day in dates)
        return [Day(day, list(self._answered(self._cut_day(local))) if local else []) for day, local in found]

    def _against(self, period: Period) -> Iterator[Refusal]:
        """What the checks say against a period."""
        return (refusal for check in self.checks if (refusal := check(period)) is not None)

    def _check(self, period: Period) -> Refusal | None:
        return min(self._against(period), key=lambda it: RANK[it.code], default=None)

    def _runs(self, window: Period, duration: timedelta | None) -> Iterator[Period]:
        lengths = [length for length in (duration, self.shortest) if length is not None]
        return _runs(self._free_steps(window), max(lengths, default=None))

    def _free_steps(self, window: Period) -> Iterator[Period]:
        done: date | None = None
        for period in self._touching(window):
            part = _within(period, window)
            for local in _days(part, self.zone):
                # Two entries may meet in one day.
                if done is not None and local.date <= done:
                    continue
                done = local.date
                # Without _answered(): nobody reads why the others are not free, and most of its time is words.
                for it in self._cut_day(local):
                    if it.is_step and window.contains(it.period) and self._track.first(it.period) is None:
                        yield it.period

    def _answered(self, stretches: Iterable[Stretch]) -> Iterator[Stretch]:
        """The stretches with the steps that an obstacle touches refused."""
        for it in stretches:
            if it.is_step and (obstacle := self._track.first(it.period)) is not None:
                yield Stretch(it.period, True, self._refusal(obstacle))
            else:
                yield it

    def _refusal(self, obstacle: Obstacle) -> Refusal:
        text = obstacle.text or words(obstacle.code, mine=obstacle.mine)
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
        if self._memo is None:
            return self._cut_day_anew(local)
        cut = _cuts.get(self._memo, local.date)
        if cut is None:
            cut = self._cut_day_anew(local)
            _cuts.put(self._memo, local.date, cut)
        return cut

    def _cut_day_anew(self, local: LocalDay) -> list[Stretch]:
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
            opening = open_times(local, config)
            hours = f"Outside business hours ({clock_text(config.opens)}–{clock_text(config.closes)})."
            cut += [_no_step(part, Code.OUTSIDE_HOURS, hours) for part in subtract(offered, opening)]
            usable = intersect(offered, opening)
            steps = steps_of(local, config, self._boundaries, opening, usable)
            left = "Too short for a whole slot."
            cut += [_no_step(part, Code.REMAINDER, left) for part in subtract(usable, steps)]
            cut += [Stretch(step, True) for step in steps]
        cut.sort(key=lambda it: it.start)
        return cut


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


@lru_cache(maxsize=1024)
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


def _too_little(period: Period) -> Refusal:
    return Refusal(Code.TOO_SHORT, "Free, but not for as long as was asked for.", period)


def _no_step(period: Period, code: Code, text: str = "") -> Stretch:
    return Stretch(period, False, Refusal(code, text or words(code), period))


def _within(period: Period, window: Period) -> Period:
    """The part of a period in a window that it is known to overlap."""
    return Period(max(period.start, window.start), min(period.end, window.end))


def _alike(one: Refusal | None, other: Refusal | None) -> bool:
    return one is not None and other is not None and (one.code, one.text) == (other.code, other.text)
