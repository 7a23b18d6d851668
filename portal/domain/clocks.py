"""What of an offering's attributes decides when it can be booked, as a number: offerings that are alike share one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

# What does decide it.
NAMES = ("schedules", "booking_rules")


def clock_of(attributes: Mapping[str, Any]) -> int:
    """A number of 64 bits (signed, as databases keep them) that is the same for the same schedules and rules."""
    text = orjson.dumps([attributes.get(name) for name in NAMES])
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True)
