"""Why a time is not free: the codes, their words, and the obstacles that take time away."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from heapq import heappop, heappush
from itertools import pairwise

from portal.domain.periods import Period

# Time that availability looks at; a schedule may say "until the year 9999", where calendars end.
ALL_TIME = Period(datetime(1970, 1, 2, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC))


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


RANK = {code: rank for rank, code in enumerate(Code)}
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
_OWN_TEXTS = {
    Code.BOOKED: "You have booked this: {period}.",
    Code.REQUESTED: "You have requested this: {period}.",
}


def reason_text(code: Code, *, mine: bool = False) -> str:
    """The usual words for a code; "{period}" in them stands for the period that is in the way."""
    return (_OWN_TEXTS.get(code) if mine else None) or _TEXTS.get(code, "Not available.")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a time is not free. `text` is for people; `period` is what stands there (the rival, the closed time).

    `until`: what refuses this period refuses every other one that is as long and begins before then.
    """

    code: Code
    text: str
    period: Period
    mine: bool = False
    until: datetime | None = None

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


# What depends on a whole request: its length, who asks, how much they have. None where nothing is wrong.
Check = Callable[[Period], Refusal | None]


def past_obstacle(now: datetime) -> Obstacle:
    """Everything before the present instant. A step that has begun is past as well."""
    return Obstacle(Period(ALL_TIME.start, now), Code.PAST)


@dataclass(frozen=True, slots=True)
class ObstaclePiece:
    """Time of which one obstacle is told."""

    period: Period
    obstacle: Obstacle


class ObstacleTimeline:
    """Obstacles laid on one line: at each instant the one that is told first, so that a search is a bisection."""

    __slots__ = ("_ends", "_pieces")

    def __init__(self, obstacles: Iterable[Obstacle]) -> None:
        waiting = sorted(obstacles, key=lambda it: it.period.start, reverse=True)
        points = sorted({edge for it in waiting for edge in (it.period.start, it.period.end)})
        self._pieces: list[ObstaclePiece] = []
        live: list[tuple[int, datetime, int, Obstacle]] = []
        for at, until in pairwise(points):
            while waiting and waiting[-1].period.start <= at:
                entering = waiting.pop()
                heappush(live, (RANK[entering.code], entering.period.start, len(waiting), entering))
            while live and live[0][3].period.end <= at:
                heappop(live)
            if live:
                told, last = live[0][3], self._pieces[-1] if self._pieces else None
                if last is not None and last.obstacle is told and last.period.end == at:
                    self._pieces[-1] = ObstaclePiece(Period(last.period.start, until), told)
                else:
                    self._pieces.append(ObstaclePiece(Period(at, until), told))
        self._ends = [piece.period.end for piece in self._pieces]

    def after(self, instant: datetime) -> ObstaclePiece | None:
        """The first piece that ends after an instant; None where there is none."""
        index = bisect_right(self._ends, instant)
        return self._pieces[index] if index < len(self._pieces) else None

    def gaps(self, window: Period) -> Iterator[Period]:
        """The parts of the window in which there is no obstacle, in order."""
        at = window.start
        for piece in self._touching(window):
            if piece.period.start > at:
                yield Period(at, piece.period.start)
            at = piece.period.end
        if at < window.end:
            yield Period(at, window.end)

    def across(self, period: Period) -> Iterator[Obstacle]:
        """The obstacles that stand out somewhere in the period, in order of time; one may come several times."""
        return (piece.obstacle for piece in self._touching(period))

    def first(self, period: Period) -> Obstacle | None:
        """Of the obstacles in the period the one to tell, or None."""
        return min(self.across(period), key=lambda it: (RANK[it.code], it.period), default=None)

    def _touching(self, period: Period) -> Iterator[ObstaclePiece]:
        for index in range(bisect_right(self._ends, period.start), len(self._pieces)):
            if self._pieces[index].period.start >= period.end:
                return
            yield self._pieces[index]
