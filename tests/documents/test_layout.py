"""Cutting bytes gives what cutting the parsed document would give."""

import json
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from portal.documents.layout import FIELDS, PARENT, PROJECT, Index, PlanSpan, ScheduleSpan, cut, selection, splice
from tests.support.samples import DATA

LEAF = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8)
# Keys that are never cut inside need only values of every form, and there are sixty of them: drawn from a few.
PLAIN = st.sampled_from([None, True, -1, 2**53, 0.5, "", 'é"\\', [], [[1], {"a": "]"}], {}, {"plans": [{"x": "}"}]}])
VALUE = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))


@st.composite
def bodies(draw: st.DrawFn) -> tuple[dict[str, Any], bytes, Index, list[float], list[int]]:
    """A document whose schedules and plans are lists, its bytes and its index, made independently of the builder."""
    ends = draw(st.lists(st.floats(0, 1000), max_size=4))
    plan_ids = draw(st.lists(st.integers(1, 10**12), max_size=4, unique=True))
    cut_inside = ("attributes", "plans", "plugin_options")
    left_out = draw(st.sets(st.sampled_from([name for name in FIELDS if name not in cut_inside])))
    document: dict[str, Any] = {name: draw(PLAIN) for name in FIELDS if name not in left_out}
    document["plugin_options"] = draw(VALUE)
    document["attributes"] = {"x": draw(VALUE), "schedules": [draw(VALUE) for _ in ends], "y": 1}
    document["plans"] = [draw(VALUE) for _ in plan_ids]
    body, at, offsets = [], 1, []
    schedules, plans = [], []
    for name in FIELDS:
        offsets.append(at)
        if name not in document:
            continue
        text = b'"%b":%b' % (name.encode(), orjson.dumps(document[name]))
        if name == "attributes":
            place = at + text.index(b'"schedules":[', len(orjson.dumps(document[name]["x"]))) + len(b'"schedules":[')
            for end, entry in zip(ends, document[name]["schedules"], strict=True):
                schedules.append(ScheduleSpan(end, place, place + len(orjson.dumps(entry))))
                place = schedules[-1].stop + 1
        if name == "plans":
            place = at + len(b'"plans":[')
            for plan_id, entry in zip(plan_ids, document[name], strict=True):
                plans.append(PlanSpan(plan_id, place, place + len(orjson.dumps(entry))))
                place = plans[-1].stop + 1
        body.append(text)
        at += len(text) + 1
    offsets.append(at)
    index = Index(tuple(offsets), tuple(schedules), tuple(plans))
    return document, b"{" + b",".join(body) + b"}", index, ends, plan_ids


@given(bodies(), st.data())
def test_a_cut_gives_what_cutting_the_document_would(
    made: tuple[dict[str, Any], bytes, Index, list[float], list[int]], data: st.DataObject
) -> None:
    document, body, index, ends, plan_ids = made
    now = data.draw(st.none() | st.floats(0, 1000))
    hidden = frozenset(data.draw(st.lists(st.sampled_from(plan_ids)))) if plan_ids else frozenset()
    fields = data.draw(st.none() | st.lists(st.sampled_from([*FIELDS, "nonsense"]), max_size=6))
    options = data.draw(st.none() | st.just({"from": "the parent"}))
    nulls = data.draw(st.sampled_from([(), PARENT, PROJECT, PARENT | PROJECT]))

    expected = dict(document)
    if now is not None:
        kept = [entry for end, entry in zip(ends, document["attributes"]["schedules"], strict=True) if end > now]
        expected["attributes"] = document["attributes"] | {"schedules": kept}
    expected["plans"] = [entry for key, entry in zip(plan_ids, document["plans"], strict=True) if key not in hidden]
    if options is not None:
        expected["plugin_options"] = options
    expected.update({name: None for name in nulls if name in document})
    known = [name for name in fields or () if name in FIELDS]
    if known:
        expected = {name: value for name, value in expected.items() if name in known}

    found = cut(
        body,
        Index.unpack(index.pack()),
        fields=selection(fields),
        now=now,
        hidden_plans=hidden,
        hidden=nulls,
        plugin_options=None if options is None else orjson.dumps(options),
    )
    assert json.loads(found) == expected
    assert list(json.loads(found)) == list(expected)


def test_the_fields_are_those_of_the_documentation_in_its_order() -> None:
    documented = json.loads((DATA / "fields.json").read_text(encoding="utf-8"))["fields"]
    assert [field["name"] for field in documented] == list(FIELDS)


def test_what_a_host_header_holds_stays_inside_its_string() -> None:
    body = splice(b'{"url":"\x01/api/","link":"\x02src=a%40b"}', 'https://h"},{"x', "https://g/embed?a=1")
    assert json.loads(body) == {"url": 'https://h"},{"x/api/', "link": "https://g/embed?a=1&src=a%40b"}
