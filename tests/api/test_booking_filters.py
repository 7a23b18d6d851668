"""The filters and orders of /api/booking-resources/."""

from datetime import timedelta

import pytest
import time_machine

from portal.api.booking_filter_table import FILTERS, Kind
from portal.api.booking_filters import MAX_VALUES, ORDERS
from portal.domain.choices import BillingType
from portal.domain.periods import Period
from portal.models import Component, Project
from portal.services import bookings as services
from tests.support import builders as make
from tests.support.builders import NOW

LIST = "/api/booking-resources/"


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def actors(owned):
    return {name: make.actor(user) for name, user in owned[1].items()}


def book(actor, offering, start, **more):
    period = Period(NOW + timedelta(hours=start), NOW + timedelta(hours=start + 1))
    return services.request_booking(actor, services.BookingRequest(offering.uuid, [period], **more), now=NOW).uuid


def listed(client, headers, query):
    answer = client.get(f"{LIST}?{query}", headers=headers)
    assert answer.status_code == 200, answer.json
    assert answer.headers["X-Result-Count"] == str(len(answer.json)) or "page" in query
    return [it["name"] for it in answer.json]


@pytest.fixture
def booked(actors, offering, owned, db_session):
    """Two bookings: Beta by a member for a project, accepted 5 minutes later; alpha by a stranger, requested."""
    offering.slug = "microscope"
    plan = make.plan(offering, "Standard")
    project = make.add(Project(name="Cryo", organization_id=owned[0].id))
    beta = book(actors["member"], offering, 5, name="Beta", project_uuid=project.uuid)
    alpha = book(actors["stranger"], offering, 1, name="alpha")
    services.accept_booking(actors["owner"], beta, now=NOW + timedelta(minutes=5))
    return {"alpha": alpha, "Beta": beta, "plan": plan, "project": project}


BOTH = ["alpha", "Beta"]


def test_filters_and_orders(client, who, offering, owned, booked):
    staff, unknown = who["staff"], make.unknown()
    uuid, organization, project = offering.uuid, owned[0].uuid, booked["project"].uuid
    manager, member = owned[1]["manager"], owned[1]["member"]
    found = {
        "": BOTH,
        "o=-name": ["Beta", "alpha"],
        "o=schedules": BOTH,
        "o=-schedules,name": ["Beta", "alpha"],
        "state=OK": ["Beta"],
        "state=OK&state=Creating": BOTH,
        "state=OK,Creating": BOTH,
        "state=OK,%20Creating,": BOTH,
        "state=Erred": [],
        "order_state=done": ["Beta"],
        "order_state=done,pending-provider": BOTH,
        "order_state=rejected": [],
        f"offering_uuid={uuid.hex}": BOTH,
        f"offering_uuid={unknown}": [],
        f"offering_uuid={unknown},{uuid}": BOTH,
        f"offering_uuid={unknown}&offering_uuid={uuid}": BOTH,
        "offering_slug=microscope": BOTH,
        "offering_slug=other,microscope": BOTH,
        "offering_slug=other": [],
        f"offering=http://x/api/booking-offerings/{uuid}/": BOTH,
        f"offering=http://x/api/marketplace-provider-offerings/{uuid.hex}/": BOTH,
        f"offering=/api/booking-offerings/{uuid}/": BOTH,
        f"offering=http://x/api/booking-offerings/{unknown}/": [],
        f"offering=http://x/api/projects/{uuid}/": [],
        "offering=http://x/elsewhere/": [],
        "offering=http://[": [],
        f"project_uuid={project}": ["Beta"],
        "project_name=Cryo": ["Beta"],
        "project_name=cry": [],
        f"customer_uuid={organization}": ["Beta"],
        f"customer=http://x/api/customers/{organization}/": ["Beta"],
        f"customer=http://x/api/customers/{unknown}/": [],
        "customer=http://x/api/customers/nonsense/": [],
        f"provider_uuid={organization}": BOTH,
        f"plan_uuid={booked['plan'].uuid}": BOTH,
        f"service_manager_uuid={manager.uuid}": BOTH,
        f"visible_to_username={member.email}": ["Beta"],
        "name=ALP": ["alpha"],
        "name_exact=ALPHA": [],
        "name=%25": [],
        f"slug=booking-{booked['Beta'].hex}": ["Beta"],
        f"slug={booked['Beta'].hex}": [],
        f"query={booked['Beta']}": ["Beta"],
        "query=bet": ["Beta"],
        # The booking is searched, not its offering.
        "query=micro": [],
        "paused=false&backend_id=": BOTH,
        "paused=true": [],
        "paused=perhaps": BOTH,
        "usage_based=unknown": BOTH,
        "visible_to_providers=true": BOTH,
        "visible_to_providers=false": BOTH,
        "exclude_pending_transitional=true": BOTH,
        "unknown=1": BOTH,
    }
    assert {query: listed(client, staff, query) for query in found} == found
    assert listed(client, who["member"], "") == ["Beta"]
    assert listed(client, staff, "page_size=1&page=2") == ["Beta"]
    assert client.get(f"{LIST}?page=9", headers=staff).json == {"detail": "Invalid page."}


TIMES = [
    ("2026-03-02", BOTH),
    ("2026-03-02T08:00:00", BOTH),
    ("2026-03-02 08:00:01", ["Beta"]),
    ("2026-03-02T08:01:00Z", ["Beta"]),
    ("2026-03-02T08:01:00.0000000z", ["Beta"]),
    ("2026-03-02T10:01:00%2B02:00", ["Beta"]),
    ("2026-03-02T10:01:00+02:00", ["Beta"]),
    ("2026-03-02T08:05:01-00:00", []),
    ("2026-03-03", []),
    ("0001-01-01", BOTH),
    ("9999-12-31T23:59:59", []),
]


def test_times_are_dates_local_times_in_utc_or_zoned(client, who, booked):
    for value, names in TIMES:
        assert listed(client, who["staff"], f"modified={value}") == names, value
        assert listed(client, who["staff"], f"modified_before={value}") == [it for it in BOTH if it not in names]


def test_bookings_by_when_they_were_created(client, who, booked):
    assert listed(client, who["staff"], "created=2026-03-02") == BOTH
    assert listed(client, who["staff"], "created=2026-03-02T08:00:01") == []
    assert listed(client, who["staff"], "created_before=2026-03-02") == []
    assert listed(client, who["staff"], "created_before=2026-03-03") == BOTH


def test_a_rejected_request_leaves_its_order_canceled(client, who, actors, offering):
    services.reject_booking(actors["owner"], book(actors["member"], offering, 1, name="by the provider"), now=NOW)
    services.reject_booking(actors["member"], book(actors["member"], offering, 2, name="by the booker"), now=NOW)
    services.cancel_booking(actors["member"], book(actors["member"], offering, 3, name="cancelled"), now=NOW)
    book(actors["member"], offering, 4, name="open")
    canceled = ["by the booker", "by the provider", "cancelled"]
    assert listed(client, who["staff"], "order_state=canceled") == canceled
    assert listed(client, who["staff"], "order_state=rejected") == []
    urls = [it["url"] for it in client.get(LIST, headers=who["staff"]).json]
    orders = [client.get(url, headers=who["staff"]).json["creation_order"]["state"] for url in urls]
    assert orders == ["canceled"] * 3 + ["pending-provider"]


def component(offering, billing_type, name):
    make.add(Component(offering_id=offering.id, billing_type=billing_type.value, type=name, name=name))


@pytest.fixture
def offerings(owned, actors):
    """A booking each of offerings with no components, with usage, with limits, and with usage, limit and fixed ones."""
    kinds = {
        "none": [],
        "usage": [BillingType.USAGE],
        "limits": [BillingType.LIMIT, BillingType.LIMIT],
        "mixed": [BillingType.USAGE, BillingType.LIMIT, BillingType.FIXED],
    }
    for name, billing in kinds.items():
        offering = make.offering(name, of=owned[0])
        for number, kind in enumerate(billing):
            component(offering, kind, f"c{number}")
        # The plan has no prices: the offering's components count.
        make.plan(offering)
        book(actors["stranger"], offering, 1, name=name)


BILLING = [
    ("usage_based=true", ["mixed", "usage"]),
    ("usage_based=false", ["limits", "none"]),
    ("limit_based=1", ["limits", "mixed"]),
    ("only_usage_based=true", ["usage"]),
    ("only_usage_based=False", ["limits", "mixed", "none"]),
    ("only_limit_based=true", ["limits"]),
    ("component_count=0", ["none"]),
    ("component_count=1", ["usage"]),
    ("component_count=3.0", ["mixed"]),
    ("component_count=1.5", []),
    ("component_count=-1", []),
    ("component_count=99999999999999999999", []),
    ("limit_component_count=1", ["mixed"]),
    ("limit_component_count=2&component_count=2", ["limits"]),
]


def test_the_components_of_the_offering_decide(client, who, offerings):
    for query, names in BILLING:
        assert listed(client, who["staff"], query) == names, query


def test_a_booking_says_how_its_offering_is_billed(client, who, offerings):
    answer = client.get(LIST, headers=who["staff"]).json
    assert {it["name"]: (it["is_usage_based"], it["is_limit_based"]) for it in answer} == {
        "none": (False, False),
        "usage": (True, False),
        "limits": (False, True),
        "mixed": (True, True),
    }


def test_slugs_are_never_empty_and_differ(client, who, actors, offering):
    for hour, name in enumerate(("顕微鏡", "Beta", "Beta", "--"), 1):
        book(actors["member"], offering, hour, name=name)
    slugs = [it["slug"] for it in client.get(LIST, headers=who["staff"]).json]
    assert len(set(slugs)) == 4
    assert all(slug.isascii() and slug.replace("-", "").isalnum() for slug in slugs)


def answered(actors, owned, backend_session):
    offering = make.offering("With a form", of=owned[0])
    options = {
        "sample": {"type": "string", "label": "Sample"},
        "amount": {"type": "integer", "label": "Amount"},
        "cold": {"type": "boolean", "label": "Cold"},
        "gas": {"type": "select_string_multi", "label": "Gas", "choices": ["He", "Ar"]},
    }
    offering.options = {"order": list(options), "options": options}
    backend_session.commit()
    book(actors["member"], offering, 1, name="ice", answers={"sample": "ice", "amount": 1, "cold": True, "gas": ["He"]})
    book(actors["member"], offering, 2, name="one", answers={"sample": "1", "amount": 2, "cold": False})


ATTRIBUTES = [
    ("{}", ["ice", "one"]),
    ('{"sample": "ice"}', ["ice"]),
    ('{"sample": ["ice", "1"]}', ["ice", "one"]),
    ('{"sample": []}', []),
    ('{"sample": "Ice"}', []),
    ('{"sample": 1}', []),
    ('{"amount": 1}', ["ice"]),
    ('{"amount": 1.0}', ["ice"]),
    ('{"amount": true}', []),
    ('{"amount": null}', []),
    ('{"cold": true}', ["ice"]),
    ('{"cold": 1}', []),
    ('{"cold": false, "amount": 2}', ["one"]),
    ('{"gas": "He"}', []),
    ('{"name": "one"}', ["one"]),
    ('{"name": 1}', []),
    ('{"schedules": "x"}', []),
    ('{"a\\"b": "x"}', []),
]


def test_bookings_by_their_attributes(client, who, actors, owned, db_session):
    answered(actors, owned, db_session)
    for attributes, names in ATTRIBUTES:
        answer = client.get(LIST, query_string={"resource_attributes": attributes}, headers=who["staff"])
        assert [it["name"] for it in answer.json] == names, attributes


INVALID = [
    ("state=foo", "state"),
    ("state=OK,foo", "state"),
    ("order_state=cancelled", "order_state"),
    ("offering_uuid=x", "offering_uuid"),
    ("created=yesterday", "created"),
    ("created=2026-02-30", "created"),
    ("modified=2026-03-02T08:00:60Z", "modified"),
    ("modified_before=0001-01-01T00:00:00%2B14:00", "modified_before"),
    ("component_count=many", "component_count"),
    ("component_count=nan", "component_count"),
    ("component_count=%D9%A2", "component_count"),
    ("resource_attributes=x", "resource_attributes"),
    ("resource_attributes=[]", "resource_attributes"),
    ("resource_attributes={%22a%22:{}}", "resource_attributes"),
    ("resource_attributes={%22a%22:1e999}", "resource_attributes"),
    ("resource_attributes={%22a%22:99999999999999999999}", "resource_attributes"),
    ("resource_attributes={%22a%22:%22\\u0000%22}", "resource_attributes"),
    ("o=colour", "o"),
    ("name=%00", "name"),
    ("&".join(["state=OK"] * (MAX_VALUES + 1)), "state"),
    ("state=" + ",".join(["OK"] * (MAX_VALUES + 1)), "state"),
]


def test_invalid_filters_are_named(client, who):
    for query, field in INVALID:
        answer = client.get(f"{LIST}?{query}", headers=who["staff"])
        assert (answer.status_code, list(answer.json)) == (400, [field]), query


def test_every_filter_and_order_runs(client, who, booked):
    values = {Kind.FLAG: "true", Kind.NUMBER: "1", Kind.STATE: "OK", Kind.ORDER_STATE: "erred"}
    values |= {Kind.INSTANT: "2026-03-02T08:00:00Z", Kind.UUID: str(make.unknown())}
    for name, wanted in FILTERS.items():
        value = values.get(wanted.kind, "{}")
        for reader in ("staff", "member"):
            assert client.get(f"{LIST}?{name}={value}", headers=who[reader]).status_code == 200, name
    for name in ORDERS:
        assert client.get(f"{LIST}?o=-{name}", headers=who["staff"]).status_code == 200


def test_what_a_booker_may_no_longer_see_finds_nothing(client, who, actors, offering, db_session):
    component(offering, BillingType.USAGE, "hours")
    book(actors["stranger"], offering, 1, name="mine")
    assert listed(client, who["stranger"], "usage_based=true&component_count=1") == ["mine"]
    offering.state, offering.slug = "Archived", "microscope"
    db_session.commit()
    for query in ("usage_based=true", "usage_based=false", "component_count=1", "offering_slug=microscope"):
        assert listed(client, who["stranger"], query) == []
    [mine] = client.get(LIST, headers=who["stranger"]).json
    assert "is_usage_based" not in mine
