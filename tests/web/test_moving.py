"""Moving a booking on its page, with the week beside the typed times; without JavaScript."""

import re
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from portal.domain.periods import Period
from portal.models import Booking
from portal.services import bookings as services
from tests.support import builders as make
from tests.support.builders import NOW
from tests.web.conftest import PASSWORD, Visitor

pytestmark = pytest.mark.sqlite_only


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


def hours(start, end):
    return Period(NOW + timedelta(hours=start), NOW + timedelta(hours=end))


def slot(hour):
    start, end = (NOW + timedelta(hours=it) for it in (hour, hour + 1))
    return f"{start:%Y-%m-%dT%H:%M:%SZ}/{end:%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture
def house(db_session):
    """An offering with a booking of the booker's from 10 to 12 and one of a rival's from 14 to 15."""
    with make.together():
        organization = make.organization("Lab")
        offering = make.offering("Microscope", of=organization)
        people = {who: make.user(f"{who}@example.org", password=PASSWORD) for who in ("booker", "rival", "boss")}
        make.role(people["boss"], organization, "owner")

    def book(who, start, end, name):
        wish = services.BookingRequest(offering.uuid, [hours(start, end)], name=name)
        return services.request_booking(make.actor(people[who]), wish, now=NOW).uuid

    return offering, book("booker", 2, 4, "Ice"), book("rival", 6, 7, "Fire"), book


@pytest.fixture
def enter(app):
    return lambda who: Visitor(app.test_client()).sign_in(who)


def boxes(page):
    """Each box that can be ticked: what it says, and whether it is ticked."""
    found = re.findall(r'name="slot" value="([^"]+)"( checked)?><span class="word">(\w+)', page)
    return {value: (word, bool(ticked)) for value, ticked, word in found}


def test_its_own_time_is_not_taken_and_others_is(house, enter):
    _, booking, _, _ = house
    shown = boxes(enter("booker").get(f"/bookings/{booking}/move/").text)
    assert [shown.get(slot(hour)) for hour in range(2, 8)] == [
        ("Current", False),
        ("Current", False),
        ("Free", False),
        ("Free", False),
        None,
        ("Free", False),
    ]


def test_slots_are_picked_looked_at_and_taken_over_the_own_time(house, enter, db_session):
    _, booking, _, _ = house
    person, path = enter("booker"), f"/bookings/{booking}/move/"
    page = person.get(f"{path}?slot={slot(3)}&slot={slot(4)}").text
    assert [it for it, (_, ticked) in boxes(page).items() if ticked] == [slot(3), slot(4)]
    fields = {"start": "", "end": "", "slot": [slot(3), slot(4)], "book": "1"}
    assert person.post(path, fields, page=path).status_code == 303
    db_session.expire_all()
    found = db_session.execute(select(Booking).where(Booking.uuid == booking)).scalar_one()
    assert [(it.start, it.end) for it in found.slots] == [(hours(3, 5).start, hours(3, 5).end)]


def test_a_refusal_keeps_the_ticks_and_the_week(house, enter):
    _, booking, _, _ = house
    person, path = enter("booker"), f"/bookings/{booking}/move/"
    day = (NOW + timedelta(days=1)).date().isoformat()
    fields = {"start": f"{day}T09:00", "end": f"{NOW + timedelta(hours=6):%Y-%m-%dT%H:%M}", "book": "1"}
    refused = person.post(f"{path}?from={day}", fields, page=path)
    assert refused.status_code == 400
    assert f'name="from" value="{day}"' in refused.text
    fields = {"start": "", "end": "", "slot": [slot(6), slot(7)], "book": "1"}
    lost = person.post(path, fields, page=path)
    assert lost.status_code == 409
    assert boxes(lost.text)[slot(7)] == ("Free", True)
    assert boxes(lost.text)[slot(8)] == ("Free", False)


def test_the_week_begins_with_the_booking_and_a_button_leads_to_today(house, enter):
    _, _, _, book = house
    booking = book("booker", 24 * 10, 24 * 10 + 1, "Later")
    page = enter("booker").get(f"/bookings/{booking}/move/").text
    first = (NOW + timedelta(days=10)).date()
    assert f"<h3>{first.day}–{first.day + 6} {first:%B %Y}</h3>" in page
    assert boxes(page)[slot(240)] == ("Current", False)
    there = f'id="week-today" name="show" value="{NOW.date().isoformat()}" formnovalidate'
    assert there in page


def test_what_is_picked_in_another_week_goes_along(house, enter):
    offering, booking, _, _ = house
    person, later = enter("booker"), (NOW + timedelta(days=7)).date().isoformat()
    for path in (f"/offerings/{offering.uuid}/", f"/bookings/{booking}/move/"):
        page = person.get(f"{path}?slot={slot(8)}&slot={slot(9)}&slot={slot(200)}&from={later}").text
        assert [it for it, (_, ticked) in boxes(page).items() if ticked] == [slot(200)]
        assert re.findall('type="hidden" name="slot" value="([^"]*)"', page) == [slot(8), slot(9)]
        assert ">3 slots</span>" in page


def test_whoever_manages_the_offering_is_not_told_that_the_bookers_time_is_theirs(house, enter):
    _, booking, _, book = house
    book("booker", 8, 9, "Other")
    assert "Yours" in enter("booker").get(f"/bookings/{booking}/move/").text
    page = enter("boss").get(f"/bookings/{booking}/move/").text
    assert "Yours" not in page
    assert boxes(page)[slot(2)] == ("Current", False)
    assert slot(8) not in boxes(page)


def test_a_paused_offering_has_nothing_to_pick(house, enter, db_session):
    offering, booking, _, _ = house
    offering.state = "Paused"
    db_session.commit()
    page = enter("booker").get(f"/bookings/{booking}/move/").text
    assert boxes(page) == {}
    assert "This offering is paused" in page
