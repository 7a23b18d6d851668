"""What managers change: as an import of those keys would, by them alone, never over what somebody else wrote."""

import contextvars
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.errors import Forbidden, Invalid, NotFound
from portal.extensions import db
from portal.models import GoogleCalendar, Media, Offering
from portal.models.base import utcnow
from portal.policies import ANONYMOUS, SYSTEM
from portal.queries.catalogue import Search, browse
from portal.queries.catalogue_index import current_index
from portal.queries.offerings import get_visible_offering
from portal.transfer.editing import (
    DETAILS,
    SCHEDULES,
    TIME_ZONE,
    ConcurrentEdit,
    InvalidValues,
    edit_offering,
    value_digests,
)
from tests.documents.test_store import assert_fresh
from tests.support import builders as make

EVERYTHING = {
    "name": "Ångström microscope",
    "description": "Sees atoms.",
    "full_description": "<p>Sees <b>atoms</b>.</p>",
    "state": "Paused",
    "paused_reason": "Pump broken.",
    "shared": False,
    "thumbnail": "https://example.org/small.jpg",
    "image": None,
    "getting_started": "<p>Ask.</p>",
    "integration_guide": "",
    "access_url": "https://example.org/",
    "privacy_policy_link": "https://example.org/privacy",
    "vendor_details": "Example Inc.",
    "country": "EE",
    "latitude": 58.3,
    "longitude": None,
}


@pytest.fixture
@make.together()
def world(db_session):
    lab = make.organization("Lab")
    people = {role: make.actor(make.role(make.user(), lab, role)) for role in ("owner", "manager", "member")}
    people["stranger"] = make.actor(make.user())
    rules = {"time_zone": "Europe/Tallinn"}
    attributes = {"wavelength_nm": 5, "schedules": make.schedule(), "booking_rules": rules}
    offering = make.offering("Microscope", of=lab, attributes=attributes)
    child = make.offering("Child", parent_id=offering.id, parent_uuid=offering.uuid)
    return {**people, "lab": lab, "uuid": offering.uuid, "id": offering.id, "child": child.id}


def stored(world):
    db.session.expire_all()
    return db.session.get(Offering, world["id"])


def test_everything_that_is_named_changes_and_what_shows_it_follows(world, db_session):
    assert set(EVERYTHING) == set(DETAILS)
    calendar = make.add(GoogleCalendar(offering_id=world["id"], state="OK", wanted=1, next_read=utcnow()))
    before, changes = current_index().generation, calendar.changes
    attributes = stored(world).attributes
    assert edit_offering(world["owner"], world["uuid"], EVERYTHING)
    found = stored(world)
    assert {key: getattr(found, key) for key in DETAILS} == EVERYTHING
    assert found.attributes == attributes
    assert_fresh(db_session())
    assert current_index().generation > before
    assert calendar.changes == changes + 1
    shown = browse(world["owner"], Search(q="angstrom"))
    assert [row.name for row in shown.rows] == ["Ångström microscope"]


def test_nothing_changes_where_nothing_differs(world):
    assert edit_offering(world["manager"], world["uuid"], {"country": "FI"})
    before, modified = current_index().generation, stored(world).modified
    assert not edit_offering(world["manager"], world["uuid"], {"country": "FI", "name": "Microscope"})
    assert not edit_offering(world["manager"], world["uuid"], {})
    assert (current_index().generation, stored(world).modified) == (before, modified)


def test_schedules_change_beside_what_else_the_attributes_hold(world, db_session):
    other = make.schedule(days=3, slotDuration="00:30:00")
    assert edit_offering(world["manager"], world["uuid"], {"schedules": other})
    assert stored(world).attributes == {
        "wavelength_nm": 5,
        "schedules": other,
        "booking_rules": {"time_zone": "Europe/Tallinn"},
    }
    assert_fresh(db_session())


def test_kept_pictures_are_stored_without_their_host(world, app, db_session):
    media = make.add(Media(name="a.jpg", content_type="image/jpeg", size=1, digest="x"))
    path = f"/api/media/{media.uuid}/"
    edit_offering(SYSTEM, world["uuid"], {"image": app.extensions["portal.settings"].public_url + path})
    assert stored(world).image == path


@pytest.mark.parametrize(
    ("who", "state", "refused"),
    [
        ("stranger", "Active", Forbidden),
        ("member", "Active", Forbidden),
        ("stranger", "Draft", NotFound),
        ("member", "Archived", NotFound),
    ],
)
def test_others_change_nothing(world, who, state, refused):
    edit_offering(SYSTEM, world["uuid"], {"state": state})
    for changes in ({"name": "Mine"}, {}, {"name": ""}):
        with pytest.raises(refused):
            edit_offering(world[who], world["uuid"], changes)
    with pytest.raises(refused):
        edit_offering(ANONYMOUS, world["uuid"], {"name": "Mine"})
    with pytest.raises(NotFound):
        edit_offering(SYSTEM, make.unknown(), {"name": "Mine"})
    assert stored(world).name == "Microscope"


def test_what_cannot_be_kept_is_told_by_field_and_changes_nothing(world):
    entry = {**make.schedule()[0], "end": "2026-13-01T00:00:00Z"}
    wrong = {"name": " ", "state": "Gone", "latitude": 91, "country": "ee", "description": "good"}
    with pytest.raises(InvalidValues) as told:
        edit_offering(world["owner"], world["uuid"], {**wrong, "schedules": [entry, {"start": "2026-01-01"}]})
    assert set(told.value.errors) == {
        *("name", "state", "latitude", "country"),
        *("schedules[0].end", "schedules[1].start", "schedules[1].end"),
    }
    assert told.value.errors["name"] == "must not be empty"
    assert stored(world).description == ""
    # Rules that were broken past the portal are not made worse, and it is told what is.
    db.session.get(Offering, world["id"]).attributes = {"booking_rules": {"accept": "x"}}
    db.session.commit()
    with pytest.raises(InvalidValues, match="can't be kept") as told:
        edit_offering(world["owner"], world["uuid"], {"schedules": []})
    assert list(told.value.errors) == ["booking_rules.accept"]


@pytest.mark.parametrize("key", ["customer_uuid", "backend_id", "uuid", "attributes", "plans", "slug", "type"])
def test_what_is_not_theirs_is_not_changed(world, key):
    with pytest.raises(Invalid, match="not changed in this way"):
        edit_offering(SYSTEM, world["uuid"], {key: "x", "name": "Other"})
    assert stored(world).name == "Microscope"


def test_what_somebody_else_wrote_meanwhile_stays(world):
    shown = get_visible_offering(SYSTEM, world["uuid"]).document
    mine, hours = value_digests(shown, DETAILS), value_digests(shown, (SCHEDULES, TIME_ZONE))
    edit_offering(world["manager"], world["uuid"], {"description": "Theirs"}, expected=mine)
    with pytest.raises(ConcurrentEdit) as told:
        edit_offering(world["owner"], world["uuid"], {"name": "Mine"}, expected=mine)
    assert told.value.keys == {"description"}
    assert (stored(world).name, stored(world).description) == ("Microscope", "Theirs")
    # What one does not look at may change.
    assert edit_offering(world["owner"], world["uuid"], {"schedules": []}, expected=hours)
    with pytest.raises(ConcurrentEdit):
        edit_offering(world["owner"], world["uuid"], {"schedules": make.schedule()}, expected=hours)


def test_of_two_at_once_one_writes(live_database):
    app = live_database.app
    with app.app_context():
        offering = make.offering("Microscope")
        uuid = offering.uuid
        before = value_digests(get_visible_offering(SYSTEM, uuid).document, DETAILS)
        db.session.rollback()
    start, became = threading.Barrier(4), []

    def edit(number):
        with app.app_context():
            start.wait()
            try:
                became.append(edit_offering(SYSTEM, uuid, {"name": f"Number {number}"}, expected=before))
            except ConcurrentEdit:
                became.append(None)

    threads = [threading.Thread(target=contextvars.Context().run, args=(edit, number)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timedelta(seconds=60).total_seconds())
    assert sorted(became, key=str) == [None, None, None, True]
    with app.app_context():
        names = db.session.execute(select(Offering.name)).scalars().all()
        assert len(names) == 1
        assert names[0].startswith("Number")
