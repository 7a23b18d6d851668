"""Answers of the API have a most: entries, headers, and what a query may be as long as."""

from datetime import timedelta

import pytest
from sqlalchemy import insert

from portal.api.paging import LONGEST_LINK
from portal.app import LONGEST_ADDRESS
from portal.domain.instants import format_instant
from portal.models import Booking, Slot
from portal.queries import occupied as queries
from tests.support import builders as make
from tests.support.builders import NOW

OFFERINGS = "/api/booking-offerings/"


@pytest.fixture
def three(owned):
    return make.offerings(["one", "two", "three"], of=owned[0])


def links(answer):
    return [entry.partition('rel="')[2].rstrip('"') for entry in answer.headers["Link"].split(", ")]


def test_the_link_header_has_a_longest(client, who, three):
    def ask(number: int, page: int = 1):
        query = "&".join(f"field=name{n:03}" for n in range(number))
        return client.get(f"{OFFERINGS}?{query}&page_size=1&page={page}", headers=who["stranger"])

    # As many names as an offering has, by far.
    assert links(ask(100)) == ["first", "next", "last"]
    assert links(ask(100, 2)) == ["first", "prev", "next", "last"]
    assert links(ask(200)) == ["next"]
    assert links(ask(200, 3)) == ["last"]
    for answer in (ask(100), ask(200)):
        assert len(answer.headers["Link"]) <= LONGEST_LINK
    next_page = ask(200).headers["Link"].partition("<http://localhost")[2].partition(">")[0]
    assert client.get(next_page, headers=who["stranger"]).json[0].keys() == three_keys(client, who)
    refused = ask(800)
    assert (refused.status_code, refused.json) == (
        414,
        {"detail": "The query is too long: use fewer or shorter parameters."},
    )
    # Characters that become three in the header.
    assert client.get(f"{OFFERINGS}?x={'é' * 3000}", headers=who["stranger"]).status_code == 414


def three_keys(client, who):
    return client.get(f"{OFFERINGS}?page_size=1", headers=who["stranger"]).json[0].keys()


@pytest.mark.parametrize("path", [OFFERINGS, "/api/booking-resources/", "/api/schema/", "/api/nothing-here/"])
def test_long_addresses_are_refused(client, who, path):
    answer = client.get(f"{path}?{'x' * LONGEST_ADDRESS}", headers=who["stranger"])
    assert answer.status_code == 414
    assert len(answer.data) < 10_000


def test_taken_times_have_a_most_and_are_the_latest(client, who, offering, owned, db_session, monkeypatch):
    monkeypatch.setattr(queries, "MAX_OCCUPIED", 30)
    person = owned[1]["member"].id
    booking = make.add(Booking(offering_id=offering.id, user_id=person, state="confirmed"))
    starts = [NOW + n * timedelta(hours=1) for n in range(40)]
    rows = [{"booking_id": booking.id, "offering_id": offering.id, "start": it, "end": it + QUARTER} for it in starts]
    db_session.execute(insert(Slot), rows)
    db_session.commit()
    found = client.get(f"/api/marketplace-bookings/{offering.uuid}/", headers=who["member"]).json
    assert [it["start"] for it in found] == [format_instant(it) for it in starts[10:]]


QUARTER = timedelta(minutes=15)
