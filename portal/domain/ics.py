"""Bookings as iCalendar (RFC 5545): the same bytes for the same bookings, every instant in UTC.

A slot keeps its UID for life; SEQUENCE and LAST-MODIFIED are the booking's, so calendars notice a move, and what was
cancelled is told as such for a while.
"""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from icalendar import Calendar, Event

from portal.domain.booking_states import BookingState
from portal.domain.periods import Period

PRODUCT = "-//Booking portal//Bookings//EN"
REFRESH = timedelta(minutes=30)
_STATUS = {BookingState.REQUESTED: "TENTATIVE", BookingState.CONFIRMED: "CONFIRMED"}


@dataclass(frozen=True, slots=True)
class IcsEvent:
    """One slot of a booking as a calendar shows it. Instants; texts are for people."""

    slot_uuid: uuidlib.UUID
    period: Period
    state: BookingState
    summary: str
    sequence: int
    created: datetime
    modified: datetime
    location: str = ""
    description: str = ""
    url: str = ""


def calendar_bytes(events: Iterable[IcsEvent], name: str, *, method: str = "PUBLISH") -> bytes:
    """A calendar with these events. `name` is what a program that subscribes shows."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    # A name is one line: the library does not write others in a property of this kind.
    calendar.add("x-wr-calname", " ".join(_clean(name).split()))
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT30M")
    for it in sorted(events, key=lambda it: (it.period, it.slot_uuid)):
        calendar.add_component(_event(it))
    return bytes(calendar.to_ical())


def _event(it: IcsEvent) -> Event:
    event = Event()
    event.add("uid", f"{it.slot_uuid}@booking-portal")
    # Not the time of asking: a feed in which nothing has changed has to be the same bytes.
    event.add("dtstamp", _second(it.modified))
    event.add("created", _second(it.created))
    event.add("last-modified", _second(it.modified))
    event.add("sequence", it.sequence)
    event.add("dtstart", it.period.start)
    event.add("dtend", it.period.end)
    event.add("summary", _clean(it.summary))
    event.add("status", _STATUS.get(it.state, "CANCELLED"))
    event.add("transp", "OPAQUE" if it.state in _STATUS else "TRANSPARENT")
    for name, text in (("location", it.location), ("description", it.description), ("url", it.url)):
        if text:
            event.add(name, _clean(text))
    return event


def google_link(period: Period, title: str, description: str, location: str) -> str:
    """An address at which Google Calendar offers to add this to the reader's calendar."""
    form = "%Y%m%dT%H%M%SZ"
    dates = f"{period.start:{form}}/{period.end:{form}}"
    query = {"action": "TEMPLATE", "text": title, "dates": dates, "details": description, "location": location}
    return f"https://calendar.google.com/calendar/render?{urlencode(query)}"


def outlook_link(period: Period, title: str, description: str, location: str) -> str:
    """The same for Outlook."""
    form = "%Y-%m-%dT%H:%M:%SZ"
    query = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": title,
        "startdt": f"{period.start:{form}}",
        "enddt": f"{period.end:{form}}",
        "body": description,
        "location": location,
    }
    return f"https://outlook.office.com/calendar/deeplink/compose?{urlencode(query)}"


def _second(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)


def _clean(text: str) -> str:
    """The text without control characters, which iCalendar has no way to write."""
    return "".join(sign for sign in text if sign == "\n" or sign.isprintable())
