"""Which clocks an offering goes by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from portal.extensions import settings


def zone_of(attributes: Mapping[str, Any]) -> str:
    """The IANA name of the offering's time zone (attributes.booking_rules.time_zone), else the portal's."""
    rules = attributes.get("booking_rules")
    name = rules.get("time_zone") if isinstance(rules, Mapping) else None
    if not isinstance(name, str) or not name:
        return settings().timezone
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        return settings().timezone
