"""Whoever has a page or an answer already is told so, and only while it is the same."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.documents import store as documents
from portal.domain.periods import Period
from portal.extensions import db
from portal.models import GoogleCalendar, Offering, User
from portal.models.base import utcnow
from portal.policies import SYSTEM, Actor
from portal.services import bookings
from portal.services.accounts import create_token
from portal.services.booking_requests import BookingRequest
from portal.web import catalogue as view


def has(visitor, path, tag):
    return visitor.get(path, headers={"If-None-Match": tag}).status_code == 304


def the_offering(world):
    return db.session.scalars(select(Offering).where(Offering.uuid == world.scope)).one()


@pytest.mark.parametrize("path", ["/", "/offerings/{scope}/", "/timeline/", "/offerings/{scope}/?from=2031-01-01"])
def test_a_page_is_not_sent_twice(visitor, world, path):
    path = path.format(scope=world.scope)
    first = visitor().get(path)
    tag = first.headers["ETag"]
    again = visitor().get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert again.headers["Cache-Control"] == first.headers["Cache-Control"] == "private, no-cache"
    assert again.headers["Vary"] == first.headers["Vary"]
    assert visitor().client.head(path).headers["ETag"] == tag
    # The date alone does not tell: a page changes with the clock, too.
    assert visitor().get(path, headers={"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}).status_code == 200


def test_the_date_is_that_of_the_document(visitor, world):
    for path in ("/", f"/offerings/{world.scope}/"):
        assert visitor().get(path).headers["Last-Modified"].endswith("GMT")


def test_a_page_changes_with_everything_on_it(visitor, world, monkeypatch):
    path = f"/offerings/{world.scope}/"
    seen = set()

    def changed(why):
        answer = visitor().get(path)
        assert answer.headers["ETag"] not in seen, why
        seen.add(answer.headers["ETag"])
        return answer

    changed("the first one")
    offering = the_offering(world)
    user = db.session.scalars(select(User).where(User.email == "stranger@example.org")).one()
    start = (utcnow() + timedelta(days=2)).replace(hour=8, minute=0, second=0, microsecond=0)
    wish = BookingRequest(offering.uuid, [Period(start, start + timedelta(hours=2))], "A sample")
    made = bookings.request_booking(Actor(user.id, False, "Stranger"), wish).uuid
    assert "slot-requested" in changed("a booking is asked for").text
    bookings.cancel_booking(Actor(user.id, False, "Stranger"), made)
    assert "slot-requested" not in visitor().get(path).text
    offering = the_offering(world)
    offering.description = "Dead cells"
    documents.refresh_all(db.session())
    db.session.commit()
    changed("the description")
    db.session.add(GoogleCalendar(offering_id=offering.id, state="OK", public=True, backend_id="abc"))
    db.session.commit()
    changed("a calendar is shared")
    monkeypatch.setattr(view, "utcnow", lambda: utcnow() + timedelta(hours=7))
    changed("time goes on")


def test_what_a_session_shows_is_not_taken_for_what_everybody_sees(visitor, world):
    for path in ("/", f"/offerings/{world.scope}/"):
        tag = visitor().get(path).headers["ETag"]
        owner = visitor("owner").get(path, headers={"If-None-Match": tag})
        assert owner.status_code == 200
        assert owner.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("path", ["/api/booking-offerings/", "/api/booking-offerings/{scope}/"])
@pytest.mark.parametrize("who", ["staff", "stranger"])
def test_an_api_answer_is_known_without_reading_documents(visitor, world, query_counter, path, who):
    user = db.session.scalars(select(User).where(User.email == f"{who}@example.org")).one()
    token = {"Authorization": f"Token {create_token(SYSTEM, user.id, 'test').key}"}
    path = path.format(scope=world.scope)
    for address in ("/api/booking-offerings/", path):
        # An answer is cached from the second time on, once the catalogue index is loaded.
        visitor().get(address, headers=token)
    first = visitor().get(path, headers=token)
    with query_counter() as counted:
        again = visitor().get(path, headers={**token, "If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert first.headers["Last-Modified"].endswith("GMT")
    for name in ("ETag", "Vary", "Cache-Control", "X-Result-Count", "Link"):
        assert again.headers.get(name) == first.headers.get(name), name
    for statement in counted.statements:
        assert "offering_documents.document " not in statement.replace(",", " ")


@pytest.mark.parametrize("tags", ['""', 'W/""', '"a", ""', ",", '"', '"a', "W/", "a b", '"\\z>V|", "'])
def test_tags_that_nobody_got_are_no_matter(visitor, world, tags):
    for path in ("/", f"/offerings/{world.scope}/"):
        assert visitor().get(path, headers={"If-None-Match": tags}).status_code == 200
