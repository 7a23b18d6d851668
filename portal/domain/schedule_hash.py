"""A hash of the attributes that decide when an offering can be booked. Offerings with equal hashes share schedules."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson


def schedule_hash(attributes: Mapping[str, Any]) -> int:
    """A signed 64-bit number that is equal for equal schedules and booking rules."""
    schedules = attributes.get("schedules")
    if isinstance(schedules, list):
        schedules = [_relevant(entry) for entry in schedules]
    text = orjson.dumps([schedules, attributes.get("booking_rules")])
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True)


def _relevant(entry: Any) -> Any:
    """The values that portal.domain.schedules reads from an entry, without its id and title."""
    if not isinstance(entry, dict):
        return None
    extended = entry.get("extendedProps")
    of_config = (extended.get("type"), extended.get("config")) if isinstance(extended, dict) else (None, None)
    return entry.get("start"), entry.get("end"), *of_config
