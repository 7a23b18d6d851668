"""Free-form parts of an offering, in words."""

from datetime import UTC, datetime

import pytest

from portal.web import sheet

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def schedule(**config):
    return {
        "start": "2026-11-01T00:00:00Z",
        "end": "2027-02-01T00:00:00Z",
        "title": "Winter",
        "extendedProps": {"type": "Availability", "config": config},
    }


def rules_of(entry, **options):
    offering = {"state": "Draft", "attributes": {"schedules": [entry]}, "plugin_options": options}
    return sheet.rules(offering, "Europe/Tallinn", NOW)


def test_hours_days_and_steps():
    hours = {"startTime": "08:00", "endTime": "20:00", "daysOfWeek": [1, 2, 3, 4, 5]}
    assert rules_of(schedule(slotDuration="01:30:00", businessHours=hours)) == [
        "Open Monday–Friday, 08:00–20:00.",
        "Booked in steps of 1 hour and 30 minutes.",
        "Winter: until Mon 1 Feb 2027, 02:00.",
    ]


def test_weekends_off_and_single_days():
    assert rules_of(schedule(weekends=False, slotDuration="24:00:00"))[:2] == [
        "Open Monday–Friday, round the clock.",
        "Booked in steps of 1 day.",
    ]
    sparse = schedule(businessHours={"daysOfWeek": [0, 2, 4, 5]})
    assert rules_of(sparse)[0] == "Open Tuesday, Thursday and Friday, Sunday, round the clock."


def test_a_schedule_that_has_ended_makes_no_rules():
    assert rules_of({**schedule(), "end": "2026-11-02T00:00:00Z"}) == []


@pytest.mark.parametrize(
    "bad",
    [
        None,
        7,
        {"start": "0001-01-01T00:00:00+14:00", "end": "2027-01-01T00:00:00Z"},
        {"start": "x\ud83d", "end": "2027-01-01T00:00:00Z"},
        {"end": "9999-12-31T23:59:59Z"},
        {"start": "2027-01-02T00:00:00Z", "end": "2027-01-01T00:00:00Z"},
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Etc/GMT+12"])
def test_a_bad_entry_hides_no_other(bad, zone):
    good = {"start": "2020-01-01T00:00:00Z", "end": "2030-01-01T00:00:00Z", "title": "Beam \ud83d\x00 time"}
    shown = list(sheet.schedule_rules({"schedules": [bad, good]}, zone, datetime(2026, 3, 2, tzinfo=UTC)))
    assert len(shown) == 3
    assert shown[-1].startswith("Beam \ufffd time: until ")


def test_limits_of_the_options():
    assert rules_of({}, maximal_resource_count_per_project=4) == ["At most 4 bookings at a time in a project."]


def test_specifications_are_named_in_words_with_their_units():
    attributes = {
        "schedules": [],
        "accelerating_voltage_kv": 300,
        "maker": "Acme",
        "cryo": True,
        "tags": ["a", "b"],
        "x": {},
    }
    assert sheet.specifications(attributes) == [
        ("Accelerating voltage", "300\u00a0kV"),
        ("Maker", "Acme"),
        ("Cryo", "yes"),
        ("Tags", "a, b"),
    ]


def test_the_order_form_in_its_order():
    options = {
        "order": ["b", "gone"],
        "options": {
            "a": {"type": "integer", "label": "How many", "min": 1, "max": 2, "required": True},
            "b": {"type": "select_string", "label": "Kind", "choices": ["x", "y"]},
        },
    }
    asked = sheet.questions(options)
    assert [(one.label, one.kind, one.required) for one in asked] == [
        ("Kind", "one of: x, y", False),
        ("How many", "a whole number from 1 to 2", True),
    ]


def test_odd_forms_are_no_error():
    for odd in ({}, {"options": None}, {"options": {}, "order": None}):
        assert sheet.questions(odd) == []


@pytest.mark.parametrize("odd", ["abc", "9" * 30, [1], {"a": 1}, 1e300, True, None])
def test_options_that_are_no_numbers_say_nothing(odd):
    names = (
        *("maximal_resource_count_per_project", "minimal_team_count_for_provisioning"),
        "max_resource_termination_offset_in_days",
    )
    assert len(rules_of(schedule(), **dict.fromkeys(names, odd))) == 3


def test_options_that_are_numbers_are_told():
    told = rules_of(schedule(), maximal_resource_count_per_project=2, max_resource_termination_offset_in_days="30")
    assert told[3:] == ["At most 2 bookings at a time in a project.", "A booking may end at most 30 days ahead."]


@pytest.mark.parametrize("order", [5, True, "what", {"what": 1}, [["what"], {"what": 1}, None]])
@pytest.mark.parametrize("choices", [5, True, "abc", {"a": 1}, []])
def test_an_order_form_that_is_no_list_is_read_all_the_same(order, choices):
    field = {"type": "select_string", "label": "What", "choices": choices}
    asked = sheet.questions({"order": order, "options": {"what": field}})
    assert [(one.label, one.kind) for one in asked] == [("What", "one of")]
