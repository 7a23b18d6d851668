"""Calendars as bytes: they read back the same, with the right instants across a change of clocks."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
import recurring_ical_events
from hypothesis import example, given
from hypothesis import strategies as st
from icalendar import Calendar

from portal.domain.booking_states import BookingState
from portal.domain.ics import IcsEvent, calendar_bytes, google_link, outlook_link
from portal.domain.periods import Period
from portal.domain.texts import clean_lines, one_line
from tests.support.hostile_text import hostile_text

NOW = datetime(2026, 3, 2, 8, 0, 0, 123456, tzinfo=UTC)
UUID = uuid.UUID(int=7)
HEAD = (
    *("BEGIN", "PRODID", "VERSION", "CALSCALE", "METHOD", "X-WR-CALNAME"),
    *("REFRESH-INTERVAL;VALUE=DURATION", "X-PUBLISHED-TTL"),
)
EVENT = (
    *("BEGIN", "UID", "DTSTAMP", "CREATED", "LAST-MODIFIED", "SEQUENCE", "DTSTART", "DTEND"),
    *("SUMMARY", "STATUS", "TRANSP"),
)
TAIL = ("END", "END", "")


def event(
    start: datetime = NOW, hours: int = 1, state: BookingState = BookingState.CONFIRMED, **more: object
) -> IcsEvent:
    given = {"summary": "Ice", "sequence": 3, "created": NOW, "modified": NOW, **more}
    return IcsEvent(UUID, Period(start, start + timedelta(hours=hours)), state, **given)


def read(body: bytes) -> Calendar:
    return Calendar.from_ical(body)


def test_an_event_has_what_calendars_need_to_notice_a_change() -> None:
    body = calendar_bytes([event(description="Two grids", location="Lab", url="https://x/")], "Lab")
    assert body == calendar_bytes([event(description="Two grids", location="Lab", url="https://x/")], "Lab")
    lines = body.decode().split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    for line in (
        "VERSION:2.0",
        "METHOD:PUBLISH",
        "UID:00000000-0000-0000-0000-000000000007@booking-portal",
        "DTSTART:20260302T080000Z",
        "DTEND:20260302T090000Z",
        "DTSTAMP:20260302T080000Z",
        "LAST-MODIFIED:20260302T080000Z",
        "SEQUENCE:3",
        "STATUS:CONFIRMED",
        "REFRESH-INTERVAL;VALUE=DURATION:PT30M",
    ):
        assert line in lines, line


def test_states() -> None:
    for state, status, transparent in (
        (BookingState.REQUESTED, "TENTATIVE", "OPAQUE"),
        (BookingState.CONFIRMED, "CONFIRMED", "OPAQUE"),
        (BookingState.CANCELLED, "CANCELLED", "TRANSPARENT"),
        (BookingState.REJECTED, "CANCELLED", "TRANSPARENT"),
        (BookingState.EXPIRED, "CANCELLED", "TRANSPARENT"),
    ):
        [found] = read(calendar_bytes([event(state=state)], "x")).events
        assert (found["status"], found["transp"]) == (status, transparent)


def test_an_organizer_is_an_address_of_mail() -> None:
    body = calendar_bytes([event()], "x", organizer="büro+a@example.org")
    assert b"ORGANIZER:mailto:b%C3%BCro%2Ba@example.org\r\n" in body
    assert read(body).events[0]["organizer"] == "mailto:b%C3%BCro%2Ba@example.org"
    assert b"ORGANIZER" not in calendar_bytes([event()], "x")


@given(hostile_text(), hostile_text(), hostile_text(), hostile_text())
@example("Ice\r\nBEGIN:VALARM", "a\nATTACH:https://evil.example/\u2028X:1", "x\r\nMETHOD:CANCEL", "\ud800")
@example("\U0001f9ca" * 40, "ä" * 75, "é" * 75, "\\n;,")
def test_texts_stay_in_their_own_property(summary: str, description: str, name: str, location: str) -> None:
    body = calendar_bytes([event(summary=summary, description=description, location=location)], name)
    assert all(len(line) <= 75 for line in body.split(b"\r\n"))
    assert body.count(b"\r") == body.count(b"\n") == body.count(b"\r\n")
    properties = [line.partition(":")[0] for line in body.decode().replace("\r\n ", "").split("\r\n")]
    expected = [*HEAD, *EVENT, *(["LOCATION"] if location else []), *(["DESCRIPTION"] if description else []), *TAIL]
    assert properties == expected
    [found] = read(body).events
    assert str(found["summary"]) == one_line(summary)
    assert str(found.get("location", "")) == one_line(location)
    assert str(found.get("description", "")) == clean_lines(description)


@given(
    st.lists(
        st.tuples(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), st.integers(1, 30)),  # noqa: DTZ001
        max_size=6,
    )
)
def test_the_instants_are_exact(starts: list[tuple[datetime, int]]) -> None:
    events = [event(start.replace(tzinfo=UTC, microsecond=0), hours) for start, hours in starts]
    found = read(calendar_bytes(events, "x")).events
    assert sorted((it.start, it.end) for it in found) == sorted((it.period.start, it.period.end) for it in events)


def test_a_night_in_which_clocks_change_loads_right() -> None:
    tallinn = ZoneInfo("Europe/Tallinn")
    start = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 03:30, the first of two
    calendar = read(calendar_bytes([event(start, 2)], "x"))
    [found] = recurring_ical_events.of(calendar).at(date(2026, 10, 25))
    assert found.start.astimezone(tallinn).isoformat() == "2026-10-25T03:30:00+03:00"
    assert found.end.astimezone(tallinn).isoformat() == "2026-10-25T04:30:00+02:00"
    assert found.end - found.start == timedelta(hours=2)


def test_links_to_other_calendars() -> None:
    period = Period(NOW.replace(microsecond=0), NOW.replace(microsecond=0) + timedelta(hours=1))
    google = parse_qs(urlsplit(google_link(period, "A & B", "x", "y")).query)
    assert (google["dates"], google["text"]) == (["20260302T080000Z/20260302T090000Z"], ["A & B"])
    outlook = parse_qs(urlsplit(outlook_link(period, "A & B", "x", "y")).query)
    assert (outlook["startdt"], outlook["enddt"]) == (["2026-03-02T08:00:00Z"], ["2026-03-02T09:00:00Z"])


@pytest.mark.parametrize("link", [google_link, outlook_link])
@pytest.mark.parametrize("text", ["Run & rest", "Ж" * 2400, "a b" * 3000, "𝄞" * 900, "half \ud83d", "%20+&=#"])
def test_links_keep_spaces_and_stay_short(link: Callable[..., str], text: str) -> None:
    address = link(Period(NOW, NOW + timedelta(hours=1)), text, text, text)
    assert len(address) < 2000
    assert "+" not in address
    values = parse_qs(urlsplit(address).query, errors="strict")
    shown = (values.get("text") or values["subject"])[0]
    assert shown == text.replace("\ud83d", "?") or (
        shown.endswith("…") and text.startswith(shown[:-1]) and len(shown) > 40
    )
