"""“Free on … for … hours” and the day view."""

import re
from datetime import timedelta

import pytest
import time_machine

from portal.domain.periods import Period
from portal.services import bookings
from tests.support import builders as make
from tests.support.builders import NOW

pytestmark = pytest.mark.sqlite_only  # tests/api/test_agreement.py asks both databases


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def world(db_session):
    booker = make.actor(make.user())
    free, taken = make.offering("Alpha scope"), make.offering("Beta scope")
    make.offering("Gamma room", state="Paused")
    tallinn = {"schedules": make.schedule(slotDuration="02:00:00"), "booking_rules": {"time_zone": "Europe/Tallinn"}}
    make.offering("Delta room", attributes=tallinn)
    period = Period(NOW + timedelta(hours=17), NOW + timedelta(hours=39))
    bookings.request_booking(booker, bookings.BookingRequest(taken.uuid, [period]), now=NOW)
    return free, taken


def names(page):
    return re.findall(r"<h3><a [^>]+>([^<]+)</a></h3>", page)


def test_what_is_free_on_a_day(client, world):
    assert names(client.get("/?date=2026-03-03&hours=3").text) == ["Alpha scope", "Delta room"]
    assert names(client.get("/?date=2026-03-03&hours=1").text) == ["Alpha scope", "Beta scope", "Delta room"]
    late = client.get("/?date=2026-03-03&after=23:00&hours=1").text
    assert names(late) == ["Alpha scope", "Beta scope"]
    assert names(client.get("/?date=2026-03-03&hours=1&q=room").text) == ["Delta room"]
    page = client.get("/?date=2026-03-03&before=12:00&hours=2,5").text
    assert "Tue 3 Mar 2026, until 12:00, for 2 hours and 30 minutes" in page
    assert "Free from" in page
    assert "slot=2026-03-03T00:00:00Z/2026-03-03T03:00:00Z" in page


def test_a_wish_that_nothing_meets_can_be_dropped(client, world):
    page = client.get("/?date=2026-01-01&hours=2").text
    assert "No results" in page
    assert "Nothing is free on Thu 1 Jan 2026, for 2 hours." in page
    assert 'href="/"' in page


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("hours=2", "Choose the day on which it has to be free."),
        ("date=tomorrow", "The day is not a date such as 2026-03-31."),
        ("date=2026-02-30", "The day is not a date such as 2026-03-31."),
        ("date=9999-01-01", "The day is not a date such as 2026-03-31."),
        ("date=2026-03-03&hours=0", "Enter a number of hours up to 720."),
        ("date=2026-03-03&hours=nan", "Enter a number of hours up to 720."),
        ("date=2026-03-03&hours=1e9", "Enter a number of hours up to 720."),
        ("date=2026-03-03&after=25:00", "“25:00” is not a time of day such as 09:30."),
        ("date=2026-03-03&after=12:00&before=11:00", "The latest end must be after the earliest start."),
    ],
)
def test_what_cannot_be_understood_is_said_and_shows_everything(client, world, query, said):
    page = client.get(f"/?{query}").text
    assert said in page
    assert len(names(page)) == 4


def test_the_day_view(client, world):
    free, _taken = world
    page = client.get("/timeline/?day=2026-03-03").text
    assert "Tuesday, 3 March 2026" in page
    assert f"/offerings/{free.uuid}/book/?slot=2026-03-03T10:00:00Z/2026-03-03T11:00:00Z" in page
    assert "Held by a request that has not been answered yet" in page
    assert "Europe/Tallinn" in page
    today = client.get("/timeline/").text
    assert 'class="now col-33"' in today
    assert "Prev" not in today
    assert "Alpha" not in client.get("/timeline/?q=room").text
    for odd in ("day=x", "day=1999-01-01", "page=99", "q=%00"):
        assert client.get(f"/timeline/?{odd}").status_code == 200


def test_statements_do_not_grow(client, world, query_counter):
    def cost(path):
        client.get(path)
        with query_counter() as counted:
            client.get(path)
        return counted.number

    paths = ("/?date=2026-03-03&hours=1", "/timeline/?day=2026-03-03", "/")
    before = [cost(path) for path in paths]
    booker = make.actor(make.user())
    for number in range(6):
        offering = make.offering(f"More {number}")
        period = Period(NOW + timedelta(hours=20), NOW + timedelta(hours=22))
        bookings.request_booking(booker, bookings.BookingRequest(offering.uuid, [period]), now=NOW)
    assert [cost(path) for path in paths] == before
    assert before[2] <= 6
    assert max(before) <= 7
