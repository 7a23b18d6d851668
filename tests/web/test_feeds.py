"""Calendar feeds: what they show, to whom, and that their secrets end."""

import re
from datetime import timedelta

import pytest
import time_machine
from icalendar import Calendar
from sqlalchemy import delete, select, update

from portal.domain.periods import Period
from portal.errors import NotFound
from portal.models import Booking, CalendarFeed, Organization, OutgoingMail, User
from portal.policies import ANONYMOUS
from portal.queries import feeds as queries
from portal.services import accounts, bookings, feeds
from tests.support import builders as make
from tests.support.builders import NOW

BASE = "https://portal.example"


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
@make.together()
def lab(db_session):
    organization = make.organization("Lab")
    offering = make.offering("Microscope", of=organization)
    booker = make.user("booker@example.org")
    boss = make.role(make.user("boss@example.org"), organization, "manager")
    return organization, offering, booker, boss


def book(offering, who, start, name="Ice"):
    period = Period(NOW + timedelta(hours=start), NOW + timedelta(hours=start + 1))
    return bookings.request_booking(
        make.actor(who), bookings.BookingRequest(offering.uuid, [period], name=name), now=NOW
    ).uuid


def events(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.content_type == "text/calendar; charset=utf-8"
    assert "Set-Cookie" not in answer.headers
    return [(str(it["summary"]), str(it["status"])) for it in Calendar.from_ical(answer.data).events]


def test_an_offerings_feed_shows_times_unless_its_rules_publish_titles(client, lab, db_session):
    _, offering, booker, boss = lab
    first, second = book(offering, booker, 1), book(offering, booker, 3, "Fire")
    bookings.accept_booking(make.actor(boss), first, now=NOW)
    bookings.cancel_booking(make.actor(booker), second, now=NOW)
    path = f"/offerings/{offering.uuid}/calendar.ics"
    assert events(client, path) == [("Booked", "CONFIRMED"), ("Booked", "CANCELLED")]
    assert "Ice" not in client.get(path).text
    offering.attributes = {**offering.attributes, "booking_rules": {"publish": "titles"}}
    db_session.commit()
    assert events(client, path) == [("Ice", "CONFIRMED"), ("Fire", "CANCELLED")]
    offering.shared = False
    db_session.commit()
    assert client.get(path).status_code == 404


def test_cancelled_bookings_do_not_push_out_those_that_hold(client, lab, db_session, monkeypatch):
    """Anybody can book and cancel again and again; of too many the latest are shown, so these lie in the future."""
    monkeypatch.setattr(queries, "MOST", 2)
    monkeypatch.setattr(queries, "MAX_GONE", 3)
    _, offering, booker, boss = lab
    for start in (1, 3):
        bookings.accept_booking(make.actor(boss), book(offering, booker, start), now=NOW)
    for start in range(10, 16):
        bookings.cancel_booking(make.actor(booker), book(offering, booker, start), now=NOW)
    shown = events(client, f"/offerings/{offering.uuid}/calendar.ics")
    assert shown == [("Booked", "CONFIRMED")] * 2 + [("Booked", "CANCELLED")] * 3


def test_a_feed_is_not_sent_twice_and_reaches_so_far_only(client, lab, db_session):
    _, offering, booker, _ = lab
    uuid = book(offering, booker, 1)
    path = f"/offerings/{offering.uuid}/calendar.ics"
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert first.headers["Last-Modified"] == "Mon, 02 Mar 2026 08:00:00 GMT"
    bookings.cancel_booking(make.actor(booker), uuid, now=NOW)
    assert client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200
    with time_machine.travel(NOW + timedelta(days=31), tick=False):
        assert events(client, path) == []


def test_a_persons_feed(client, lab, db_session):
    _, offering, booker, boss = lab
    book(offering, booker, 1)
    book(offering, boss, 3)
    secret = feeds.create_user_feed(make.actor(booker))
    path = f"/feeds/{secret}.ics"
    assert events(client, path) == [("Ice (Microscope)", "TENTATIVE")]
    kept = db_session.execute(select(CalendarFeed)).scalar_one()
    assert secret.encode() not in kept.digest
    newer = feeds.create_user_feed(make.actor(booker))
    assert client.get(path).status_code == 404
    assert client.get(f"/feeds/{newer}.ics").status_code == 200
    booker.is_active = False
    db_session.commit()
    assert client.get(f"/feeds/{newer}.ics").status_code == 404
    booker.is_active = True
    db_session.commit()
    feeds.revoke_user_feed(make.actor(booker))
    assert client.get(f"/feeds/{newer}.ics").status_code == 404


@pytest.mark.parametrize("secret", ["x", "a" * 65, "%00" * 30, "..%2f" * 6, "é" * 24])
def test_what_is_no_secret_is_not_found(client, db_session, secret):
    assert client.get(f"/feeds/{secret}.ics").status_code == 404


def test_an_organizations_feed_is_made_by_who_manages_it(client, lab, db_session):
    organization, offering, booker, boss = lab
    book(offering, booker, 1)
    with pytest.raises(NotFound):
        feeds.create_organization_feed(make.actor(booker), organization.uuid)
    secret = feeds.create_organization_feed(make.actor(boss), organization.uuid)
    assert events(client, f"/feeds/{secret}.ics") == [("Microscope: Booker, Ice", "TENTATIVE")]
    feeds.revoke_organization_feed(make.actor(boss), organization.uuid)
    assert client.get(f"/feeds/{secret}.ics").status_code == 404


def test_one_booking_is_for_those_who_see_it(lab, db_session):
    _, offering, booker, boss = lab
    uuid = book(offering, booker, 1)
    feed = queries.booking_events(make.actor(booker), uuid, BASE)
    assert [it.url for it in feed.events] == [f"{BASE}/bookings/{uuid}/"]
    assert queries.booking_events(make.actor(boss), uuid, BASE)
    for other in (ANONYMOUS, make.actor(make.user())):
        with pytest.raises(NotFound):
            queries.booking_events(other, uuid, BASE)


def test_a_moved_booking_keeps_its_identity(client, lab, db_session):
    _, offering, booker, _ = lab
    uuid = book(offering, booker, 1)
    path = f"/offerings/{offering.uuid}/calendar.ics"
    [before] = Calendar.from_ical(client.get(path).data).events
    moved = Period(NOW + timedelta(hours=5), NOW + timedelta(hours=6))
    bookings.reschedule_booking(make.actor(booker), uuid, [moved], now=NOW)
    [after] = Calendar.from_ical(client.get(path).data).events
    assert before["uid"] == after["uid"]
    assert int(after["sequence"]) > int(before["sequence"])
    assert after.start == moved.start


def test_the_cost_does_not_grow(client, lab, db_session, query_counter):
    _, offering, booker, _ = lab
    secret = feeds.create_user_feed(make.actor(booker))

    def cost():
        with query_counter() as counted:
            client.get(f"/feeds/{secret}.ics")
        return counted.number

    book(offering, booker, 1)
    cost()
    one = cost()
    for hour in range(2, 9):
        book(offering, booker, hour)
    assert cost() == one <= 3
    assert len(db_session.execute(select(Booking)).scalars().all()) == 8


@pytest.mark.sqlite_only
def test_the_page_makes_and_ends_an_address(visitor, world):
    person = visitor("member")
    page = person.post("/bookings/feed/", {"make": "1"}, page="/bookings/feed/")
    assert page.status_code == 201
    assert page.headers["Cache-Control"] == "no-store, no-transform"
    address = re.search(r'id="feed-address">([^<]+)<', page.text)[1]
    path = address[address.index("/feeds/") :]
    assert person.get(path).status_code == 200
    assert "can't be shown again" in person.get("/bookings/feed/").text
    assert person.post("/bookings/feed/", {"revoke": "1"}, page="/bookings/feed/").status_code == 303
    assert person.get(path).status_code == 404


def test_the_maker_and_the_owners_are_told_of_a_calendar_link(lab, db_session):
    organization, _, booker, boss = lab
    make.role(make.user("owner@example.org"), organization, "owner")
    feeds.create_user_feed(make.actor(booker))
    feeds.create_organization_feed(make.actor(boss), organization.uuid)
    rows = db_session.execute(select(OutgoingMail).order_by(OutgoingMail.id)).scalars().all()
    told = [(it.kind, it.recipient, it.data["what"], it.data["who"], it.data["page"]) for it in rows]
    page = f"/manage/organizations/{organization.uuid}/feed/"
    assert told == [
        ("feed_made", "booker@example.org", "Your own", "Booker", "/bookings/feed/"),
        ("feed_made", "boss@example.org", "Lab", "Boss", page),
        ("feed_made", "owner@example.org", "Lab", "Boss", page),
    ]


def test_a_new_password_by_link_ends_the_feeds_that_a_person_made(lab, db_session):
    organization, _, booker, boss = lab
    feeds.create_organization_feed(make.actor(boss), organization.uuid)
    for person in (boss, booker):
        feeds.create_user_feed(make.actor(person))
    accounts.set_password(make.actor(boss), boss.id, "walrus lamp of Tallinn", end_access=True)
    assert [it.user_id for it in db_session.execute(select(CalendarFeed)).scalars()] == [booker.id]


def test_a_cached_feed_shows_every_change(client, app, lab, db_session):
    """Whatever changes in a row that a feed shows, the bytes are those of a feed that is made anew."""
    organization, offering, booker, boss = lab
    uuid = book(offering, booker, 5)
    person = make.actor(booker)
    paths = [
        f"/offerings/{offering.uuid}/calendar.ics",
        f"/feeds/{feeds.create_user_feed(person, now=NOW)}.ics",
        f"/feeds/{feeds.create_organization_feed(make.actor(boss), organization.uuid, now=NOW)}.ics",
    ]
    moved = [Period(NOW + timedelta(hours=7), NOW + timedelta(hours=8))]
    seen = set()
    for change in (
        lambda: None,
        lambda: bookings.accept_booking(make.actor(boss), uuid, now=NOW),
        lambda: bookings.reschedule_booking(person, uuid, moved, now=NOW),
        lambda: book(offering, booker, 9, "Fire"),
        lambda: make.change(offering, name="Better microscope"),
        lambda: make.change(offering, attributes={**offering.attributes, "booking_rules": {"publish": "titles"}}),
        lambda: db_session.execute(update(Booking).where(Booking.uuid == uuid).values(name="Snow", modified=NOW)),
        lambda: db_session.execute(update(User).where(User.id == booker.id).values(full_name="Ann")),
        lambda: db_session.execute(update(Organization).values(name="Other lab")),
        lambda: bookings.cancel_booking(person, uuid, now=NOW),
        lambda: db_session.execute(delete(Booking).where(Booking.uuid == uuid)),
    ):
        change()
        db_session.commit()
        db_session.expire_all()
        cached = [client.get(path) for path in paths]
        again = [client.get(path) for path in paths]
        app.extensions["portal.cache"].clear()
        fresh = [client.get(path) for path in paths]
        for answers in (cached, again):
            assert [it.data for it in answers] == [it.data for it in fresh]
            assert [it.headers.get("Last-Modified") for it in answers] == [
                it.headers.get("Last-Modified") for it in fresh
            ]
        seen.add(tuple(it.data for it in fresh))
    # Each change shows somewhere.
    assert len(seen) == 11


def test_a_feed_that_has_not_changed_is_not_made_again(client, lab, monkeypatch):
    _, offering, booker, _ = lab
    book(offering, booker, 5)
    path = f"/offerings/{offering.uuid}/calendar.ics"
    first = client.get(path)
    monkeypatch.setattr("portal.web.feeds.calendar_bytes", None)
    second = client.get(path)
    assert (second.data, second.headers["ETag"]) == (first.data, first.headers["ETag"])
