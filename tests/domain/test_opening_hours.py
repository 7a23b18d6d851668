"""Opening hours are written without losing what nobody edited."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.opening_hours import (
    OpeningPeriod,
    availability_entry,
    has_config,
    is_over,
    replace_periods,
    with_config,
)
from portal.domain.schedules import check_schedules, read_schedules

A, B, C = "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", "2027-01-01T00:00:00Z"
MORNINGS = {
    "slotDuration": "00:30:00",
    "weekends": False,
    "businessHours": {"startTime": "08:00", "endTime": "12:00", "daysOfWeek": [1, 2]},
}
NOTHING = {"weekends": True, "businessHours": {"startTime": "00:00", "endTime": "24:00", "daysOfWeek": [*range(7)]}}
WHOLE = {"slotDuration": "01:00:00", **NOTHING}


def entry(config=None, kind="Availability", **more):
    extended = {"type": kind, "own": 1} | ({} if config is None else {"config": config})
    return {"id": "x", "title": "Term", "start": A, "end": B, "color": "red", "extendedProps": extended, **more}


def test_a_stretch_keeps_its_entry_and_what_else_it_has():
    stored = [entry(MORNINGS), entry(MORNINGS, id="y")]
    found, places = replace_periods(stored, [0, 1], [OpeningPeriod(A, C, 0), OpeningPeriod(A, B, 1)], MORNINGS)
    assert found == [{**stored[0], "end": C}, stored[1]]
    assert places == [0, 1]


def test_what_is_not_shown_stays_in_its_place_and_what_is_wanted_no_more_goes():
    stored = [entry(id="hidden"), "odd", entry(id="gone"), entry(id="kept")]
    found, places = replace_periods(stored, [2, 3], [OpeningPeriod(B, C), OpeningPeriod(A, B, 3)], WHOLE)
    assert [it if it == "odd" else it["id"] for it in found[:3]] == ["hidden", "odd", "kept"]
    assert places == [3, 2]
    assert found[3] == {**availability_entry(B, C, WHOLE), "id": found[3]["id"]}
    assert len({it["id"] for it in found if it != "odd"}) == 3


def test_an_entry_that_is_no_object_becomes_one_where_it_is_mended():
    found, _ = replace_periods(["odd"], [0], [OpeningPeriod(A, B, 0)], MORNINGS)
    assert check_schedules(found) == []
    assert (found[0]["start"], read_schedules(found).config.slot.seconds) == (A, 1800)


def test_every_entry_that_may_decide_says_the_same():
    other = {"slotDuration": "02:00:00", "own": {"a": 1}, "businessHours": {"startTime": "09:00", "own": 2}}
    stored = [entry(kind="Booking"), entry(other), entry(), entry({"businessHours": None, **MORNINGS})]
    found = with_config(stored, MORNINGS)
    assert found[0] == stored[0]
    assert found[1]["extendedProps"] == {
        "type": "Availability",
        "own": 1,
        "config": {**MORNINGS, "own": {"a": 1}, "businessHours": {**MORNINGS["businessHours"], "own": 2}},
    }
    for first in range(1, 4):
        assert read_schedules(found[first:]).config == read_schedules(found).config


def test_one_that_means_it_already_stays_as_it_is_written():
    stored = [entry({}), entry(), entry({"slotDuration": "01:00", "weekends": None})]
    assert with_config(stored, WHOLE) == stored
    closed = {**WHOLE, "weekends": False}
    named = {**WHOLE, "businessHours": {**WHOLE["businessHours"], "daysOfWeek": [1, 2, 3, 4, 5]}}
    assert with_config([entry(closed)], named) == [entry(closed)]


@pytest.mark.parametrize("broken", [5, {"businessHours": 5}, {"slotDuration": "x"}, {"weekends": "no"}])
def test_a_config_that_could_not_be_read_is_mended(broken):
    assert read_schedules(with_config([entry(broken)], MORNINGS)).config.open_days == {1, 2}


def test_entries_of_no_type_become_availability_where_none_is():
    bare = {"start": A, "end": B}
    (found,) = with_config([bare], MORNINGS)
    assert found == {**bare, "extendedProps": {"type": "Availability", "config": MORNINGS}}
    assert with_config([bare], WHOLE) == [bare]
    assert with_config([bare, entry(MORNINGS)], MORNINGS)[0] == bare
    assert not has_config(with_config([entry(kind="Booking"), "odd"], MORNINGS))


@pytest.mark.parametrize(
    ("given_entry", "over"),
    [
        ({"end": A}, True),
        ({"end": B}, False),
        ({"end": "x"}, False),
        ({}, False),
        ("odd", False),
        ({"end": "2026-03-01T00:00:00Z"}, True),
    ],
)
def test_what_is_over(given_entry, over):
    assert is_over(given_entry, datetime(2026, 3, 1, tzinfo=UTC)) is over


PART = st.none() | st.integers() | st.text(max_size=3)
ANYTHING = st.recursive(
    PART,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["start", "end", "extendedProps", "type", "config", "businessHours", "slotDuration"]),
            inner | st.just("Availability"),
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(st.lists(ANYTHING, max_size=4))
def test_whatever_is_stored_can_be_replaced(stored):
    wanted = [OpeningPeriod(A, B), OpeningPeriod(B, C, 0 if stored else None)]
    found, places = replace_periods(stored, range(len(stored)), wanted, MORNINGS)
    assert len(found) == 2
    assert [(found[place]["start"], found[place]["end"]) for place in places] == [(A, B), (B, C)]
    decides = read_schedules(found).config
    assert (decides.slot.seconds, decides.open_days) == (1800, {1, 2})
