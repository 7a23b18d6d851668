"""Booking rules of some of the demo's offerings, so that each kind of rule can be seen at work."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

DAY = 24 * 60

RULES: dict[str, dict[str, Any]] = {
    "boreas-300": {"minimum_notice_minutes": 2 * DAY, "maximum_advance_days": 90, "upcoming_bookings_per_user": 3},
    "spinning-disk": {"maximum_advance_days": 28, "quota_hours_per_user": 12, "quota_period": "week"},
    "nmr-800": {"maximum_advance_days": 60},
    "mask-aligner": {"buffer_after_minutes": 30, "upcoming_bookings_per_user": 4},
    "meridian-hall": {"minimum_notice_minutes": 2 * DAY, "maximum_advance_days": 180},
    "glass-pod": {"accept": "automatic", "maximum_advance_days": 14, "maximum_duration_minutes": 120},
    "ohtutaht": {"accept": "automatic", "minimum_notice_minutes": 30},
    "print-workshop": {"quota_hours_per_user": 24, "quota_period": "month", "buffer_before_minutes": 15},
    "kratt-gpu": {"accept": "automatic", "quota_hours_per_user": 48, "quota_period": "week"},
    "survey-drone": {
        "minimum_notice_minutes": DAY,
        "minimum_duration_minutes": 240,
        "buffer_before_minutes": 30,
        "buffer_after_minutes": 60,
    },
}
# Days counted from the Monday of the demo's week: (first, last, reason).
CLOSURES: dict[str, tuple[tuple[int, int, str], ...]] = {
    "nmr-800": ((9, 10, "Helium refill"),),
    "meridian-hall": ((4, 5, "Stage is being renewed"), (18, 18, "Rector's election")),
    "kratt-gpu": ((15, 15, "Update of the drivers"),),
}


def booking_rules(slug: str, time_zone: str, now: datetime) -> dict[str, Any]:
    """`attributes.booking_rules` of an offering; every one has its time zone."""
    rules: dict[str, Any] = {"time_zone": time_zone, **RULES.get(slug, {})}
    today = now.astimezone(ZoneInfo(time_zone)).date()
    monday = today - timedelta(days=today.weekday())
    closures = [_closure(monday, *closure) for closure in CLOSURES.get(slug, ())]
    return {**rules, "closures": closures} if closures else rules


def _closure(monday: date, first: int, last: int, reason: str) -> dict[str, str]:
    start, end = (monday + timedelta(days=number) for number in (first, last))
    return {"start": start.isoformat(), "end": end.isoformat(), "reason": reason}
