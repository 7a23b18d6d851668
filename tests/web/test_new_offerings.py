"""Creating offerings on pages: from the short form, as a copy; and changing their state."""

import uuid as uuidlib

import orjson
import pytest

from portal.documents.read import read_page
from portal.extensions import db
from portal.models import Offering
from portal.policies import SYSTEM
from portal.transfer.editing import edit_offering
from portal.transfer.importer import import_offerings
from tests.support.forms import Form
from tests.support.samples import sample

FORM, PANEL = '<form class="form beside"', '<form class="panel stack"'


def newest():
    db.session.expire_all()
    return db.session.query(Offering).order_by(Offering.id.desc()).first()


@pytest.fixture
def form(visitor, world):
    return Form(visitor("manager"), "/manage/offerings/new/", opening=FORM)


def test_a_draft_that_can_be_published_and_booked(form, visitor, world):
    answer = form.send(
        name="  Laser cutter ",
        category=str(world.category),
        opens="8:00",
        closes="24:00",
        minutes="30",
        confirms="portal",
    )
    made = newest()
    assert (answer.status_code, answer.location) == (303, f"/manage/offerings/{made.uuid}/state/")
    assert (made.name, made.state, made.organization.uuid) == ("Laser cutter", "Draft", world.lab)
    assert made.attributes["booking_rules"] == {"time_zone": "UTC", "accept": "automatic"}
    config = made.attributes["schedules"][0]["extendedProps"]["config"]
    assert config["businessHours"] == {"startTime": "08:00", "endTime": "24:00", "daysOfWeek": [1, 2, 3, 4, 5]}
    assert config["slotDuration"] == "00:30:00"
    assert visitor("member").get(f"/offerings/{made.uuid}/").status_code == 404
    state = Form(visitor("manager"), answer.location, opening=PANEL)
    assert state.send(state="Active").status_code == 303
    assert newest().state == "Active"
    assert "Laser cutter" in visitor().get("/").text
    assert visitor("member").get(f"/offerings/{made.uuid}/book/").status_code == 200


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"zone": "Europe/Nowhere"}, "zone"),
        ({"opens": "25:00"}, "opens"),
        ({"closes": "26:00"}, "closes"),
        ({"minutes": "600"}, "closes"),
        ({"minutes": "300", "opens": "22:00", "closes": "02:00"}, "closes"),
        ({"minutes": "0"}, "minutes"),
        ({"minutes": ""}, "minutes"),
        ({"minutes": "99999999999"}, "minutes"),
        ({"confirms": "nobody"}, "confirms"),
        ({"category": str(uuidlib.uuid4())}, "category"),
        ({"category": "x"}, "category"),
    ],
)
def test_a_wrong_value_is_shown_at_its_field_and_makes_nothing(form, world, typed, field):
    before = newest().id
    answer = form.send(**{"name": "New", "category": str(world.category), **typed})
    assert answer.status_code == 400
    assert f'href="#{field}"' in answer.text
    assert newest().id == before


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ({"minutes": "x"}, "Enter a whole number of minutes from 1 to 1440."),
        ({"minutes": ""}, "Enter a whole number of minutes from 1 to 1440."),
        ({"minutes": "0"}, "Enter a whole number of minutes from 1 to 1440."),
        ({"opens": "25:00"}, "Enter a time of day, such as 09:30."),
        ({"closes": ""}, "Enter a time of day, such as 09:30."),
    ],
)
def test_a_wrong_value_has_one_error_text_of_the_portal(form, world, typed, text):
    page = form.send(**{"name": "New", "category": str(world.category), **typed}).text
    # In the list of errors and beside the field.
    assert page.count(text) == 2
    assert not any(it in page for it in ("Not a valid", "Invalid input", "Number must be"))


def test_nobody_makes_offerings_for_others(form, world):
    before = newest().id
    answer = form.send(name="New", category=str(world.category), organization=str(world.other))
    assert answer.status_code == 404
    assert newest().id == before


def document_of(offering):
    (found,) = read_page(SYSTEM, "http://localhost:8000", (), [offering.id], None)
    return orjson.loads(orjson.dumps(found.content))


def overages(document):
    """Which component is charged beyond the limit of which, by type."""
    types = {it["uuid"]: it["type"] for it in document["components"]}
    return {it["type"]: types.get(it["overage_component"]) for it in document["components"] if it["overage_component"]}


def test_a_copy_has_everything_that_was_written(visitor, world):
    record = sample() | {"uuid": str(world.scope)}
    report = import_offerings([record | {"customer_uuid": str(world.lab), "customer_name": "Light Lab"}])
    assert not report.failed
    original = db.session.query(Offering).filter_by(uuid=world.scope).one()
    copy_form = Form(visitor("owner"), f"/manage/offerings/{world.scope}/duplicate/", opening=FORM)
    answer = copy_form.send(name="Second one")
    made = newest()
    assert (answer.status_code, answer.location) == (303, f"/manage/offerings/{made.uuid}/state/")
    before, after = document_of(original), document_of(made)
    same = {"description", "full_description", "attributes", "options", "latitude", "country", "category_uuid", "type"}
    assert {key: after[key] for key in same} == {key: before[key] for key in same}
    assert (after["name"], after["state"]) == ("Second one", "Draft")
    for part in ("components", "plans", "screenshots", "files", "endpoints", "partitions"):
        assert [it.get("name") for it in after[part]] == [it.get("name") for it in before[part]], part
        uuids = [it["uuid"] for it in after[part] if "uuid" in it]
        assert not set(uuids) & {it.get("uuid") for it in before[part]}, part
    assert [it["prices"] for it in after["plans"]] == [it["prices"] for it in before["plans"]]
    assert overages(after) == overages(before) == {"beam_hours": "beam_hours_over"}
    # Nothing of the copy points to a part of the original.
    parts = [it["uuid"] for key in ("components", "plans", "partitions") for it in before[key]]
    assert [it for it in parts if it in orjson.dumps(after).decode()] == []
    # Both stay as they are when the copy is changed.
    edit_offering(SYSTEM, made.uuid, {"description": "Other"})
    assert document_of(original)["description"] == before["description"]


def test_a_copy_with_a_wrong_name_is_not_made(visitor, world):
    before = newest().id
    answer = Form(visitor("owner"), f"/manage/offerings/{world.scope}/duplicate/", opening=FORM).send(name="")
    assert (answer.status_code, newest().id) == (400, before)


def test_the_state_page_says_what_is_missing_and_what_follows(visitor, world):
    page = visitor("manager").get(f"/manage/offerings/{world.draft}/state/").text
    assert "A short description" in page
    assert "A picture." in page
    assert 'value="Active"' in page
    assert 'value="Paused"' not in page
    page = visitor("manager").get(f"/manage/offerings/{world.scope}/state/").text
    assert 'value="Paused"' in page


def test_an_imported_unavailable_offering_is_explained_and_can_be_published(visitor, world):
    edit_offering(SYSTEM, world.scope, {"state": "Unavailable"})
    page = visitor("manager").get(f"/manage/offerings/{world.scope}/state/").text
    assert "Unavailable in the portal it was imported from" in page
    assert 'value="Active"' in page
    assert "only its managers see this page" in visitor("manager").get(f"/offerings/{world.scope}/").text
    assert visitor("member").get(f"/offerings/{world.scope}/").status_code == 404
    # The edit page keeps it, and offers it nowhere else.
    assert '<option value="Unavailable"' in visitor("manager").get(f"/manage/offerings/{world.scope}/edit/").text
    assert '<option value="Unavailable"' not in visitor("manager").get(f"/manage/offerings/{world.draft}/edit/").text


def test_a_state_that_somebody_else_has_changed_is_left_alone(visitor, world):
    form = Form(visitor("manager"), f"/manage/offerings/{world.scope}/state/", opening=PANEL)
    edit_offering(SYSTEM, world.scope, {"state": "Archived"})
    assert form.send(state="Paused").status_code == 303
    assert db.session.query(Offering).filter_by(uuid=world.scope).one().state == "Archived"


@pytest.mark.parametrize("state", ["", "Unavailable", "Draft", "active"])
def test_no_other_state_is_taken(visitor, world, state):
    form = Form(visitor("manager"), f"/manage/offerings/{world.scope}/state/", opening=PANEL)
    assert form.send(state=state).status_code == 303
    assert db.session.query(Offering).filter_by(uuid=world.scope).one().state == "Active"


@pytest.mark.parametrize("typed", ["1_0", "１０", "30.0", "+5", "1441"])
def test_minutes_are_digits(form, world, typed):
    before = newest().id
    answer = form.send(name="New", category=str(world.category), minutes=typed)
    assert (answer.status_code, newest().id) == (400, before)
    assert "Enter a whole number of minutes from 1 to 1440." in answer.text


def test_a_name_has_to_be_seen(form, world):
    before = newest().id
    answer = form.send(name="\u200b\u2060", category=str(world.category))
    assert (answer.status_code, newest().id) == (400, before)
    assert "has no visible character" in answer.text
