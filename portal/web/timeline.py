"""The day view: offerings down, hours across, the present as a line. Bounded and paged, drawn on the server."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.domain.catalogue_index import FACETS
from portal.domain.messages import Message
from portal.domain.periods import Period
from portal.domain.timetable import Span, TimeBlock
from portal.extensions import settings
from portal.localization import date_in_language
from portal.models.base import utcnow
from portal.queries.timeline import TimelineRow, day_of
from portal.web.catalogue import search_of_request
from portal.web.guards import public
from portal.web.people import current_actor
from portal.web.week import STATES, first_day, look_of, slot_value

blueprint = Blueprint("timeline", __name__, url_prefix="/timeline")

# The day is drawn in quarters of an hour; columns are counted from 1, and grid lines end one further.
QUARTER = 15
COLUMNS = 24 * 60 // QUARTER
# Shown first where no offering says when it opens.
WORKING_HOUR = 8
WIDTH = timedelta(minutes=QUARTER)
_EPOCH = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Bar:
    """A box of a row: its columns [first, last), what it shows, and where it leads."""

    look: str
    word: str
    mark: str
    first: int
    last: int
    text: str
    slot: str = ""

    @property
    def classes(self) -> str:
        return f"slot slot-{self.look} col-{self.first} to-{self.last}"

    def continues(self, before: Bar) -> bool:
        """Whether it says the same as the one that ends where it begins, and neither can be picked."""
        same = (self.look, self.word, self.text) == (before.look, before.word, before.text)
        return same and not self.slot and before.last == self.first


@dataclass(frozen=True, slots=True)
class Lane:
    """The row of one offering. `book` is followed by a slot; `opens` is the column of its first slot (0: none)."""

    line: TimelineRow
    bars: list[Bar]
    book: str
    opens: int
    now: int | None


@blueprint.get("/")
@public
def day() -> ResponseReturnValue:
    """A day of the offerings that the catalogue's filters leave; each row goes by its offering's clocks."""
    now = utcnow()
    today = now.astimezone(ZoneInfo(settings().timezone)).date()
    wanted = first_day(request.args.get("day"), today)
    search = search_of_request()
    lines, page = day_of(current_actor(), search, wanted, now)
    lanes = [_lane(line, wanted, now) for line in lines]
    return render_template(
        "catalogue/timeline.html",
        search=search,
        day=wanted,
        today=today,
        previous=wanted - timedelta(days=1) if wanted > today else None,
        next=wanted + timedelta(days=1),
        title=date_in_language(wanted, "yMMMMEEEEd"),
        lanes=lanes,
        opens=_first_hour(lanes),
        legend=[(look, it) for look, it in STATES.items() if look not in ("past", "held", "kept")],
        page=page,
        columns=COLUMNS,
        filters=[(name, value) for name in FACETS for value in getattr(search, name)],
    )


def _first_hour(lanes: Sequence[Lane]) -> int:
    """The even hour at which the page opens: when the first offering opens, or now if that is later."""
    opens = min((lane.opens for lane in lanes if lane.opens > 1), default=WORKING_HOUR * 60 // QUARTER + 1)
    now = min((lane.now for lane in lanes if lane.now), default=1)
    return min((max(opens, now) - 1) * QUARTER // 60 // 2 * 2, 22)


def _lane(line: TimelineRow, day: date, now: datetime) -> Lane:
    zone = ZoneInfo(line.zone)
    bars: list[Bar] = []
    opens = 0
    for span in line.spans:
        for box in _boxes(span):
            bar = _bar(box, line, zone, day)
            if bar is None:
                continue
            opens = opens or (bar.first if box.is_slot else 0)
            # Neighbours that say the same are one box; free steps stay apart, since each can be picked.
            if bars and bar.continues(bars[-1]):
                bars[-1] = replace(bars[-1], last=bar.last)
            else:
                bars.append(bar)
    present = now.astimezone(zone)
    # One address for each lane: slots are made of characters that need no quoting.
    book = url_for("bookings.book", uuid=line.uuid, slot="")
    return Lane(line, bars, book, opens, _column(present, day) if present.date() == day else None)


def _boxes(span: Span) -> Iterator[TimeBlock]:
    """What is drawn of a span: its free slots, shorter ones together until one is as wide as a column; else itself."""
    if span.refusal is not None:
        yield TimeBlock(span.period, span.is_slot, span.refusal)
        return
    first = 0
    while first < len(span.edges) - 1:
        start, end, last = span.edges[first], span.edges[first + 1], first + 1
        if end - start < WIDTH:
            column = start - (start - _EPOCH) % WIDTH + WIDTH
            last = min(max(bisect_left(span.edges, column), last), len(span.edges) - 1)
            end = span.edges[last]
        yield TimeBlock(Period(start, end), True)
        first = last


def _bar(block: TimeBlock, line: TimelineRow, zone: ZoneInfo, day: date) -> Bar | None:
    look, word = look_of(block, bookable=line.state == "Active")
    period = block.period
    inside = line.window.start <= period.start and period.end <= line.window.end
    shown = period if inside else period.intersection(line.window)
    if shown is None:
        return None
    start, end = period.start.astimezone(zone), period.end.astimezone(zone)
    first = _column(start if inside else shown.start.astimezone(zone), day)
    last = _column(end if inside else shown.end.astimezone(zone), day, ends=True)
    # On the night when clocks go back two boxes may claim one hour, and one may end at the hour at which it began.
    if last <= first:
        last = min(first + max(1, int(shown.duration.total_seconds()) // 60 // QUARTER), COLUMNS + 1)
    span = f"{start.hour:02}:{start.minute:02}–{end.hour:02}:{end.minute:02}"
    reason = block.reason or STATES[look].legend
    slot = slot_value(period.start, period.end) if look == "free" else ""
    text = Message("%(time)s: %(reason)s", time=span, reason=reason) if slot else reason
    return Bar(look, word, STATES[look].mark, first, last, text, slot)


def _column(local: datetime, day: date, *, ends: bool = False) -> int:
    """The grid line of a moment, between the first and the last one of the day."""
    if local.date() < day:
        return 1
    if local.date() > day:
        return COLUMNS + 1
    minutes = local.hour * 60 + local.minute
    return 1 + (-(-minutes // QUARTER) if ends else minutes // QUARTER)
