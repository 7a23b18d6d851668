"""Periods against sets of minutes: what the arithmetic says of instants must be true of each one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.periods import Period, PeriodError, intersect, merge, subtract, total

BASE = datetime(2026, 3, 1, tzinfo=UTC)


def minutes(start: int, end: int) -> Period:
    return Period(BASE + timedelta(minutes=start), BASE + timedelta(minutes=end))


some = st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda it: minutes(it[0], it[0] + it[1]))
several = st.lists(some, max_size=8)


def inside(periods: list[Period]) -> set[int]:
    return {
        minute
        for minute in range(90)
        if any(period.contains_instant(BASE + timedelta(minutes=minute)) for period in periods)
    }


def is_tidy(periods: list[Period]) -> bool:
    return all(one.end < other.start for one, other in pairwise(periods))


@given(several)
def test_merge_keeps_every_instant_and_leaves_gaps_between(periods: list[Period]) -> None:
    merged = merge(periods)
    assert inside(merged) == inside(periods)
    assert is_tidy(merged)


@given(several, several)
def test_subtract_is_set_difference(periods: list[Period], holes: list[Period]) -> None:
    left = subtract(periods, holes)
    assert inside(left) == inside(periods) - inside(holes)
    assert is_tidy(left)


@given(several, several)
def test_intersect_is_set_intersection(periods: list[Period], others: list[Period]) -> None:
    shared = intersect(periods, others)
    assert inside(shared) == inside(periods) & inside(others)
    assert len(shared) == len(merge(shared))


@given(some, some)
def test_overlap_is_a_shared_instant(one: Period, other: Period) -> None:
    assert one.overlaps(other) == other.overlaps(one) == bool(inside([one]) & inside([other]))
    assert one.contains(other) == (inside([other]) <= inside([one]))
    assert (one.intersection(other) is not None) == one.overlaps(other)


@given(several)
def test_total_counts_each_minute_once(periods: list[Period]) -> None:
    assert total(periods) == timedelta(minutes=len(inside(periods)))


def test_touching_periods_do_not_overlap_and_merge_to_one() -> None:
    assert not minutes(0, 10).overlaps(minutes(10, 20))
    assert merge([minutes(10, 20), minutes(0, 10)]) == [minutes(0, 20)]


@pytest.mark.parametrize("length", [0, -1])
def test_an_empty_or_turned_period_is_refused(length: int) -> None:
    with pytest.raises(PeriodError, match="end after it starts"):
        minutes(5, 5 + length)


def test_a_naive_end_is_refused() -> None:
    with pytest.raises(PeriodError, match="time zone"):
        Period(BASE, BASE.replace(tzinfo=None) + timedelta(hours=1))


def test_ends_become_utc_and_equal_instants_are_equal_periods() -> None:
    east = timezone(timedelta(hours=2))
    period = Period(BASE.astimezone(east), BASE + timedelta(hours=1))
    assert period.start.tzinfo is UTC
    assert period == Period(BASE, BASE + timedelta(hours=1))


def test_the_hour_shown_twice_is_a_period_of_its_own() -> None:
    """Python compares datetimes of one zone by their wall clocks: 03:00 then would not be before 03:00."""
    tallinn = ZoneInfo("Europe/Tallinn")
    first, second = (datetime(2026, 10, 25, 3, tzinfo=tallinn, fold=fold) for fold in (0, 1))
    assert Period(first, second).duration == timedelta(hours=1)
