"""What a reader gets of a document, said once more in another way and compared for documents of every form."""

import copy
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.documents import view
from portal.schema.offering import FIELDS
from tests.support.samples import DATA

LEAF = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8)
VALUE = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))
UUIDS = [f"0000000{number}-0000-0000-0000-000000000000" for number in range(4)]
# Seconds since the epoch that the texts name.
ENDS = {"2031-09-01T00:00:00Z": 1945987200.0, "2031-09-02T02:00:00+02:00": 1946073600.0, "never": 0.0, None: 0.0}


def plans() -> st.SearchStrategy[list[dict[str, Any]]]:
    plan = st.fixed_dictionaries(
        {
            "uuid": st.sampled_from(UUIDS),
            "max_amount": st.none() | st.integers(0, 4),
            "is_active": st.integers(0, 4),
            "resources_count": st.integers(0, 9),
            "backend_id": st.text(max_size=3),
        }
    )
    return st.lists(plan, max_size=4, unique_by=lambda it: it["uuid"])


def documents() -> st.SearchStrategy[dict[str, Any]]:
    calendar = st.fixed_dictionaries({"backend_id": st.none() | st.text(max_size=3), "public": st.booleans()})
    schedules = st.lists(st.fixed_dictionaries({"end": st.sampled_from(list(ENDS)), "x": LEAF}), max_size=4)
    return st.fixed_dictionaries(
        {
            "attributes": st.fixed_dictionaries({"x": VALUE, "schedules": schedules}),
            "plugin_options": VALUE,
            "order_count": st.integers(0, 9),
            "plans": plans(),
            "scope_state": VALUE,
            "backend_id": VALUE,
        },
        optional={"googlecalendar": calendar},
    )


@given(documents())
def test_the_managers_fields_are_left_out_at_every_depth(document: dict[str, Any]) -> None:
    before = copy.deepcopy(document)
    view.drop_managers_fields(document)
    calendar = before.get("googlecalendar")
    assert document == {
        "attributes": before["attributes"],
        "plugin_options": before["plugin_options"],
        "plans": [{key: value for key, value in plan.items() if key != "backend_id"} for plan in before["plans"]],
        **({"googlecalendar": {"public": True}} if calendar and calendar["public"] else {}),
    }


@given(documents(), st.dictionaries(st.sampled_from(UUIDS), st.tuples(st.integers(0, 5), st.integers(0, 5))))
def test_bookings_made_here_are_added(document: dict[str, Any], counted: dict[str, tuple[int, int]]) -> None:
    before = copy.deepcopy(document)
    counters = view.BookingCounts(3, {uuid.replace("-", ""): counts for uuid, counts in counted.items()})
    view.add_counters(document, counters)
    assert document["order_count"] == before["order_count"] + 3
    for plan, old in zip(document["plans"], before["plans"], strict=True):
        count, holding = counted.get(plan["uuid"], (0, 0))
        assert plan["resources_count"] == old["resources_count"] + count
        limit = old["max_amount"]
        assert plan["is_active"] is (limit is None or old["is_active"] + holding < limit)


@given(documents(), st.sets(st.sampled_from(UUIDS)))
def test_hidden_plans_are_left_out(document: dict[str, Any], hidden: set[str]) -> None:
    expected = [plan for plan in document["plans"] if plan["uuid"] not in hidden]
    view.drop_plans(document, [uuid.replace("-", "") for uuid in hidden])
    assert document["plans"] == expected


@given(documents(), st.sampled_from([1.0, *ENDS.values(), 1946000000.0, 2e9]))
def test_schedules_that_have_ended_are_left_out(document: dict[str, Any], now: float) -> None:
    entries = document["attributes"]["schedules"]
    ends = [ENDS[entry["end"]] for entry in entries]
    last, following = view.drop_ended_schedules(document, now)
    assert document["attributes"]["schedules"] == [it for it in entries if ENDS[it["end"]] > now]
    assert last == max([end for end in ends if end <= now], default=0.0)
    assert following == min([end for end in ends if end > now], default=float("inf"))


def test_selected_fields_are_in_the_servers_order() -> None:
    document = {name: 1 for name in FIELDS if name != "image"}
    assert list(view.select_fields(document, ["state", "nonsense", "uuid", "image"])) == ["uuid", "state"]
    assert view.select_fields(document, ["nonsense"]) == view.select_fields(document, []) == document


def test_the_fields_are_those_of_the_documentation_in_its_order() -> None:
    documented = json.loads((DATA / "fields.json").read_text(encoding="utf-8"))["fields"]
    assert [field["name"] for field in documented] == list(FIELDS)


@given(VALUE)
def test_a_document_is_read_as_it_was_written(value: Any) -> None:
    assert view.parse(orjson.dumps({"x": value}), "https://h", "https://g") == {"x": value}


@pytest.mark.parametrize("text", ["\\u0001", "\\x01", "\x01", "\x02", "\\"])
def test_no_text_is_taken_for_a_placeholder(text: str) -> None:
    assert view.parse(orjson.dumps({"x": text}), "https://h", "https://g") == {"x": text}


def test_what_a_host_header_holds_stays_inside_its_string() -> None:
    stored = b'{"url":"\x01/api/","link":"\x02src=a%40b"}'
    found = view.parse(stored, 'https://h"},{"x', "https://g/embed?a=1")
    assert found == {"url": 'https://h"},{"x/api/', "link": "https://g/embed?a=1&src=a%40b"}
