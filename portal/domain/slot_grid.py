"""The division of an offering's time into slots.

Schedule entries are instants; business hours, weekdays and slots are local, in the offering's time zone. Waldur leaves
this to the browser and stores no time zone; here:

* Each local day is divided on its own. Boundaries are businessHours.startTime plus multiples of slotDuration, up to
  endTime. They do not depend on the start of an entry, which Waldur moves to the present in every response.
* A slot lies between two consecutive boundaries, wholly inside the schedule and the business hours. Remainders before
  closing time or at the edges of an entry are not offered.
* When clocks go forward, boundaries in the skipped hour are at the instant of the change. When they go back, a boundary
  that occurs twice counts twice. So slots never overlap or leave gaps, and local times stay the same; only slots of
  that night are shorter or longer than slotDuration (00:00–08:00 lasts 7 or 9 hours).
* A slotDuration of 24 hours means the whole business day, however long.
* `weekends: false` closes Saturday and Sunday, `daysOfWeek` all days that are not listed.
* Business hours that end on the next day (22:00-06:00) belong to the day on which they begin: Friday's night is open
  until Saturday 06:00 although Saturday is closed. Such days are divided from closing time to closing time.
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

# The edges of consecutive slots: each slot lasts from one edge to the next.
Edges = Sequence[datetime]


class SlotGrid(Sequence[datetime]):
    """Equidistant edges, computed on access, so that a long row costs nothing."""

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
    """The edges within a period, including its end; empty if no slot lies wholly in it."""
    if edges[0] >= period.start and edges[-1] <= period.end:
        return edges
    found = edges[bisect_left(edges, period.start) : bisect_right(edges, period.end)]
    return found if len(found) > 1 else ()


def edges_touching(edges: Edges, period: Period) -> Edges:
    """The edges of the slots that a period touches; empty if it touches none."""
    first = max(0, bisect_right(edges, period.start) - 1)
    found = edges[first : bisect_left(edges, period.end) + 1]
    return found if len(found) > 1 else ()


def business_hours(local: LocalDay, config: Config) -> list[Period]:
    """The business hours of a day; several periods if clocks go back in between."""
    if config.closes - config.opens == DAY_SECONDS:
        return [local.period]
    edges = {local.period.start, local.period.end, *local.instants(config.opens), *local.instants(config.closes)}
    if local.change is not None:
        edges.add(local.change)
    inside = sorted(edge for edge in edges if local.period.start <= edge <= local.period.end)
    return merge(
        Period(start, end) for start, end in pairwise(inside) if config.opens <= local.seconds(start) < config.closes
    )


def slots_of_day(local: LocalDay, config: Config, opening: list[Period], usable: list[Period]) -> list[Edges]:
    """The slots of a day, in order, as rows without gaps.

    `opening` are the `business_hours` of the day, `usable` the parts of them that the schedule covers, merged.
    """
    if config.slot >= LONGEST_SLOT:
        return [(period.start, period.end) for period in opening if period in usable]
    edges = _edges_of(local, config)
    return [row for part in usable if len(edges) > 1 and (row := within(edges, part))]


def _edges_of(local: LocalDay, config: Config) -> Edges:
    """The instants of the business day at opening time plus multiples of the slot duration."""
    seconds = int(config.slot.total_seconds())
    if local.change is None and local.period.duration.total_seconds() == DAY_SECONDS:
        start = local.period.start + timedelta(seconds=config.opens - local.turn)
        return SlotGrid(start, config.slot, (config.closes - config.opens) // seconds + 1)
    boundaries = range(config.opens, config.closes + 1, seconds)
    return sorted({instant for it in boundaries for instant in local.instants(it)})
