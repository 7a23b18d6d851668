"""Editing of opening hours in `attributes.schedules`, which keeps everything that the form does not show.

An entry keeps its id, title and other keys; entries that the form does not show stay unchanged.
"""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.domain.instants import parse_instant
from portal.domain.schedules import WEEKEND, Config, read_config

AVAILABILITY = "Availability"


@dataclass(frozen=True, slots=True)
class OpeningPeriod:
    """A period in which an offering is available, from the form: two instants as ISO 8601 with an offset.

    `entry` is the position of its stored entry; None for a new one.
    """

    start: str
    end: str
    entry: int | None = None


def slot_config(slot_seconds: int, opens: str, closes: str, days: Collection[int]) -> dict[str, Any]:
    """The config of an entry: local times as HH:MM, days in FullCalendar's numbers (0 = Sunday)."""
    return {
        "slotDuration": f"{slot_seconds // 3600:02d}:{slot_seconds // 60 % 60:02d}:{slot_seconds % 60:02d}",
        "weekends": not WEEKEND.isdisjoint(days),
        "businessHours": {"startTime": opens, "endTime": closes, "daysOfWeek": sorted(days)},
    }


def availability_entry(start: str, end: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """A new entry from `start` to `end` (ISO 8601 with an offset), with this config."""
    return {
        "id": uuidlib.uuid4().hex,
        "title": "",
        "start": start,
        "end": end,
        "allDay": False,
        "extendedProps": {"type": AVAILABILITY, "config": dict(config)},
    }


def is_over(entry: object, now: datetime) -> bool:
    """Whether an entry has ended. False if its end cannot be parsed, so that it is shown and corrected."""
    try:
        return isinstance(entry, dict) and parse_instant(entry.get("end")) <= now
    except ValueError:
        return False


def replace_periods(
    stored: Sequence[Any], removed: Collection[int], wanted: Sequence[OpeningPeriod], config: Mapping[str, Any]
) -> tuple[list[Any], list[int]]:
    """The new entries, and the position of each of `wanted` among them.

    Entries at the positions `removed` are dropped, all others kept. Entries get this config (see `with_config`).
    """
    claimed = {it.entry: it for it in wanted if it.entry is not None}
    entries: list[Any] = []
    places: dict[int, int] = {}
    for position, entry in enumerate(stored):
        if position in claimed:
            places[position] = len(entries)
            whole = entry if isinstance(entry, dict) else availability_entry("", "", config)
            entries.append({**whole, "start": claimed[position].start, "end": claimed[position].end})
        elif position not in removed:
            entries.append(entry)
    found = []
    for it in wanted:
        if it.entry is None:
            found.append(len(entries))
            entries.append(availability_entry(it.start, it.end, config))
        else:
            found.append(places[it.entry])
    return with_config(entries, config), found


def with_config(entries: Sequence[Any], config: Mapping[str, Any]) -> list[Any]:
    """The entries with this config in every one of type Availability, since the first of them applies to all.

    An entry with an equivalent config stays unchanged; others keep further keys of their config. If no entry has that
    type, entries without a type get it.
    """
    typed = any(_type(entry) == AVAILABILITY for entry in entries)
    return [_with_config(entry, config) if _type(entry) == AVAILABILITY or not typed else entry for entry in entries]


def has_config(entries: Sequence[Any]) -> bool:
    """Whether an entry can have a config; otherwise the defaults apply."""
    return any(_type(entry) == AVAILABILITY for entry in entries)


def _type(entry: object) -> object:
    extended = entry.get("extendedProps") if isinstance(entry, dict) else None
    return extended.get("type") if isinstance(extended, dict) else None


def _with_config(entry: Any, config: Mapping[str, Any]) -> Any:
    if not isinstance(entry, dict) or _type(entry) not in (AVAILABILITY, None):
        return entry
    extended = entry.get("extendedProps")
    extended = extended if isinstance(extended, dict) else {}
    given = extended.get("config")
    wanted, means = read_config(config), read_config({} if given is None else given)
    if wanted is not None and means is not None and _meaning(wanted) == _meaning(means):
        return entry
    given = given if isinstance(given, dict) else {}
    hours = given.get("businessHours")
    hours = {**(hours if isinstance(hours, dict) else {}), **config["businessHours"]}
    changed = {**given, **config, "businessHours": hours}
    return {**entry, "extendedProps": {**extended, "type": AVAILABILITY, "config": changed}}


def _meaning(config: Config) -> tuple[object, ...]:
    return config.slot, config.opens, config.closes, config.open_days
