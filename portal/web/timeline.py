"""The day view: offerings down, hours across, the present as a line. Bounded and paged, drawn on the server."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.domain.catalogue_index import FACETS
from portal.domain.periods import Period
from portal.domain.timetable import Span, TimeBlock
from portal.extensions import settings
from portal.models.base import utcnow
from portal.queries.timeline import TimelineRow, day_of
from portal.web.catalogue import search_of_request
from portal.web.guards import public
from portal.web.people import current_actor
from portal.web.week import WORDS, first_day, slot_value

blueprint = Blueprint("timeline", __name__, url_prefix="/timeline")

# The day is drawn in quarters of an hour; columns are counted from 1, and grid lines end one further.
QUARTER = 15
COLUMNS = 24 * 60 // QUARTER
WIDTH = timedelta(minutes=QUARTER)
_EPOCH = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Bar:
    """A box of a row: its columns [first, last), what it shows, and where it leads."""

    look: str
    word: str
    first: int
    last: int
    text: str
    slot: str = ""

    @property
    def classes(self) -> str:
        return f"slot slot-{self.look} col-{self.first} to-{self.last}"


@blueprint.get("/")
@public
def day() -> ResponseReturnValue:
    """A day of the offerings that the catalogue's filters leave; each row goes by its offering's clocks."""
    now = utcnow()
    today = now.astimezone(ZoneInfo(settings().timezone)).date()
    wanted = first_day(request.args.get("day"), today)
    search = search_of_request()
    lines, page = day_of(current_actor(), search, wanted, now)
    return render_template(
        "catalogue/timeline.html",
        search=search,
        day=wanted,
        today=today,
        previous=wanted - timedelta(days=1) if wanted > today else None,
        next=wanted + timedelta(days=1),
        rows=[_row(line, wanted, now) for line in lines],
        legend=[(look, words[1]) for look, words in WORDS.items() if look not in ("past", "held", "kept")],
        page=page,
        columns=COLUMNS,
        filters=[(name, value) for name in FACETS for value in getattr(search, name)],
    )


def _row(line: TimelineRow, day: date, now: datetime) -> dict[str, Any]:
    zone = ZoneInfo(line.zone)
    bars: list[Bar] = []
    boxes = (box for span in line.spans for box in _boxes(span))
    for bar in (_bar(box, line, zone, day) for box in boxes):
        if bar is None:
            continue
        last = bars[-1] if bars else None
        # Neighbours that say the same are one box; free steps stay apart, since each can be picked.
        if last and not bar.slot and (last.look, last.text) == (bar.look, bar.text) and last.last == bar.first:
            bars[-1] = Bar(last.look, last.word, last.first, bar.last, last.text)
        else:
            bars.append(bar)
    present = now.astimezone(zone)
    return {
        "line": line,
        "bars": bars,
        # One address for each row: slots are made of characters that need no quoting.
        "book": url_for("bookings.book", uuid=line.uuid, slot=""),
        "now": _column(present, day) if present.date() == day else None,
    }


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


def _bar(stretch: TimeBlock, line: TimelineRow, zone: ZoneInfo, day: date) -> Bar | None:
    look = stretch.state if line.state == "Active" or stretch.state != "free" else "held"
    period = stretch.period
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
    reason = stretch.reason or WORDS[look][1]
    slot = slot_value(period.start, period.end) if look == "free" else ""
    return Bar(look, WORDS[look][0], first, last, f"{span}: {reason}" if slot else reason, slot)


def _column(local: datetime, day: date, *, ends: bool = False) -> int:
    """The grid line of a moment, between the first and the last one of the day."""
    if local.date() < day:
        return 1
    if local.date() > day:
        return COLUMNS + 1
    minutes = local.hour * 60 + local.minute
    return 1 + (-(-minutes // QUARTER) if ends else minutes // QUARTER)
