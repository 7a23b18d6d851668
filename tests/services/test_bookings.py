"""Bookings: what can be asked for, by whom, and what it leaves behind."""

from datetime import timedelta

import orjson
import pytest
from sqlalchemy import select

from portal.documents import read
from portal.domain.booking_states import BookingStateConflict
from portal.domain.periods import Period
from portal.errors import Forbidden, Invalid, NotFound, SignInRequired
from portal.models import Booking, BookingChange, BusyPeriod, GoogleCalendar, Slot
from portal.policies import NOBODY, SYSTEM
from portal.services import bookings
from portal.services.bookings import SlotRefused, SlotTaken, Wish
from tests.support import builders as make
from tests.support.builders import NOW


def hours(start: int, end: int) -> Period:
    return Period(NOW + timedelta(hours=start), NOW + timedelta(hours=end))


@pytest.fixture
def world(db_session):
    lab = make.organization("Lab")
    return {
        "offering": make.offering(of=lab),
        "booker": make.actor(make.user()),
        "other": make.actor(make.user()),
        "manager": make.actor(make.role(make.user(), lab, "manager")),
    }


def ask(world, *periods, who="booker", **more):
    wish = Wish(world["offering"].uuid, periods or [hours(1, 2)], **more)
    return bookings.request_booking(world[who], wish, now=NOW)


def state(db_session, uuid):
    db_session.expire_all()
    booking = db_session.execute(select(Booking).where(Booking.uuid == uuid)).scalar_one()
    return booking.state, {slot.holds for slot in booking.slots}


def test_a_request_holds_its_slots_and_has_a_history(world, db_session):
    uuid = ask(world, hours(1, 2), hours(4, 6), name=" Trial ", note="x")
    assert state(db_session, uuid) == ("requested", {True})
    booking = db_session.execute(select(Booking).where(Booking.uuid == uuid)).scalar_one()
    assert (booking.name, len(booking.slots)) == ("Trial", 2)
    [change] = db_session.execute(select(BookingChange)).scalars()
    assert (change.what, change.user_id, change.at) == ("requested", world["booker"].user_id, NOW)


@pytest.mark.parametrize("rival", [(1, 2), (0, 3), (1, 3), (0, 2)])
def test_whatever_overlaps_a_request_is_refused_with_the_rival(world, rival):
    ask(world, hours(1, 2))
    with pytest.raises(SlotTaken) as taken:
        ask(world, hours(*rival), who="other")
    assert taken.value.rival == hours(1, 2)


def test_neighbours_do_not_overlap(world):
    ask(world, hours(1, 2))
    assert ask(world, hours(2, 3), who="other")


def test_a_busy_time_at_google_is_taken_too(world, db_session):
    offering = world["offering"]
    calendar = make.add(GoogleCalendar(offering_id=offering.id, state="OK"))
    make.add(
        BusyPeriod(
            calendar_id=calendar.id,
            offering_id=offering.id,
            event_id="x",
            start=NOW + timedelta(minutes=90),
            end=NOW + timedelta(minutes=100),
        )
    )
    with pytest.raises(SlotTaken, match="Blocked"):
        ask(world, hours(1, 2))


@pytest.mark.parametrize(
    ("period", "said"),
    [
        (hours(-2, -1), "has begun already or has passed"),
        (Period(NOW + timedelta(minutes=30), NOW + timedelta(hours=2)), "whole slots"),
        (hours(24 * 80, 24 * 80 + 1), "not available at this time"),
    ],
)
def test_rules_are_told(world, period, said):
    with pytest.raises(SlotRefused, match=said):
        ask(world, period)


def test_periods_of_one_request_do_not_overlap_each_other(world):
    with pytest.raises(Invalid, match="overlap each other"):
        ask(world, hours(1, 3), hours(2, 4))


def test_too_many_periods_or_none(world):
    with pytest.raises(Invalid, match="at least one"):
        bookings.request_booking(world["booker"], Wish(world["offering"].uuid, []), now=NOW)
    with pytest.raises(Invalid, match="At most"):
        ask(world, *(hours(n, n + 1) for n in range(1, 30)))


def test_one_refused_period_refuses_the_whole_request(world, db_session):
    ask(world, hours(5, 6), who="other")
    with pytest.raises(SlotTaken):
        ask(world, hours(1, 2), hours(5, 6))
    assert len(db_session.execute(select(Slot)).scalars().all()) == 1


def test_who_may_ask(world):
    with pytest.raises(SignInRequired):
        bookings.request_booking(NOBODY, Wish(world["offering"].uuid, [hours(1, 2)]), now=NOW)
    with pytest.raises(NotFound):
        bookings.request_booking(world["booker"], Wish(make.unknown(), [hours(1, 2)]), now=NOW)
    wish = Wish(world["offering"].uuid, [hours(1, 2)])
    with pytest.raises(Forbidden):
        bookings.request_booking(world["booker"], wish, on_behalf_of=world["other"].user_id, now=NOW)


@pytest.mark.parametrize("kept_in", ["Paused", "Draft", "Archived"])
def test_only_active_offerings_are_booked(world, db_session, kept_in):
    world["offering"].state = kept_in
    db_session.commit()
    with pytest.raises((SlotRefused, NotFound)):
        ask(world)


def test_a_plan_is_chosen_where_there_are_several(world):
    first = make.plan(world["offering"], "One")
    assert ask(world, hours(1, 2))
    make.plan(world["offering"], "Two")
    with pytest.raises(Invalid, match="Choose one"):
        ask(world, hours(2, 3))
    assert ask(world, hours(2, 3), plan_uuid=first.uuid)
    with pytest.raises(Invalid, match="no such plan"):
        ask(world, hours(3, 4), plan_uuid=make.unknown())


def test_a_manager_answers(world, db_session):
    accepted, rejected = ask(world, hours(1, 2)), ask(world, hours(2, 3))
    bookings.accept_booking(world["manager"], accepted)
    bookings.reject_booking(world["manager"], rejected, "Service week.")
    assert state(db_session, accepted) == ("confirmed", {True})
    assert state(db_session, rejected) == ("rejected", {False})
    assert ask(world, hours(2, 3), who="other")
    with pytest.raises(BookingStateConflict):
        bookings.accept_booking(world["manager"], rejected)


def test_a_booker_cancels_and_does_not_answer(world, db_session):
    uuid = ask(world)
    with pytest.raises(Forbidden):
        bookings.accept_booking(world["booker"], uuid)
    bookings.cancel_booking(world["booker"], uuid)
    assert state(db_session, uuid) == ("cancelled", {False})


def test_a_stranger_is_not_told_of_a_booking(world):
    uuid = ask(world)
    for act in (bookings.accept_booking, bookings.cancel_booking):
        with pytest.raises(NotFound):
            act(world["other"], uuid)


def test_the_document_counts_what_happened(world):
    uuid, offering = make.plan(world["offering"], max_amount=1).uuid, world["offering"]
    made = ask(world, plan_uuid=uuid)

    def told():
        found = read.read_one(SYSTEM, offering.uuid, base_url="http://x", fields=None, now=NOW)
        document = orjson.loads(found.body)
        [plan] = document["plans"]
        return document["order_count"], plan["resources_count"], plan["is_active"]

    assert told() == (1, 1, False)
    bookings.cancel_booking(world["booker"], made)
    assert told() == (1, 1, True)
