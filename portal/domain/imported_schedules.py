"""Schedules of other systems in the form that is stored and published, which all of Waldur's clients can read."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from portal.domain.instants import format_instant
from portal.domain.zones import day_start

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_ZERO = re.compile(r"00:00(?::00(?:[.]0{1,6})?)?", re.ASCII)


def normalized_schedules(raw: Any, zone: ZoneInfo) -> Any:
    """The schedules with days as instants of the offering's time zone, and a slotDuration of 00:00 as 24:00:00.

    As in FullCalendar, an end that is a date is the day after the last one; the same date as the start is one day.
    Anything invalid is left for `check_schedules`.
    """
    return [_entry(it, zone) if isinstance(it, dict) else it for it in raw] if isinstance(raw, list) else raw


def _entry(entry: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    start, end = _day(entry.get("start")), _day(entry.get("end"))
    try:
        if start is not None:
            changed["start"] = format_instant(day_start(start, zone))
        if end is not None:
            changed["end"] = format_instant(day_start(end + timedelta(days=1) if end == start else end, zone))
    except OverflowError:
        return entry
    extended = entry.get("extendedProps")
    config = extended.get("config") if isinstance(extended, dict) else None
    if isinstance(extended, dict) and isinstance(config, dict):
        slot = config.get("slotDuration")
        if isinstance(slot, str) and _ZERO.fullmatch(slot):
            changed["extendedProps"] = {**extended, "config": {**config, "slotDuration": "24:00:00"}}
    return {**entry, **changed} if changed else entry


def _day(value: Any) -> date | None:
    if not isinstance(value, str) or not _DATE.fullmatch(value.strip()):
        return None
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        return None
