"""/api/marketplace-orders/ and /api/marketplace-public-offerings/, as Waldur's web client uses them."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from portal.domain.periods import Period
from portal.models import Booking, GoogleCalendar, Project
from portal.services import bookings as services
from tests.support import builders as make
from tests.support.builders import NOW

ORDERS = "/api/marketplace-orders/"
PUBLIC = "/api/marketplace-public-offerings/"


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


def at(hour):
    return (NOW + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def event(start, end):
    """A period as the web client's calendar makes it."""
    shown = {"id": "booking1-17", "title": "", "allDay": False, "extendedProps": {"type": "Schedule"}}
    return {"start": at(start), "end": at(end), **shown}


@pytest.fixture
def project(owned):
    return make.add(Project(name="Cryo", organization_id=owned[0].id))


@pytest.fixture
def order(offering, project):
    """`order(...)`: what the web client sends for the offering, with these attributes."""

    def body(**attributes):
        return {
            "offering": f"http://localhost{PUBLIC}{offering.uuid.hex}/",
            "project": f"http://localhost/api/projects/{project.uuid.hex}/",
            "attributes": {"schedules": [event(1, 2)], **attributes},
            "limits": {},
            "accepting_terms_of_service": True,
            "type": "Create",
        }

    return body


def book(actor, offering, start, end):
    period = Period(NOW + timedelta(hours=start), NOW + timedelta(hours=end))
    return services.request_booking(actor, services.BookingRequest(offering.uuid, [period]), now=NOW)


def test_an_order_books(client, who, offering, order, owned, project, db_session):
    plan = make.plan(offering, "Standard")
    make.plan(offering, "Other")
    offering.options = {"options": {"sample": {"type": "string", "label": "Sample", "required": True}}}
    db_session.commit()
    body = order(name="Ribosome", description="Two grids", sample="ice", unknown="x")
    body["plan"] = f"http://localhost{PUBLIC}{offering.uuid}/plans/{plan.uuid.hex}/"
    answer = client.post(ORDERS, json=body, headers=who["member"])
    assert answer.status_code == 201, answer.json
    made = answer.json
    assert answer.headers["Location"] == made["url"] == f"http://localhost{ORDERS}{made['uuid']}/"
    assert (made["state"], made["type"], made["resource_name"]) == ("pending-provider", "Create", "Ribosome")
    assert (made["project_name"], made["customer_uuid"]) == ("Cryo", str(owned[0].uuid))
    assert (made["plan_name"], made["offering_uuid"]) == ("Standard", str(offering.uuid))
    assert made["attributes"]["sample"] == "ice"
    assert "unknown" not in made["attributes"]
    assert client.get(made["url"], headers=who["member"]).json == made
    booking = client.get(f"/api/booking-resources/{made['marketplace_resource_uuid']}/", headers=who["member"]).json
    assert booking["creation_order"]["uuid"] == made["uuid"]
    assert (booking["state"], booking["description"]) == ("Creating", "Two grids")
    assert [(it["start"], it["end"]) for it in booking["slots"]] == [("2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z")]
    client.post(f"{booking['url']}reject/", headers=who["owner"])
    again = client.get(made["url"], headers=who["member"]).json
    assert (again["state"], again["provider_reviewed_by_username"]) == ("canceled", owned[1]["owner"].email)


def test_who_sees_an_order(client, who, offering, order):
    made = client.post(ORDERS, json=order(), headers=who["member"]).json
    statuses = {name: client.get(made["url"], headers=headers).status_code for name, headers in who.items()}
    assert statuses == {"stranger": 404, "member": 200, "manager": 200, "owner": 200, "staff": 200}
    assert client.get(made["url"], headers=who["stranger"]).json == {"detail": "No Order matches the given query."}
    # The UUID of the booking is not that of the order.
    booking = made["marketplace_resource_uuid"]
    assert client.get(f"{ORDERS}{booking}/", headers=who["member"]).status_code == 404


FOR_OFFERING = "Time period from {start} to {end} is not available for selected offering."
INVALID = [
    ({"schedules": None}, "Schedules are required."),
    ({"schedules": []}, "Schedules are required."),
    ({"schedules": "x"}, "Schedules are required."),
    ({"schedules": [{"start": at(1)}]}, "Key 'start' or 'end' does not exist in schedules item."),
    ({"schedules": [5]}, "Key 'start' or 'end' does not exist in schedules item."),
    ({"schedules": [{"start": at(1), "end": None}]}, "Value 'start' or 'end' does not exist in schedules item."),
    ({"schedules": [{"start": "", "end": at(1)}]}, "Value 'start' or 'end' does not exist in schedules item."),
    ({"schedules": [{"start": at(1), "end": "tomorrow"}]}, "The value tomorrow does not match the format."),
    ({"schedules": [{"start": 5, "end": at(1)}]}, "The value 5 does not match the format."),
    (
        {"schedules": [{"start": "2026-03-02T09:00:00", "end": at(2)}]},
        "The value 2026-03-02T09:00:00 does not match the format.",
    ),
    ({"schedules": [event(-2, -1)]}, "Past slots are not available for selection."),
    ({"schedules": [event(2, 1)]}, FOR_OFFERING.format(start=at(2), end=at(1))),
    ({"schedules": [event(5000, 5001)]}, FOR_OFFERING.format(start=at(5000), end=at(5001))),
    (
        {"schedules": [event(3, 4)]},
        f"Time period from {at(3)} to {at(4)} is not available. Other booking request exists.",
    ),
    ({"schedules": [event(1, 2), event(5, 7)]}, f"Time period from {at(5)} to {at(7)} is not available."),
    ({"schedules": [event(1, 2), event(1, 2)]}, "Two of the periods overlap each other."),
    ({"schedules": [event(n, n + 1) for n in range(30)]}, "At most 20 periods go into one booking."),
    ({"name": "x" * 2001}, "This is too long (at most 2000 characters)."),
]


def test_periods_are_refused_with_the_messages_of_waldur(client, who, offering, order, owned, db_session):
    book(make.actor(owned[1]["stranger"]), offering, 3, 4)
    confirmed = book(make.actor(owned[1]["stranger"]), offering, 6, 7)
    services.accept_booking(make.actor(owned[1]["owner"]), confirmed.uuid, now=NOW)
    for attributes, message in INVALID:
        answer = client.post(ORDERS, json=order(**attributes), headers=who["member"])
        assert (answer.status_code, answer.json) == (400, [message]), attributes
    assert db_session.execute(select(func.count(Booking.id))).scalar_one() == 2


def test_fields_are_refused_by_name(client, who, offering, order, db_session):
    required = ["This field is required."]
    assert client.post(ORDERS, json={}, headers=who["member"]).json == {"offering": required, "project": required}
    hidden = make.unknown()
    for change, fields in (
        ({"offering": f"http://localhost{PUBLIC}{hidden}/"}, {"offering"}),
        ({"offering": "nonsense", "plan": 5}, {"offering", "plan"}),
        ({"project": f"http://localhost/api/projects/{hidden}/"}, {"project"}),
        ({"plan": f"http://localhost{PUBLIC}{offering.uuid}/plans/{hidden}/"}, {"plan"}),
        ({"type": "Terminate"}, {"type"}),
        ({"type": ["Create"]}, {"type"}),
        ({"attributes": []}, {"attributes"}),
        ({"attributes": {"name": 5}}, {"attributes"}),
        ({"attributes": {"x": "a\0"}}, {"attributes"}),
    ):
        answer = client.post(ORDERS, json={**order(), **change}, headers=who["member"])
        assert (answer.status_code, set(answer.json)) == (400, fields), change
    # A project of others, and a question of the order form.
    assert set(client.post(ORDERS, json=order(), headers=who["stranger"]).json) == {"project"}
    offering.options = {"options": {"sample": {"type": "string", "label": "Sample", "required": True}}}
    db_session.commit()
    answer = client.post(ORDERS, json=order(), headers=who["member"])
    assert (answer.status_code, list(answer.json["attributes"])) == (400, ["sample"])
    offering.state = "Draft"
    db_session.commit()
    answer = client.post(ORDERS, json=order(), headers=who["member"])
    assert answer.json == {"offering": ["Invalid hyperlink - Object does not exist."]}


def test_a_public_offering_is_the_booking_offering_with_its_calendar_apart(client, who, sample):
    uuid = sample["uuid"]
    known = client.get(f"/api/booking-offerings/{uuid}/", headers=who["staff"]).json
    shown = client.get(f"{PUBLIC}{uuid}/", headers=who["staff"]).json
    calendar = known.pop("googlecalendar")
    assert shown == {
        **known,
        "url": f"http://localhost{PUBLIC}{uuid}/",
        "google_calendar_is_public": calendar["public"],
        "google_calendar_link": calendar["http_link"],
    }
    one = client.get(f"{PUBLIC}{uuid}/?field=google_calendar_link&field=x", headers=who["staff"])
    assert one.json == {"google_calendar_link": calendar["http_link"]}
    again = client.get(f"{PUBLIC}{uuid}/", headers={**who["staff"], "If-None-Match": one.headers["ETag"]})
    assert again.status_code == 200
    plan = known["plans"][0]
    assert client.get(plan["url"], headers=who["staff"]).json == plan
    missing = client.get(f"{PUBLIC}{uuid}/plans/{make.unknown()}/", headers=who["staff"])
    assert (missing.status_code, missing.json) == (404, {"detail": "No Plan matches the given query."})


def test_a_private_calendar_is_known_to_its_managers_only(client, who, offering, db_session):
    def shown(name):
        found = client.get(f"{PUBLIC}{offering.uuid}/", headers=who[name]).json
        return found["google_calendar_is_public"], found["google_calendar_link"]

    assert shown("owner") == shown("stranger") == (None, None)
    make.add(GoogleCalendar(offering_id=offering.id, state="OK", backend_id="a@group", public=False))
    make.change(offering)
    assert (shown("owner"), shown("stranger")) == ((False, None), (None, None))


def test_unknown_and_hidden_offerings(client, who, offering, db_session):
    for uuid in ("nonsense", make.unknown()):
        answer = client.get(f"{PUBLIC}{uuid}/", headers=who["staff"])
        assert (answer.status_code, answer.json) == (404, {"detail": "No Offering matches the given query."})
    assert client.get(f"{PUBLIC}{offering.uuid}/").status_code == 401
