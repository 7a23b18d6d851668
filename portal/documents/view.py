"""Functions that adapt a parsed document to its reader.

A stored document is JSON with two raw bytes as placeholders, which cannot occur in JSON: BASE for scheme://host of the
request, EMBED for the address of Google's embedded calendar up to its query. `order_count`, `resources_count` and
`is_active` have the counts that came with an import, to which the bookings made here are added.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from portal.domain.instants import parse_instant
from portal.domain.pricing import is_active
from portal.schema.offering import EMBED, FIELDS, OFFERING
from portal.schema.reading import BASE

# Null for readers who may not see the parent or project (portal.policies).
PARENT = ("parent_description", "parent_uuid", "parent_name")
PROJECT = ("project", "project_uuid", "project_name")
# Fields that show counters.
COUNTED = frozenset({"order_count", "plans"})


@dataclass(frozen=True, slots=True)
class BookingCounts:
    """Bookings made here: of the offering, and by plan UUID (32 hex digits) in total and active."""

    bookings: int = 0
    plans: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def parse(stored: bytes, base_url: str, embed_uri: str) -> dict[str, Any]:
    """Parse a stored document. `base_url` is scheme://host without a trailing slash."""
    if EMBED in stored:
        stored = stored.replace(EMBED, _escaped(embed_uri + ("&" if "?" in embed_uri else "?")))
    found: dict[str, Any] = orjson.loads(stored.replace(BASE, _escaped(base_url)))
    return found


def _escaped(text: str) -> bytes:
    # A Host header may contain anything.
    return orjson.dumps(text)[1:-1]


def add_counters(document: dict[str, Any], counters: BookingCounts) -> None:
    """Add the bookings made here to the counts that came with an import."""
    document["order_count"] += counters.bookings
    for plan in document["plans"]:
        count, holding = counters.plans.get(plan["uuid"].replace("-", ""), (0, 0))
        plan["resources_count"] += count
        plan["is_active"] = is_active(plan["max_amount"], plan["is_active"] + holding)


def drop_plans(document: dict[str, Any], hidden: Collection[str]) -> None:
    """Remove the plans with these UUIDs (32 hex digits)."""
    document["plans"] = [plan for plan in document["plans"] if plan["uuid"].replace("-", "") not in hidden]


def drop_managers_fields(document: dict[str, Any]) -> None:
    """Remove what only those who manage the offering may read, at every depth."""
    for name in OFFERING.managers_only:
        document.pop(name, None)
    if not document.get("googlecalendar", {}).get("public"):
        document.pop("googlecalendar", None)
    for name, inside in OFFERING.managers_only_inside.items():
        value = document.get(name)
        for item in value if isinstance(value, list) else [value] if value else ():
            for key in inside:
                del item[key]


def end_of(entry: Any) -> float:
    """The end of a schedule entry in seconds since the epoch; 0 if it is invalid."""
    try:
        return parse_instant(entry.get("end")).timestamp()
    except (AttributeError, ValueError):
        return 0.0


def drop_ended_schedules(document: dict[str, Any], now: float) -> tuple[float, float]:
    """Remove the schedules that have ended at `now`. Returns the last end until now (or 0), and the next one."""
    schedules = document["attributes"]["schedules"]
    ends = [end_of(entry) for entry in schedules]
    document["attributes"]["schedules"] = [entry for entry, end in zip(schedules, ends, strict=True) if end > now]
    last = max((end for end in ends if end <= now), default=0.0)
    return last, min((end for end in ends if end > now), default=float("inf"))


def select_fields(document: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The fields with these names, in the server's order; the whole document if none is known (docs/api.md, Lists)."""
    wanted = wanted_names(names)
    return document if wanted is FIELDS else {name: document[name] for name in wanted if name in document}


def wanted_names(names: Collection[str]) -> Sequence[str]:
    """The known names among these, in the server's order; all fields if there is none."""
    return [name for name in FIELDS if name in names] or FIELDS
