"""Periods of time: half-open [start, end), in UTC, never empty."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.domain.instants import as_utc


class PeriodError(ValueError):
    """The end is not after the start, or one of them has no time zone."""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The instants from `start` up to, but not including, `end`.

    Both are converted to UTC: Python compares datetimes of one zone by local time, which is wrong when the offset
    changes. Raises PeriodError if one is naive, or if `end` is not after `start`.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        try:
            start, end = as_utc(self.start), as_utc(self.end)
        except ValueError:
            raise PeriodError("The start and the end of a period need a time zone.") from None
        if end <= start:
            raise PeriodError("A period must end after it starts.")
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "end", end)

    @property
    def duration(self) -> timedelta:
        """The elapsed time between start and end."""
        return self.end - self.start

    def overlaps(self, other: Period) -> bool:
        """Whether at least one instant is in both. Periods that only touch do not overlap."""
        return self.start < other.end and other.start < self.end

    def contains(self, other: Period) -> bool:
        """Whether every instant of the other is in this one."""
        return self.start <= other.start and other.end <= self.end

    def contains_instant(self, instant: datetime) -> bool:
        """Whether an instant is in the period (the start is, the end is not)."""
        return self.start <= instant < self.end

    def intersection(self, other: Period) -> Period | None:
        """The instants that are in both, or None."""
        if not self.overlaps(other):
            return None
        return Period(max(self.start, other.start), min(self.end, other.end))


def merge(periods: Iterable[Period]) -> list[Period]:
    """The union as the fewest periods, in order. Touching periods become one."""
    merged: list[Period] = []
    for period in sorted(periods):
        if merged and period.start <= merged[-1].end:
            if period.end > merged[-1].end:
                merged[-1] = Period(merged[-1].start, period.end)
        else:
            merged.append(period)
    return merged


def intersect(periods: Iterable[Period], others: Iterable[Period]) -> list[Period]:
    """The time that is in one of the periods and in one of the others, merged."""
    shared: list[Period] = []
    left, right = merge(periods), merge(others)
    i = j = 0
    while i < len(left) and j < len(right):
        part = left[i].intersection(right[j])
        if part is not None:
            shared.append(part)
        if left[i].end <= right[j].end:
            i += 1
        else:
            j += 1
    return shared


def subtract(periods: Iterable[Period], holes: Iterable[Period]) -> list[Period]:
    """The time that is in one of the periods and in none of the holes, merged."""
    left: list[Period] = []
    cuts = merge(holes)
    first = 0
    for period in merge(periods):
        at = period.start
        while first < len(cuts) and cuts[first].end <= at:
            first += 1
        while first < len(cuts) and cuts[first].start < period.end:
            cut = cuts[first]
            if cut.start > at:
                left.append(Period(at, cut.start))
            at = max(at, cut.end)
            if cut.end > period.end:
                break  # the next period may be cut by this one too
            first += 1
        if at < period.end:
            left.append(Period(at, period.end))
    return left


def total(periods: Iterable[Period]) -> timedelta:
    """The time covered by the periods; overlaps count once."""
    return sum((period.duration for period in merge(periods)), timedelta())
