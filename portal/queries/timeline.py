"""One day of many offerings: free and booked time. The number of statements does not depend on that of offerings."""

from __future__ import annotations

import uuid as uuidlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from portal.domain.periods import Period
from portal.domain.timetable import Span
from portal.domain.zones import day_start
from portal.policies import Actor
from portal.queries.availability import add_stale, build_availability, parse_attributes, whole_slots
from portal.queries.catalogue import Search, browse
from portal.queries.obstacles import obstacles_of_offerings
from portal.queries.page import Page

ROWS = 30


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One offering and its local day: `window` (UTC), divided into `spans`."""

    uuid: uuidlib.UUID
    name: str
    organization_name: str | None
    state: str
    zone: str
    window: Period
    spans: list[Span]


def day_of(actor: Actor, search: Search, day: date, now: datetime) -> tuple[list[TimelineRow], Page]:
    """A page of the offerings that match a search, each with its local day. Six SQL statements at most."""
    found = browse(actor, search, page_size=ROWS)
    parsed = {row.id: parse_attributes(row.attributes) for row in found.rows}
    windows = {key: _window(day, it.zone) for key, it in parsed.items()}
    if not windows:
        return [], found.page
    widest = max((it.rules.gap for it in parsed.values()), default=timedelta())
    needed = [whole_slots(windows[key], it) for key, it in parsed.items()]
    covering = Period(min(it.start for it in needed) - widest, max(it.end for it in needed) + widest)
    taken = obstacles_of_offerings(list(windows), covering, actor)
    add_stale(taken, parsed, now)
    lines = [
        TimelineRow(
            row.uuid,
            row.name,
            row.organization_name,
            row.state,
            parsed[row.id].zone.key,
            windows[row.id],
            list(build_availability(parsed[row.id], now, taken[row.id]).spans(windows[row.id])),
        )
        for row in found.rows
    ]
    return lines, found.page


def _window(day: date, zone: ZoneInfo) -> Period:
    start = day_start(day, zone)
    return Period(start, max(day_start(day + timedelta(days=1), zone), start + timedelta(hours=1)))
