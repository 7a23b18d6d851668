"""freebusy.query: merged busy intervals without details."""

from datetime import datetime

from portal.dev.google_emulator.access import Call, calendar_for, parse_zone
from portal.dev.google_emulator.clock import local_timestamp, to_ms
from portal.dev.google_emulator.errors import ApiError, Json, bad_request
from portal.dev.google_emulator.event_store import SavedEvent
from portal.dev.google_emulator.listing import window

MAX_CALENDARS = 50


def query(call: Call) -> Json:
    """Busy times of up to 50 calendars; `errors` for one that cannot be read."""
    low, high = _edge(call.body, "timeMin"), _edge(call.body, "timeMax")
    if high <= low:
        raise ApiError(400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar")
    zone = parse_zone(call.body.get("timeZone", "UTC"), "timeZone")
    items = call.body.get("items") or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise bad_request("Invalid value for: items", "parseError")
    if len(items) > MAX_CALENDARS:
        raise bad_request("The requested set of calendars is too large.", "tooManyCalendarsRequested")
    calendars: Json = {}
    for item in items:
        wanted = str(item.get("id", ""))
        try:
            calendar = calendar_for(call, "freeBusyReader", wanted)
        except ApiError:
            calendars[wanted] = {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
            continue
        made = [found.make() for found in window(call.db, call.state.clock.ms(), calendar, low, high)]
        spans = sorted(
            (max(event.start_ms, low), min(event.end_ms, high))
            for event in made
            if isinstance(event, SavedEvent) and event.body.get("transparency") != "transparent"
        )
        merged: list[tuple[int, int]] = []
        for begins, ends in spans:
            if merged and begins <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(ends, merged[-1][1]))
            elif ends > begins:
                merged.append((begins, ends))
        calendars[wanted] = {
            "busy": [
                {"start": local_timestamp(begins, zone), "end": local_timestamp(ends, zone)} for begins, ends in merged
            ]
        }
    return {
        "kind": "calendar#freeBusy",
        "timeMin": local_timestamp(low, zone),
        "timeMax": local_timestamp(high, zone),
        "calendars": calendars,
    }


def _edge(body: Json, name: str) -> int:
    try:
        moment = datetime.fromisoformat(body[name])
    except (KeyError, TypeError, ValueError):
        raise bad_request(f"Missing or invalid {name}.", "required", name) from None
    if moment.tzinfo is None:
        raise bad_request(f"Missing time zone offset in {name}.", "required", name)
    return to_ms(moment)
