"""What of an offering's attributes decides when it can be booked, as a number: offerings that are alike share one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson


def schedule_hash(attributes: Mapping[str, Any]) -> int:
    """A number of 64 bits (signed, as databases keep them) that is the same for the same schedules and rules."""
    schedules = attributes.get("schedules")
    if isinstance(schedules, list):
        schedules = [_deciding(entry) for entry in schedules]
    text = orjson.dumps([schedules, attributes.get("booking_rules")])
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True)


def _deciding(entry: Any) -> Any:
    """What portal.domain.schedules reads of an entry: Waldur gives each an id of its own, and people a title."""
    if not isinstance(entry, dict):
        return None
    extended = entry.get("extendedProps")
    of_config = (extended.get("type"), extended.get("config")) if isinstance(extended, dict) else (None, None)
    return entry.get("start"), entry.get("end"), *of_config
