from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.instants import format_instant
from portal.domain.periods import Period
from portal.domain.schedules import (
    Config,
    Schedule,
    check_schedules,
    current_schedules,
    read_schedules,
)

START, END = "2031-09-01T05:00:00.000Z", "2031-09-05T17:00:00.000Z"
PERIOD = Period(datetime(2031, 9, 1, 5, tzinfo=UTC), datetime(2031, 9, 5, 17, tzinfo=UTC))


def entry(config: Any = None, *, start: Any = START, end: Any = END, kind: str = "Availability") -> dict[str, Any]:
    extended = {"type": kind} if config is None else {"type": kind, "config": config}
    return {"id": "1", "start": start, "end": end, "title": "", "allDay": True, "extendedProps": extended}


def test_the_form_that_waldur_writes() -> None:
    hours = {"startTime": "08:00", "endTime": "20:00", "daysOfWeek": [1, 2, 3, 4, 5]}
    raw = [entry({"weekends": False, "slotDuration": "02:00:00", "businessHours": hours})]
    assert check_schedules(raw) == []
    config = Config(timedelta(hours=2), 8 * 3600, 20 * 3600, frozenset({1, 2, 3, 4, 5}), weekends=False)
    assert read_schedules(raw) == Schedule((PERIOD,), config)


@pytest.mark.parametrize("config", [None, {}, {"weekends": None, "slotDuration": None, "businessHours": None}])
def test_what_is_not_said_is_the_stores_default(config: Any) -> None:
    raw = [entry(config)]
    assert check_schedules(raw) == []
    assert read_schedules(raw).config == Config(timedelta(hours=1), 0, 86400, frozenset(range(7)), weekends=True)


def test_an_entry_may_have_nothing_but_its_ends() -> None:
    raw = [{"start": START, "end": END}]
    assert check_schedules(raw) == []
    assert read_schedules(raw) == Schedule((PERIOD,), Config())


def test_the_first_availability_with_a_config_decides_and_every_entry_counts() -> None:
    two, four = ({"slotDuration": f"0{hours}:00:00"} for hours in (2, 4))
    later = {"start": "2031-10-01T00:00:00Z", "end": "2031-10-02T00:00:00Z"}
    raw = [entry(two, kind="Schedule"), entry(), entry(four, **later), entry(two)]
    schedule = read_schedules(raw)
    assert schedule.config.slot == timedelta(hours=4)
    assert len(schedule.periods) == 2


def test_no_schedules_offer_nothing() -> None:
    for raw in (None, [], "x", {}):
        assert read_schedules(raw) == Schedule()
    assert check_schedules(None) == check_schedules([]) == []


@pytest.mark.parametrize(
    ("raw", "path", "reason"),
    [
        ({}, "", "must be a list"),
        ("[]", "", "must be a list"),
        ([entry(), 3], "[1]", "must be an object"),
        ([{"start": START}], "[0].end", "is missing"),
        ([entry(start=None)], "[0].start", "is missing"),
        ([entry(start="2031-09-01")], "[0].start", "without a time of day"),
        ([entry(end="2031-09-05T17:00:00")], "[0].end", "no time zone"),
        ([entry(start=END, end=START)], "[0].end", "after the start"),
        ([entry(end=START)], "[0].end", "after the start"),
        ([entry([])], "[0].extendedProps.config", "must be an object"),
        ([entry({"slotDuration": "00:00:59"})], "[0].extendedProps.config.slotDuration", "from 00:01:00"),
        ([entry({"slotDuration": "25:00:00"})], "[0].extendedProps.config.slotDuration", "to 24:00:00"),
        ([entry({"slotDuration": "soon"})], "[0].extendedProps.config.slotDuration", "such as 02:00:00"),
        ([entry({"slotDuration": 2})], "[0].extendedProps.config.slotDuration", "such as 02:00:00"),
        ([entry({"slotDuration": "01:75:00"})], "[0].extendedProps.config.slotDuration", "such as 02:00:00"),
        ([entry({"weekends": "no"})], "[0].extendedProps.config.weekends", "true or false"),
        ([entry({"businessHours": True})], "[0].extendedProps.config.businessHours", "must be an object"),
        (
            [entry({"businessHours": {"startTime": "24:01"}})],
            "[0].extendedProps.config.businessHours.startTime",
            "time of day",
        ),
        (
            [entry({"businessHours": {"startTime": "20:00", "endTime": "44:01"}})],
            "[0].extendedProps.config.businessHours.endTime",
            "a time of day such as 17:30",
        ),
        (
            [entry({"businessHours": {"startTime": "24:00"}})],
            "[0].extendedProps.config.businessHours.startTime",
            "a time of day such as 08:00",
        ),
        (
            [entry({"businessHours": {"daysOfWeek": [7]}})],
            "[0].extendedProps.config.businessHours.daysOfWeek",
            r"0 \(Sunday\)",
        ),
        (
            [entry({"businessHours": {"daysOfWeek": [True]}})],
            "[0].extendedProps.config.businessHours.daysOfWeek",
            r"0 \(Sunday\)",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place_and_reason(raw: Any, path: str, reason: str) -> None:
    problems = check_schedules(raw)
    assert [problem.path for problem in problems] == [path]
    assert re.search(reason, problems[0].reason)


def test_all_problems_are_reported_at_once() -> None:
    raw = [entry({"slotDuration": "x", "weekends": 1}, start=None), 3]
    assert [problem.path for problem in check_schedules(raw)] == [
        "[0].start",
        "[0].extendedProps.config.weekends",
        "[0].extendedProps.config.slotDuration",
        "[1]",
    ]


def test_one_bad_entry_does_not_spoil_the_others_but_a_bad_config_closes() -> None:
    assert read_schedules([3, entry(end=None), entry()]).periods == (PERIOD,)
    assert read_schedules([entry({"slotDuration": "00:00:59"}), entry()]).periods == ()


@pytest.mark.parametrize("clock", ["24:00", "24:00:00", "23:59", "23:59:00", "23:59:59", "23:59:59.999", "00:00", None])
def test_the_end_of_the_day(clock: str | None) -> None:
    config = read_schedules([entry({"businessHours": {"startTime": "08:00", "endTime": clock}})]).config
    assert (config.opens, config.closes, config.turn) == (8 * 3600, 86400, 0)
    assert config.hours_text == "08:00–24:00"


@pytest.mark.parametrize(
    ("opens", "closes", "hours", "text"),
    [
        ("22:00", "06:00", (22, 30), "22:00–06:00"),
        ("22:00", "30:00", (22, 30), "22:00–06:00"),
        ("00:00", "00:00", (0, 24), "00:00–24:00"),
        ("08:00", "08:00", (8, 32), "08:00–08:00"),
        ("08:00", "32:00", (8, 32), "08:00–08:00"),
    ],
)
def test_hours_that_end_on_the_next_day(opens: str, closes: str, hours: tuple[int, int], text: str) -> None:
    raw = [entry({"businessHours": {"startTime": opens, "endTime": closes}})]
    assert check_schedules(raw) == []
    config = read_schedules(raw).config
    assert (config.opens, config.closes) == (hours[0] * 3600, hours[1] * 3600)
    assert config.hours_text == text


@pytest.mark.parametrize("clock", ["00:00", "00:00:00", "24:00:00"])
def test_a_slot_of_a_day(clock: str) -> None:
    raw = [entry({"slotDuration": clock})]
    assert check_schedules(raw) == []
    assert read_schedules(raw).config.slot == timedelta(days=1)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | st.just(START),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["start", "end", "extendedProps", "config", "type", "businessHours", "slotDuration", "daysOfWeek"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(anything | st.lists(anything))
def test_nothing_that_is_stored_makes_reading_fail(raw: Any) -> None:
    now = datetime(2031, 9, 2, tzinfo=UTC)
    assert isinstance(read_schedules(raw), Schedule)
    kept = current_schedules(raw, now)
    assert all(any(one is stored for stored in raw) for one in kept)
    check_schedules(raw)


@given(st.lists(st.integers(-50, 50), max_size=12), st.integers(-50, 50))
def test_current_entries_are_those_whose_end_is_ahead_as_they_were_stored(ends: list[int], at: int) -> None:
    base = datetime(2031, 9, 1, tzinfo=UTC)
    now = base + timedelta(hours=at)
    stored = [
        {"start": START, "end": format_instant(base + timedelta(hours=end)), "title": str(end), "more": [end]}
        for end in ends
    ]
    kept = current_schedules(stored, now)
    assert [one["more"] for one in kept] == [[end] for end in ends if end > at]


@pytest.mark.parametrize(
    ("minutes", "opens", "closes", "holds"),
    [(480, 9, 17, True), (481, 9, 17, False), (1440, 9, 17, True), (240, 22, 26, True), (241, 22, 26, False)],
)
def test_hours_are_long_enough_for_a_slot_or_a_slot_is_a_day(
    minutes: int, opens: int, closes: int, holds: bool
) -> None:
    assert Config(timedelta(minutes=minutes), opens * 3600, closes * 3600).holds_a_slot is holds
