"""What a reader gets of a stored document: plain functions over its parsed JSON.

A stored document is compact JSON with two raw bytes in its texts, which cannot occur in JSON, for what is known only
when it is read: BASE for scheme://host of the request, EMBED for the address of Google's embedded calendar up to its
query. Plans hold the counts that came with an import as `resources_count` and `is_active`, and so does the offering as
`order_count`; bookings made here are added when it is read.
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

# References that are null for readers who may not see what they refer to (portal.policies).
PARENT = ("parent_description", "parent_uuid", "parent_name")
PROJECT = ("project", "project_uuid", "project_name")
# Fields that show counters.
COUNTED = frozenset({"order_count", "plans"})


@dataclass(frozen=True, slots=True)
class BookingCounts:
    """Bookings made here: of the offering, and for each plan (32 hex digits) in all and holding their slots."""

    bookings: int = 0
    plans: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def parse(stored: bytes, base_url: str, embed_uri: str) -> dict[str, Any]:
    """A stored document as values. `base_url` is scheme://host without a slash at the end."""
    if EMBED in stored:
        stored = stored.replace(EMBED, _escaped(embed_uri + ("&" if "?" in embed_uri else "?")))
    found: dict[str, Any] = orjson.loads(stored.replace(BASE, _escaped(base_url)))
    return found


def _escaped(text: str) -> bytes:
    # A Host header may hold anything; inside a JSON string it has to be escaped.
    return orjson.dumps(text)[1:-1]


def add_counters(document: dict[str, Any], counters: BookingCounts) -> None:
    """Add what was booked here to the counts that came with an import."""
    document["order_count"] += counters.bookings
    for plan in document["plans"]:
        count, holding = counters.plans.get(plan["uuid"].replace("-", ""), (0, 0))
        plan["resources_count"] += count
        plan["is_active"] = is_active(plan["max_amount"], plan["is_active"] + holding)


def drop_plans(document: dict[str, Any], hidden: Collection[str]) -> None:
    """Leave out the plans with these UUIDs (32 hex digits)."""
    document["plans"] = [plan for plan in document["plans"] if plan["uuid"].replace("-", "") not in hidden]


def drop_managers_fields(document: dict[str, Any]) -> None:
    """Leave out what only those who manage the offering may read, at every depth."""
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
    """When an entry of the schedules ends, in seconds since the epoch; long ago, where that cannot be read."""
    try:
        return parse_instant(entry.get("end")).timestamp()
    except (AttributeError, ValueError):
        return 0.0


def drop_ended_schedules(document: dict[str, Any], now: float) -> tuple[float, float]:
    """Leave out the schedules that have ended at `now`. The last end until now (0: none), and the next one."""
    schedules = document["attributes"]["schedules"]
    ends = [end_of(entry) for entry in schedules]
    document["attributes"]["schedules"] = [entry for entry, end in zip(schedules, ends, strict=True) if end > now]
    last = max((end for end in ends if end <= now), default=0.0)
    return last, min((end for end in ends if end > now), default=float("inf"))


def select_fields(document: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The fields with these names, in the server's order. Unknown names are dropped; where none is left, the whole.

    (Waldur API contract, section 3.)
    """
    wanted = wanted_names(names)
    return document if wanted is FIELDS else {name: document[name] for name in wanted if name in document}


def wanted_names(names: Collection[str]) -> Sequence[str]:
    """The names of those fields."""
    return [name for name in FIELDS if name in names] or FIELDS
