"""`offerings create`: a first offering on an empty portal, ready to be booked."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from portal.domain.periods import Period
from portal.models import Booking, Category, Offering, Organization
from portal.models.base import utcnow
from portal.queries.availability import next_free
from portal.services import bookings
from tests.support import builders as make


@pytest.fixture
def run(app, db_session):
    def running(*arguments: str):
        result = app.test_cli_runner().invoke(args=["offerings", "create", *arguments])
        db_session.expire_all()
        return result

    return running


def test_an_offering_is_made_and_can_be_booked(run, db_session):
    done = run("Microscope", "--organization", "My Lab", "--zone", "Europe/Tallinn", "--minutes", "90")
    assert done.exit_code == 0, done.output
    offering = db_session.execute(select(Offering)).scalar_one()
    assert done.stdout.strip() == str(offering.uuid)
    assert (offering.state, offering.organization.name, offering.category.title) == ("Active", "My Lab", "Facilities")
    free = next_free([(offering.id, offering.attributes)], utcnow())[offering.id]
    assert free.end - free.start == timedelta(minutes=90)
    booker = make.actor(make.user("booker@example.org"))
    bookings.request_booking(booker, bookings.BookingRequest(offering.uuid, [Period(free.start, free.end)]))
    assert db_session.execute(select(func.count()).select_from(Booking)).scalar_one() == 1


def test_what_is_there_of_a_name_is_taken(run, db_session):
    for name in ("One", "Two"):
        assert run(name, "--organization", "My Lab", "--category", "Rooms", "--weekends").exit_code == 0
    for table in (Organization, Category):
        assert db_session.execute(select(func.count()).select_from(table)).scalar_one() == 1
    for category in ("Twice", "Twice"):
        make.add(Category(title=category))
    assert "Several categories" in run("Three", "--organization", "My Lab", "--category", "Twice").stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--zone", "Europe/Nowhere"), "time_zone: “Europe/Nowhere” is not a time zone"),
        (("--opens", "9am"), "startTime: must be a time of day"),
        (("--closes", "5pm"), "endTime: must be a time of day"),
        (("--minutes", "481"), "Too short for a whole slot."),
    ],
)
def test_refusals_are_one_line_and_make_nothing(run, db_session, arguments, said):
    done = run("Microscope", "--organization", "My Lab", *arguments)
    assert done.exit_code == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert db_session.execute(select(Organization)).first() is None
