"""Why a time is not free: codes, their texts, and obstacles."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from heapq import heappop, heappush
from itertools import pairwise

from portal.domain.messages import N_
from portal.domain.periods import Period

# Availability is limited to this time: a schedule may end in the year 9999, where datetime ends.
ALL_TIME = Period(datetime(1970, 1, 2, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC))


class Code(StrEnum):
    """Why something is not free. If several apply, the first one in this order is reported."""

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
# The time is occupied by another booking. All other codes are broken rules.
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
    Code.OUTSIDE_SCHEDULE: N_("The offering is not available at this time."),
    Code.WEEKEND: N_("Closed at weekends."),
    Code.PAST: N_("This time has already begun or has passed."),
    Code.CLOSURE: N_("Closed: %(period)s."),
    Code.TOO_SOON: N_("Too soon to be booked."),
    Code.TOO_LATE: N_("Too far ahead to be booked."),
    Code.TOO_SHORT: N_("Too short."),
    Code.TOO_LONG: N_("Too long."),
    Code.QUOTA: N_("You have booked as much as one person may."),
    Code.BOOKED: N_("Already booked: %(period)s."),
    Code.REQUESTED: N_("Held by a request that has not been answered yet: %(period)s."),
    Code.BUSY: N_("Blocked in the offering’s calendar: %(period)s."),
    Code.BUFFER: N_("Kept free next to another booking: %(period)s."),
}
_OWN_TEXTS = {
    Code.BOOKED: N_("You have booked this: %(period)s."),
    Code.REQUESTED: N_("You have requested this: %(period)s."),
}


def reason_text(code: Code, *, mine: bool = False) -> str:
    """The default template of a code; its parameter `period` is the period of the obstacle."""
    return (_OWN_TEXTS.get(code) if mine else None) or _TEXTS.get(code, N_("Not available."))


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a time is not free. `text` is for users; `period` is that of the other booking, closure and so on.

    `until`: every period of this length that begins before then is refused for the same reason.
    """

    code: Code
    text: str
    period: Period
    mine: bool = False
    until: datetime | None = None

    @property
    def is_conflict(self) -> bool:
        """Whether another booking occupies the time (409), as opposed to a broken rule (400)."""
        return self.code in CONFLICTS

    @property
    def state(self) -> str:
        """The state for display: mine, booked, requested, busy, past, soon, late or closed."""
        return MINE if self.mine else _STATES.get(self.code, CLOSED)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Time that cannot be booked. `mine`: because of the reader's own booking or request.

    `text` is a template (portal.domain.messages) that replaces the default one of the code. Its parameters are `params`
    and `period`, the period in the offering's time zone.
    """

    period: Period
    code: Code
    text: str = ""
    mine: bool = False
    params: tuple[tuple[str, str], ...] = ()


# A check of a whole period, such as its length or the user's quota. None if it passes.
Check = Callable[[Period], Refusal | None]


def past_obstacle(now: datetime) -> Obstacle:
    """Everything before `now`. A slot that has begun is past as well."""
    return Obstacle(Period(ALL_TIME.start, now), Code.PAST)


@dataclass(frozen=True, slots=True)
class ObstaclePiece:
    """A period and the obstacle that is reported for it."""

    period: Period
    obstacle: Obstacle


class ObstacleTimeline:
    """Obstacles without overlap: for each instant the one that is reported, for bisection."""

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
                current, last = live[0][3], self._pieces[-1] if self._pieces else None
                if last is not None and last.obstacle is current and last.period.end == at:
                    self._pieces[-1] = ObstaclePiece(Period(last.period.start, until), current)
                else:
                    self._pieces.append(ObstaclePiece(Period(at, until), current))
        self._ends = [piece.period.end for piece in self._pieces]

    def after(self, instant: datetime) -> ObstaclePiece | None:
        """The first piece that ends after an instant, or None."""
        index = bisect_right(self._ends, instant)
        return self._pieces[index] if index < len(self._pieces) else None

    def gaps(self, window: Period) -> Iterator[Period]:
        """The parts of the window without an obstacle, in order."""
        at = window.start
        for piece in self._touching(window):
            if piece.period.start > at:
                yield Period(at, piece.period.start)
            at = piece.period.end
        if at < window.end:
            yield Period(at, window.end)

    def across(self, period: Period) -> Iterator[Obstacle]:
        """The obstacles reported within the period, in order of time; one may occur several times."""
        return (piece.obstacle for piece in self._touching(period))

    def first(self, period: Period) -> Obstacle | None:
        """The obstacle in the period that is reported, or None."""
        return min(self.across(period), key=lambda it: (RANK[it.code], it.period), default=None)

    def _touching(self, period: Period) -> Iterator[ObstaclePiece]:
        for index in range(bisect_right(self._ends, period.start), len(self._pieces)):
            if self._pieces[index].period.start >= period.end:
                return
            yield self._pieces[index]
