"""What was done is named, where people look next; what cannot be undone is asked first."""

from datetime import timedelta

import pytest

from portal.domain.periods import Period
from portal.models import User
from portal.models.base import utcnow
from portal.services import bookings
from portal.services.booking_requests import BookingRequest
from tests.support import builders as make

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def requested(world, db_session):
    member = db_session.query(User).filter_by(email="member@example.org").one()
    # Slots of two hours, from midnight (UTC).
    first = (utcnow() + timedelta(days=3)).replace(hour=10, minute=0, second=0, microsecond=0)
    slots = [Period(first + timedelta(hours=2 * n), first + timedelta(hours=2 * n + 2)) for n in range(3)]
    return [
        bookings.request_booking(make.actor(member), BookingRequest(world.scope, [slot], f"Run {n}")).uuid
        for n, slot in enumerate(slots)
    ]


def test_after_an_answer_the_list_is_where_it_was(visitor, requested):
    owner = visitor("owner")
    listed = owner.get("/manage/requests/").text
    link = f"/manage/requests/{requested[0]}/accept/?page=1&amp;next={requested[1]}"
    assert link in listed
    assert f'id="request-{requested[1]}"' in listed
    answered = owner.post(link.replace("&amp;", "&"), page="/account/")
    assert answered.status_code == 303
    assert answered.location == f"/manage/requests/?page=1#request-{requested[1]}"
    assert "Accepted: “Run 0” for " in owner.get("/manage/requests/").text


def test_no_other_place_is_gone_back_to(visitor, requested):
    owner = visitor("owner")
    path = f"/manage/requests/{requested[0]}/accept/?next=%22%3E%3Cscript%3E//evil"
    assert owner.post(path, page="/account/").location == "/manage/requests/"


def test_a_booking_that_is_made_is_named(visitor, world):
    member = visitor("member")
    path = f"/offerings/{world.scope}/book/"
    sent = {"start": "2031-03-03T10:00", "end": "2031-03-03T12:00", "name": "Cells"}
    made = member.post(path, sent, page=path)
    assert made.status_code == 303, made.text
    assert "Requested: “Cells”, Mon 3 Mar 2031" in member.get(made.location).text


def test_a_person_is_deactivated_only_when_that_is_confirmed(visitor, requested, db_session):
    staff, member = visitor("staff"), db_session.query(User).filter_by(email="member@example.org").one()
    page = staff.get(f"/manage/people/{member.uuid}/").text
    assert 'value="0"' not in page
    asked = staff.get(f"/manage/people/{member.uuid}/deactivate/").text
    assert "3 upcoming bookings, which stay booked" in asked
    db_session.refresh(member)
    assert member.is_active
    staff.post(f"/manage/people/{member.uuid}/", {"active": "0"}, page=f"/manage/people/{member.uuid}/deactivate/")
    db_session.refresh(member)
    assert not member.is_active


@pytest.mark.parametrize("space", ["\u00a0", "\u202f", "\u2009", "\u3000"])
def test_a_name_keeps_its_spaces(visitor, world, space):
    member = visitor("member")
    path = f"/offerings/{world.scope}/book/"
    sent = {"start": "2031-03-03T10:00", "end": "2031-03-03T12:00", "name": f"10{space}000"}
    made = member.post(path, sent, page=path)
    assert made.status_code == 303, made.text
    shown = member.get(made.location).text
    assert "“10 000”" in shown or f"“10{space}000”" in shown
