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

from itertools import pairwise

from portal.domain.periods import Period, merge
from portal.domain.schedules import LONGEST_SLOT, Config
from portal.domain.zones import LocalDay


def boundaries_of(config: Config) -> list[int]:
    """The wall-clock times, in seconds since midnight, at which steps begin and end."""
    if config.slot >= LONGEST_SLOT:
        return [config.opens, config.closes]
    return list(range(config.opens, config.closes + 1, int(config.slot.total_seconds())))


def open_times(local: LocalDay, config: Config) -> list[Period]:
    """When the clocks of the day show business hours: once, but for days on which they show an hour twice."""
    edges = {local.period.start, local.period.end, *local.instants(config.opens), *local.instants(config.closes)}
    if local.change is not None:
        edges.add(local.change)
    inside = sorted(edge for edge in edges if local.period.start <= edge <= local.period.end)
    return merge(
        Period(start, end) for start, end in pairwise(inside) if config.opens <= local.seconds(start) < config.closes
    )


def steps_of(
    local: LocalDay, config: Config, boundaries: list[int], opening: list[Period], usable: list[Period]
) -> list[Period]:
    """The steps of a day, in order.

    `boundaries` are `boundaries_of(config)` and `opening` is `open_times(local, config)`, computed once by the
    caller; `usable` is the part of `opening` that the schedule covers, as `merge` gives it.
    """
    if config.slot >= LONGEST_SLOT:
        return [period for period in opening if period in usable]
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
