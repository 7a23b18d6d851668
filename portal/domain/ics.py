"""Bookings as iCalendar (RFC 5545): the same bytes for the same bookings, all times in UTC.

A slot keeps its UID; SEQUENCE and LAST-MODIFIED are the booking's, so that calendars notice changes.
"""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from urllib.parse import quote

from portal.domain.booking_states import BookingState
from portal.domain.periods import Period
from portal.domain.texts import clean_lines, one_line

PRODUCT = "-//Booking portal//Bookings//EN"
REFRESH = "PT30M"
WIDEST = 75
_ESCAPED = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})
_STATUS = {BookingState.REQUESTED: "TENTATIVE", BookingState.CONFIRMED: "CONFIRMED"}


@dataclass(frozen=True, slots=True)
class IcsEvent:
    """One slot of a booking as a calendar event."""

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


def calendar_bytes(events: Iterable[IcsEvent], name: str, *, organizer: str = "") -> bytes:
    """A calendar with these events, in order. `name` is the calendar's display name.

    The method is always PUBLISH: a CANCEL has a single UID (RFC 5546, 3.2.5), but a booking has one for each slot.
    Cancelled events have STATUS:CANCELLED. `organizer` is the address that RFC 5546 (3.2.1) requires in mail.

    Not written with the icalendar library, which takes 3 ms per event: 15 s for a busy year. Tests read it with that.
    """
    lines = [
        "BEGIN:VCALENDAR",
        f"PRODID:{PRODUCT}",
        "VERSION:2.0",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        _line("X-WR-CALNAME", one_line(name)),
        f"REFRESH-INTERVAL;VALUE=DURATION:{REFRESH}",
        f"X-PUBLISHED-TTL:{REFRESH}",
    ]
    # Written piece by piece: a list of all lines takes three times the memory.
    body = BytesIO()
    body.write(_encoded(lines))
    for it in events:
        body.write(_encoded(_event(it, organizer)))
    body.write(_encoded(["END:VCALENDAR"]))
    return body.getvalue()


def _encoded(lines: list[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()


def _event(it: IcsEvent, organizer: str) -> list[str]:
    modified = _instant(it.modified)
    lines = [
        "BEGIN:VEVENT",
        f"UID:{it.slot_uuid}@booking-portal",
        # Not the current time: an unchanged feed has to have the same bytes.
        f"DTSTAMP:{modified}",
        f"CREATED:{_instant(it.created)}",
        f"LAST-MODIFIED:{modified}",
        f"SEQUENCE:{it.sequence}",
        f"DTSTART:{_instant(it.period.start)}",
        f"DTEND:{_instant(it.period.end)}",
        _line("SUMMARY", one_line(it.summary)),
        f"STATUS:{_STATUS.get(it.state, 'CANCELLED')}",
        f"TRANSP:{'OPAQUE' if it.state in _STATUS else 'TRANSPARENT'}",
    ]
    if organizer:
        lines.append(_folded(f"ORGANIZER:mailto:{quote(one_line(organizer), safe='@')}"))
    if it.location:
        lines.append(_line("LOCATION", one_line(it.location)))
    if it.description:
        lines.append(_line("DESCRIPTION", clean_lines(it.description)))
    if it.url:
        lines.append(_folded(f"URL:{one_line(it.url)}"))
    lines.append("END:VEVENT")
    return lines


def _line(name: str, text: str) -> str:
    """A text property, escaped (RFC 5545, 3.3.11) and folded."""
    return _folded(f"{name}:{text.translate(_ESCAPED)}")


def _folded(line: str) -> str:
    """The line folded into pieces of at most 75 bytes, between characters (RFC 5545, 3.1)."""
    if len(line) * 4 <= WIDEST or (line.isascii() and len(line) <= WIDEST):
        return line
    encoded = line.encode()
    pieces, first, width = [], 0, WIDEST
    while len(encoded) - first > width:
        last = first + width
        while encoded[last] & 0xC0 == 0x80:
            last -= 1
        pieces.append(encoded[first:last].decode())
        # The next line begins with a space, which counts.
        first, width = last, WIDEST - 1
    return "\r\n ".join([*pieces, encoded[first:].decode()])


def google_link(period: Period, title: str, description: str, location: str) -> str:
    """An address at which Google Calendar offers to add this to the reader's calendar. Long texts are cut."""
    form = "%Y%m%dT%H%M%SZ"
    dates = f"{period.start:{form}}/{period.end:{form}}"
    query = {"action": "TEMPLATE", "text": title, "dates": dates, "details": description, "location": location}
    return _calendar_link("https://calendar.google.com/calendar/render", query)


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
    return _calendar_link("https://outlook.office.com/calendar/deeplink/compose", query)


# Characters of a value in such an address, escaped: three of them and the rest stay below 2,000, which every browser
# and mail program takes.
_LONGEST_VALUE = 550


def _calendar_link(address: str, query: Mapping[str, str]) -> str:
    # Spaces as %20: calendars show a plus sign as one.
    return f"{address}?{'&'.join(f'{key}={_escaped(value)}' for key, value in query.items())}"


def _escaped(text: str) -> str:
    whole = quote(text, safe="", errors="replace")
    if len(whole) <= _LONGEST_VALUE:
        return whole
    kept, length = [], len(quote("…"))
    for char in text:
        escaped = quote(char, safe="", errors="replace")
        length += len(escaped)
        if length > _LONGEST_VALUE:
            break
        kept.append(escaped)
    return "".join([*kept, quote("…")])


def _instant(instant: datetime) -> str:
    return f"{instant:%Y%m%dT%H%M%SZ}"
