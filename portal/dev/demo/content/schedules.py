"""Opening hours as `attributes.schedules` has them, around the demo's day so that it is alive whenever it is set up."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from portal.dev.demo.content.spec import Hours


def _midnight(day: date, zone: ZoneInfo) -> str:
    instant = datetime.combine(day, time(), zone).astimezone(UTC)
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def schedule_entries(slug: str, hours: Hours, time_zone: str, now: datetime) -> list[dict[str, Any]]:
    """One entry per run, from Monday 00:00 to Monday 00:00 local time, written in UTC; every entry has both ends."""
    zone = ZoneInfo(time_zone)
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    entries = []
    for number, (first, after, title) in enumerate(hours.runs, 1):
        entries.append(
            {
                "id": f"booking{number}-{slug}",
                "start": _midnight(monday + timedelta(weeks=first), zone),
                "end": _midnight(monday + timedelta(weeks=after), zone),
                "title": title,
                "allDay": True,
                "extendedProps": {
                    "type": "Availability",
                    "config": {
                        "weekends": bool({0, 6} & set(hours.days)),
                        "slotDuration": f"{hours.slot:02d}:00:00",
                        "businessHours": {
                            "startTime": hours.start,
                            "endTime": hours.end,
                            "daysOfWeek": list(hours.days),
                        },
                    },
                },
            }
        )
    return entries
