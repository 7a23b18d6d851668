"""/api/booking-resources/ and /api/marketplace-bookings/: answers, who gets them, and the order of refusals."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from portal.api.availability import MAX_ENTRIES
from portal.api.booking_resource_schema import RESOURCE_FIELDS
from portal.documents import store as documents
from portal.domain.periods import Period
from portal.models import Booking, BusyPeriod, GoogleCalendar, Project
from portal.services import bookings as services
from portal.transfer.importer import import_offerings
from tests.support import builders as make
from tests.support.builders import NOW
from tests.support.samples import another, child_of

LIST = "/api/booking-resources/"


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


def at(hour: float) -> str:
    return (NOW + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ")


def slot(start: float, end: float) -> dict[str, str]:
    return {"start": at(start), "end": at(end)}


@pytest.fixture
def world(owned, offering):
    people = {name: make.actor(user) for name, user in owned[1].items()}
    people["booker"] = people["stranger"]
    return people


def book(world, offering, *hours, who="booker", **more):
    periods = [Period(NOW + timedelta(hours=a), NOW + timedelta(hours=b)) for a, b in hours or [(1, 2)]]
    return services.request_booking(world[who], services.BookingRequest(offering.uuid, periods, **more), now=NOW).uuid


def number_of_bookings(db_session):
    return db_session.execute(select(func.count(Booking.id))).scalar_one()


def test_a_booking_is_made_with_what_is_needed_only(client, who, offering, world):
    answer = client.post(LIST, json={"offering": str(offering.uuid), "slots": [slot(1, 2)]}, headers=who["stranger"])
    assert answer.status_code == 201
    made = answer.json
    assert answer.headers["Location"] == made["url"] == f"http://localhost{LIST}{made['uuid']}/"
    assert (made["state"], made["name"], made["offering_uuid"]) == ("Creating", "Microscope", str(offering.uuid))
    assert [(it["start"], it["end"]) for it in made["slots"]] == [(at(1), at(2))]
    assert made["creation_order"]["state"] == "pending-provider"
    assert made["order_in_progress"]["uuid"] == made["creation_order"]["uuid"]
    assert [it["what"] for it in made["history"]] == ["request"]
    assert client.get(made["url"], headers=who["stranger"]).json == made


def test_a_booking_with_everything(client, who, offering, world, owned, db_session):
    organization, _people = owned
    plan = make.plan(offering, "Standard")
    make.plan(offering, "Other")
    project = make.add(Project(name="Cryo", organization_id=organization.id))
    offering.options = {"options": {"sample": {"type": "string", "label": "Sample", "required": True}}}
    db_session.commit()
    body = {
        "offering": f"http://localhost/api/booking-offerings/{offering.uuid.hex}/",
        "slots": [{"start": "2026-03-02T13:00:00+02:00", "end": "2026-03-02T14:00:00+02:00"}, slot(1, 2)],
        "name": "Ribosome",
        "description": "Two grids",
        "plan": str(plan.uuid),
        "project": f"http://x/api/projects/{project.uuid}/",
        "options": {"sample": "ice"},
    }
    answer = client.post(LIST, json=body, headers=who["member"])
    assert answer.status_code == 201, answer.json
    made = answer.json
    assert (made["name"], made["description"], made["plan_name"]) == ("Ribosome", "Two grids", "Standard")
    assert (made["project_name"], made["customer_name"]) == ("Cryo", "Photon Source")
    assert made["attributes"]["sample"] == "ice"
    assert [it["start"] for it in made["slots"]] == [at(1), "2026-03-02T11:00:00Z"]


@pytest.mark.parametrize(
    "start",
    [
        "2026-03-02T09:00:00.0000000Z",
        "2026-03-02t09:00:00z",
        "2026-03-02 11:00:00.000+02:00",
        "2026-03-02T09:00:00-00:00",
    ],
)
def test_times_are_read_in_every_form_of_rfc_3339(client, who, offering, world, start):
    body = {"offering": str(offering.uuid), "slots": [{"start": start, "end": "2026-03-02T10:00:00Z"}]}
    made = client.post(LIST, json=body, headers=who["stranger"])
    assert made.status_code == 201, made.json
    assert made.json["slots"][0]["start"] == "2026-03-02T09:00:00Z"
    answer = client.get(
        f"/api/booking-offerings/{offering.uuid}/availability/",
        query_string={"start": start, "end": "2026-03-02T11:00:00Z"},
        headers=who["stranger"],
    )
    assert answer.json["slots"] == [slot(2, 3)]


YEARS = {"slots": ["Choose times in the years 1970 to 9998."]}
BAD = [
    ({}, {"offering": ["This field is required."], "slots": ["This field is required."]}),
    ({"offering": None, "slots": None}, {n: ["This field may not be null."] for n in ("offering", "slots")}),
    (
        {"offering": 5, "slots": {}},
        {
            "offering": ["Enter a UUID or an address that ends with one."],
            "slots": ["Expected a list of periods, each with a start and an end."],
        },
    ),
    ({"slots": []}, {"slots": ["Pick at least one period."]}),
    ({"slots": [5, {}]}, None),
    ({"slots": [{"start": at(1)}]}, {"slots": ["Period 1: the end is missing."]}),
    ({"slots": [slot(2, 1)]}, {"slots": ["Period 1: it ends before it starts, or at once."]}),
    ({"slots": [{"start": "2026-03-02T09:00:00", "end": at(2)}]}, None),
    ({"slots": [{"start": "tomorrow", "end": at(2)}]}, None),
    (
        {"slots": [{"start": "2026-03-02T09:00:60Z", "end": at(2)}]},
        {"slots": ["Period 1: start “2026-03-02T09:00:60Z” is a leap second: use the second before or after it."]},
    ),
    ({"slots": [{"start": "0001-01-01T00:00:00+14:00", "end": "9999-12-31T23:59:59-14:00"}]}, None),
    ({"slots": [slot(1, 2)] * 1000}, {"slots": ["At most 20 periods go into one booking."]}),
    ({"slots": [slot(n, n + 1) for n in range(1, 30)]}, {"slots": ["At most 20 periods go into one booking."]}),
    ({"slots": [slot(1, 3), slot(2, 4)]}, {"slots": ["Two of the periods overlap each other."]}),
    ({"slots": [slot(-2, -1)]}, {"slots": ["This time has already begun or has passed."]}),
    (
        {"repeat": "weekly", "user": "x"},
        {
            key: ["Unknown key. Known keys: offering, slots, name, description, plan, project, options."]
            for key in ("repeat", "user")
        },
    ),
    ({"Name": "Ribosome"}, None),
    ({"": None}, None),
    (
        {"slots": [{**slot(1, 2), "repeat": "weekly"}]},
        {"slots": ["Period 1: it has the unknown key “repeat”; only start and end are known."]},
    ),
    ({"name": 5}, {"name": ["Not a valid string."]}),
    ({"description": "a\0b"}, {"description": ["Null characters are not allowed."]}),
    ({"name": "x" * 2001}, {"name": ["This is too long (at most 2000 characters)."]}),
    ({"options": []}, {"options": ["Expected an object of answers by the keys of the order form."]}),
    ({"options": {"x": 1}}, {"options": {"x": ["The order form has no such question."]}}),
    ({"options": {"x": "a\0"}}, {"options": ["This contains a character that can't be stored."]}),
    ({"options": {"x": [{"y": "a\ud800"}]}}, {"options": ["x[0].y: Not a valid string."]}),
    ({"options": {"\ud800": 1}}, {"options": ["“?” is not a valid name of a field."]}),
    ({"options": {"x": 2**64}}, {"options": ["x: A number is too large: whole numbers have at most 64 bits."]}),
    ({"slots": [{"start": "\udc00", "end": at(2)}]}, {"slots": ["[0].start: Not a valid string."]}),
    ({"slots": [slot(1, 2), 10**400]}, {"slots": ["[1]: A number is too large: whole numbers have at most 64 bits."]}),
    ({"name": "a\ud800"}, {"name": ["Not a valid string."]}),
    ({"name": "a\nb"}, {"name": ["The name contains a line break, and must be one line."]}),
    ({"name": "a\x1bb"}, {"name": ["The name contains a control character (U+001B)."]}),
    ({"name": "a\u202eb"}, {"name": ["The name contains a character that changes the direction of writing (U+202E)."]}),
    ({"unknown": -(2**63) - 1}, {"unknown": ["A number is too large: whole numbers have at most 64 bits."]}),
    ({"slots": [{"start": "0001-01-01T00:00:00Z", "end": "0001-01-01T01:00:00Z"}]}, YEARS),
    ({"slots": [{"start": "9999-12-31T22:00:00Z", "end": "9999-12-31T23:59:59Z"}]}, YEARS),
    ({"slots": [slot(1, 24 * 367)]}, {"slots": ["A booking lasts at most 366 days."]}),
    ({"plan": "nonsense"}, {"plan": ["Enter a UUID or an address that ends with one."]}),
    ({"plan": "00000000-0000-4000-8000-000000000000"}, {"plan": ["This offering has no such plan."]}),
    ({"project": "00000000-0000-4000-8000-000000000000"}, None),
]


@pytest.mark.parametrize(("change", "said"), BAD)
def test_bad_input_is_told_by_field_and_changes_nothing(client, who, offering, world, db_session, change, said):
    body = {"offering": str(offering.uuid), "slots": [slot(1, 2)], **change} if change else {}
    # A key makes the request repeatable: what it asks for is digested before anything else.
    headers = {**who["stranger"], "Idempotency-Key": "k"}
    answer = client.post(LIST, json=body, headers=headers)
    assert answer.status_code == 400, answer.json
    if said is None:
        assert answer.json
        assert set(answer.json) <= set(change)
    else:
        assert answer.json == said
    assert number_of_bookings(db_session) == 0


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"offering": "a", "offering": "b"}', "application/json", 400),
        (b"[" * 5000 + b"]" * 5000, "application/json", 400),
        (b'{"slots": NaN}', "application/json", 400),
        (b'{"slots": 1e999}', "application/json", 400),
        (b'{"slots": ' + b"9" * 5000 + b"}", "application/json", 400),
        (b'{"\\ud800": 1}', "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"null", "application/json", 400),
        (b"offering=1", "application/x-www-form-urlencoded", 415),
        (b"x", "text/plain", 415),
        (b"", None, 400),
    ],
)
def test_bodies_that_cannot_be_read(client, who, body, kind, status):
    assert client.post(LIST, data=body, content_type=kind, headers=who["stranger"]).status_code == status


def test_a_taken_slot_names_the_rival_and_the_nearest_free_ones(client, who, offering, world):
    book(world, offering, (2, 4), who="member")
    body = {"offering": str(offering.uuid), "slots": [slot(3, 5)]}
    answer = client.post(LIST, json=body, headers=who["stranger"])
    assert answer.status_code == 409
    assert answer.json["detail"].startswith("Held by a request that has not been answered yet:")
    assert (answer.json["asked"], answer.json["rival"]) == (slot(3, 5), slot(2, 4))
    assert answer.json["free"] == [slot(0, 2), slot(4, 6), slot(5, 7)]


def test_an_idempotency_key_makes_a_request_repeatable(client, who, offering, world, db_session):
    body = {"offering": str(offering.uuid), "slots": [slot(1, 2)]}
    headers = {**who["stranger"], "Idempotency-Key": "abc"}
    first = client.post(LIST, json=body, headers=headers)
    again = client.post(LIST, json=dict(reversed(body.items())), headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert number_of_bookings(db_session) == 1
    other = client.post(LIST, json={**body, "name": "other"}, headers=headers)
    assert (other.status_code, list(other.json)) == (400, ["Idempotency-Key"])
    for key in ("k" * 256, "", "a\0b", "a\x7f"):
        odd = client.post(LIST, json=body, environ_overrides={"HTTP_IDEMPOTENCY_KEY": key}, headers=who["stranger"])
        assert (odd.status_code, list(odd.json)) == (400, ["Idempotency-Key"]), key


def test_who_sees_what(client, who, offering, world):
    uuid = book(world, offering)
    seen = {}
    for name, headers in who.items():
        listed = client.get(LIST, headers=headers)
        one = client.get(f"{LIST}{uuid.hex}/", headers=headers)
        seen[name] = (len(listed.json), listed.headers["X-Result-Count"], one.status_code)
    yes, no = (1, "1", 200), (0, "0", 404)
    assert seen == {"stranger": yes, "member": no, "manager": yes, "owner": yes, "staff": yes}
    assert client.get(f"{LIST}{uuid}/", headers=who["member"]).json == {
        "detail": "No Resource matches the given query."
    }
    assert client.get(LIST).status_code == 401


def test_no_key_is_null_that_clients_cannot_read(client, who, offering, world):
    book(world, offering)
    [found] = client.get(LIST, headers=who["stranger"]).json
    crash = "uuid created modified state attributes limits limit_usage current_usages backend_metadata offering_uuid"
    crash += " provider_uuid category_uuid project_uuid customer_uuid parent_uuid parent_offering_uuid last_sync"
    crash += " service_settings_uuid offering_plugin_options usage_limit_restriction offering_state"
    assert [key for key in crash.split() if key in found and found[key] is None] == []
    assert [key for key in found if key not in RESOURCE_FIELDS] == []


def test_the_order_of_refusals(client, who, offering, world):
    uuid = book(world, offering)
    for act in ("accept", "reject", "cancel", "reschedule"):
        path = f"{LIST}{uuid}/{act}/"
        assert client.post(path).status_code == 401
        assert client.post(path, data=b"{", content_type="application/json", headers=who["member"]).status_code == 404
        assert client.post(f"{LIST}nonsense/{act}/", headers=who["owner"]).status_code == 404
        assert client.get(path, headers=who["owner"]).status_code == 405
    assert client.post(f"{LIST}{uuid}/accept/", headers=who["stranger"]).status_code == 403
    accepted = client.post(f"{LIST}{uuid}/accept/", headers=who["manager"])
    assert (accepted.status_code, list(accepted.json)) == (200, ["order_uuid"])
    for act in ("accept", "reject"):
        again = client.post(f"{LIST}{uuid}/{act}/", headers=who["manager"])
        assert (again.status_code, again.json) == (409, {"detail": "Valid states for operation: Creating."})


@pytest.mark.parametrize(
    ("act", "by", "state", "order"),
    [
        ("accept", "manager", "OK", "done"),
        ("accept", "staff", "OK", "done"),
        ("reject", "owner", "Terminated", "canceled"),
        ("reject", "stranger", "Terminated", "canceled"),
        ("cancel", "stranger", "Terminated", "canceled"),
        ("cancel", "manager", "Terminated", "canceled"),
    ],
)
def test_acts(client, who, offering, world, act, by, state, order):
    uuid = book(world, offering)
    answer = client.post(f"{LIST}{uuid}/{act}/", headers=who[by])
    assert answer.status_code == 200
    found = client.get(f"{LIST}{uuid}/", headers=who["stranger"]).json
    assert (found["state"], found["creation_order"]["state"], found["order_in_progress"]) == (state, order, None)


def test_a_rejection_may_have_a_reason(client, who, offering, world):
    uuid = book(world, offering)
    assert client.post(f"{LIST}{uuid}/reject/", json={"reason": 5}, headers=who["owner"]).status_code == 400
    assert client.post(f"{LIST}{uuid}/reject/", json={"reason": "Service."}, headers=who["owner"]).status_code == 200
    found = client.get(f"{LIST}{uuid}/", headers=who["stranger"]).json
    assert found["history"][-1]["reason"] == found["creation_order"]["provider_rejection_comment"] == "Service."


def test_a_booking_is_moved_under_the_same_rules(client, who, offering, world):
    uuid = book(world, offering, (1, 3))
    book(world, offering, (6, 7), who="member")
    path = f"{LIST}{uuid}/reschedule/"
    assert client.post(path, json={}, headers=who["stranger"]).json == {"slots": ["This field is required."]}
    assert client.post(path, json={"slots": [slot(6, 7)]}, headers=who["stranger"]).status_code == 409
    moved = client.post(path, json={"slots": [slot(2, 4)], "reason": "Late"}, headers=who["stranger"])
    assert moved.status_code == 200
    assert [it["start"] for it in moved.json["slots"]] == [at(2)]
    assert moved.json["history"][-1]["slots"] == [slot(1, 3)]
    again = client.post(path, json={"slots": [slot(2, 4)]}, headers=who["stranger"])
    assert (again.status_code, again.json) == (200, moved.json)


def test_unknown_keys_are_refused_in_calls_that_are_not_waldurs(client, who, offering, world):
    uuid = book(world, offering)
    for act, body in (("cancel", {}), ("reschedule", {"slots": [slot(4, 5)]})):
        answer = client.post(f"{LIST}{uuid}/{act}/", json={**body, "until": at(3)}, headers=who["stranger"])
        assert (answer.status_code, list(answer.json)) == (400, ["until"])
        assert "reason" in answer.json["until"][0]
    found = client.get(f"{LIST}{uuid}/", headers=who["stranger"]).json
    assert [(it["start"], it["end"]) for it in found["slots"]] == [(at(1), at(2))]
    assert found["state"] == "Creating"
    # Published clients may send anything to Waldur's calls.
    for act in ("accept", "reject"):
        uuid = book(world, offering, (5, 6) if act == "accept" else (7, 8))
        assert client.post(f"{LIST}{uuid}/{act}/", json={"until": 1}, headers=who["owner"]).status_code == 200


def test_acceptance_asks_what_is_busy_by_then(client, who, offering, world):
    uuid = book(world, offering)
    calendar = make.add(GoogleCalendar(offering_id=offering.id, state="OK"))
    start = NOW + timedelta(minutes=90)
    busy = {"calendar_id": calendar.id, "offering_id": offering.id, "event_id": "x"}
    make.add(BusyPeriod(**busy, start=start, end=start + timedelta(minutes=10)))
    answer = client.post(f"{LIST}{uuid}/accept/", headers=who["owner"])
    assert answer.status_code == 409
    assert answer.json["rival"] == slot(1.5, 1.5 + 1 / 6)


def test_head_field_and_etag(client, who, offering, world):
    uuid = book(world, offering)
    for path in (LIST, f"{LIST}{uuid}/"):
        get, head = (client.open(path, method=method, headers=who["staff"]) for method in ("GET", "HEAD"))
        assert {**get.headers, "X-Request-ID": ""} == {**head.headers, "X-Request-ID": ""}
        again = client.get(path, headers={**who["staff"], "If-None-Match": get.headers["ETag"]})
        assert again.status_code == 304
    assert client.get(f"{LIST}?field=uuid&field=nothing", headers=who["staff"]).json == [{"uuid": str(uuid)}]
    assert len(client.get(f"{LIST}?field=nothing", headers=who["staff"]).json[0]) > 50


def test_statements_do_not_grow(client, who, offering, world, query_counter):
    def cost():
        with query_counter() as counted:
            client.get(LIST, headers=who["staff"])
        return counted.number

    book(world, offering)
    client.get(LIST, headers=who["staff"])
    one = cost()
    for n in range(2, 8):
        book(world, offering, (n, n + 1), who="member")
    assert cost() == one <= 5


def test_what_is_taken_of_an_offering(client, who, offering, world, db_session):
    book(world, offering, (1, 2), who="member")
    book(world, offering, (3, 4))
    calendar = make.add(GoogleCalendar(offering_id=offering.id, state="OK"))
    busy = {"calendar_id": calendar.id, "offering_id": offering.id, "event_id": "x"}
    make.add(BusyPeriod(**busy, start=datetime(2026, 3, 2, 20, tzinfo=UTC), end=datetime(2026, 3, 2, 21, tzinfo=UTC)))

    def names(reader, uuid):
        answer = client.get(f"/api/marketplace-bookings/{uuid}/", headers=who[reader])
        assert "X-Result-Count" not in answer.headers
        assert "Link" not in answer.headers
        return [it["created_by_full_name"] for it in answer.json]

    member, stranger = world["member"].name, world["stranger"].name
    assert names("stranger", offering.uuid.hex) == [None, stranger, "google calendar"]
    assert names("member", offering.uuid) == [member, None, "google calendar"]
    # Those who manage the offering see who booked in the bookings; here the organization alone counts.
    assert names("manager", offering.uuid) == [member, None, "google calendar"]
    assert names("staff", offering.uuid) == [None, None, "google calendar"]
    offering.state = "Draft"
    db_session.commit()
    assert client.get(f"/api/marketplace-bookings/{offering.uuid}/", headers=who["staff"]).status_code == 404


@pytest.mark.parametrize("full_name", ["", "  ", "Eve@example.org", "Eve (eve@example.org)"])
def test_an_address_is_never_shown_as_a_name(client, who, offering, world, owned, db_session, full_name):
    owned[1]["member"].full_name = full_name
    db_session.commit()
    book(world, offering, (1, 2), who="member")
    local_part = owned[1]["member"].email.split("@")[0]
    for reader in ("manager", "member"):
        [found] = client.get(f"/api/marketplace-bookings/{offering.uuid}/", headers=who[reader]).json
        assert found["created_by_full_name"] == local_part


BOOKED = "Mon 2 Mar 2026, 10:00–11:00."
WINDOW = f"start={at(0)}&end={at(6)}"


def availability(client, who, offering, query=WINDOW, name="stranger"):
    return client.get(f"/api/booking-offerings/{offering.uuid}/availability/?{query}", headers=who[name])


def test_what_is_free(client, who, offering, world):
    book(world, offering, (2, 3), who="member")
    found = availability(client, who, offering).json
    assert found["time_zone"] == "UTC"
    assert found["slots"] == [slot(n, n + 1) for n in (0, 1, 3, 4, 5)]
    [refused] = found["refused"]
    assert refused["reason"].startswith("Held by a request")
    assert (refused["start"], refused["end"]) == (at(2), at(3))
    long = availability(client, who, offering, f"{WINDOW}&duration=02:00:00").json
    assert long["slots"] == [slot(0, 2), slot(3, 5), slot(4, 6)]
    mine = availability(client, who, offering, name="member").json["refused"]
    assert mine[0]["reason"].startswith("You have requested this")


def test_the_default_window_is_a_week_and_the_longest_two_months(client, who, offering, world, db_session):
    week = availability(client, who, offering, "").json
    assert (week["slots"][0]["start"], week["slots"][-1]["end"]) == (at(0), at(7 * 24))
    assert availability(client, who, offering, f"end={at(62 * 24)}").status_code == 200
    assert list(availability(client, who, offering, f"end={at(62 * 24 + 1)}").json) == ["end"]
    offering.state = "Paused"
    db_session.commit()
    paused = availability(client, who, offering, WINDOW).json
    assert paused["slots"] == []
    assert paused["refused"] == [{**slot(0, 6), "reason": "This offering is paused: it can't be booked now."}]


def test_a_long_answer_ends_early_and_says_where_it_goes_on(client, who, offering, world, db_session):
    offering.attributes = {"schedules": make.schedule(days=90, slotDuration="00:01:00")}
    db_session.commit()
    book(world, offering, (2, 3), who="member")
    query, slots, refused, sizes = f"start={at(0)}&end={at(9 * 24)}&duration=00:30:00", [], [], []
    while True:
        answer = availability(client, who, offering, query)
        assert len(answer.data) < 600_000
        slots += answer.json["slots"]
        refused += answer.json["refused"]
        sizes.append(len(answer.json["slots"]) + len(answer.json["refused"]))
        if "next" not in answer.json:
            break
        query = f"start={answer.json['next']}&end={at(9 * 24)}&duration=00:30:00"
    assert max(sizes) <= MAX_ENTRIES
    assert len(sizes) == 3
    starts = [n for n in range(9 * 24 * 60 - 29) if n <= 90 or n >= 180]
    assert slots == [slot(n / 60, (n + 30) / 60) for n in starts]
    assert {it["reason"] for it in refused} == {"Held by a request that has not been answered yet: " + BOOKED}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("duration=1488:00:01", "duration"),
        (f"start={at(0)}&end={at(2)}&duration=02:00:01", "duration"),
        ("start=now", "start"),
        ("start=2026-03-02T08:00:00", "start"),
        (f"start={at(2)}&end={at(1)}", "end"),
        ("start=9999-12-31T00:00:00Z", "start"),
        ("duration=2", "duration"),
        ("duration=00:00:00", "duration"),
        ("duration=%D9%A2:00:00", "duration"),
    ],
)
def test_bad_windows_are_named(client, who, offering, query, field):
    answer = availability(client, who, offering, query)
    assert (answer.status_code, list(answer.json)) == (400, [field])


def test_the_cost_of_a_week_does_not_grow_with_the_bookings(client, who, offering, world, query_counter):
    def cost():
        with query_counter() as counted:
            availability(client, who, offering)
        return counted.number

    cost()
    one = cost()
    for n in range(1, 20):
        book(world, offering, (n, n + 1), who="member")
    assert cost() == one <= 3


def test_a_plan_that_a_child_shares_with_its_parent(db_session, client, owned, who):
    attributes = {"schedules": make.schedule(NOW, days=30)}
    open_to_all = {"attributes": attributes, "state": "Active", "organization_groups": [], "options": {}}
    parent = another(1) | open_to_all
    for plan in parent["plans"]:
        plan["organization_groups"] = []
    child = child_of(parent, **open_to_all)
    assert import_offerings([parent, child]).failed == []
    plan = next(it["uuid"] for it in child["plans"] if not it["archived"])
    for offering in (parent, child):
        path = f"/api/marketplace-public-offerings/{offering['uuid']}/plans/{plan}/"
        assert client.get(path, headers=who["stranger"]).json["uuid"] == plan
    body = {"offering": child["uuid"], "slots": [slot(24, 25)], "plan": plan}
    answer = client.post(LIST, json=body, headers=who["stranger"])
    assert answer.status_code == 201, answer.json
    [found] = client.get(LIST, query_string={"plan_uuid": plan}, headers=who["stranger"]).json
    assert (found["plan_uuid"], found["offering_uuid"]) == (plan, child["uuid"])
    assert found["plan"].endswith(f"/{child['uuid']}/plans/{plan}/")
    counts = {
        offering["uuid"]: {it["uuid"]: it["resources_count"] for it in view["plans"]}
        for offering in (parent, child)
        for view in [client.get(f"/api/booking-offerings/{offering['uuid']}/", headers=who["stranger"]).json]
    }
    assert counts[child["uuid"]][plan] == counts[parent["uuid"]][plan] + 1


def test_an_unavailable_offering_is_for_its_managers_and_cannot_be_booked(db_session, client, owned, who, offering):
    offering.state = "Unavailable"
    documents.refresh(db_session(), [offering.id])
    db_session.commit()
    path = f"/api/booking-offerings/{offering.uuid}/"
    assert client.get(path, headers=who["stranger"]).status_code == 404
    assert client.get(path, headers=who["owner"]).json["state"] == "Unavailable"
    body = {"offering": str(offering.uuid), "slots": [slot(1, 2)]}
    for name in ("stranger", "owner", "staff"):
        assert client.post(LIST, json=body, headers=who[name]).status_code in (400, 404, 409)
    assert number_of_bookings(db_session) == 0
