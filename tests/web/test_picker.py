"""The booking page as a picker: slots over several weeks, reasons, alternatives to every refusal; without scripts."""

import html
import re
from datetime import timedelta

import pytest
import time_machine

from portal.domain.periods import Period
from portal.services import bookings as services
from tests.support import builders as make
from tests.support.builders import NOW
from tests.web.conftest import PASSWORD, Visitor

pytestmark = pytest.mark.sqlite_only
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BLANK = {"start": "", "end": ""}


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def lab(db_session):
    """Somebody with a booking in a lab (`move`), and a way to change the offering's rules."""
    offering = make.offering("Microscope", of=make.organization("Lab"))
    booker = make.user("booker@example.org", password=PASSWORD)
    period = Period(NOW + 2 * HOUR, NOW + 4 * HOUR)
    made = services.request_booking(make.actor(booker), services.BookingRequest(offering.uuid, [period]), now=NOW)
    return offering, f"/offerings/{offering.uuid}/book/", f"/bookings/{made.uuid}/move/"


@pytest.fixture
def person(app, lab):
    return Visitor(app.test_client()).sign_in("booker")


def slot(hours, length=1):
    start, end = NOW + hours * HOUR, NOW + (hours + length) * HOUR
    return f"{start:%Y-%m-%dT%H:%M:%SZ}/{end:%Y-%m-%dT%H:%M:%SZ}"


def change_rules(offering, **rules):
    make.change(offering, attributes={**offering.attributes, "booking_rules": rules})


def alternatives(page):
    return [it.split(" ") for it in re.findall(r'name="use" value="([^"]+)"', page)]


def test_without_a_pick_the_week_is_shown_and_says_whether_approval_is_needed(person, lab):
    offering, book, _ = lab
    page = person.get(book).text
    assert f'name="slot" value="{slot(1)}"' in page
    # The fields for exact times are there, and closed.
    assert re.search(r'<details class="more typed-times">.*name="start" value="">', page, re.S)
    assert "Bookings need approval" in page
    assert ">Request booking</button>" in page
    change_rules(offering, accept="automatic")
    page = person.get(book).text
    assert "Bookings are confirmed automatically." in page
    assert ">Book now</button>" in page


def test_the_first_week_with_a_free_slot_is_shown(person, lab):
    offering, book, _ = lab
    change_rules(offering, minimum_notice_minutes=10 * 24 * 60)
    page = person.get(book).text
    first = (NOW + 10 * DAY).date()
    assert f'<input type="hidden" name="from" value="{first}">' in page
    assert f'value="{slot(240)}"' in page


def test_slots_are_picked_over_two_weeks(person, lab, db_session):
    _, book, _ = lab
    later = str((NOW + 7 * DAY).date())
    fields = {**BLANK, "slot": [slot(30), slot(31)], "name": "Ice", "show": later}
    second = person.post(book, fields, page=book).text
    assert re.findall('type="hidden" name="slot" value="([^"]+)"', second) == [slot(30), slot(31)]
    assert 'value="Ice"' in second
    assert "<strong>2 slots</strong>" in second
    three = {**BLANK, "slot": [slot(30), slot(31), slot(200)]}
    summary = person.post(f"{book}summary/", three, page=book).text
    assert "<strong>3 slots</strong>" in summary
    # Neighbours are one period.
    assert re.findall('name="drop" value="([^"]+)"', summary) == [slot(30, 2), slot(200)]
    fewer = person.post(book, {**three, "drop": slot(30, 2), "from": later}, page=book).text
    assert "<strong>1 slot</strong>" in fewer
    assert f'value="{slot(200)}" checked' in fewer
    assert person.post(book, {**three, "book": "1"}, page=book).status_code == 303


def test_however_many_slots_are_ticked_none_is_left_out(person, lab):
    offering, book, _ = lab
    (entry,) = offering.attributes["schedules"]
    short = entry | {"extendedProps": {"type": "Availability", "config": {"slotDuration": "00:05:00"}}}
    make.change(offering, attributes={"schedules": [short]})
    ticked = [slot(24 + number / 12, 1 / 12) for number in range(600)]
    summary = person.post(f"{book}summary/", {**BLANK, "slot": ticked}, page=book).text
    assert "<strong>600 slots</strong>" in summary
    assert re.findall('name="drop" value="([^"]+)"', summary) == [slot(24, 50)]
    # More periods than go into one booking are refused as a whole.
    apart = person.post(book, {**BLANK, "slot": ticked[::2], "book": "1"}, page=book)
    assert apart.status_code == 400
    assert "At most 20 periods" in apart.text


REFUSED = {
    "too soon": ({"minimum_notice_minutes": 24 * 60}, slot(3), "Too soon"),
    "too far ahead": ({"maximum_advance_days": 10}, slot(24 * 30), "Too far ahead"),
    "a closure": ({"closures": [{"start": "2026-03-03", "end": "2026-03-04", "reason": "Fair"}]}, slot(24), "Fair"),
    "a buffer": ({"buffer_after_minutes": 60}, slot(4), "Kept free"),
    "too short": ({"minimum_duration_minutes": 120}, slot(6), "at least 2 hours"),
    "too long": ({"maximum_duration_minutes": 60}, slot(6, 3), "at most 1 hour"),
    "no whole slots": ({}, slot(6.5), "whole slots"),
    "past": ({}, slot(-3), "has already begun"),
    "booked": ({}, slot(2), "You have requested this"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_every_refusal_comes_with_the_nearest_free_times(person, lab, kind, db_session):
    offering, book, move = lab
    rules, asked, reason = REFUSED[kind]
    change_rules(offering, **rules)
    for path in (book, move):
        if path == move and kind in ("booked", "a buffer"):
            # The booking that is moved is in nobody's way.
            continue
        refused = person.post(path, {**BLANK, "slot": asked, "book": "1"}, page=path)
        assert refused.status_code in (400, 409)
        assert reason in html.unescape(refused.text), path
        assert "<title>Error: " in refused.text
        found = alternatives(refused.text)
        assert 0 < len(found) <= 3, path
        assert {old for old, _ in found} == {asked}
        # The same is said before, without booking.
        assert found == alternatives(person.post(f"{path}summary/", {**BLANK, "slot": asked}, page=path).text)
        better = person.post(path, {**BLANK, "slot": asked, "use": " ".join(found[0])}, page=path).text
        assert 'class="error"' not in better
    new = found[0][1]
    assert person.post(book, {**BLANK, "slot": new, "book": "1"}, page=book).status_code == 303


def test_alternatives_do_not_overlap_what_else_is_chosen(person, lab):
    _, book, _ = lab
    fields = {**BLANK, "slot": [slot(2, 2), slot(5)]}
    found = alternatives(person.post(f"{book}summary/", fields, page=book).text)
    assert [new for _, new in found] == [slot(0, 2), slot(6, 2), slot(7, 2)]


def test_all_errors_are_shown_at_once(person, lab):
    offering, book, _ = lab
    question = {"type": "integer", "label": "Samples", "required": True}
    make.change(offering, options={"options": {"samples": question}})
    fields = {"start": "soon", "end": "2026-03-05T10:00", "slot": slot(2), "name": "Ice\0", "book": "1"}
    page = person.post(book, fields, page=book).text
    listed = re.search(r'id="problems".*?</ul>', page, re.S)[0]
    assert [it in listed for it in ('#start-0">', '#summary-title">', '#name">', '#answer-samples">')] == [True] * 4
    assert page.count('aria-invalid="true"') == 4


def test_a_moved_booking_says_whether_approval_is_needed(person, lab):
    offering, _, move = lab
    assert "The new times need approval" in person.get(move).text
    change_rules(offering, accept="automatic")
    assert "The new times are confirmed automatically." in person.get(move).text


def test_the_reasons_of_the_week_are_told_apart(person, lab):
    offering, book, _ = lab
    closure = {"start": "2026-03-04", "end": "2026-03-05", "reason": "Spring fair"}
    change_rules(offering, buffer_after_minutes=60, closures=[closure], minimum_notice_minutes=30)
    page = html.unescape(person.get(book).text)
    told = set(
        re.findall(r'<td class="slot slot-([a-z]+) [^>]*><button type="button" class="why"><span class="word">', page)
    )
    assert {"mine", "buffer", "closure"} <= told
    assert "Spring fair" in page
