"""The data files of the demo are complete, consistent and harmless."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portal.dev.demo import content
from portal.domain.rules import CHOICES, WHOLE, check_rules
from portal.domain.schedules import check_schedules
from portal.transfer.record import read_record

PORTAL = "https://demo.example.org"
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)  # a Tuesday
FORM_TYPES = {"boolean", "integer", "money", "string", "text", "html_text", "date", "time"}
FORM_TYPES |= {"select_string", "select_string_multi"}


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    return content.offerings(PORTAL, NOW)


def resolved(value: str, now: datetime = NOW, zone: str = "Europe/Tallinn") -> Any:
    text = json.dumps({"value": value, "attributes": {"booking_rules": {"time_zone": zone}}})
    return content._resolve(text, PORTAL, now)["value"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("{monday}", "2026-11-23"),
        ("{monday+9d}", "2026-12-02"),
        ("{monday-8w}", "2026-09-28"),
        ("{monday 08:30}", "2026-11-23T06:30:00.000Z"),
        # Summer time: one hour more.
        ("{monday-8w 00:00}", "2026-09-27T21:00:00.000Z"),
        ("{portal}/api/customers/x/", f"{PORTAL}/api/customers/x/"),
        ("{monday+9x} {media:} {Monday} {}", "{monday+9x} {media:} {Monday} {}"),
    ],
)
def test_the_notation_is_resolved(written, meant):
    assert resolved(written) == meant


def test_the_current_week_is_that_of_the_offering():
    # Still Sunday in Santiago, already Monday in Tallinn.
    night = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
    assert resolved("{monday}", night) == "2026-11-23"
    assert resolved("{monday}", night, "America/Santiago") == "2026-11-16"


def test_the_address_of_a_file_is_always_the_same():
    uuids = {file.name: file.uuid for file in content.media()}
    assert resolved("{media:aurora-mx.svg}") == f"{PORTAL}/api/media/{uuids['aurora-mx.svg']}/"
    assert uuids == {file.name: file.uuid for file in content.media()}


def test_no_notation_is_left_over(records):
    assert not re.search(r"\{\w", json.dumps(records).replace('{"', ""))


def nodes(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object with its path, without list positions."""
    if isinstance(value, dict):
        yield path, value
        for key, inner in value.items():
            yield from nodes(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from nodes(inner, path)


def test_the_importer_reads_every_record(records):
    for record in records:
        assert str(read_record(record).uuid) == record["uuid"]


def test_there_are_forty_offerings_of_every_kind(records):
    states = [record["state"] for record in records]
    assert 38 <= len(records) <= 46
    assert len({record["customer_uuid"] for record in records}) == 6
    assert len({record["country"] for record in records}) == 5
    assert 8 <= len({record["category_title"] for record in records}) <= 11
    assert (states.count("Paused"), states.count("Draft"), states.count("Archived")) == (2, 1, 1)
    assert all(("paused_reason" in record) == (record["state"] == "Paused") for record in records)
    assert sum(not record["shared"] for record in records) == 2
    assert sum("organization_groups" in record for record in records) == 2
    assert sum("organization_groups" in plan for record in records for plan in record["plans"]) >= 2
    assert sum("screenshots" in record for record in records) >= len(records) // 2
    assert sum("files" in record for record in records) >= 10


def test_names_slugs_and_uuids_are_unique(records):
    own: dict[str, list[str]] = {}
    for record in records:
        for path, node in nodes(record):
            shared = path.endswith("organization_groups") or path.startswith("software_catalogs.")
            if "uuid" in node and not shared:
                own.setdefault(path, []).append(node["uuid"])
    assert len(own) >= 8
    everything = [uuid for uuids in own.values() for uuid in uuids]
    assert len(everything) == len(set(everything))
    for key in ("name", "slug"):
        values = [record[key] for record in records]
        assert len(values) == len(set(values))


def test_a_later_load_differs_in_schedules_and_closures_only(records):
    def lasting(record: dict[str, Any]) -> dict[str, Any]:
        attributes = record["attributes"]
        rules = {**attributes["booking_rules"], "closures": None}
        return record | {"attributes": {**attributes, "schedules": None, "booking_rules": rules}}

    for before, after in zip(records, content.offerings(PORTAL + "/", NOW + timedelta(days=30)), strict=True):
        assert before["attributes"]["schedules"] != after["attributes"]["schedules"]
        assert lasting(before) == lasting(after)


def test_booking_rules_are_valid_and_of_many_kinds(records):
    rules = [record["attributes"]["booking_rules"] for record in records]
    assert [check_rules(it) for it in rules] == [[]] * len(rules)
    shown = {key for it in rules for key in it}
    # Rules about Google and about published names keep their defaults.
    assert shown >= {*WHOLE, *CHOICES, "closures"} - {"stale_busy", "publish"}
    closed = [closure["start"] for it in rules for closure in it.get("closures", ())]
    assert any(NOW.date().isoformat() < day <= (NOW + timedelta(days=7)).date().isoformat() for day in closed)


@pytest.mark.parametrize("now", [NOW, datetime(2027, 3, 28, 0, 30, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)])
def test_schedules_are_valid_and_current(now):
    for record in content.offerings(PORTAL, now):
        entries = record["attributes"]["schedules"]
        assert entries
        assert check_schedules(entries) == []
        assert len({entry["id"] for entry in entries}) == len(entries)
        assert len({json.dumps(entry["extendedProps"], sort_keys=True) for entry in entries}) == 1
        if record["state"] != "Archived":
            starts = [datetime.fromisoformat(entry["start"]) for entry in entries]
            ends = [datetime.fromisoformat(entry["end"]) for entry in entries]
            assert min(starts) < now - timedelta(weeks=7)
            assert max(ends) > now + timedelta(weeks=24)


def test_every_file_is_linked_and_every_link_has_its_file(records):
    stored = {str(one.uuid): one for one in content.media()}
    used = set(re.findall(rf"{PORTAL}/api/media/([0-9a-f-]+)/", json.dumps(records)))
    assert used == set(stored)
    assert {one.content_type for one in stored.values()} == {"image/svg+xml", "text/plain; charset=utf-8"}
    guides = [one.data.decode() for one in stored.values() if one.content_type.startswith("text")]
    assert all("<" not in guide and "Before you start" in guide and len(guide) > 500 for guide in guides)


def test_no_real_host_is_linked(records):
    text = json.dumps(records)
    assert set(re.findall(r"https?://([^/\"]+)/api/", text)) == {"demo.example.org"}
    hosts = set(re.findall(r"[a-z]+://([^/\":]+)", text))
    assert all(host == "example.org" or host.endswith(".example.org") for host in hosts)


def test_long_texts_are_rich_and_harmless(records):
    allowed = {"p", "ul", "ol", "li", "h3", "strong", "em", "pre"}
    for record in records:
        for html in (record["full_description"], record["getting_started"]):
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
        assert record["full_description"].count("<p>") >= 2 or record["state"] == "Archived"
        assert 20 < len(record["description"]) < 140


def test_forms_can_be_answered(records):
    for record in records:
        for form in (record["options"], record["resource_options"]):
            assert form["order"] == list(form["options"])
            for question in form["options"].values():
                assert question["type"] in FORM_TYPES
                assert question["label"]
                assert ("choices" in question) == question["type"].startswith("select")


def test_plans_charge_only_for_components_of_their_offering(records):
    for record in records:
        types = {component["type"] for component in record["components"]}
        uuids = {component["uuid"] for component in record["components"]}
        assert all(part.get("overage_component") in {None, *uuids} for part in record["components"])
        for plan in record["plans"]:
            assert plan["components"]
            assert {part["type"] for part in plan["components"]} <= types
            assert all(Decimal(part["price"]) >= 0 for part in plan["components"])


def test_lists_are_in_the_order_of_the_contract(records):
    for record in records:
        for key in ("components", "plans", "roles"):
            names = [item["name"] for item in record.get(key, ())]
            assert names == sorted(names)


def test_people_belong_to_organizations_that_exist(records):
    organizations = {it.name: it for it in content.organizations()}
    people = content.people()
    assert set(organizations) == {record["customer_name"] for record in records}
    assert len({person.email for person in people}) == len(people)
    assert all(person.email == person.email.lower() and person.email.endswith("example.org") for person in people)
    assert sum(person.is_staff for person in people) == 1
    owners = [name for person in people for name, role in person.roles.items() if role == "owner"]
    assert sorted(owners) == sorted(organizations)
    assert {role for person in people for role in person.roles.values()} == {"owner", "manager", "member"}
    assert {name for person in people for name in person.roles} == set(organizations)
    # An organization without groups does not see what is restricted; one without an account can be connected by hand.
    assert any(not it.groups for it in organizations.values())
    assert sum(not it.calendar_account for it in organizations.values()) == 1


def test_groups_of_organizations_come_with_the_offerings(records):
    restricted = [group for _, node in nodes(records) for group in node.get("organization_groups", ())]
    named = {group["name"] for group in restricted} | {group.get("parent_name") for group in restricted}
    assert {name for it in content.organizations() for name in it.groups} <= named


def test_every_category_has_booking_habits(records):
    habits = content.booking_habits()
    assert set(habits["categories"]) == {record["category_title"] for record in records}
    assert all(it["names"] and 0 < it["weekday_share"] < 1 for it in habits["categories"].values())
