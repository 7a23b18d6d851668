"""Converts events between Google's JSON and the values of the plan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from portal.calendar_sync.plan import EventContent, RemoteEvent
from portal.domain.texts import is_storable, visible
from portal.domain.zones import parse_zone

# The fields to request. Of guests only their responses, to see whether there are any, but not who they are.
FIELDS = (
    "id,etag,status,start,end,summary,description,location,transparency,visibility,recurringEventId,recurrence,"
    "extendedProperties/private,attendees/responseStatus"
)
LONGEST_ID = 1024
CONFIDENTIAL = frozenset({"private", "confidential"})


def read_event(item: Mapping[str, Any]) -> RemoteEvent:
    """An event from JSON. Raises ValueError if it has no id. Invalid times become None: the event is skipped."""
    identifier = item.get("id")
    if not isinstance(identifier, str) or not identifier:
        raise ValueError("it has no id")
    etag = str(item.get("etag") or "")
    if len(identifier) > LONGEST_ID or not is_storable(identifier + etag):
        raise ValueError(f"its id cannot be stored ({visible(identifier)})")
    visibility = item.get("visibility", "default")
    plain = (
        not item.get("attendees")
        and not item.get("recurrence")
        and visibility == "default"
        and item.get("status", "confirmed") == "confirmed"
    )
    properties = item.get("extendedProperties")
    private = properties.get("private") if isinstance(properties, Mapping) else None
    return RemoteEvent(
        id=identifier,
        etag=etag,
        cancelled=item.get("status") == "cancelled",
        start=_moment(item.get("start")),
        end=_moment(item.get("end")),
        title=str(item.get("summary") or ""),
        description=str(item.get("description") or ""),
        location=str(item.get("location") or ""),
        transparent=item.get("transparency") == "transparent",
        private=dict(private) if isinstance(private, Mapping) else {},
        recurring_id=str(item.get("recurringEventId") or ""),
        plain=plain,
        confidential=visibility in CONFIDENTIAL,
    )


def _moment(value: Any) -> datetime | date | None:
    if not isinstance(value, Mapping):
        return None
    try:
        if value.get("date"):
            return date.fromisoformat(value["date"])
        moment = datetime.fromisoformat(value["dateTime"])
        return moment if moment.tzinfo else moment.replace(tzinfo=parse_zone(value.get("timeZone") or "UTC"))
    except (ValueError, LookupError, TypeError, OSError, OverflowError):
        return None


def event_body(content: EventContent, app: str) -> dict[str, Any]:
    """The complete body of one of the portal's events: other fields are removed. No guests, so that no mail is sent."""
    return {
        "status": "confirmed",  # restores a deleted event
        "summary": content.title,
        "description": content.description,
        "location": content.location,
        "start": {"dateTime": _instant(content.start)},
        "end": {"dateTime": _instant(content.end)},
        "transparency": "opaque",
        "visibility": "default",
        "reminders": {"useDefault": False},
        "extendedProperties": {"private": {"app": app, "booking": content.slot_uuid.hex}},
    }


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
