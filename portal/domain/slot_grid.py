"""How the time of an offering is cut into steps.

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
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import overload

from portal.domain.periods import Period, merge
from portal.domain.schedules import LONGEST_SLOT, Config
from portal.domain.zones import DAY_SECONDS, LocalDay

# The edges of neighbouring steps, in order: each step lasts from one edge to the next.
Edges = Sequence[datetime]


class SlotGrid(Sequence[datetime]):
    """Edges that are equally far apart. None of them is made before it is asked for, so a long row costs nothing."""

    __slots__ = ("_count", "slot", "start")

    def __init__(self, start: datetime, slot: timedelta, count: int) -> None:
        self.start = start
        self.slot = slot
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> datetime: ...
    @overload
    def __getitem__(self, index: slice) -> SlotGrid: ...
    def __getitem__(self, index: int | slice) -> datetime | SlotGrid:
        if isinstance(index, slice):
            first, last, _ = index.indices(self._count)
            return SlotGrid(self.start + first * self.slot, self.slot, max(0, last - first))
        if index < 0:
            index += self._count
        if not 0 <= index < self._count:
            raise IndexError(index)
        return self.start + index * self.slot


def within(edges: Edges, period: Period) -> Edges:
    """The edges that lie in a period, its end included; empty where no step lies wholly in it."""
    if edges[0] >= period.start and edges[-1] <= period.end:
        return edges
    found = edges[bisect_left(edges, period.start) : bisect_right(edges, period.end)]
    return found if len(found) > 1 else ()


def edges_touching(edges: Edges, period: Period) -> Edges:
    """The edges of the steps that a period touches; empty where it touches none."""
    first = max(0, bisect_right(edges, period.start) - 1)
    found = edges[first : bisect_left(edges, period.end) + 1]
    return found if len(found) > 1 else ()


def business_hours(local: LocalDay, config: Config) -> list[Period]:
    """When the clocks of the day show business hours: once, but for days on which they show an hour twice."""
    edges = {local.period.start, local.period.end, *local.instants(config.opens), *local.instants(config.closes)}
    if local.change is not None:
        edges.add(local.change)
    inside = sorted(edge for edge in edges if local.period.start <= edge <= local.period.end)
    return merge(
        Period(start, end) for start, end in pairwise(inside) if config.opens <= local.seconds(start) < config.closes
    )


def slots_of_day(local: LocalDay, config: Config, opening: list[Period], usable: list[Period]) -> list[Edges]:
    """The steps of a day, in order, as rows without a gap.

    `opening` is `open_times(local, config)`; `usable` is the part of it that the schedule covers, as `merge` gives it.
    """
    if config.slot >= LONGEST_SLOT:
        return [(period.start, period.end) for period in opening if period in usable]
    edges = _edges_of(local, config)
    return [row for part in usable if len(edges) > 1 and (row := within(edges, part))]


def _edges_of(local: LocalDay, config: Config) -> Edges:
    """Where the clocks of the day show the opening time plus a whole multiple of the slot duration."""
    seconds = int(config.slot.total_seconds())
    if local.change is None and local.period.duration.total_seconds() == DAY_SECONDS:
        start = local.period.start + timedelta(seconds=config.opens)
        return SlotGrid(start, config.slot, (config.closes - config.opens) // seconds + 1)
    boundaries = range(config.opens, config.closes + 1, seconds)
    return sorted({instant for it in boundaries for instant in local.instants(it)})
