"""Pages stay small and addresses short, whatever an offering, a person or a visitor brings."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from portal.documents import store as documents
from portal.extensions import db
from portal.models import Booking, Category, Membership, Offering, Organization, Slot, User
from portal.services.bookings import MAX_CHANGES
from portal.web.catalogue import MAX_CHOICES, MAX_CHOSEN
from portal.web.links import LONGEST_RETURN
from portal.web.sheet import MAX_FACTS
from portal.web.staff import MAX_ROLES
from portal.web.timeline import COLUMNS
from portal.web.week import MAX_STEPS

# Slots of one minute, round the clock.
MINUTES = {
    "start": "2020-01-01T00:00:00Z",
    "end": "2099-01-01T00:00:00Z",
    "extendedProps": {"type": "Availability", "config": {"slotDuration": "00:01:00"}},
}


def scope_of(world):
    return db.session.query(Offering).filter_by(uuid=world.scope).one()


def user_of(name):
    return db.session.query(User).filter_by(email=f"{name}@example.org").one()


@pytest.fixture
def minutes(world):
    """The offering is booked by the minute."""
    scope_of(world).attributes = {"schedules": [MINUTES]}
    documents.refresh(db.session(), [scope_of(world).id])
    db.session.commit()
    return world.scope


def tomorrow():
    return (datetime.now(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


def boxes(text):
    return re.findall(r'<input type="checkbox" name="slot" value="([^"]+)"', text)


def test_a_table_of_short_slots_shows_fewer_days(visitor, minutes):
    first = tomorrow()
    text = visitor().get(f"/offerings/{minutes}/?from={first.date()}").text
    found = boxes(text)
    assert len(found) == 24 * 60 <= MAX_STEPS
    assert (found[0].split("/")[0], found[-1].split("/")[1]) == (
        f"{first:%Y-%m-%dT%H:%M:%SZ}",
        f"{first + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
    )
    assert f'name="from" value="{(first + timedelta(days=1)).date()}"' in text
    assert 'Next<span class="unseen">: 1 day</span>' in text
    assert len(text) < 500_000


def test_a_booking_of_short_slots_is_moved_in_such_a_table(visitor, minutes):
    begin = tomorrow() + timedelta(hours=8)
    slot = Slot(offering_id=scope_id(minutes), start=begin, end=begin + timedelta(minutes=1))
    booking = Booking(offering_id=scope_id(minutes), user_id=user_of("stranger").id, state="confirmed", slots=[slot])
    db.session.add(booking)
    db.session.commit()
    text = visitor("stranger").get(f"/bookings/{booking.uuid}/move/").text
    assert len(boxes(text)) == 24 * 60
    booking.sequence = MAX_CHANGES
    db.session.commit()
    move = f"/bookings/{booking.uuid}/move/"
    wall = {"start": f"{begin:%Y-%m-%dT%H:05}", "end": f"{begin:%Y-%m-%dT%H:06}"}
    answer = visitor("stranger").post(move, wall, page=move)
    assert "Cancel it and book again" in answer.text, re.findall(r"error[^>]*>.*?</p>|role=.alert.*?</p>", answer.text)


def scope_id(uuid):
    return db.session.query(Offering.id).filter_by(uuid=uuid).scalar()


def test_the_day_view_draws_no_more_boxes_than_columns(visitor, minutes):
    day = tomorrow()
    text = visitor().get(f"/timeline/?q=Confocal&day={day.date()}").text
    linked = re.findall(rf"/offerings/{minutes}/book/\?slot=([^\"]+)\"", text)
    assert len(linked) == COLUMNS
    assert linked[0].replace("%3A", ":").replace("%2F", "/") == (
        f"{day:%Y-%m-%dT%H:%M:%SZ}/{day + timedelta(minutes=15):%Y-%m-%dT%H:%M:%SZ}"
    )


def test_a_facet_lists_its_largest_choices_and_what_is_chosen(visitor, world):
    kind = db.session.query(Category).first()
    names = [f"Provider {number:03}" for number in range(MAX_CHOICES + 50)]
    db.session.add_all(Organization(name=name) for name in names)
    db.session.flush()
    providers = db.session.query(Organization).filter(Organization.name.in_(names)).all()
    made = [
        Offering(name=f"{n}", sort_key=f"{n}", organization=it, category=kind, state="Active", shared=True)
        for n, it in enumerate([*providers, providers[-1]])
    ]
    db.session.add_all(made)
    documents.refresh_all(db.session())
    db.session.commit()
    text = visitor().get(f"/?organization={providers[40].uuid}").text
    listed = re.findall(r'name="organization" value="([^"]+)"', text)
    assert len(listed) == MAX_CHOICES
    assert {str(providers[40].uuid), str(providers[-1].uuid), str(world.lab)} <= set(listed)
    # The lab has two offerings, and is one more.
    assert "To find one of the other 51, search for its name." in text


def test_the_facts_of_an_offering_are_as_many_as_can_be_read(visitor, world):
    scope_of(world).attributes = {"schedules": [], **{f"key_{n}": "long " * 1000 for n in range(1000)}}
    documents.refresh(db.session(), [scope_of(world).id])
    db.session.commit()
    text = visitor().get(f"/offerings/{world.scope}/").text
    assert f"Key {MAX_FACTS - 1}" in text
    assert f"Key {MAX_FACTS}<" not in text
    assert len(text) < MAX_FACTS * 1100 + 50_000


def test_a_person_with_many_roles(visitor, world):
    member = user_of("member")
    many = [Organization(name=f"Organization {number}") for number in range(MAX_ROLES + 20)]
    db.session.add_all(many)
    db.session.flush()
    db.session.add_all(Membership(user_id=member.id, organization_id=it.id, role="member") for it in many)
    db.session.commit()
    staff = visitor("staff")
    text = staff.get(f"/manage/people/{member.uuid}/").text
    assert text.count('/remove/"') == MAX_ROLES
    assert "21 more roles are not shown" in text
    assert "111 more" in staff.get("/manage/people/").text


def test_long_answers_are_shortened_in_the_list_of_requests(visitor, world):
    begin = tomorrow()
    slot = Slot(offering_id=scope_id(world.scope), start=begin, end=begin + timedelta(hours=2))
    answers = {f"q{number}": "word " * 1000 for number in range(50)}
    booking = Booking(offering_id=slot.offering_id, user_id=user_of("member").id, state="requested", answers=answers)
    booking.slots.append(slot)
    db.session.add(booking)
    db.session.commit()
    staff = visitor("staff")
    assert "All answers" in staff.get("/manage/requests/").text
    assert len(staff.get("/manage/requests/").text) < 20_000
    assert staff.get(f"/bookings/{booking.uuid}/").text.count("word ") == 50_000


def test_links_repeat_no_more_values_than_pages_read(visitor, world):
    query = "&".join(f"country=C{number}" for number in range(1000))
    text = visitor().get(f"/?{query}").text
    without = set(re.findall(r'<a class="filter" href="([^"]+)"', text))
    assert len(without) == MAX_CHOSEN
    assert {link.count("country=") for link in without} == {MAX_CHOSEN - 1}
    assert len(text) < 200_000


def test_long_addresses_are_refused_and_not_repeated(visitor, world):
    somebody = visitor()
    assert somebody.get("/?" + "q=a&" * 4000).status_code == 200
    long = somebody.get("/?" + "q=a&" * 4100)
    assert long.status_code == 414
    assert "That address is too long" in long.text
    assert len(long.text) < 10_000
    assert somebody.get("/" + "a" * 20_000).status_code == 414
    kept = somebody.get("/bookings/?past=1")
    assert kept.headers["Location"].endswith("?next=/bookings/?past%3D1")
    away = somebody.get("/bookings/?" + "a=1&" * 2000)
    assert away.headers["Location"] == "/login?next=/bookings/"
    assert len(somebody.get("/" + "a" * 10_000).text) < 10_000 + 2 * LONGEST_RETURN
