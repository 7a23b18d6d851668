"""Bookings: what can be asked for, by whom, and what it leaves behind."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from portal.documents import read
from portal.domain.booking_states import BookingStateConflict
from portal.domain.order_form import InvalidAnswers
from portal.domain.periods import Period
from portal.errors import Forbidden, Invalid, NotFound, SignInRequired
from portal.models import Booking, BookingChange, BusyPeriod, GoogleCalendar, GoogleConnection, Slot
from portal.policies import ANONYMOUS, SYSTEM
from portal.services import bookings
from portal.services.booking_requests import BookingRequest, IdempotencyKey
from portal.services.slot_allocation import SlotRefused, SlotTaken
from tests.support import builders as make
from tests.support.builders import NOW


def hours(start: int, end: int) -> Period:
    return Period(NOW + timedelta(hours=start), NOW + timedelta(hours=end))


@pytest.fixture
@make.together()
def world(db_session):
    lab = make.organization("Lab")
    return {
        "offering": make.offering(of=lab),
        "booker": make.actor(make.user()),
        "other": make.actor(make.user()),
        "manager": make.actor(make.role(make.user(), lab, "manager")),
    }


def ask(world, *periods, who="booker", **more):
    wish = BookingRequest(world["offering"].uuid, periods or [hours(1, 2)], **more)
    return bookings.request_booking(world[who], wish, now=NOW).uuid


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
    assert (change.what, change.user_id, change.at) == ("request", world["booker"].user_id, NOW)


@pytest.mark.parametrize("rival", [(1, 2), (0, 3), (1, 3), (0, 2)])
def test_whatever_overlaps_a_request_is_refused_with_the_rival(world, rival):
    ask(world, hours(1, 2))
    with pytest.raises(SlotTaken) as taken:
        ask(world, hours(*rival), who="other")
    assert taken.value.rival == hours(1, 2)


def test_neighbours_do_not_overlap(world):
    ask(world, hours(1, 2))
    assert ask(world, hours(2, 3), who="other")


def busy(offering, minutes: tuple[int, int]):
    calendar = make.add(GoogleCalendar(offering_id=offering.id, state="OK"))
    start, end = (NOW + timedelta(minutes=it) for it in minutes)
    make.add(BusyPeriod(calendar_id=calendar.id, offering_id=offering.id, event_id="x", start=start, end=end))


def rules(world, db_session, **set_to):
    world["offering"].attributes = {**world["offering"].attributes, "booking_rules": set_to}
    db_session.commit()


def test_a_busy_time_at_google_is_taken_too(world):
    busy(world["offering"], (90, 100))
    with pytest.raises(SlotTaken, match="Blocked"):
        ask(world, hours(1, 2))


@pytest.mark.parametrize(
    ("period", "said"),
    [
        (hours(-2, -1), "has already begun or has passed"),
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
        bookings.request_booking(world["booker"], BookingRequest(world["offering"].uuid, []), now=NOW)
    with pytest.raises(Invalid, match="At most"):
        ask(world, *(hours(n, n + 1) for n in range(1, 30)))


def test_one_refused_period_refuses_the_whole_request(world, db_session):
    ask(world, hours(5, 6), who="other")
    with pytest.raises(SlotTaken):
        ask(world, hours(1, 2), hours(5, 6))
    assert len(db_session.execute(select(Slot)).scalars().all()) == 1


def test_who_may_ask(world):
    with pytest.raises(SignInRequired):
        bookings.request_booking(ANONYMOUS, BookingRequest(world["offering"].uuid, [hours(1, 2)]), now=NOW)
    with pytest.raises(NotFound):
        bookings.request_booking(world["booker"], BookingRequest(make.unknown(), [hours(1, 2)]), now=NOW)
    wish = BookingRequest(world["offering"].uuid, [hours(1, 2)])
    with pytest.raises(Forbidden):
        bookings.request_booking(world["booker"], wish, on_behalf_of=world["other"].user_id, now=NOW)


@pytest.mark.parametrize(("state", "refused"), [("Paused", SlotRefused), ("Draft", NotFound), ("Archived", NotFound)])
def test_only_active_offerings_are_booked(world, db_session, state, refused):
    world["offering"].state = state
    db_session.commit()
    with pytest.raises(refused):
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
    bookings.accept_booking(world["manager"], accepted, now=NOW)
    bookings.reject_booking(world["manager"], rejected, "Service week.", now=NOW)
    assert state(db_session, accepted) == ("confirmed", {True})
    assert state(db_session, rejected) == ("rejected", {False})
    assert ask(world, hours(2, 3), who="other")
    with pytest.raises(BookingStateConflict):
        bookings.accept_booking(world["manager"], rejected, now=NOW)


def test_a_booker_cancels_and_does_not_answer(world, db_session):
    uuid = ask(world)
    with pytest.raises(Forbidden):
        bookings.accept_booking(world["booker"], uuid, now=NOW)
    bookings.cancel_booking(world["booker"], uuid, now=NOW)
    assert state(db_session, uuid) == ("cancelled", {False})


def test_a_stranger_is_not_told_of_a_booking(world):
    uuid = ask(world)
    for act in (bookings.accept_booking, bookings.cancel_booking):
        with pytest.raises(NotFound):
            act(world["other"], uuid, now=NOW)


def test_the_document_counts_what_happened(world):
    uuid, offering = make.plan(world["offering"], max_amount=1).uuid, world["offering"]
    made = ask(world, plan_uuid=uuid)

    def told():
        found = read.read_one(SYSTEM, offering.uuid, base_url="http://x", fields=(), now=NOW)
        document = found.content
        [plan] = document["plans"]
        return document["order_count"], plan["resources_count"], plan["is_active"]

    assert told() == (1, 1, False)
    bookings.cancel_booking(world["booker"], made, now=NOW)
    assert told() == (1, 1, True)


def test_a_taken_slot_is_answered_with_the_nearest_free_ones(world):
    ask(world, hours(2, 4))
    with pytest.raises(SlotTaken) as taken:
        ask(world, hours(3, 5), who="other")
    assert taken.value.rival == hours(2, 4)
    assert taken.value.asked == hours(3, 5)
    assert taken.value.alternatives == [hours(0, 2), hours(4, 6), hours(5, 7)]


@pytest.mark.parametrize("rival", [(1, 3), (2, 3), (0, 4), (1, 4), (2, 5)])
def test_the_database_itself_refuses_an_overlap(world, db_session, rival):
    ask(world, hours(1, 4))
    mine = db_session.execute(select(Slot)).scalar_one()
    period = hours(*rival)
    more = Slot(booking_id=mine.booking_id, offering_id=mine.offering_id, start=period.start, end=period.end)
    db_session.add(more)
    with pytest.raises(IntegrityError, match="slots_no_overlap"):
        db_session.commit()
    db_session.rollback()
    # Neither by an update: what does not hold may lie anywhere, but can't begin to hold.
    more = Slot(booking_id=mine.booking_id, offering_id=mine.offering_id, start=period.start, end=period.end)
    more.holds = False
    db_session.add(more)
    db_session.commit()
    more.holds = True
    with pytest.raises(IntegrityError, match="slots_no_overlap"):
        db_session.commit()
    db_session.rollback()


def test_what_only_the_database_saw_is_told_in_the_same_way(world, monkeypatch):
    ask(world, hours(1, 2))
    monkeypatch.setattr(bookings, "check_periods", lambda *args, **more: None)
    with pytest.raises(SlotTaken) as taken:
        ask(world, hours(0, 2), who="other")
    assert (taken.value.rival, taken.value.alternatives[0]) == (hours(1, 2), hours(2, 4))


def test_a_repeated_request_answers_the_first_booking(world, db_session):
    wish, repeat = BookingRequest(world["offering"].uuid, [hours(1, 2)]), IdempotencyKey("k", "digest")
    first = bookings.request_booking(world["booker"], wish, key=repeat, now=NOW).uuid
    assert bookings.request_booking(world["booker"], wish, key=repeat, now=NOW + timedelta(days=3)).uuid == first
    assert len(db_session.execute(select(Booking)).scalars().all()) == 1
    with pytest.raises(Invalid, match="another request"):
        bookings.request_booking(world["booker"], wish, key=IdempotencyKey("k", "other"), now=NOW)
    with pytest.raises(SlotTaken):
        bookings.request_booking(world["other"], wish, key=repeat, now=NOW)


def test_an_offering_may_accept_by_itself(world, db_session):
    rules(world, db_session, accept="automatic")
    uuid = ask(world)
    assert state(db_session, uuid) == ("confirmed", {True})
    changes = db_session.execute(select(BookingChange).order_by(BookingChange.id)).scalars().all()
    assert [(change.what, change.user_id) for change in changes] == [
        ("request", world["booker"].user_id),
        ("accept", None),
    ]


def test_a_booking_moves_over_itself_and_keeps_what_it_has_where_that_is_refused(world, db_session):
    uuid = ask(world, hours(1, 3), hours(5, 6))
    ask(world, hours(8, 9), who="other")
    bookings.reschedule_booking(world["booker"], uuid, [hours(2, 4)], now=NOW)
    booking = db_session.execute(select(Booking).where(Booking.uuid == uuid)).scalar_one()
    db_session.expire_all()
    assert [(slot.start, slot.end, slot.holds) for slot in booking.slots] == [
        (hours(2, 4).start, hours(2, 4).end, True)
    ]
    assert (booking.sequence, booking.changes[-1].what) == (1, "reschedule")
    assert len(booking.changes[-1].detail["slots"]) == 2
    with pytest.raises(SlotTaken):
        bookings.reschedule_booking(world["booker"], uuid, [hours(5, 6), hours(8, 9)], now=NOW)
    db_session.expire_all()
    assert [(slot.start, slot.end, slot.holds) for slot in booking.slots] == [
        (hours(2, 4).start, hours(2, 4).end, True)
    ]
    bookings.reschedule_booking(world["booker"], uuid, [hours(5, 6), hours(1, 3)], now=NOW)
    db_session.expire_all()
    assert [slot.start for slot in booking.slots] == [hours(1, 3).start, hours(5, 6).start]


def test_moving_a_confirmed_booking_asks_again_unless_who_answers_moves_it(world, db_session):
    uuid = ask(world)
    bookings.reschedule_booking(world["manager"], uuid, [hours(2, 3)], now=NOW)
    assert state(db_session, uuid)[0] == "requested"
    bookings.accept_booking(world["manager"], uuid, now=NOW)
    bookings.reschedule_booking(world["manager"], uuid, [hours(3, 4)], now=NOW)
    assert state(db_session, uuid)[0] == "confirmed"
    bookings.reschedule_booking(world["booker"], uuid, [hours(4, 5)], now=NOW)
    assert state(db_session, uuid)[0] == "requested"


def test_a_move_to_the_times_it_has_changes_nothing(world, db_session):
    uuid = ask(world, hours(1, 2), hours(3, 4))
    bookings.accept_booking(world["manager"], uuid, now=NOW)
    # Not even a rule that came since is asked: nothing is placed.
    rules(world, db_session, minimum_duration_minutes=120)
    assert not bookings.reschedule_booking(world["booker"], uuid, [hours(3, 4), hours(1, 2)], "Late", now=NOW)
    assert state(db_session, uuid)[0] == "confirmed"
    booking = db_session.execute(select(Booking).where(Booking.uuid == uuid)).scalar_one()
    assert (booking.sequence, booking.changes[-1].what) == (1, "accept")
    rules(world, db_session)
    assert bookings.reschedule_booking(world["booker"], uuid, [hours(1, 2)], now=NOW)


def test_acceptance_asks_again_what_is_busy(world, db_session):
    uuid = ask(world, hours(1, 2))
    busy(world["offering"], (90, 100))
    with pytest.raises(SlotTaken, match="Blocked"):
        bookings.accept_booking(world["manager"], uuid, now=NOW)
    assert state(db_session, uuid) == ("requested", {True})


def test_a_request_whose_first_slot_has_begun_ends_by_itself(world, db_session):
    uuid, later = ask(world, hours(1, 2)), ask(world, hours(5, 6))
    begun = NOW + timedelta(hours=1)
    with pytest.raises(BookingStateConflict, match="expired"):
        bookings.accept_booking(world["manager"], uuid, now=begun)
    with pytest.raises(BookingStateConflict, match="expired"):
        bookings.reschedule_booking(world["booker"], uuid, [hours(7, 8)], now=begun)
    assert bookings.expire_bookings(now=begun) == 1
    assert bookings.expire_bookings(now=begun) == 0
    assert state(db_session, uuid) == ("expired", {False})
    assert state(db_session, later) == ("requested", {True})


def test_what_is_over_is_not_cancelled(world, db_session):
    rules(world, db_session, accept="automatic")
    uuid = ask(world, hours(1, 2))
    with pytest.raises(BookingStateConflict, match="over"):
        bookings.cancel_booking(world["booker"], uuid, now=NOW + timedelta(hours=2))


def test_the_bookers_own_rejection_is_a_cancellation(world, db_session):
    uuid = ask(world)
    bookings.reject_booking(world["booker"], uuid, now=NOW)
    assert state(db_session, uuid) == ("cancelled", {False})


def test_a_plan_that_is_taken_up_is_refused(world):
    plan = make.plan(world["offering"], "Flat", max_amount=1)
    ask(world, hours(1, 2))
    with pytest.raises(Invalid, match="fully booked") as refused:
        ask(world, hours(2, 3), who="other", plan_uuid=plan.uuid)
    assert refused.value.field == "plan"


def test_the_order_form_is_asked(world, db_session):
    form = {"order": ["sample"], "options": {"sample": {"type": "string", "label": "Sample", "required": True}}}
    world["offering"].options = form
    db_session.commit()
    with pytest.raises(InvalidAnswers) as wrong:
        ask(world, answers={"colour": "red"})
    assert set(wrong.value.errors) == {"sample", "colour"}
    uuid = ask(world, answers={"sample": " ice "})
    booking = db_session.execute(select(Booking).where(Booking.uuid == uuid)).scalar_one()
    assert booking.answers == {"sample": "ice"}


def test_quotas_count_what_the_booker_holds_and_asks_for(world, db_session):
    rules(world, db_session, quota_hours_per_user=3, quota_period="day")
    ask(world, hours(1, 3))
    with pytest.raises(SlotRefused, match="3 hours a day"):
        ask(world, hours(4, 5), hours(6, 7))
    assert ask(world, hours(4, 5))
    assert ask(world, hours(6, 8), who="other")


def test_buffers_keep_time_free_between_bookings(world, db_session):
    rules(world, db_session, buffer_after_minutes=30)
    ask(world, hours(1, 2))
    with pytest.raises(SlotTaken, match="Kept free next to another booking"):
        ask(world, hours(2, 3), who="other")
    assert ask(world, hours(3, 4), who="other")


def read_at(world, db_session, when):
    offering = world["offering"]
    make.add(GoogleConnection(organization_id=offering.organization_id, refresh_token="sealed"))
    make.add(GoogleCalendar(offering_id=offering.id, state="OK", next_read=NOW, last_synced=when))


def test_stale_busy_times_close_an_offering_where_its_owner_wants_that(world, db_session):
    rules(world, db_session, stale_busy="refuse")
    assert ask(world, hours(1, 2))
    read_at(world, db_session, NOW - timedelta(minutes=30))
    assert ask(world, hours(2, 3))
    db_session.execute(update(GoogleCalendar).values(last_synced=NOW - timedelta(hours=2)))
    db_session.commit()
    with pytest.raises(SlotRefused, match="not been read from Google"):
        ask(world, hours(3, 4))
    rules(world, db_session, stale_busy="allow")
    assert ask(world, hours(3, 4))


def test_stale_busy_times_may_leave_the_answer_to_a_person(world, db_session):
    rules(world, db_session, accept="automatic", stale_busy="request")
    assert state(db_session, ask(world, hours(1, 2)))[0] == "confirmed"
    read_at(world, db_session, None)
    assert state(db_session, ask(world, hours(2, 3)))[0] == "requested"
