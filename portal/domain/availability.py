"""The availability of an offering: free slots, and the reason why other time cannot be booked.

Pages, the API and the booking service all use this module. Every instant of a window belongs to exactly one block: a
free slot, a refused slot, or time outside slots. Bookings, closures, notice and the like are `Obstacle`s; a `Check`
depends on the whole period or on the user. `portal.domain.slot_grid` defines how days are divided into slots.

The cost of a search grows with the days and obstacles it passes, not with the number of slots.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Generator, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

from portal.domain.messages import Message
from portal.domain.periods import Period, merge
from portal.domain.refusals import ALL_TIME, RANK, Check, Code, Obstacle, ObstacleTimeline, Refusal, reason_text
from portal.domain.schedules import Schedule
from portal.domain.slot_grid import Edges, SlotGrid, within
from portal.domain.timetable import Span, TimeBlock, Timetable, part_within
from portal.domain.zones import period_text

# Longer requests are refused at once.
LONGEST_REQUEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class AvailabilityDay:
    """One local day: all its blocks in order, from midnight to midnight (see `Availability.days`)."""

    date: date
    blocks: list[TimeBlock]

    @property
    def slots(self) -> list[TimeBlock]:
        """The slots, free or refused."""
        return [block for block in self.blocks if block.is_slot]


class Availability:
    """The availability of one offering. Building it costs O(n log n) in the obstacles.

    `zone` is the offering's time zone. `obstacles` may overlap, in any order, and must include those that touch the
    windows queried. `checks` apply to whole periods. `shortest` is the minimum duration (also one of the checks).
    `cache_key` identifies this schedule and zone in the cache of days (None: not cached).
    """

    def __init__(
        self,
        schedule: Schedule,
        zone: ZoneInfo,
        obstacles: Iterable[Obstacle] = (),
        checks: Sequence[Check] = (),
        shortest: timedelta | None = None,
        cache_key: Hashable = None,
    ) -> None:
        self.schedule = schedule
        self.zone = zone
        self.checks = checks
        self.shortest = shortest
        self._timetable = Timetable(schedule, zone, cache_key)
        self._track = ObstacleTimeline(obstacles)

    def slots(self, window: Period) -> list[Period]:
        """The slots wholly inside the window, free or not."""
        rows = (within(span.edges, window) for span in self._timetable.spans(window) if span.edges)
        return [Period(start, end) for row in rows for start, end in pairwise(row)]

    def spans(self, window: Period) -> Iterator[Span]:
        """The window as spans in order, without gap or overlap; neighbouring slots with the same status are one span.

        A slot at the edge of the window is included whole; other time is cut off there.
        """
        return (found for span in self._timetable.spans(window) for found in self._with_obstacles(span))

    def blocks(self, window: Period) -> list[TimeBlock]:
        """The same with each slot on its own.

        Neighbouring closed time with the same reason is one block, also across midnight.
        """
        return list(self._blocks(window))

    def free(self, window: Period, duration: timedelta | None = None) -> list[Period]:
        """What can be booked wholly inside the window: for each free slot, the shortest run of consecutive free slots
        from there that lasts at least `duration` and the minimum duration (without either: the slot itself).
        """
        return list(self._bookable(window, duration))

    def next_free(self, after: datetime, limit: datetime, duration: timedelta | None = None) -> Period | None:
        """The first of `free` that starts at or after `after` and ends by `limit`; None where there is none."""
        if limit <= after:
            return None
        return next(self._bookable(Period(after, limit), duration), None)

    def nearest(self, period: Period, within: timedelta, most: int = 3) -> list[Period]:
        """Up to `most` periods that can be booked, as long as this one, that start nearest to it; in order of time.

        They lie at most `within` before and after it, and are rounded up to whole slots.
        """
        end = period.end + within
        found = list(islice(self._bookable(Period(period.start, end), period.duration), most))
        before: deque[Period] = deque(maxlen=most)
        for distance in (min(timedelta(days=1), within), within):
            earlier = self._bookable(Period(period.start - distance, end), period.duration)
            before = deque(takewhile(lambda it: it.start < period.start, earlier), maxlen=most)
            if len(before) == most:
                break
        return sorted(sorted((*before, *found), key=lambda it: abs(it.start - period.start))[:most])

    def bookable_and_refused(
        self, window: Period, duration: timedelta | None = None, until: datetime | None = None
    ) -> tuple[list[Period], list[TimeBlock]]:
        """The window as what can be booked (see `free`) and the rest, refused with reasons.

        A refused slot at the edge of the window is included whole. If a free slot extends beyond the window, the part
        inside is refused, since it is not a whole slot. `until` limits the result to what starts before it.
        """
        until = until or window.end
        blocks = self._blocks(Period(window.start, until))
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
        for block in blocks:
            if not block.is_free:
                refused.append(block)
                continue
            inside = bisect_right(ends, block.start)
            if inside < len(covered) and covered[inside].contains(block.period):
                continue
            part = part_within(block.period, window)
            refusal = self._check(part) if part == block.period else self.explain(part)
            refused.append(TimeBlock(part, True, refusal or against.get(block.start) or _too_short(part)))
        return slots, refused

    def explain(self, period: Period) -> Refusal | None:
        """Why a period can't be booked, or None where it can. For a step it is the reason that `blocks` gives."""
        first = min(self._reasons(period), key=_rank, default=None)
        return self._refusal(first) if isinstance(first, Obstacle) else first

    def refusals(self, period: Period) -> Iterator[Refusal]:
        """Every reason against a period, by rank; of overlapping obstacles only the first."""
        for it in sorted(dict.fromkeys(self._reasons(period)), key=_rank):
            yield self._refusal(it) if isinstance(it, Obstacle) else it

    def _reasons(self, period: Period) -> Iterator[Refusal | Obstacle]:
        if period.duration > LONGEST_REQUEST:
            yield Refusal(
                Code.TOO_LONG, Message("A booking lasts at most %(number)s days.", number=LONGEST_REQUEST.days), period
            )
            return
        touched = list(self._timetable.spans(period))
        closed = [it.refusal for it in touched if it.refusal is not None]
        yield from closed
        whole = Period(touched[0].period.start, touched[-1].period.end)
        if not closed and whole != period:
            text = Message("Book whole slots. Nearest: %(period)s.", period=period_text(whole, self.zone))
            yield Refusal(Code.BOUNDARY, text, whole)
        yield from self._check_refusals(period)
        yield from self._track.across(period)

    def days(self, first: date, count: int) -> list[AvailabilityDay]:
        """`count` local days from `first`, each with all its blocks.

        A slot that crosses midnight is in the day on which it starts, or in `first`.
        """
        found: list[AvailabilityDay] = []
        end = ALL_TIME.start
        for number in range(count):
            day = first + timedelta(days=number)
            blocks = [it for it in self._of_day(day) if it.start >= end]
            end = blocks[-1].end if blocks else end
            found.append(AvailabilityDay(day, blocks))
        return found

    def _of_day(self, day: date) -> Iterator[TimeBlock]:
        for span in self._timetable.day(day):
            for found in self._with_obstacles(span):
                yield from found.blocks

    def _blocks(self, window: Period) -> Iterator[TimeBlock]:
        last: TimeBlock | None = None
        for span in self.spans(window):
            for it in span.blocks:
                if last is not None and not last.is_slot and not it.is_slot and _alike(last.refusal, it.refusal):
                    last = TimeBlock(Period(last.start, it.end), False, last.refusal)
                    continue
                if last is not None:
                    yield last
                last = it
        if last is not None:
            yield last

    def _check_refusals(self, period: Period) -> Iterator[Refusal]:
        """The refusals of the checks."""
        return (refusal for check in self.checks if (refusal := check(period)) is not None)

    def _check(self, period: Period) -> Refusal | None:
        return min(self._check_refusals(period), key=lambda it: RANK[it.code], default=None)

    def _bookable(self, window: Period, duration: timedelta | None) -> Iterator[Period]:
        """The runs in the window that pass every check."""
        runs = self._runs(window, duration)
        run = next(runs, None)
        while run is not None:
            refusals = list(self._check_refusals(run))
            if not refusals:
                yield run
            try:
                run = runs.send(max((it.until for it in refusals if it.until), default=None))
            except StopIteration:
                return

    def _runs(self, window: Period, duration: timedelta | None) -> Generator[Period, datetime | None]:
        """The runs of free slots in the window that last long enough, in order.

        The caller may send an instant: runs that start before it are skipped.
        """
        lengths = [length for length in (duration, self.shortest) if length is not None]
        length = max(lengths, default=timedelta())
        refused_until = window.start
        # Consecutive free slots, from the one that the next run starts with.
        row: deque[Edges] = deque()
        for edges in self._free_edges(window, length):
            if row and row[-1][-1] != edges[0]:
                row.clear()
            row.append(edges)
            while row and row[0][0] + length <= edges[-1]:
                start = row[0][0]
                # All runs are equally long, except where the offset from UTC changes.
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
        """The free slots in the window, as rows in order; gaps shorter than `length` are skipped."""
        for gap in self._track.gaps(window):
            if gap.duration >= length:
                for span in self._timetable.open_spans(gap, length):
                    if row := within(span.edges, gap):
                        yield row

    def _with_obstacles(self, span: Span) -> Iterator[Span]:
        """A span of the schedule, with the slots that an obstacle touches refused."""
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
        template = obstacle.text or reason_text(obstacle.code, mine=obstacle.mine)
        params = dict(obstacle.params)
        if "%(period)s" in template:
            params["period"] = period_text(obstacle.period, self.zone)
        return Refusal(obstacle.code, Message(template, **params), obstacle.period, obstacle.mine)


def _rank(it: Refusal | Obstacle) -> tuple[int, Period]:
    return RANK[it.code], it.period


def _too_short(period: Period) -> Refusal:
    return Refusal(Code.TOO_SHORT, Message("Free, but not for the requested duration."), period)


def _alike(one: Refusal | None, other: Refusal | None) -> bool:
    return one is not None and other is not None and (one.code, one.text) == (other.code, other.text)
