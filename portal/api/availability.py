"""GET /api/booking-offerings/{uuid}/availability/: the free slots of an offering, and why other times are not free."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from flask import Response, request

from portal.api.auth import current_actor
from portal.api.errors import Refused
from portal.api.guards import token
from portal.api.params import offering_uuid
from portal.api.responses import json_response
from portal.api.routing import resource
from portal.domain.instants import format_instant, parse_query_instant
from portal.domain.periods import Period, PeriodError
from portal.models.base import utcnow
from portal.queries.availability import availability_page, zone_of
from portal.queries.offerings import visible_offering_row

DEFAULT_SPAN = timedelta(days=7)
LONGEST_SPAN = timedelta(days=62)
# Slots and refused times of one answer, together. Two months in steps of 20 minutes are fewer.
MAX_ENTRIES = 5000
_DURATION = re.compile(r"(\d{1,4}):([0-5]\d):([0-5]\d)", re.ASCII)


def booking_offerings_availability(segment: str) -> Response:
    """The slots of a window that can be booked, and the reasons for the rest. At most three statements.

    `start` and `end` are instants (by default from now for 7 days, at most 62 days), `duration` (HH:MM:SS, no longer
    than the window) is how long a slot must be at least. Every instant of the window is in `slots` or in `refused`,
    unless these would be more than MAX_ENTRIES: then the answer ends early, and `next` is the `start` to go on with.
    """
    actor, now = current_actor(), utcnow()
    offering_id, attributes, state = visible_offering_row(actor, offering_uuid(segment))
    window, duration = _wanted(now)
    if state == "Active":
        offer = availability_page(offering_id, attributes, window, duration, MAX_ENTRIES, now, actor)
        slots, following = offer.slots, offer.following
        refused = [(it.start, it.end, it.reason) for it in offer.refused]
    else:
        slots, following = [], None
        refused = [(window.start, window.end, f"This offering is {state.lower()}: it can't be booked now.")]
    body: dict[str, Any] = {
        "time_zone": zone_of(attributes).key,
        "slots": [{"start": format_instant(it.start), "end": format_instant(it.end)} for it in slots],
        "refused": [
            {"start": format_instant(start), "end": format_instant(end), "reason": reason}
            for start, end, reason in refused
        ],
    }
    if following is not None:
        body["next"] = format_instant(following)
    return json_response(body)


def _wanted(now: datetime) -> tuple[Period, timedelta | None]:
    problems: dict[str, list[str]] = {}
    start = _instant("start", problems) or now
    end = _instant("end", problems)
    duration = _duration(problems)
    if not problems:
        try:
            window = Period(start, end or start + DEFAULT_SPAN)
        except (PeriodError, OverflowError):
            problems["end"] = ["The end must be after the start."]
        else:
            if window.duration > LONGEST_SPAN:
                problems["end"] = [f"At most {LONGEST_SPAN.days} days can be asked for at a time."]
            elif duration is not None and duration > window.duration:
                problems["duration"] = ["The duration must not be longer than the time from start to end."]
            else:
                return window, duration
    raise Refused(400, problems)


def _instant(name: str, problems: dict[str, list[str]]) -> datetime | None:
    text = request.args.get(name, "").strip()
    if not text:
        return None
    try:
        instant = parse_query_instant(text)
        if not 1970 <= instant.year <= 9000:
            raise ValueError("is too far away")
    except ValueError as error:
        problems[name] = [f"The {name} {error}."]
        return None
    return instant


def _duration(problems: dict[str, list[str]]) -> timedelta | None:
    text = request.args.get("duration", "").strip()
    if not text:
        return None
    found = _DURATION.fullmatch(text)
    hours, minutes, seconds = (int(part) for part in found.groups()) if found else (0, 0, 0)
    length = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if not length:
        problems["duration"] = ["Enter a duration as HH:MM:SS, such as 02:30:00."]
    return length or None


resource(
    "/api/booking-offerings/<segment>/availability/",
    "booking_offerings_availability",
    guard=token,
    get=booking_offerings_availability,
)
