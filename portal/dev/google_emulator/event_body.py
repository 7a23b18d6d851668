"""The event fields a client may write: validated and normalised before they are stored."""

import re
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from portal.dev.google_emulator.access import parse_zone
from portal.dev.google_emulator.clock import local_timestamp, to_ms
from portal.dev.google_emulator.errors import ApiError, Json, bad_request
from portal.dev.google_emulator.recurrence import occurrences, span_ms

EVENT_ID = re.compile(r"[a-v0-9]{5,1024}")
TEXTS = ("summary", "description", "location", "colorId", "iCalUID", "eventType", "eventLabelId")
FLAGS = (
    "anyoneCanAddSelf",
    "guestsCanInviteOthers",
    "guestsCanModify",
    "guestsCanSeeOtherGuests",
    "attendeesOmitted",
    "endTimeUnspecified",
)
OBJECTS = ("reminders", "source", "conferenceData")
CHOICES = {
    "status": ("confirmed", "tentative", "cancelled"),
    "transparency": ("opaque", "transparent"),
    "visibility": ("default", "public", "private", "confidential"),
}
MAX_KEY, MAX_VALUE, MAX_PROPERTIES, MAX_PROPERTIES_SIZE = 44, 1024, 300, 32 * 1024
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?")


def check_id(value: Any) -> str:
    """An id chosen by the client: base32hex in lower case, 5 to 1024 characters."""
    if not isinstance(value, str) or not EVENT_ID.fullmatch(value):
        raise bad_request("Invalid resource id value.")
    return value


def normalise(body: Json, calendar_zone: ZoneInfo, *, instance: bool = False) -> Json:
    """The event to store: known fields only, times with their zone, empty values left out.

    Raises:
        ApiError: 400 with Google's reason.
    """
    lines = None if instance else body.get("recurrence")
    if lines is not None and (not isinstance(lines, list) or not all(isinstance(line, str) for line in lines)):
        raise bad_request("Invalid recurrence rule.")
    kept: Json = {}
    for name in ("start", "end"):
        kept[name] = _edge(body.get(name), name, calendar_zone, zone_needed=bool(lines))
    if ("date" in kept["start"]) != ("date" in kept["end"]):
        raise bad_request("Start and end times must either both be date or both be dateTime.")
    begins, ends = span_ms(kept, calendar_zone)
    if ends < begins or (ends == begins and "date" in kept["start"]):
        raise ApiError(
            400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar", location="timeMax"
        )
    for name in TEXTS + FLAGS + OBJECTS:
        if (value := body.get(name)) is not None:
            kind: type = bool if name in FLAGS else dict if name in OBJECTS else str
            if not isinstance(value, kind):
                raise bad_request(f"Invalid value for: {name}", "parseError")
            kept[name] = value
    for name, allowed in CHOICES.items():
        if (value := body.get(name)) is not None:
            if value not in allowed:
                raise bad_request(f"Invalid value for: {name}", "invalid")
            kept[name] = value
    if body.get("attendees"):
        kept["attendees"] = _attendees(body["attendees"])
    if properties := _properties(body.get("extendedProperties")):
        kept["extendedProperties"] = properties
    if lines:
        kept["recurrence"] = lines
        if not occurrences(kept, calendar_zone, 2**53):
            raise bad_request("Invalid recurrence rule.")
    return kept


def _edge(value: Any, name: str, calendar_zone: ZoneInfo, *, zone_needed: bool) -> Json:
    if value is None:
        raise bad_request(f"Missing {name} time.", "required")
    if not isinstance(value, dict):
        raise bad_request(f"Invalid value for: {name}", "parseError")
    day, moment, zone_name = value.get("date"), value.get("dateTime"), value.get("timeZone")
    if (day is None) == (moment is None):
        if day is None:
            raise bad_request(f"Missing {name} time.", "required")
        raise bad_request(f"Invalid {name} time.")
    if day is not None:
        try:
            if not _DATE.fullmatch(day):
                raise ValueError
            return {"date": date.fromisoformat(day).isoformat()}
        except (TypeError, ValueError):
            raise bad_request(f'Invalid value for: Invalid format: "{day}"') from None
    try:
        if not isinstance(moment, str) or not _DATE_TIME.fullmatch(moment):
            raise ValueError
        parsed = datetime.fromisoformat(moment.upper()).replace(microsecond=0)
    except (TypeError, ValueError):
        raise bad_request(f'Invalid value for: Invalid format: "{moment}"') from None
    if zone_name is None and (parsed.tzinfo is None or zone_needed):
        raise bad_request(f"Missing time zone definition for {name} time.", "required")
    zone = calendar_zone if zone_name is None else parse_zone(zone_name, f"{name} time")
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=zone)
    return {"dateTime": local_timestamp(to_ms(parsed), zone), "timeZone": zone.key}


def _attendees(value: Any) -> list[Json]:
    if not isinstance(value, list):
        raise bad_request("Invalid value for: attendees", "parseError")
    guests = []
    for guest in value:
        email = guest.get("email") if isinstance(guest, dict) else None
        if not email:
            raise bad_request("Missing attendee email.", "required")
        if not isinstance(email, str) or "@" not in email:
            raise bad_request("Invalid attendee email.")
        guests.append({"responseStatus": "needsAction", **guest, "email": email})
    return guests


def _properties(value: Any) -> Json:
    """Keys that are too long are dropped and values that are too long are truncated silently, as at Google."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad_request("Invalid value for: extendedProperties", "parseError")
    kept: Json = {}
    for kind in ("private", "shared"):
        pairs = value.get(kind) or {}
        if not isinstance(pairs, dict) or not all(isinstance(text, str | None) for text in pairs.values()):
            raise bad_request(f"Invalid value for: extendedProperties.{kind}", "parseError")
        pairs = {key: text[:MAX_VALUE] for key, text in pairs.items() if text is not None and len(key) <= MAX_KEY}
        if pairs:
            kept[kind] = pairs
    flat = [pair for pairs in kept.values() for pair in pairs.items()]
    if len(flat) > MAX_PROPERTIES or sum(len(key) + len(text) for key, text in flat) > MAX_PROPERTIES_SIZE:
        raise bad_request("The extended properties are too many or too large.", "invalid")
    return kept


def merge(old: Json, patch: Json) -> Json:
    """PATCH semantics: objects are merged, null removes, everything else (lists too) is replaced."""
    merged = dict(old)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged
