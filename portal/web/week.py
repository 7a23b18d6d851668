"""Some days of an offering as the rows and cells of a table: days across, hours down, by the offering's clocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Protocol, Self
from zoneinfo import ZoneInfo

from babel.dates import format_interval, format_skeleton

from portal.domain.instants import format_instant, parse_query_instant
from portal.domain.messages import Localizable, Localizer, Message
from portal.domain.periods import Period, merge, subtract
from portal.domain.refusals import ALL_TIME, CLOSED, Code, Refusal
from portal.domain.schedules import Config
from portal.localization import current_locale

DAYS = 7
# So many boxes fit into one table; with slots of five minutes, a week is as many.
MAX_STEPS = DAYS * 24 * 12
END_OF_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class SlotState:
    """How a state is shown: `word` in the cell, `legend` below the table, `mark` where there is no room for words."""

    word: str
    legend: str
    mark: str


STATES = {
    "free": SlotState(Message("Free"), Message("Free"), "○"),
    "mine": SlotState(Message("Yours"), Message("Booked by you"), "●"),
    "kept": SlotState(Message("Current"), Message("Current time of this booking"), "◉"),
    "booked": SlotState(Message("Booked"), Message("Booked"), "×"),
    "requested": SlotState(Message("Pending"), Message("Requested, not answered yet"), "?"),
    "busy": SlotState(Message("Busy"), Message("Blocked in the calendar"), "≡"),
    "buffer": SlotState(Message("Buffer"), Message("Kept free next to a booking"), "↔"),
    "closure": SlotState(Message("Closure"), Message("Holiday or other closure"), "■"),
    "held": SlotState(Message("Not offered"), Message("Not offered now"), "∅"),
    "soon": SlotState(Message("Too soon"), Message("Too soon to book"), "‹"),
    "late": SlotState(Message("Not yet"), Message("Too far ahead to book"), "›"),
    "past": SlotState(Message("Past"), Message("Past"), "·"),
    "closed": SlotState(Message("Closed"), Message("Closed"), "–"),
}
# Closed time that looks different, and closed time with another word.
CLOSED_LOOKS = {Code.BUFFER: "buffer", Code.CLOSURE: "closure"}
CLOSED_WORDS = {Code.WEEKEND: Message("Weekend"), Code.OUTSIDE_SCHEDULE: Message("Not available")}
ALONE = frozenset({"free", "mine", "kept"})
# What can be picked: free time, and what the booking that is moved has now.
PICKABLE = frozenset({"free", "kept"})


class DaysText(Localizable):
    """A day, or the days from one to another; `skeleton` names the parts to show (CLDR)."""

    __slots__ = ("first", "last", "skeleton")
    first: date
    last: date
    skeleton: str

    def __new__(cls, english: str, first: date, last: date, skeleton: str) -> Self:
        self = super().__new__(cls, english)
        self.first, self.last, self.skeleton = first, last, skeleton
        return self

    def localized(self, localizer: Localizer) -> str:
        if self.first == self.last:
            return str(format_skeleton(self.skeleton, self.first, locale=current_locale()))
        return str(format_interval(self.first, self.last, self.skeleton, locale=current_locale()))


class Offered(Protocol):
    """A period of an offering and how it stands. Instants; `reason` in words where it can't be booked.

    `is_slot`: it can be booked, or could be, were it free; else it is time at which the offering is closed.
    """

    @property
    def start(self) -> datetime: ...
    @property
    def end(self) -> datetime: ...
    @property
    def state(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def is_slot(self) -> bool: ...
    @property
    def refusal(self) -> Refusal | None: ...


@dataclass(slots=True)
class Cell:
    """A box of the table: minutes of the day from `begin` to `end`, by the wall clock.

    `slot` is the whole period, where it can be picked: two instants with a slash between them. `again` are those that
    claim the same hour once more, in the night when clocks go back. `whole` is the time of a slot that crosses
    midnight, which has a box on each day. `day` is the number of its column.
    """

    look: str
    word: str
    begin: int
    end: int
    reason: str = ""
    slot: str = ""
    rowspan: int = 1
    day: int = 0
    again: list[str] = field(default_factory=list)
    whole: str = ""

    @property
    def span(self) -> str:
        return self.whole or f"{clock(self.begin)}–{clock(self.end)}"


@dataclass(slots=True)
class WeekRow:
    """The boxes that begin at one hour."""

    label: str
    cells: list[Cell] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Day:
    """The head of a column."""

    weekday: str
    number: int
    month: str
    is_today: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """Everything the table needs. `previous` and `next` are the first days of the neighbouring tables.

    `slots` are the values of the boxes that can be picked. On a phone one day is shown: first `open_day`.
    """

    title: str
    days: list[Day]
    rows: list[WeekRow]
    legend: list[tuple[str, SlotState]]
    any_free: bool
    is_now: bool
    previous: date | None
    next: date | None
    next_free: datetime | None
    next_free_day: date | None
    today: date
    slots: frozenset[str] = frozenset()
    open_day: int = 0


def look_of(slot: Offered, *, bookable: bool = True) -> tuple[str, str]:
    """The key of STATES by which a slot looks, and the word for it."""
    state = slot.state if bookable or slot.state != "free" else "held"
    code = slot.refusal.code if slot.refusal is not None and state == CLOSED else None
    look = CLOSED_LOOKS.get(code, state) if code else state
    return look, (CLOSED_WORDS.get(code) if code else None) or STATES[look].word


def clock(minute: int) -> str:
    """A minute of the day as 09:30; the last one as 24:00."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def slot_value(start: datetime, end: datetime) -> str:
    """A period as the value of a checkbox."""
    return f"{format_instant(start)}/{format_instant(end)}"


def parse_slot(value: str) -> Period | None:
    """The period that a checkbox stands for, or None."""
    start, _, end = value.partition("/")
    try:
        period = Period(parse_query_instant(start), parse_query_instant(end))
    except ValueError:
        return None
    # The clocks of a zone cannot show the very ends of the calendar.
    return period if ALL_TIME.contains(period) else None


def ticks(week: Week, periods: Sequence[Period]) -> tuple[frozenset[str], list[str]]:
    """The values of the boxes that the periods are made of, and those of what no box of this week stands for."""
    covered = merge(periods)
    boxes = {value: box for value in week.slots if (box := parse_slot(value)) is not None}
    ticked = {value: box for value, box in boxes.items() if any(it.contains(box) for it in covered)}
    left = dict.fromkeys(it for period in periods for it in subtract([period], ticked.values()))
    return frozenset(ticked), [slot_value(it.start, it.end) for it in left]


def days_shown(config: Config) -> int:
    """How many days one table shows: a week, or fewer where slots are so short that it would become too long."""
    steps = (config.closes - config.opens) // int(config.slot.total_seconds())
    return max(1, min(DAYS, MAX_STEPS // max(1, steps)))


def span_of(first: date, zone: str, days: int = DAYS) -> tuple[datetime, datetime]:
    """The instants between which so many days from `first` lie, by the clocks of the zone."""
    place = ZoneInfo(zone)
    return datetime.combine(first, time(), place), datetime.combine(first + timedelta(days=days), time(), place)


def first_day(asked: str | None, today: date) -> date:
    """The day a person asked for (ISO), or today where it is none, or lies in the past or absurdly far away."""
    try:
        wanted = date.fromisoformat(asked or "")
    except ValueError:
        return today
    return wanted if today <= wanted <= today + timedelta(days=3660) else today


def build_week(
    offered: Iterable[Offered],
    first: date,
    zone: str,
    now: datetime,
    next_free: datetime | None,
    *,
    bookable: bool = True,
    days: int = DAYS,
) -> Week:
    """Lay the offered periods out. Where nothing is offered the table says "Closed".

    `bookable`: False for an offering that takes no bookings now (paused, archived, a draft); none of its time is free.
    """
    place = ZoneInfo(zone)
    today = now.astimezone(place).date()
    columns: list[list[Cell]] = [[] for _ in range(days)]
    pieces = [
        (index, cell, slot.is_slot)
        for slot in sorted(offered, key=lambda one: one.start)
        for index, cell in _pieces(slot, first, place, days, bookable=bookable)
    ]
    # The table reaches from the first hour that can be booked on any day to the last; nights are not drawn.
    opens = min((cell.begin for _, cell, is_slot in pieces if is_slot), default=END_OF_DAY)
    closes = max((cell.end for _, cell, is_slot in pieces if is_slot), default=0)
    for index, cell, _ in pieces:
        cell.begin, cell.end = max(cell.begin, opens), min(cell.end, closes)
        if cell.begin < cell.end:
            _put(columns[index], cell)
    rows = _rows(columns)
    looks = {cell.look for row in rows for cell in row.cells}
    free_day = None if next_free is None else next_free.astimezone(place).date()
    return Week(
        title=_title(first, first + timedelta(days=days - 1)),
        days=[_day(first + timedelta(days=index), today) for index in range(days)],
        rows=rows,
        legend=[(look, it) for look, it in STATES.items() if look in looks and look != "past"],
        any_free="free" in looks,
        is_now=first == today,
        previous=max(today, first - timedelta(days=days)) if first > today else None,
        next=first + timedelta(days=days),
        next_free=next_free,
        next_free_day=free_day,
        today=today,
        slots=frozenset(slot for row in rows for cell in row.cells for slot in (cell.slot, *cell.again) if slot),
        open_day=min((cell.day for row in rows for cell in row.cells if cell.slot), default=0),
    )


def _day(day: date, today: date) -> Day:
    weekday, month = DaysText(f"{day:%a}", day, day, "E"), DaysText(f"{day:%B %Y}", day, day, "yMMMM")
    return Day(weekday, day.day, month, day == today)


def _title(first: date, last: date) -> DaysText:
    if first == last:
        text = f"{first.day} {first:%B %Y}"
    elif first.year != last.year:
        text = f"{first.day} {first:%b %Y} – {last.day} {last:%b %Y}"
    elif first.month != last.month:
        text = f"{first.day} {first:%b} – {last.day} {last:%b %Y}"
    else:
        text = f"{first.day}–{last.day} {last:%B %Y}"
    return DaysText(text, first, last, "yMMMd")


def _pieces(slot: Offered, first: date, place: ZoneInfo, days: int, *, bookable: bool) -> Iterable[tuple[int, Cell]]:
    """The slot cut at midnights, with the column each piece falls into."""
    start, end = slot.start.astimezone(place), slot.end.astimezone(place)
    look, word = look_of(slot, bookable=bookable)
    crosses_midnight = (end - timedelta(microseconds=1)).date() > start.date()
    for index in range(days):
        day = first + timedelta(days=index)
        if start.date() > day or end.date() < day:
            continue
        begin = start.hour * 60 + start.minute if start.date() == day else 0
        finish = end.hour * 60 + end.minute if end.date() == day else END_OF_DAY
        # In the night when clocks go back a slot may end at the hour it began, or before it.
        if start.date() == end.date() and finish <= begin:
            finish = min(END_OF_DAY, begin + int((slot.end - slot.start).total_seconds() // 60))
        if finish > begin:
            # A slot that crosses midnight is picked on the day on which it begins.
            continued = slot.is_slot and start.date() < day
            picked = slot_value(slot.start, slot.end) if look in PICKABLE and not continued else ""
            whole = f"{start:%H:%M}–{end:%H:%M}" if slot.is_slot and look in ALONE and crosses_midnight else ""
            reason = slot.reason
            if continued and look in PICKABLE:
                reason = Message("Part of the slot that starts at %(time)s the day before", time=f"{start:%H:%M}")
            yield index, Cell(look, word, begin, finish, reason, picked, whole=whole)


def _put(column: list[Cell], cell: Cell) -> None:
    """Add a cell below the others: joined to the last one where both say the same, or both claim one hour twice."""
    last = column[-1] if column else None
    if last is not None and cell.begin < last.end:
        # Clocks went back: the hour is there twice. One box holds both, and is free where either is.
        if cell.look != last.look:
            last.word = Message("%(first)s / %(second)s", first=last.word, second=cell.word)
            last.look = "free" if "free" in (cell.look, last.look) else last.look
        if last.slot and cell.slot:
            last.again.append(cell.slot)
        last.slot = last.slot or cell.slot
        last.end = max(last.end, cell.end)
    elif (
        last is not None
        and last.end == cell.begin
        and (last.look, last.word) == (cell.look, cell.word)
        and (last.reason == cell.reason or cell.look == "past")
        and cell.look not in ALONE
    ):
        last.end = cell.end
    else:
        column.append(cell)


def _rows(columns: Sequence[list[Cell]]) -> list[WeekRow]:
    edges = sorted({edge for column in columns for cell in column for edge in (cell.begin, cell.end)})
    if not edges:
        return []
    closed = STATES[CLOSED].word
    for column in columns:
        filled: list[Cell] = []
        at = edges[0]
        for cell in column:
            if cell.begin > at:
                filled.append(Cell("closed", closed, at, cell.begin))
            filled.append(cell)
            at = cell.end
        if at < edges[-1]:
            filled.append(Cell("closed", closed, at, edges[-1]))
        column[:] = filled
    place = {edge: number for number, edge in enumerate(edges)}
    rows = [WeekRow(clock(edge)) for edge in edges[:-1]]
    for number, column in enumerate(columns):
        for cell in column:
            cell.day = number
            cell.rowspan = place[cell.end] - place[cell.begin]
            rows[place[cell.begin]].cells.append(cell)
    if len(rows) == 1 and edges == [0, END_OF_DAY]:
        rows[0].label = Message("All day")
    return rows
