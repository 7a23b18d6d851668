"""What one person may hold and change: counted over all offerings and all processes, and never exceeded."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from portal.domain.periods import Period
from portal.errors import TooManyWrites
from portal.extensions import db, transaction
from portal.models import AttemptBucket, Booking, Slot
from portal.services import bookings, limits
from portal.services.booking_requests import BookingRequest, IdempotencyKey
from portal.services.slot_allocation import SlotRefused
from tests.support import builders as make
from tests.support.builders import NOW


def hours(start: float, end: float) -> Period:
    return Period(NOW + timedelta(hours=start), NOW + timedelta(hours=end))


@pytest.fixture
@make.together()
def world(db_session):
    lab, other = make.organization("Lab"), make.organization("Other")
    return {
        "one": make.offering("One", of=lab),
        "two": make.offering("Two", of=other),
        "booker": make.actor(make.user()),
        "manager": make.actor(make.role(make.user(), lab, "manager")),
        "staff": make.actor(make.user(staff=True)),
    }


def ask(world, offering, *periods, who="booker", now=NOW, **more):
    return bookings.request_booking(world[who], BookingRequest(world[offering].uuid, periods), now=now, **more).uuid


def accepts_by_itself(world, offering):
    found = world[offering]
    found.attributes = {**found.attributes, "booking_rules": {"accept": "automatic"}}
    db.session.commit()


def test_open_requests_are_counted_over_all_offerings(world, limited):
    limited(max_open_requests=2)
    first = ask(world, "one", hours(1, 2))
    ask(world, "two", hours(1, 2))
    with pytest.raises(SlotRefused, match="You have 2 open requests") as refused:
        ask(world, "two", hours(3, 4))
    assert (refused.value.field, refused.value.asked) == ("slots", None)
    bookings.accept_booking(world["manager"], first, now=NOW)
    assert ask(world, "two", hours(3, 4))
    assert db.session.execute(select(func.count(Booking.id))).scalar_one() == 3


def test_a_request_that_nobody_answered_in_time_is_not_open_any_more(world, limited):
    limited(max_open_requests=1)
    ask(world, "one", hours(1, 2))
    with pytest.raises(SlotRefused):
        ask(world, "two", hours(5, 6))
    # The worker has not noted it yet.
    assert ask(world, "two", hours(5, 6), now=NOW + timedelta(minutes=61))


def test_hours_are_counted_from_now_on_whether_or_not_they_are_confirmed(world, limited):
    limited(max_hours_ahead=6)
    accepts_by_itself(world, "one")
    ask(world, "one", hours(1, 3), hours(5, 6))
    ask(world, "two", hours(1, 3))
    with pytest.raises(SlotRefused, match="You hold 5 hours already, and this adds 2 hours"):
        ask(world, "one", hours(8, 10))
    assert ask(world, "one", hours(8, 9))
    with pytest.raises(SlotRefused):
        ask(world, "one", hours(10, 11))
    # Two hours later one of the three hours of the first booking is left, and the unanswered request has ended.
    later = NOW + timedelta(hours=2)
    with pytest.raises(SlotRefused, match="You hold 3 hours already"):
        ask(world, "one", hours(10, 14), now=later)
    assert ask(world, "one", hours(10, 13), now=later)


def test_no_limit_is_asked_of_those_who_manage_the_offering_and_of_staff(world, limited):
    limited(max_open_requests=1, max_hours_ahead=2)
    for number in range(3):
        ask(world, "one", hours(number, number + 1), who="manager")
        ask(world, "one", hours(number + 10, number + 11), who="staff")
    # What they hold of their own counts where they are guests.
    with pytest.raises(SlotRefused):
        ask(world, "two", hours(1, 2), who="manager")
    for number in range(3):
        ask(world, "two", hours(number, number + 1), who="staff", on_behalf_of=world["booker"].user_id)
    with pytest.raises(SlotRefused):
        ask(world, "two", hours(8, 9))


def test_zero_is_no_limit(world, limited):
    limited(max_open_requests=0, max_hours_ahead=0)
    for number in range(25):
        ask(world, "one", hours(number * 12, number * 12 + 12))


def test_what_was_asked_before_is_answered_at_the_limit_too(world, limited):
    limited(max_open_requests=1)
    made = ask(world, "one", hours(1, 2), key=IdempotencyKey("k", "digest"))
    assert ask(world, "one", hours(1, 2), key=IdempotencyKey("k", "digest")) == made


def test_moving_takes_no_more_than_the_limit(world, limited):
    limited(max_open_requests=2, max_hours_ahead=4)
    first, second = ask(world, "one", hours(1, 2)), ask(world, "two", hours(1, 3))
    bookings.reschedule_booking(world["booker"], first, [hours(4, 6)], now=NOW)
    with pytest.raises(SlotRefused, match="this adds 3 hours"):
        bookings.reschedule_booking(world["booker"], first, [hours(4, 7)], now=NOW)
    limited(max_open_requests=1, max_hours_ahead=1)
    bookings.reschedule_booking(world["booker"], second, [hours(8, 10)], now=NOW)
    # A confirmed one is requested again.
    bookings.accept_booking(world["manager"], first, now=NOW)
    limited(max_open_requests=1, max_hours_ahead=0)
    with pytest.raises(SlotRefused, match="You have 1 open request,"):
        bookings.reschedule_booking(world["booker"], first, [hours(12, 13)], now=NOW)
    bookings.reschedule_booking(world["manager"], first, [hours(12, 20)], now=NOW)


def test_a_booking_costs_two_statements_more(world, limited, query_counter):
    limited(max_open_requests=0, max_hours_ahead=0)
    ask(world, "one", hours(1, 2))
    with query_counter() as without:
        ask(world, "one", hours(2, 3))
    limited(max_open_requests=20, max_hours_ahead=200)
    with query_counter() as with_limits:
        ask(world, "one", hours(3, 4))
    assert with_limits.number == without.number + 2


# Fewer than the requests, more than the server processes of most machines.
MOST, AT_ONCE = 5, 50


@pytest.mark.parametrize("values", [{"max_open_requests": MOST}, {"max_hours_ahead": MOST}])
def test_many_at_once_never_exceed_the_limit(live_database, values):
    app = live_database.app
    settings = replace(app.extensions["portal.settings"], **{"max_open_requests": 0, "max_hours_ahead": 0, **values})
    app.extensions["portal.settings"] = settings
    with app.app_context():
        # Each has a row to lock of its own, so only the person's is common to them.
        lab = make.organization()
        offerings = [make.offering(f"Offering {n}", of=lab).uuid for n in range(AT_ONCE)]
        booker = make.actor(make.user())
        db.session.remove()
    gate, refused, problems = threading.Barrier(AT_ONCE), [], []

    def ask_at_once(uuid):
        with app.app_context():
            gate.wait()
            try:
                bookings.request_booking(booker, BookingRequest(uuid, [hours(1, 2)]), now=NOW)
            except SlotRefused as error:
                refused.append(error)
            except Exception as error:
                problems.append(error)
            db.session.remove()

    threads = [threading.Thread(target=ask_at_once, args=(uuid,)) for uuid in offerings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with app.app_context():
        assert db.session.execute(select(func.count(Slot.id)).where(Slot.holds)).scalar_one() == MOST
        db.session.remove()
    assert len(refused) == AT_ONCE - MOST


@pytest.fixture
def writing(world):
    """`writing()`: a request of the booker's that writes, as the web server begins and ends it."""

    def request(who="booker", now=NOW, *, commits=True):
        try:
            limits.begin_write(world[who], now=now)
            if commits:
                with transaction():
                    pass
            limits.end_write()
        finally:
            limits.forget_write()

    return request


def test_writes_of_a_person_are_counted_whether_or_not_they_are_kept(writing, limited, world):
    limited(max_writes_per_hour=4)
    for number in range(4):
        writing(commits=bool(number % 2))
    with pytest.raises(TooManyWrites, match="One person may make 4 changes an hour") as refused:
        writing()
    assert refused.value.retry_after == 15 * 60
    writing("manager")
    writing(now=NOW + timedelta(minutes=15))
    with pytest.raises(TooManyWrites):
        writing(now=NOW + timedelta(minutes=15))
    for _ in range(4):
        writing(now=NOW + timedelta(hours=2))


def test_staff_write_as_often_as_they_like(writing, limited, db_session):
    limited(max_writes_per_hour=1)
    for _ in range(3):
        writing("staff")
    assert db_session.execute(select(AttemptBucket)).first() is None
    limited(max_writes_per_hour=0)
    for _ in range(3):
        writing()


def test_a_write_beyond_the_limit_is_undone(world, limited, db_session):
    """Where two requests began before either was counted, the second one is refused by its commit."""
    limited(max_writes_per_hour=1)
    limits.begin_write(world["booker"], now=NOW)
    with transaction():
        pass
    limits.begin_write(world["manager"], now=NOW)
    bucket = limits.write_bucket(world["manager"], 1)
    with db_session.begin_nested():
        assert not limits.throttle.consume(db_session(), bucket, NOW)
    db_session.commit()
    with pytest.raises(TooManyWrites):
        ask(world, "two", hours(1, 2), who="manager")
    limits.end_write()
    limits.forget_write()
    assert db_session.execute(select(func.count(Booking.id))).scalar_one() == 0
