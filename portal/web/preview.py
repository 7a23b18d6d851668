"""The coming week of an offering as it would be, were its attributes others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.domain.periods import Period
from portal.models.base import utcnow
from portal.queries.availability import next_free, offering_availability, parse_attributes, zone_of
from portal.web.week import Week, build_week, days_shown, span_of


def coming_week(offering_id: int, attributes: Mapping[str, Any]) -> tuple[Week, str]:
    """The coming week under these attributes, for somebody who holds nothing, with its time zone's name."""
    now = utcnow()
    zone = zone_of(attributes)
    first = now.astimezone(zone).date()
    days = days_shown(parse_attributes(attributes).schedule.config)
    free = offering_availability(offering_id, attributes, Period(*span_of(first, zone.key, days)), now)
    blocks = [block for day in free.days(first, days) for block in day.blocks]
    following = None
    if not any(it.is_free for it in blocks):
        following = next_free([(offering_id, attributes)], now).get(offering_id)
    return build_week(blocks, first, zone.key, now, following.start if following else None, days=days), zone.key
