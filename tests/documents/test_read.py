"""What each reader gets of an offering that has everything, by bytes, in few statements."""

import copy
import json
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, scoped_session

from portal.documents import read, store
from portal.models import GoogleCalendar, Offering, OfferingDocument, Organization, OrganizationGroup
from portal.policies import ANONYMOUS, SYSTEM, Actor
from portal.queries.catalogue_index import visible_ids
from portal.schema.offering import FIELDS, OFFERING
from portal.transfer.importer import import_offerings
from tests.support import builders
from tests.support.samples import DATA, another, bare, sample

BASE = "https://booking.example.org"
BEFORE = datetime(2031, 8, 1, tzinfo=UTC)
BETWEEN = datetime(2031, 9, 6, tzinfo=UTC)


def listed(actor: Actor, fields: Collection[str], offset: int, limit: int, now: datetime) -> list[dict[str, Any]]:
    """A page of the list, from `offset` on."""
    documents = read.read_page(actor, BASE, fields, visible_ids(actor)[offset : offset + limit], now)
    found: list[dict[str, Any]] = json.loads(read.to_json(documents))
    return found


@pytest.fixture
def offering(db_session: scoped_session[Session]) -> Offering:
    """The sample, as imported."""
    assert import_offerings([sample()]).created == 1
    return db_session.scalars(select(Offering)).one()


@pytest.fixture
def unrestricted(db_session: scoped_session[Session]) -> Offering:
    """The sample, open to everybody."""
    assert import_offerings([sample() | {"organization_groups": []}]).created == 1
    return db_session.scalars(select(Offering)).one()


def one(actor: Actor, offering: Offering, fields: Collection[str] = (), now: datetime = BEFORE) -> dict[str, Any]:
    document = read.read_one(actor, offering.uuid, BASE, fields, now)
    assert document is not None
    return document.content


def in_api_order(document: dict[str, Any]) -> dict[str, Any]:
    """The document with lists in the order of the API and instants in its format."""
    found = copy.deepcopy(document)
    found["components"].sort(key=lambda it: it["name"])
    for item in (found, *found["screenshots"], *found["files"]):
        item["created"] = item["created"].replace("+00:00", "Z")
    return found


def test_the_sample_is_answered_field_by_field(offering: Offering) -> None:
    assert one(SYSTEM, offering) == in_api_order(sample())
    assert list(one(SYSTEM, offering)) == list(sample())


def test_every_documented_field_is_there_with_its_type(offering: Offering) -> None:
    tree = json.loads((DATA / "fields.json").read_text(encoding="utf-8"))
    kinds = {"string": str, "integer": int, "boolean": bool, "number": float, "object": dict}
    seen = set()

    def look(fields: list[dict[str, Any]], values: dict[str, Any]) -> None:
        assert set(values) <= {field["name"] for field in fields}
        for field in fields:
            if field["name"] not in values:
                continue
            value = values[field["name"]]
            if value is not None:
                seen.add(field["path"])
            if field["is_array"]:
                assert isinstance(value, list), field["path"]
            for item in value if field["is_array"] else [value]:
                if item is not None and field["children"]:
                    look(field["children"], item)
                elif item is not None and field["type"] in kinds:
                    assert type(item) is kinds[field["type"]], field["path"]

    look(tree["fields"], one(SYSTEM, offering))
    assert len(seen) == tree["counts"]["total_including_nested"]


def test_an_offering_that_has_nothing_sends_every_key_in_its_unset_form(db_session: Any) -> None:
    record = bare()
    import_offerings([record])
    document = read.read_one(SYSTEM, UUID(record["uuid"]), BASE, (), BEFORE)
    assert document is not None
    found = document.content
    assert set(FIELDS) - set(found) == {"googlecalendar"}
    texts = ("slug", "description", "privacy_policy_link", "access_url", "country", "backend_id", "datacite_doi")
    assert {found[name] for name in texts} == {""}
    nulls = ("customer", "customer_uuid", "project", "project_name", "scope", "scope_state", "total_cost", "image")
    assert [found[name] for name in nulls] == [None] * len(nulls)
    assert found["attributes"] == {"schedules": []}
    assert found["citation_count"] == -1
    assert found["plans"] == found["components"] == found["quotas"] == []


def test_readers_who_do_not_manage_get_no_provider_only_field_at_any_depth(unrestricted: Offering) -> None:
    found = one(ANONYMOUS, unrestricted)
    assert set(FIELDS) - set(found) == set(OFFERING.managers_only)
    assert '"backend_id"' not in json.dumps(found)
    assert found["googlecalendar"] == {
        "public": True,
        "http_link": "https://calendar.google.com/calendar/embed?src=c_4f1de7a0b2%40group.calendar.google.com",
    }


def test_a_private_calendar_is_for_those_who_manage(unrestricted: Offering, db_session: Any) -> None:
    calendar = db_session.scalars(select(GoogleCalendar)).one()
    calendar.public = calendar.want_public = False
    store.refresh(db_session(), [unrestricted.id])
    db_session.commit()
    assert "googlecalendar" not in one(ANONYMOUS, unrestricted)
    assert one(SYSTEM, unrestricted)["googlecalendar"]["http_link"] is None


@pytest.mark.parametrize("everything", [False, True])
def test_restricted_plans_and_offerings_are_for_members_of_their_groups(
    offering: Offering, db_session: Any, everything: bool
) -> None:
    groups = list(db_session.scalars(select(OrganizationGroup)))
    inside = builders.organization("Inside", (groups[0],))
    member = builders.actor(builders.role(builders.user(), inside, "member"))
    stranger = builders.actor(builders.role(builders.user(), builders.organization("Outside"), "owner"))
    manager = builders.actor(
        builders.role(builders.user(), db_session.get_one(Organization, offering.organization_id), "manager")
    )
    # The offering itself is restricted too.
    assert read.read_one(stranger, offering.uuid, BASE, (), BEFORE) is None
    assert listed(stranger, (), 0, 10, BEFORE) == []
    offering.organization_groups.clear()
    store.refresh(db_session(), [offering.id])
    db_session.commit()
    fields = () if everything else ("plans",)
    assert [plan["name"] for plan in one(member, offering, fields)["plans"]] == ["Academic", "Industry"]
    assert [plan["name"] for plan in one(manager, offering, fields)["plans"]] == ["Academic", "Industry"]
    assert [plan["name"] for plan in one(stranger, offering, fields)["plans"]] == ["Industry"]
    [found] = listed(stranger, fields, 0, 10, BEFORE)
    assert [plan["name"] for plan in found["plans"]] == ["Industry"]


def test_schedules_that_have_ended_are_left_out(offering: Offering) -> None:
    def at(now: datetime) -> tuple[int, datetime, float]:
        document = read.read_one(SYSTEM, offering.uuid, BASE, (), now)
        assert document is not None
        return len(document.content["attributes"]["schedules"]), document.modified, document.until

    ends = [datetime.fromisoformat(it["end"]) for it in sample()["attributes"]["schedules"]]
    before, between, after = at(BEFORE), at(BETWEEN), at(datetime(2032, 1, 1, tzinfo=UTC))
    assert [it[0] for it in (before, between, after)] == [2, 1, 0]
    # A document changes with the clock alone, and says when it will.
    assert [it[1] for it in (between, after)] == ends
    assert [it[2] for it in (before, between, after)] == [*(it.timestamp() for it in ends), float("inf")]
    assert b"Autumn run, week 1" in b"".join(read.export(BASE))


def test_a_child_shows_its_parents_options_on_retrieve_only(db_session: Any) -> None:
    parent = bare(name="Parent", plugin_options={"maximal_resource_count_per_project": 7})
    child = bare(name="Child", parent_uuid=parent["uuid"], parent_name="old name", plugin_options={"own": True})
    import_offerings([child, parent])
    found = db_session.scalars(select(Offering).where(Offering.name == "Child")).one()
    assert one(SYSTEM, found)["plugin_options"] == {"maximal_resource_count_per_project": 7}
    assert one(SYSTEM, found)["parent_name"] == "Parent"
    assert listed(SYSTEM, ["plugin_options"], 0, 1, BEFORE) == [{"plugin_options": {"own": True}}]


def test_field_keeps_the_servers_order_and_drops_what_it_does_not_know(unrestricted: Offering) -> None:
    assert list(one(SYSTEM, unrestricted, ["state", "nonsense", "uuid"])) == ["uuid", "state"]
    assert len(one(SYSTEM, unrestricted, ["nonsense"])) == len(FIELDS)
    assert one(ANONYMOUS, unrestricted, ["backend_id"]) == {}


def test_a_document_that_the_previous_version_wrote_last_is_built_anew(unrestricted: Offering, db_session: Any) -> None:
    expected = one(ANONYMOUS, unrestricted), one(SYSTEM, unrestricted)
    assert db_session.get(OfferingDocument, unrestricted.id).document
    db_session.execute(update(OfferingDocument).values(full=b'{"previous":"version"}', digest="other"))
    db_session.commit()
    db_session.expire_all()
    assert db_session.get(OfferingDocument, unrestricted.id).document is None
    assert (one(ANONYMOUS, unrestricted), one(SYSTEM, unrestricted)) == expected
    assert store.refresh(db_session(), [unrestricted.id]) == 1
    assert db_session.get(OfferingDocument, unrestricted.id, populate_existing=True).document


def test_the_number_of_statements_does_not_depend_on_the_rows(
    db_session: Any, query_counter: Callable[[], Any]
) -> None:
    import_offerings(another(number) for number in range(12))
    for actor in (SYSTEM, ANONYMOUS, Actor(1)):
        for limit in (1, 10):
            visible_ids(actor)
            with query_counter() as counted:
                ids = visible_ids(actor)
                page = read.read_page(actor, BASE, (), ids[:limit], BETWEEN)
            assert len(page) == (limit if actor is SYSTEM else 0)
            # What changed, and the page.
            assert counted.number == 2, counted.statements
    uuid = UUID(another(3)["uuid"])
    with query_counter() as counted:
        assert read.read_one(SYSTEM, uuid, BASE, ["plans"], BETWEEN)
    assert counted.number == 1


def test_lists_are_in_the_order_of_the_folded_name_then_the_uuid(db_session: Any) -> None:
    names = ["zebra", "Äpfel", "alpha", "Beta", "beta", "ALPHA", "_x"]
    import_offerings([bare(name=name) for name in names])
    page = listed(ANONYMOUS, ["uuid", "name"], 0, 100, BEFORE)
    expected = sorted((it["name"].casefold(), it["uuid"]) for it in page)
    assert [(it["name"].casefold(), it["uuid"]) for it in page] == expected
    assert len(page) == len(names)
    pages = [listed(ANONYMOUS, ["uuid"], place, 2, BEFORE) for place in range(0, 8, 2)]
    assert [it["uuid"] for some in pages for it in some] == [it["uuid"] for it in page]
