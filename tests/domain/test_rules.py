"""Booking rules: what they refuse, in whose time zone, and how they read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.availability import Availability
from portal.domain.closures import MAX_CLOSURES, Closure
from portal.domain.periods import Period
from portal.domain.refusals import Code, Obstacle, past_obstacle
from portal.domain.rules import (
    BROKEN,
    NO_RULES,
    buffer_obstacles,
    check_rules,
    quota_spans,
    read_rules,
    rule_checks,
    rule_obstacles,
    rule_sentences,
    rules_of,
)
from portal.domain.schedules import Config, Schedule

TALLINN = ZoneInfo("Europe/Tallinn")
ZONES = [ZoneInfo(name) for name in ("Europe/Tallinn", "America/New_York", "Australia/Lord_Howe", "UTC")]
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)  # a Monday
ALWAYS = Schedule((Period(NOW - timedelta(days=400), NOW + timedelta(days=800)),), Config(timedelta(hours=1)))


def span(start: str, end: str) -> Period:
    return Period(datetime.fromisoformat(start), datetime.fromisoformat(end))


def free(raw: dict[str, Any], *taken: Obstacle, zone: ZoneInfo = TALLINN, own: tuple[Period, ...] = ()) -> Availability:
    rules = read_rules(raw)
    assert not rules.broken
    obstacles = [past_obstacle(NOW), *taken, *rule_obstacles(rules, zone, NOW)]
    obstacles += [beside for it in taken for beside in buffer_obstacles(rules, it)]
    checks = rule_checks(rules, zone, own, len(own))
    return Availability(ALWAYS, zone, obstacles, checks, shortest=rules.minimum_duration)


def why(found: Availability, start: str, end: str) -> tuple[Code, str] | None:
    refusal = found.explain(span(start, end))
    return (refusal.code, refusal.text) if refusal else None


def test_no_rules_refuse_nothing() -> None:
    assert read_rules(None) == read_rules({}) == rules_of({}) == NO_RULES
    assert why(free({}), "2026-03-02T10:00Z", "2026-03-02T11:00Z") is None
    assert list(rule_sentences(NO_RULES)) == ["Each request is answered by a person."]


@pytest.mark.parametrize(
    ("rules", "start", "end", "code", "text"),
    [
        (
            {"minimum_notice_minutes": 90},
            "2026-03-02T10:00Z",
            "2026-03-02T11:00Z",
            Code.TOO_SOON,
            "Too soon: book at least 1 hour and 30 minutes ahead.",
        ),
        ({"minimum_notice_minutes": 90}, "2026-03-02T11:00Z", "2026-03-02T12:00Z", None, ""),
        # Two days ahead by Tallinn's calendar end on Wednesday at 22:00 UTC.
        (
            {"maximum_advance_days": 2},
            "2026-03-04T22:00Z",
            "2026-03-04T23:00Z",
            Code.TOO_LATE,
            "Too far ahead: it can be booked up to Wed 4 Mar 2026.",
        ),
        ({"maximum_advance_days": 2}, "2026-03-04T21:00Z", "2026-03-04T22:00Z", None, ""),
        (
            {"minimum_duration_minutes": 120},
            "2026-03-02T12:00Z",
            "2026-03-02T13:00Z",
            Code.TOO_SHORT,
            "Too short: book at least 2 hours in a row.",
        ),
        (
            {"maximum_duration_minutes": 120},
            "2026-03-02T12:00Z",
            "2026-03-02T15:00Z",
            Code.TOO_LONG,
            "Too long: book at most 2 hours in a row.",
        ),
        (
            {"closures": [{"start": "2026-03-03", "end": "2026-03-04", "reason": "Service"}]},
            "2026-03-02T22:00Z",
            "2026-03-02T23:00Z",
            Code.CLOSURE,
            "Closed (Service): Tue 3 Mar 2026, 00:00 – Wed 4 Mar 2026, 24:00.",
        ),
        (
            {"closures": [{"start": "2026-03-03", "end": "2026-03-04"}]},
            "2026-03-04T22:00Z",
            "2026-03-04T23:00Z",
            None,
            "",
        ),
        (
            {"closures": [{"start": "2026-03-03T10:00:00Z", "end": "2026-03-03T11:00:00+00:00"}]},
            "2026-03-03T10:00Z",
            "2026-03-03T11:00Z",
            Code.CLOSURE,
            "Closed: Tue 3 Mar 2026, 12:00–13:00.",
        ),
    ],
)
def test_a_rule_refuses_in_words(rules: dict[str, Any], start: str, end: str, code: Code | None, text: str) -> None:
    assert why(free(rules), start, end) == (None if code is None else (code, text))


def test_braces_in_a_reason_are_only_text() -> None:
    rules = {"closures": [{"start": "2026-03-03", "end": "2026-03-03", "reason": "{0.__class__} {x}"}]}
    refusal = why(free(rules), "2026-03-03T10:00Z", "2026-03-03T11:00Z")
    assert refusal == (Code.CLOSURE, "Closed ({0.__class__} {x}): Tue 3 Mar 2026, 00:00–24:00.")


def test_between_two_bookings_lie_both_buffers() -> None:
    taken = Obstacle(span("2026-03-02T12:00Z", "2026-03-02T13:00Z"), Code.BOOKED)
    found = free({"buffer_before_minutes": 30, "buffer_after_minutes": 60}, taken)
    for start, end, code in [
        ("10:00", "11:00", Code.BUFFER),
        ("13:00", "14:00", Code.BUFFER),
        ("14:00", "15:00", Code.BUFFER),
        ("15:00", "16:00", None),
    ]:
        refusal = found.explain(Period(*(datetime.fromisoformat(f"2026-03-02T{it}Z") for it in (start, end))))
        # 10:00 to 11:00 ends an hour before the booking: half an hour too little.
        assert (refusal and refusal.code) == code, start


def test_busy_time_needs_no_tidying_up_but_the_bookings_beside_it_do() -> None:
    busy = Obstacle(span("2026-03-02T12:00Z", "2026-03-02T13:00Z"), Code.BUSY)
    found = free({"buffer_before_minutes": 60}, busy)
    assert why(found, "2026-03-02T11:00Z", "2026-03-02T12:00Z") is None
    refusal = found.explain(span("2026-03-02T13:00Z", "2026-03-02T14:00Z"))
    assert refusal is not None
    assert (refusal.code, refusal.is_conflict) == (Code.BUFFER, True)


@pytest.mark.parametrize(
    ("kind", "start", "refused"),
    [
        ("day", "2026-03-03T21:00Z", True),
        ("day", "2026-03-03T22:00Z", False),
        ("week", "2026-03-08T21:00Z", True),
        ("week", "2026-03-08T22:00Z", False),
        ("month", "2026-03-31T20:00Z", True),
        ("month", "2026-03-31T21:00Z", False),
    ],
)
def test_a_quota_counts_days_weeks_and_months_of_the_offerings_zone(kind: str, start: str, refused: bool) -> None:
    own = (span("2026-03-03T08:00Z", "2026-03-03T10:00Z"),)
    found = free({"quota_hours_per_user": 2, "quota_period": kind}, own=own)
    refusal = found.explain(Period(begin := datetime.fromisoformat(start), begin + timedelta(hours=1)))
    if not refused:
        assert refusal is None
        return
    assert refusal is not None
    assert refusal.code is Code.QUOTA
    assert refusal.text == f"One person may book 2 hours a {kind}. You already have 2 hours."


def test_the_number_of_bookings_ahead() -> None:
    own = (span("2026-03-03T08:00Z", "2026-03-03T10:00Z"),)
    refusal = free({"upcoming_bookings_per_user": 1}, own=own).explain(span("2026-03-05T10:00Z", "2026-03-05T11:00Z"))
    assert refusal is not None
    assert refusal.text == "One person may have 1 upcoming booking at a time. You have 1."


@given(
    st.sampled_from(ZONES),
    st.sampled_from(["day", "week", "month"]),
    st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)),  # noqa: DTZ001 - made aware below
    st.integers(1, 24 * 70),
)
def test_quota_spans_cover_a_period_without_gaps(zone: ZoneInfo, kind: str, start: datetime, hours: int) -> None:
    period = Period(start.replace(tzinfo=UTC), start.replace(tzinfo=UTC) + timedelta(hours=hours))
    spans = list(quota_spans(period, kind, zone))
    assert spans[0].start <= period.start
    assert spans[-1].end >= period.end
    assert spans[-1].start < period.end
    assert all(one.end == two.start for one, two in pairwise(spans))
    for it in spans:
        first = it.start.astimezone(zone)
        assert (first.hour, first.minute) == (0, 0)
        assert kind != "week" or first.weekday() == 0
        assert kind != "month" or first.day == 1


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ([], ""),
        ("x", ""),
        ({"minimum_notice_minutes": "5"}, ".minimum_notice_minutes"),
        ({"minimum_notice_minutes": True}, ".minimum_notice_minutes"),
        ({"minimum_notice_minutes": 0}, ".minimum_notice_minutes"),
        ({"minimum_notice_minutes": 10**9}, ".minimum_notice_minutes"),
        ({"maximum_advance_days": -1}, ".maximum_advance_days"),
        ({"minimum_duration_minutes": 60, "maximum_duration_minutes": 30}, ".maximum_duration_minutes"),
        ({"quota_period": "year"}, ".quota_period"),
        ({"accept": []}, ".accept"),
        ({"time_zone": "Mars/Base"}, ".time_zone"),
        ({"time_zone": "right/Europe/Tallinn"}, ".time_zone"),
        ({"time_zone": 5}, ".time_zone"),
        ({"closures": {}}, ".closures"),
        ({"closures": [{}] * (MAX_CLOSURES + 1)}, ".closures"),
        ({"closures": [5]}, ".closures[0]"),
        ({"closures": [{"start": "2026-03-03"}]}, ".closures[0].end"),
        ({"closures": [{"start": "2026-13-03", "end": "2026-03-03"}]}, ".closures[0].start"),
        ({"closures": [{"start": "2026-03-03", "end": "2026-03-02"}]}, ".closures[0].end"),
        ({"closures": [{"start": "2026-03-03", "end": "2026-03-03T10:00:00Z"}]}, ".closures[0]"),
        ({"closures": [{"start": "2026-03-03T10:00:00", "end": "2026-03-03T11:00:00Z"}]}, ".closures[0]"),
        ({"closures": [{"start": "2026-03-03 10:00", "end": "2026-03-03"}]}, ".closures[0]"),
        ({"closures": [{"start": "2026-03-03", "end": "12:00"}]}, ".closures[0].end"),
        ({"closures": [{"start": "2026-03-03T10:00:00Z", "end": "12:00"}]}, ".closures[0].end"),
        ({"closures": [{"start": "09:00", "end": "12:00"}]}, ".closures[0].start"),
        ({"closures": [{"start": "2026-03-03 10:00", "end": "2026-03-03 10:00"}]}, ".closures[0].end"),
        ({"closures": [{"start": "2026-03-03 10:00", "end": "09:00"}]}, ".closures[0].end"),
        ({"closures": [{"start": "2026-03-03 10:00", "end": "24:01"}]}, ".closures[0].end"),
        ({"closures": [{"start": "2026-02-30 10:00", "end": "12:00"}]}, ".closures[0].start"),
        ({"closures": [{"start": "0001-01-01 00:00", "end": "2026-02-28 24:00"}]}, ".closures[0].start"),
        ({"closures": [{"start": "2026-03-03 10:00", "end": "9999-12-31 24:00"}]}, ".closures[0].end"),
        ({"closures": [{"start": "2026-03-03", "end": "2026-03-03", "reason": 5}]}, ".closures[0].reason"),
        ({"closures": [{"start": "0001-01-01", "end": "9999-12-31"}]}, ".closures[0].start"),
    ],
)
def test_what_is_wrong_is_named_and_closes_the_offering(raw: Any, path: str) -> None:
    assert path in [problem.path for problem in check_rules(raw)]
    rules = read_rules(raw)
    assert rules.broken
    refusal = Availability(ALWAYS, TALLINN, rule_obstacles(rules, TALLINN, NOW)).explain(
        span("2026-03-05T10:00Z", "2026-03-05T11:00Z")
    )
    assert refusal is not None
    assert refusal.text == BROKEN
    assert BROKEN in rule_sentences(rules)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-12-02 09:00", "12:00", ("2026-12-02T07:00Z", "2026-12-02T10:00Z")),
        ("2026-12-02 9:00", "2026-12-02 12:00", ("2026-12-02T07:00Z", "2026-12-02T10:00Z")),
        ("2026-12-02T09:00", "2026-12-03T12:00:30", ("2026-12-02T07:00Z", "2026-12-03T10:00:30Z")),
        (" 2026-12-02  09:00 ", "24:00", ("2026-12-02T07:00Z", "2026-12-02T22:00Z")),
        ("2026-12-31 22:00", "2026-12-31 24:00", ("2026-12-31T20:00Z", "2026-12-31T22:00Z")),
        # Clocks go back at 04:00: both hours that they show as 03:00 to 04:00 are closed.
        ("2026-10-25 03:00", "03:30", ("2026-10-25T00:00Z", "2026-10-25T01:30Z")),
        # Clocks go forward at 03:00: there is no 03:30.
        ("2026-03-29 03:30", "05:00", ("2026-03-29T01:00Z", "2026-03-29T02:00Z")),
        ("2026-03-29 03:10", "03:50", None),
    ],
)
def test_a_closure_by_the_clock_is_in_the_offerings_time_zone(
    start: str, end: str, expected: tuple[str, str] | None
) -> None:
    rules = {"closures": [{"start": start, "end": end, "reason": "Service"}]}
    assert check_rules(rules) == []
    [closure] = read_rules(rules).closures
    assert isinstance(closure, Closure)
    assert closure.period(TALLINN) == (span(*expected) if expected else None)
    found = list(rule_obstacles(read_rules(rules), TALLINN, NOW))
    assert [it.period for it in found] == ([span(*expected)] if expected else [])


closure_ends = st.from_regex(r"(20\d\d-\d\d-\d\d)?[ T]?\d\d?:\d\d(:\d\d)?(Z|\+03:00)?", fullmatch=True) | st.text(
    max_size=20
)


@given(closure_ends, closure_ends)
def test_any_closure_is_read_or_refused(start: str, end: str) -> None:
    rules = {"closures": [{"start": start, "end": end}]}
    assert read_rules(rules).broken == bool(check_rules(rules))
    list(rule_obstacles(read_rules(rules), TALLINN, NOW))


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(
    ["closures", "accept", "quota_period", "time_zone", "minimum_notice_minutes", "maximum_advance_days"]
)


@given(json_like | st.dictionaries(keys, json_like))
def test_nothing_that_is_stored_raises(raw: Any) -> None:
    rules = read_rules(raw)
    assert rules.broken == bool(check_rules(raw))
    assert list(rule_sentences(rules))
    list(rule_obstacles(rules, TALLINN, NOW))


def test_the_rules_read_as_sentences() -> None:
    rules = read_rules(
        {
            "minimum_notice_minutes": 2880,
            "maximum_advance_days": 30,
            "minimum_duration_minutes": 60,
            "maximum_duration_minutes": 480,
            "buffer_before_minutes": 15,
            "buffer_after_minutes": 30,
            "quota_hours_per_user": 40,
            "upcoming_bookings_per_user": 3,
            "accept": "automatic",
            "closures": [{"start": date(2026, 3, 3).isoformat(), "end": "2026-03-03"}],
        }
    )
    assert list(rule_sentences(rules)) == [
        "Book at least 2 days ahead.",
        "Book at most 30 days ahead.",
        "A booking lasts at least 1 hour.",
        "A booking lasts at most 8 hours.",
        "Kept free before each booking: 15 minutes.",
        "Kept free after each booking: 30 minutes.",
        "One person may book 40 hours a week.",
        "One person may have 3 upcoming bookings at a time.",
        "Bookings are confirmed automatically.",
    ]
    assert "Kept free after each booking: 1 hour." in rule_sentences(read_rules({"buffer_after_minutes": 60}))
