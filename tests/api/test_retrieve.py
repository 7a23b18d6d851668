"""GET and HEAD /api/booking-offerings/{uuid}/: every field, UUID forms, and what a reader may see."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from portal.api.schema import document
from portal.documents import store as documents
from portal.extensions import db
from portal.models import GoogleCalendar
from tests.support import builders as make
from tests.support.answers import told

TREE = json.loads((Path(__file__).parents[1] / "data" / "fields.json").read_text(encoding="utf-8"))
FIELDS = TREE["fields"]
NO_MATCH = b'{"detail":"No Offering matches the given query."}'


def path_of(uuid, query=""):
    return f"/api/booking-offerings/{uuid}/{query}"


def documented(fields):
    for field in fields:
        yield field
        yield from documented(field["children"])


def values(document, path):
    """All values at a path with dots, through arrays."""
    found = [document]
    for name in path.split("."):
        found = [one for value in found for one in (value if isinstance(value, list) else [value])]
        found = [one[name] for one in found if isinstance(one, dict) and name in one]
    return found


TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "object": dict}


def is_documented_type(value, field):
    if value is None:
        return field["python_client"]["null"] != "crash"
    if field["is_array"]:
        return isinstance(value, list) and all(isinstance(one, dict) for one in value)
    if field["doc_type"] == "any":
        return True
    wanted = TYPES[field["type"]]
    return isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))


def test_every_documented_field_with_their_documented_types(client, who, sample):
    answer = client.get(path_of(sample["uuid"]), headers=who["staff"]).json
    fields = list(documented(FIELDS))
    assert len(fields) == TREE["counts"]["total_including_nested"]
    missing = [field["path"] for field in fields if not values(answer, field["path"])]
    assert not missing
    wrong = [
        (field["path"], value)
        for field in fields
        for value in values(answer, field["path"])
        if not is_documented_type(value, field)
    ]
    assert not wrong
    assert list(answer) == [field["name"] for field in FIELDS]


def test_what_was_imported_is_answered_field_by_field(client, who, sample):
    answer = client.get(path_of(sample["uuid"]), headers=who["staff"], base_url="https://booking.example.org").json
    # The same instants, written with Z; components by name, as in Waldur. Nothing else differs.
    wanted = json.loads(json.dumps(sample).replace("+00:00", "Z"))
    wanted["components"].sort(key=lambda component: component["name"])
    assert answer == wanted


def test_an_offering_with_nothing_leaves_out_what_clients_cannot_read(client, who, offering):
    answer = client.get(path_of(offering.uuid), headers=who["staff"]).json
    assert set(answer) == {field["name"] for field in FIELDS} - {"googlecalendar"}
    crashing = [field for field in documented(FIELDS) if field["python_client"]["null"] == "crash"]
    assert not [field["path"] for field in crashing if None in values(answer, field["path"])]


@pytest.mark.parametrize("reader", ["staff", "stranger"])
def test_answers_are_what_the_schema_says(client, who, sample, offering, reader):
    whole = document()
    validator = Draft202012Validator({"$ref": "#/components/schemas/Offering", "components": whole["components"]})
    for uuid in (sample["uuid"], offering.uuid):
        answer = client.get(path_of(uuid), headers=who[reader])
        if answer.status_code == 200:
            problems = [f"{'.'.join(map(str, one.path))}: {one.message}" for one in validator.iter_errors(answer.json)]
            assert not problems


@pytest.mark.parametrize(
    "form", [str, lambda uuid: uuid.hex, lambda uuid: str(uuid).upper(), lambda uuid: uuid.hex.upper()]
)
def test_both_forms_of_a_uuid_are_read_and_dashes_written(client, who, offering, form):
    answer = client.get(path_of(form(offering.uuid)), headers=who["stranger"])
    assert answer.json["uuid"] == str(offering.uuid)
    assert answer.json["url"] == f"http://localhost{path_of(offering.uuid)}"


@pytest.mark.parametrize(
    "segment",
    [
        "00000000-0000-0000-0000-000000000000",
        "nonsense",
        "0" * 31,
        "0" * 33,
        "{00000000-0000-0000-0000-000000000000}",
        "urn:uuid:00000000-0000-0000-0000-000000000000",
        "0000-0000000000000000000000000000",
        "%20",
        "ä",
    ],
)
def test_unknown_and_malformed_are_the_same_404(client, who, offering, segment):
    answer = client.get(path_of(segment), headers=who["staff"])
    assert (answer.status_code, answer.data) == (404, NO_MATCH)


@pytest.mark.parametrize("segment", ["a.b", "x.json", "."])
def test_a_segment_with_a_dot(client, who, segment):
    answer = client.get(f"/api/booking-offerings/{segment}/", headers=who["staff"])
    assert answer.status_code == 404
    if segment != ".":
        assert answer.data == b'{"detail":"Not found."}'


@pytest.mark.parametrize(
    ("values", "seen_by"),
    [
        ({}, {"stranger", "member", "manager", "owner", "staff"}),
        ({"state": "Paused"}, {"stranger", "member", "manager", "owner", "staff"}),
        ({"state": "Draft"}, {"manager", "owner", "staff"}),
        ({"state": "Archived"}, {"manager", "owner", "staff"}),
        ({"shared": False}, {"member", "manager", "owner", "staff"}),
        ({"shared": False, "state": "Draft"}, {"manager", "owner", "staff"}),
        ({"restricted": True}, {"grouped", "manager", "owner", "staff"}),
    ],
)
def test_who_sees_what(client, who, owned, headers_of, values, seen_by):
    club = make.group("Club")
    grouped = make.role(make.user(), make.organization("Other", groups=(club,)), "member")
    people = {**who, "grouped": headers_of(grouped)}
    given = dict(values)
    groups = (club,) if given.pop("restricted", False) else ()
    made = make.offering("Special", of=owned[0], groups=groups, **given)
    expected = seen_by | ({"grouped"} if "stranger" in seen_by else set())
    retrieved, listed = set(), set()
    for name, headers in people.items():
        answer = client.get(path_of(made.uuid), headers=headers)
        if answer.status_code == 200:
            retrieved.add(name)
        else:
            assert (answer.status_code, answer.data) == (404, NO_MATCH)
        page = client.get("/api/booking-offerings/", headers=headers)
        if page.json:
            listed.add(name)
        assert page.headers["X-Result-Count"] == str(len(page.json))
    assert retrieved == listed == expected


PROVIDER_ONLY = {
    "backend_id", "backend_metadata", "order_count", "scope", "scope_uuid", "scope_name", "scope_state",
    "scope_error_message", "total_customers", "total_cost", "total_cost_estimated",
}  # fmt: skip


@pytest.mark.parametrize("reader", ["stranger", "member", "manager", "owner", "staff"])
def test_provider_fields_are_for_those_who_manage(client, who, offering, reader):
    manages = reader in ("manager", "owner", "staff")
    make.plan(offering)
    make.add(GoogleCalendar(offering_id=offering.id, state="OK", backend_id="abc@example.org", public=False))
    documents.refresh(db.session(), [offering.id])
    db.session.commit()
    for answer in (
        client.get(path_of(offering.uuid), headers=who[reader]).json,
        client.get("/api/booking-offerings/", headers=who[reader]).json[0],
    ):
        assert (set(answer) >= PROVIDER_ONLY) is manages
        assert manages or not PROVIDER_ONLY & set(answer)
        assert ("backend_id" in answer["plans"][0]) is manages
        assert ("googlecalendar" in answer) is manages
    asked = client.get(path_of(offering.uuid, "?field=backend_id"), headers=who[reader]).json
    assert asked == ({"backend_id": ""} if manages else {})


@pytest.mark.parametrize("reader", ["stranger", "owner"])
def test_a_public_calendar_is_for_everybody(client, who, offering, reader):
    make.add(
        GoogleCalendar(offering_id=offering.id, state="OK", backend_id="abc@example.org", public=True, want_public=True)
    )
    documents.refresh(db.session(), [offering.id])
    db.session.commit()
    answer = client.get(path_of(offering.uuid, "?field=googlecalendar"), headers=who[reader]).json
    link = "https://calendar.google.com/calendar/embed?src=abc%40example.org"
    shown = {"backend_id": "abc@example.org", "public": True, "http_link": link}
    if reader == "stranger":
        del shown["backend_id"]
    assert answer == {"googlecalendar": shown}


def test_schedules_that_have_ended_are_left_out(client, who, owned):
    now = datetime.now(UTC)
    entries = make.schedule(now - timedelta(days=9), 2) + make.schedule(now - timedelta(days=1), 5)
    made = make.offering("Scheduled", of=owned[0], attributes={"schedules": entries, "other": 1})
    for path in (path_of(made.uuid), path_of(made.uuid, "?field=attributes")):
        attributes = client.get(path, headers=who["stranger"]).json["attributes"]
        assert attributes == {"schedules": entries[1:], "other": 1}


def test_restricted_plans_are_hidden(client, who, offering):
    make.plan(offering, "For all")
    make.plan(offering, "For the club", groups=(make.group("Club"),))
    plans = {
        reader: [plan["name"] for plan in client.get(path_of(offering.uuid), headers=who[reader]).json["plans"]]
        for reader in ("stranger", "owner")
    }
    assert plans["stranger"] == ["For all"]
    assert sorted(plans["owner"]) == ["For all", "For the club"]


def test_two_statements(client, who, sample, query_counter):
    for reader in ("staff", "owner"):
        client.get(path_of(sample["uuid"]), headers=who[reader]).close()
        for query in ("", "?field=name"):
            with query_counter() as counted:
                client.get(path_of(sample["uuid"], query), headers=who[reader]).close()
            assert counted.number <= 2, counted.statements


def test_head_and_etag(client, who, offering):
    get, head = (client.open(path_of(offering.uuid), method=method, headers=who["owner"]) for method in ("GET", "HEAD"))
    assert (head.status_code, head.data) == (200, b"")
    assert told(head) == told(get)
    again = client.get(path_of(offering.uuid), headers={**who["owner"], "If-None-Match": get.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = client.get(path_of(offering.uuid), headers={**who["stranger"], "If-None-Match": get.headers["ETag"]})
    assert other.status_code == 200
