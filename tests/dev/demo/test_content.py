"""The demo's offerings have exactly the documented shape, and what they link to exists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from portal.dev.demo.content import groups, media, offering_documents, organizations, people
from portal.domain.rules import CHOICES, WHOLE, check_rules
from portal.domain.schedules import check_schedules

BASE = "https://demo.example.org"
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
FIELDS = json.loads((Path(__file__).parents[2] / "data" / "fields.json").read_text(encoding="utf-8"))["fields"]
TYPES = {"string": str, "integer": int, "number": float, "boolean": bool, "object": dict}
ENUMS: dict[str, set[str | None]] = {
    "state": {"Draft", "Active", "Paused", "Archived"},
    "components.billing_type": {"fixed", "usage", "limit", "one", "few"},
    "components.limit_period": {"month", "quarterly", "annual", "total", "", None},
    "plans.unit": {"month", "quarter", "half_month", "day", "hour", "quantity"},
    "scope_state": {"OK", "ERRED", None},
    "type": {"Marketplace.Booking"},
}
FORM_TYPES = {"boolean", "integer", "money", "string", "text", "html_text", "date", "time"}
FORM_TYPES |= {"select_string", "select_string_multi"}
# Nothing is connected to Google in a fresh demo, and a root group has no parent.
MAY_BE_ABSENT = {"googlecalendar"}


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    return list(offering_documents(BASE, NOW))


def faults(fields: list[dict[str, Any]], value: dict[str, Any], at: str = "") -> Iterator[str]:
    """What differs from the documented tree: keys, their order, types, formats, nulls, enums."""
    expected = [field["name"] for field in fields if field["name"] in value]
    if list(value) != expected:
        yield f"{at}: keys {list(value)} instead of {expected}"
    for field in fields:
        path, name = field["path"], field["name"]
        if name not in value:
            root = path.endswith(("parent_uuid", "parent_name")) and "organization_groups" in path
            if path not in MAY_BE_ABSENT and not (root and value["parent"] is None):
                yield f"{at}{name} is missing"
            continue
        yield from value_faults(field, value[name], at)


def value_faults(field: dict[str, Any], found: Any, at: str) -> Iterator[str]:
    path = field["path"]
    if path in ENUMS and found not in ENUMS[path]:
        yield f"{at}{path}: {found!r} is not in the enum"
    if found is None:
        if field["python_client"]["null"] == "crash" or field["is_array"]:
            yield f"{at}{path} is null"
        return
    if field["is_array"]:
        if not isinstance(found, list):
            yield f"{at}{path}: not a list"
        for number, item in enumerate(found):
            yield from faults(field["children"], item, f"{at}{path}[{number}].")
        return
    wanted = TYPES.get(field["type"])
    if wanted and (type(found) is not wanted):
        yield f"{at}{path}: {found!r} is no {field['type']}"
        return
    if field["children"]:
        yield from faults(field["children"], found, f"{at}{path}.")
    if field["format"] == "uuid" and str(UUID(found)) != found:
        yield f"{at}{path}: {found!r} is no dashed uuid"
    if field["format"] == "date-time" and datetime.fromisoformat(found).tzinfo is None:
        yield f"{at}{path}: {found!r} has no zone"
    if field["format"] == "uri" and found and not re.match(r"https?://[^ ]+$", found):
        yield f"{at}{path}: {found!r} is no address"


def nodes(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object with its path, list positions left out."""
    if isinstance(value, dict):
        yield path, value
        for key, inner in value.items():
            yield from nodes(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from nodes(inner, path)


def test_every_document_has_the_documented_shape(documents: list[dict[str, Any]]) -> None:
    found = [fault for document in documents for fault in faults(FIELDS, document, document["slug"] + ": ")]
    assert found == []


def test_the_check_of_the_shape_can_fail(documents: list[dict[str, Any]]) -> None:
    spoiled = json.loads(json.dumps(documents[0]))
    spoiled["plans"][0]["unit"] = "year"
    spoiled["uuid"] = None
    spoiled["latitude"] = "58"
    del spoiled["slug"]
    spoiled["extra"] = 1
    assert len(list(faults(FIELDS, spoiled))) == 5


def test_the_sample_of_the_documentation_passes_the_same_check() -> None:
    sample = json.loads((Path(__file__).parents[2] / "data" / "sample_offering.json").read_text(encoding="utf-8"))
    assert list(faults(FIELDS, sample)) == []


def test_it_is_a_facility_of_forty_offerings(documents: list[dict[str, Any]]) -> None:
    states = [document["state"] for document in documents]
    assert 38 <= len(documents) <= 46
    assert len({document["customer_uuid"] for document in documents}) == 6
    assert len({document["country"] for document in documents}) == 5
    assert 8 <= len({document["category_title"] for document in documents}) <= 11
    assert (states.count("Paused"), states.count("Draft"), states.count("Archived")) == (2, 1, 1)
    assert all(bool(document["paused_reason"]) == (document["state"] == "Paused") for document in documents)
    assert sum(not document["shared"] for document in documents) == 2
    assert sum(bool(document["organization_groups"]) for document in documents) == 2
    assert sum(bool(plan["organization_groups"]) for document in documents for plan in document["plans"]) >= 2
    assert sum(bool(document["screenshots"]) for document in documents) >= len(documents) // 2
    assert sum(bool(document["files"]) for document in documents) >= 10


def test_names_slugs_and_uuids_are_unique(documents: list[dict[str, Any]]) -> None:
    own: dict[str, list[str]] = {}
    for document in documents:
        for path, node in nodes(document):
            shared = path.startswith(("organization_groups", "plans.organization_groups", "software_catalogs."))
            if "uuid" in node and not shared:
                own.setdefault(path, []).append(node["uuid"])
    assert len(own) >= 8
    everything = [uuid for uuids in own.values() for uuid in uuids]
    assert len(everything) == len(set(everything))
    for key in ("name", "slug"):
        values = [document[key] for document in documents]
        assert len(values) == len(set(values))


def test_one_offering_has_everything(documents: list[dict[str, Any]]) -> None:
    def holes(fields: list[dict[str, Any]], found: list[Any]) -> Iterator[str]:
        """Paths at which no object of the lists has a value that says something."""
        for field in fields:
            values = [item.get(field["name"]) for item in found]
            if field["is_array"]:
                values = [inner for value in values for inner in value]
            if not any(value not in (None, "", [], {}) for value in values):
                yield field["path"]
            elif field["children"]:
                yield from holes(field["children"], [value for value in values if value])

    fullest = min(documents, key=lambda document: len(list(holes(FIELDS, [document]))))
    # An active partner offering has no reason for a pause; codes of plans elsewhere are not used here.
    assert set(holes(FIELDS, [fullest])) == {"paused_reason", "googlecalendar", "plans.backend_id"}


def test_a_second_call_differs_in_nothing_but_the_schedules_and_closures(documents: list[dict[str, Any]]) -> None:
    def lasting(document: dict[str, Any]) -> dict[str, Any]:
        attributes = document["attributes"]
        rules = {**attributes["booking_rules"], "closures": None}
        return document | {"attributes": {**attributes, "schedules": None, "booking_rules": rules}}

    for before, after in zip(documents, offering_documents(BASE + "/", NOW + timedelta(days=30)), strict=True):
        assert before["attributes"]["schedules"] != after["attributes"]["schedules"] or before["state"] == "Archived"
        assert lasting(before) == lasting(after)


def test_booking_rules_are_sound_and_of_many_kinds(documents: list[dict[str, Any]]) -> None:
    rules = [document["attributes"]["booking_rules"] for document in documents]
    assert [check_rules(it) for it in rules] == [[]] * len(rules)
    shown = {key for it in rules for key in it}
    # What concerns Google alone, and how names are published, is left as it is by default.
    assert shown >= {*WHOLE, *CHOICES, "closures"} - {"stale_busy", "publish"}
    closed = [closure["start"] for it in rules for closure in it.get("closures", ())]
    assert any(NOW.date().isoformat() < day <= (NOW + timedelta(days=7)).date().isoformat() for day in closed)


@pytest.mark.parametrize("now", [NOW, datetime(2027, 3, 28, 0, 30, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)])
def test_schedules_are_sound_and_alive(now: datetime) -> None:
    for document in offering_documents(BASE, now):
        entries = document["attributes"]["schedules"]
        assert entries
        assert check_schedules(entries) == []
        assert len({entry["id"] for entry in entries}) == len(entries)
        assert len({json.dumps(entry["extendedProps"], sort_keys=True) for entry in entries}) == 1
        if document["state"] != "Archived":
            starts = [datetime.fromisoformat(entry["start"]) for entry in entries]
            ends = [datetime.fromisoformat(entry["end"]) for entry in entries]
            assert min(starts) < now - timedelta(weeks=7)
            assert max(ends) > now + timedelta(weeks=24)


def test_every_link_into_the_portal_has_its_medium(documents: list[dict[str, Any]]) -> None:
    stored = {str(one.uuid): one for one in media()}
    used = set(re.findall(rf"{BASE}/api/media/([0-9a-f-]+)/", json.dumps(documents)))
    assert used == set(stored)
    assert len(stored) == len(list(media()))
    assert {one.content_type for one in stored.values()} == {"image/svg+xml", "text/plain; charset=utf-8"}
    guides = [one.data.decode() for one in stored.values() if one.content_type.startswith("text")]
    assert all("<" not in guide and "Before you start" in guide and len(guide) > 500 for guide in guides)


def test_addresses_are_under_the_given_base(documents: list[dict[str, Any]]) -> None:
    text = json.dumps(documents)
    assert set(re.findall(r"https?://([^/\"]+)/api/", text)) == {"demo.example.org"}
    # No real host is ever linked.
    hosts = set(re.findall(r"[a-z]+://([^/\":]+)", text))
    assert all(host == "example.org" or host.endswith(".example.org") for host in hosts)


def test_long_texts_are_rich_and_harmless(documents: list[dict[str, Any]]) -> None:
    allowed = {"p", "ul", "ol", "li", "h3", "strong", "em", "pre"}
    for document in documents:
        for html in (document["full_description"], document["getting_started"]):
            tags = re.findall(r"<(/?)([a-z0-9]+)>", html)
            assert {name for _, name in tags} <= allowed
            assert len(re.findall(r"<", html)) == len(tags), "no attributes, no other tags"
            open_tags: list[str] = []
            for closing, name in tags:
                if closing:
                    assert open_tags.pop() == name
                else:
                    open_tags.append(name)
            assert open_tags == []
        assert document["full_description"].count("<p>") >= 2 or document["state"] == "Archived"
        assert 20 < len(document["description"]) < 140


def test_forms_can_be_answered(documents: list[dict[str, Any]]) -> None:
    for document in documents:
        for form in (document["options"], document["resource_options"]):
            assert form["order"] == list(form["options"])
            for question in form["options"].values():
                assert question["type"] in FORM_TYPES
                assert question["label"]
                assert ("choices" in question) == question["type"].startswith("select")


def test_plans_charge_only_for_components_of_their_offering(documents: list[dict[str, Any]]) -> None:
    for document in documents:
        types = {component["type"] for component in document["components"]}
        uuids = {component["uuid"] for component in document["components"]}
        assert all(part["overage_component"] in {None, *uuids} for part in document["components"])
        for plan in document["plans"]:
            assert plan["components"]
            assert {part["type"] for part in plan["components"]} <= types
            assert list(plan["prices"]) == [part["type"] for part in plan["components"]]
            assert all(Decimal(part["price"]) >= 0 for part in plan["components"])
            assert all(re.fullmatch(r"\d+\.\d{10}", part["price"]) for part in plan["components"])


def test_lists_are_in_the_order_of_the_contract(documents: list[dict[str, Any]]) -> None:
    for document in documents:
        for key in ("components", "plans", "roles"):
            names = [item["name"] for item in document[key]]
            assert names == sorted(names)


def test_a_parent_comes_before_its_child(documents: list[dict[str, Any]]) -> None:
    seen: dict[str, dict[str, Any]] = {}
    children = 0
    for document in documents:
        if document["parent_uuid"]:
            children += 1
            parent = seen[document["parent_uuid"]]
            assert (document["parent_name"], document["parent_description"]) == (parent["name"], parent["description"])
            assert document["plugin_options"] == parent["plugin_options"]
        seen[document["uuid"]] = document
    assert children


def test_people_belong_to_organizations_that_exist() -> None:
    houses = {house.slug: house for house in organizations()}
    folk = people()
    assert len({person.email for person in folk}) == len(folk)
    assert all(person.email == person.email.lower() and person.email.endswith("example.org") for person in folk)
    assert sum(person.is_staff for person in folk) == 1
    owners = [slug for person in folk for slug, role in person.memberships if role == "owner"]
    assert sorted(owners) == sorted(houses)
    assert {role for person in folk for _, role in person.memberships} == {"owner", "manager", "member"}
    assert all(uuid in {house.uuid for house in houses.values()} for person in folk for uuid, _ in person.roles())
    names = {group.slug for group in groups()}
    assert all(set(house.groups) <= names for house in houses.values())
    # Somebody who does not see what is restricted, and somebody who does.
    assert any(not house.groups for house in houses.values())
