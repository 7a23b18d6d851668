"""What is free of an offering, and why the rest is not: the one module behind page, API and booking service.

A partition
-----------
Every instant of a window is in exactly one stretch: a step that is free, a step that is refused, or time that is no
step. Whatever is not free has a refusal with a reason in words. Bookings, closures, notice and the like are all
`Obstacle`s; what depends on the length of a request, or on who asks, is a `Check`. How days are cut into steps is told
in `portal.domain.slot_grid`.

Searches cost a little for each day and obstacle that they pass, however short slots are: steps are only made one by one
where the answer holds each of them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Generator, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

from portal.domain.periods import Period, merge
from portal.domain.refusals import RANK, Check, Code, Obstacle, ObstacleTimeline, Refusal, reason_text
from portal.domain.schedules import Schedule
from portal.domain.slot_grid import Edges, SlotGrid, within
from portal.domain.timetable import Span, TimeBlock, Timetable, part_within
from portal.domain.zones import period_text

# A request beyond this is refused before its days are counted.
LONGEST_REQUEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class AvailabilityDay:
    """One local day of an availability table: all its stretches in order, from midnight to midnight."""

    date: date
    stretches: list[TimeBlock]

    @property
    def steps(self) -> list[TimeBlock]:
        """The stretches that can be booked or could be, were they free."""
        return [stretch for stretch in self.stretches if stretch.is_step]


class Availability:
    """What is free of one offering. Building it costs O(n log n) in the obstacles.

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
        self._timetable = Timetable(schedule, zone, memo)
        self._track = ObstacleTimeline(obstacles)

    def steps(self, window: Period) -> list[Period]:
        """The steps wholly inside the window, whether somebody has them or not."""
        rows = (within(span.edges, window) for span in self._timetable.spans(window) if span.edges)
        return [Period(start, end) for row in rows for start, end in pairwise(row)]

    def spans(self, window: Period) -> Iterator[Span]:
        """The window as spans in order, without a gap or an overlap; neighbouring steps with one answer are one span.

        A step at the edge of the window is given whole; time that is no step is cut off there.
        """
        return (found for span in self._timetable.spans(window) for found in self._answered(span))

    def stretches(self, window: Period) -> list[TimeBlock]:
        """The same with each step by itself.

        Neighbouring time that is no step for the same reason is one stretch, also across midnight.
        """
        return list(self._stretches(window))

    def free(self, window: Period, duration: timedelta | None = None) -> list[Period]:
        """What can be booked wholly inside the window: the free steps, or for each free step that it can start with
        the shortest run of free steps without a gap that lasts at least `duration` (and the minimum duration).
        """
        return list(self._bookable(window, duration))

    def next_free(self, after: datetime, limit: datetime, duration: timedelta | None = None) -> Period | None:
        """The first of `free` that starts at or after `after` and ends by `limit`; None where there is none."""
        if limit <= after:
            return None
        return next(self._bookable(Period(after, limit), duration), None)

    def nearest(self, period: Period, within: timedelta, most: int = 3) -> list[Period]:
        """Up to `most` periods that can be booked, as long as this one, that start nearest to it; in order of time.

        They lie at most `within` before and after it; where they are cut into steps they may be a bit longer.
        """
        end = period.end + within
        found = list(islice(self._bookable(Period(period.start, end), period.duration), most))
        before: deque[Period] = deque(maxlen=most)
        for reach in (min(timedelta(days=1), within), within):
            earlier = self._bookable(Period(period.start - reach, end), period.duration)
            before = deque(takewhile(lambda it: it.start < period.start, earlier), maxlen=most)
            if len(before) == most:
                break
        return sorted(sorted((*before, *found), key=lambda it: abs(it.start - period.start))[:most])

    def offer(
        self, window: Period, duration: timedelta | None = None, until: datetime | None = None
    ) -> tuple[list[Period], list[TimeBlock]]:
        """The window as what can be booked (`free`) and, with reasons, the rest: every instant is in one of the two.

        A refused step at the edge of the window is given whole; of a free one that reaches beyond it, the part inside
        is refused, since it is no whole slot. `until` is where the answer ends, if that is before the window does (see
        `Timetable.reach`); what is offered before then may last longer.
        """
        until = until or window.end
        stretches = self._stretches(Period(window.start, until))
        slots: list[Period] = []
        against: dict[datetime, Refusal] = {}
        for run in takewhile(lambda it: it.start < until, self._runs(window, duration)):
            refusal = self._check(run)
            if refusal is None:
                slots.append(run)
            else:
                against[run.start] = refusal
        covered = merge(slots)
        ends = [it.end for it in covered]
        refused = []
        for stretch in stretches:
            if not stretch.is_free:
                refused.append(stretch)
                continue
            inside = bisect_right(ends, stretch.start)
            if inside < len(covered) and covered[inside].contains(stretch.period):
                continue
            part = part_within(stretch.period, window)
            refusal = self._check(part) if part == stretch.period else self.explain(part)
            refused.append(TimeBlock(part, True, refusal or against.get(stretch.start) or _too_little(part)))
        return slots, refused

    def explain(self, period: Period) -> Refusal | None:
        """Why a period can't be booked, or None where it can. For a step it is the reason that `stretches` gives."""
        first = min(self._hindrances(period), key=_rank, default=None)
        return self._refusal(first) if isinstance(first, Obstacle) else first

    def refusals(self, period: Period) -> Iterator[Refusal]:
        """What is against a period, the first to be told first; of obstacles that lie on each other only that one."""
        for it in sorted(dict.fromkeys(self._hindrances(period)), key=_rank):
            yield self._refusal(it) if isinstance(it, Obstacle) else it

    def _hindrances(self, period: Period) -> Iterator[Refusal | Obstacle]:
        if period.duration > LONGEST_REQUEST:
            yield Refusal(Code.TOO_LONG, f"A booking lasts at most {LONGEST_REQUEST.days} days.", period)
            return
        touched = list(self._timetable.spans(period))
        closed = [it.refusal for it in touched if it.refusal is not None]
        yield from closed
        whole = Period(touched[0].period.start, touched[-1].period.end)
        if not closed and whole != period:
            text = f"Choose whole slots: the nearest are {period_text(whole, self.zone)}."
            yield Refusal(Code.BOUNDARY, text, whole)
        yield from self._against(period)
        yield from self._track.across(period)

    def days(self, first: date, count: int) -> list[AvailabilityDay]:
        """`count` local days from `first`, each with all its stretches; none of them crosses midnight."""
        dates = [first + timedelta(days=number) for number in range(count)]
        return [AvailabilityDay(day, list(self._of_day(day))) for day in dates]

    def _of_day(self, day: date) -> Iterator[TimeBlock]:
        for span in self._timetable.day(day):
            for found in self._answered(span):
                yield from found.stretches

    def _stretches(self, window: Period) -> Iterator[TimeBlock]:
        last: TimeBlock | None = None
        for span in self.spans(window):
            for it in span.stretches:
                if last is not None and not last.is_step and not it.is_step and _alike(last.refusal, it.refusal):
                    last = TimeBlock(Period(last.start, it.end), False, last.refusal)
                    continue
                if last is not None:
                    yield last
                last = it
        if last is not None:
            yield last

    def _against(self, period: Period) -> Iterator[Refusal]:
        """What the checks say against a period."""
        return (refusal for check in self.checks if (refusal := check(period)) is not None)

    def _check(self, period: Period) -> Refusal | None:
        return min(self._against(period), key=lambda it: RANK[it.code], default=None)

    def _bookable(self, window: Period, duration: timedelta | None) -> Iterator[Period]:
        """The runs in the window against which no check speaks."""
        runs = self._runs(window, duration)
        run = next(runs, None)
        while run is not None:
            refusals = list(self._against(run))
            if not refusals:
                yield run
            try:
                run = runs.send(max((it.until for it in refusals if it.until), default=None))
            except StopIteration:
                return

    def _runs(self, window: Period, duration: timedelta | None) -> Generator[Period, datetime | None]:
        """The runs of free steps in the window that last long enough, in order.

        What is sent is an instant: runs as long as the last one that start before it are left out.
        """
        lengths = [length for length in (duration, self.shortest) if length is not None]
        length = max(lengths, default=timedelta())
        refused_until = window.start
        # Free steps without a gap between them, from the one that the next run starts with.
        row: deque[Edges] = deque()
        for edges in self._free_edges(window, length):
            if row and row[-1][-1] != edges[0]:
                row.clear()
            row.append(edges)
            while row and row[0][0] + length <= edges[-1]:
                start = row[0][0]
                # But for the nights in which clocks change all runs are equally long.
                if start < refused_until and all(isinstance(it, SlotGrid) for it in row):
                    passed = min(bisect_left(row[0], refused_until), bisect_right(row[0], edges[-1] - length))
                else:
                    end = edges[max(bisect_left(edges, start + length), bisect_right(edges, start))]
                    refused_until = max((yield Period(start, end)) or refused_until, refused_until)
                    passed = 1
                row[0] = row[0][passed:]
                if len(row[0]) < 2:
                    row.popleft()

    def _free_edges(self, window: Period, length: timedelta) -> Iterator[Edges]:
        """The free steps in the window, as rows in order; time that is shorter than `length` is passed over."""
        for gap in self._track.gaps(window):
            if gap.duration >= length:
                for span in self._timetable.open_spans(gap, length):
                    if row := within(span.edges, gap):
                        yield row

    def _answered(self, span: Span) -> Iterator[Span]:
        """A span of the schedule with the steps that an obstacle touches refused."""
        edges = span.edges
        if not edges:
            yield span
        first = 0
        while first < len(edges) - 1:
            piece = self._track.after(edges[first])
            obstacle: Obstacle | None = None
            if piece is None:
                last = len(edges) - 1
            elif piece.period.start >= edges[first + 1]:
                last = bisect_right(edges, piece.period.start) - 1
            elif piece.period.start <= edges[first] and edges[first + 1] <= piece.period.end:
                last = bisect_right(edges, piece.period.end) - 1
                obstacle = piece.obstacle
            else:
                last = first + 1
                obstacle = self._track.first(Period(edges[first], edges[last]))
            row = edges[first : last + 1]
            yield Span(Period(row[0], row[-1]), row, self._refusal(obstacle) if obstacle else None)
            first = last

    def _refusal(self, obstacle: Obstacle) -> Refusal:
        text = obstacle.text or reason_text(obstacle.code, mine=obstacle.mine)
        if "{period}" in text:
            text = text.replace("{period}", period_text(obstacle.period, self.zone))
        return Refusal(obstacle.code, text, obstacle.period, obstacle.mine)


def _rank(it: Refusal | Obstacle) -> tuple[int, Period]:
    return RANK[it.code], it.period


def _too_little(period: Period) -> Refusal:
    return Refusal(Code.TOO_SHORT, "Free, but not for as long as was asked for.", period)


def _alike(one: Refusal | None, other: Refusal | None) -> bool:
    return one is not None and other is not None and (one.code, one.text) == (other.code, other.text)
