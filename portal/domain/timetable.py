"""The slots and closed times of an offering by its schedule and business hours alone, by local days.

A span has its slots as edges that are computed on access, so a day costs the same with long and short slots.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterator, MutableMapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from threading import Lock
from zoneinfo import ZoneInfo

from cachetools import LRUCache

from portal.domain.messages import Message
from portal.domain.periods import Period, PeriodError, intersect, subtract
from portal.domain.refusals import ALL_TIME, FREE, Code, Refusal, reason_text
from portal.domain.schedules import TOO_SHORT, WEEKEND, Schedule
from portal.domain.slot_grid import Edges, business_hours, edges_touching, slots_of_day
from portal.domain.zones import LocalDay, local_date

_CLOSED_NIGHTS = (
    Message("Closed in the night from Sunday to Monday."),
    Message("Closed in the night from Monday to Tuesday."),
    Message("Closed in the night from Tuesday to Wednesday."),
    Message("Closed in the night from Wednesday to Thursday."),
    Message("Closed in the night from Thursday to Friday."),
    Message("Closed in the night from Friday to Saturday."),
    Message("Closed in the night from Saturday to Sunday."),
)
_CLOSED_DAYS = (
    Message("Closed on Sundays."),
    Message("Closed on Mondays."),
    Message("Closed on Tuesdays."),
    Message("Closed on Wednesdays."),
    Message("Closed on Thursdays."),
    Message("Closed on Fridays."),
    Message("Closed on Saturdays."),
)

# Cached spans of all schedules together: about 8 MB.
MAX_CACHED = 20_000


@dataclass(frozen=True, slots=True)
class TimeBlock:
    """A slot (`is_slot`), free or refused, or time outside slots; in UTC."""

    period: Period
    is_slot: bool
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
        """Why it can't be booked, as text; "" if it can."""
        return "" if self.refusal is None else self.refusal.text


@dataclass(frozen=True, slots=True)
class Span:
    """Consecutive slots with the same status (`edges`), or time outside slots (without edges)."""

    period: Period
    edges: Edges = ()
    refusal: Refusal | None = None

    @property
    def is_slot(self) -> bool:
        return bool(self.edges)

    @property
    def blocks(self) -> Iterator[TimeBlock]:
        """Its slots one by one, or one block of time outside slots."""
        if not self.edges:
            yield TimeBlock(self.period, False, self.refusal)
        for start, end in pairwise(self.edges):
            yield TimeBlock(Period(start, end), True, self.refusal)


Days = MutableMapping[tuple[Hashable, date], list[Span]]
# The latest days, by a key for schedule and time zone, and the date. (The cache refuses items larger than its size.)
_shared_days: Days = LRUCache(MAX_CACHED, getsizeof=lambda spans: min(len(spans), MAX_CACHED))
_lock = Lock()


class Timetable:
    """The days of one schedule in a time zone. `key` identifies both in the shared cache (None: not cached)."""

    def __init__(self, schedule: Schedule, zone: ZoneInfo, key: Hashable = None) -> None:
        self.schedule = schedule
        self.zone = zone
        self._turn = schedule.config.turn
        self._key = key
        self._days: Days = {} if key is None else _shared_days
        self._periods = intersect(schedule.periods, [ALL_TIME])
        self._ends = [period.end for period in self._periods]

    def spans(self, window: Period) -> Iterator[Span]:
        """The spans of the window in order, without gaps: slots whole, other time cut off at the edges."""
        known = window.intersection(ALL_TIME)
        if known is None:
            yield _closed(window, Code.OUTSIDE_SCHEDULE)
            return
        if window.start < known.start:
            yield _closed(Period(window.start, known.start), Code.OUTSIDE_SCHEDULE)
        for local in _days(known, self.zone, self._turn):
            for span in self._touched(self._spans_of(local), known):
                if span.edges:
                    row = edges_touching(span.edges, known)
                    yield Span(Period(row[0], row[-1]), row)
                else:
                    yield Span(part_within(span.period, known), (), span.refusal)
        if known.end < window.end:
            yield _closed(Period(known.end, window.end), Code.OUTSIDE_SCHEDULE)

    def end_of_first(self, window: Period, most: int) -> datetime:
        """The end of the first `most` slots and closed times in the window; its own end if it has no more."""
        for span in self.spans(window):
            number = max(len(span.edges) - 1, 1)
            if number > most:
                return span.edges[most] if most else span.period.start
            most -= number
        return window.end

    def open_spans(self, window: Period, shortest: timedelta) -> Iterator[Span]:
        """The spans of slots that the window touches, whole.

        Days outside the schedule, and parts of it in the window that are shorter than `shortest`, are skipped.
        """
        last: date | None = None
        for period in self._offered(window):
            part = part_within(period, window)
            if part.duration < shortest:
                continue
            for local in _days(part, self.zone, self._turn):
                # Two entries may meet in one day.
                if last is None or local.date > last:
                    last = local.date
                    yield from (span for span in self._touched(self._spans_of(local), window) if span.edges)

    def day(self, day: date) -> list[Span]:
        """One local day from midnight to midnight; empty if the time zone skipped it.

        Slots that cross midnight are included whole.
        """
        local = _local_day(day, self.zone, 0)
        return list(self.spans(local.period)) if local else []

    def _touched(self, spans: list[Span], window: Period) -> Iterator[Span]:
        first = bisect_right(spans, window.start, key=lambda it: it.period.end)
        for index in range(first, len(spans)):
            if spans[index].period.start >= window.end:
                return
            yield spans[index]

    def _spans_of(self, local: LocalDay) -> list[Span]:
        key = self._key, local.date
        with _lock:
            spans = self._days.get(key)
        if spans is None:
            spans = self._divide(local)
            with _lock:
                self._days[key] = spans
        return spans

    def _divide(self, local: LocalDay) -> list[Span]:
        config = self.schedule.config
        day = local.period
        offered = [part_within(period, day) for period in self._offered(day)]
        spans = [_closed(part, Code.OUTSIDE_SCHEDULE) for part in subtract([day], offered)]
        weekday = local.date.isoweekday() % 7
        opening = business_hours(local, config) if offered else []
        hours = Message("Outside business hours (%(hours)s).", hours=config.hours_text)
        if weekday not in config.open_days:
            if config.turn:
                # A part of the next date belongs to this day, so only its hours are closed by the weekday.
                spans += [_closed(part, Code.OUTSIDE_HOURS, hours) for part in subtract(offered, opening)]
                offered = intersect(offered, opening)
            spans += [_weekday_closed(part, weekday, self.schedule) for part in offered]
        elif offered:
            spans += [_closed(part, Code.OUTSIDE_HOURS, hours) for part in subtract(offered, opening)]
            usable = intersect(offered, opening)
            slots = [Span(Period(row[0], row[-1]), row) for row in slots_of_day(local, config, opening, usable)]
            spans += [
                _closed(part, Code.REMAINDER, TOO_SHORT) for part in subtract(usable, [it.period for it in slots])
            ]
            spans += slots
        spans.sort(key=lambda it: it.period.start)
        return spans

    def _offered(self, window: Period) -> Iterator[Period]:
        """The periods of the schedule that overlap the window, whole."""
        for index in range(bisect_right(self._ends, window.start), len(self._periods)):
            if self._periods[index].start >= window.end:
                return
            yield self._periods[index]


def part_within(period: Period, window: Period) -> Period:
    """The part of a period in a window that overlaps it."""
    return Period(max(period.start, window.start), min(period.end, window.end))


def _days(window: Period, zone: ZoneInfo, turn: int) -> Iterator[LocalDay]:
    """The business days that a window touches, in order (with `turn` 0, the local days)."""
    day = local_date(window.start, zone)
    if turn:
        day -= timedelta(days=1)
    while True:
        local = _local_day(day, zone, turn)
        if local is not None and local.period.end > window.start:
            if local.period.start >= window.end:
                return
            yield local
        day += timedelta(days=1)


@lru_cache(maxsize=1024)
def _local_day(day: date, zone: ZoneInfo, turn: int) -> LocalDay | None:
    """The day; None if the time zone skipped it."""
    try:
        return LocalDay(day, zone, turn)
    except PeriodError:
        return None


def _weekday_closed(period: Period, weekday: int, schedule: Schedule) -> Span:
    if weekday in WEEKEND and not schedule.config.weekends:
        return _closed(period, Code.WEEKEND)
    if schedule.config.turn:
        return _closed(period, Code.DAY_CLOSED, _CLOSED_NIGHTS[weekday])
    return _closed(period, Code.DAY_CLOSED, _CLOSED_DAYS[weekday])


def _closed(period: Period, code: Code, text: str = "") -> Span:
    return Span(period, (), Refusal(code, text or Message(reason_text(code)), period))
