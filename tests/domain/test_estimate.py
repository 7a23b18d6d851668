"""Estimates: what is counted of each kind of price, by the offering's clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.estimate import (
    ON_CHANGE,
    ON_USE,
    OPTIONAL,
    PERSONS_UNKNOWN,
    BillableComponent,
    Charge,
    OpenPrice,
    estimate,
    started_units,
)
from portal.domain.periods import Period
from portal.domain.pricing import PricedComponent

TALLINN = ZoneInfo("Europe/Tallinn")


def span(start: str, end: str) -> Period:
    return Period(datetime.fromisoformat(start), datetime.fromisoformat(end))


def lasting(hours: float) -> Period:
    start = datetime(2026, 3, 2, 6, tzinfo=UTC)
    return Period(start, start + timedelta(hours=hours))


def priced(billing: str, price: str, amount: int = 0, unit: str = "", **more: Any) -> BillableComponent:
    return BillableComponent(PricedComponent(billing, billing, Decimal(price), amount), unit, **more)


@pytest.mark.parametrize(
    ("unit", "start", "end", "count"),
    [
        ("hour", "2026-03-02T10:00+00:00", "2026-03-02T12:00+00:00", 2),
        ("hour", "2026-03-02T10:00+00:00", "2026-03-02T12:01+00:00", 3),
        ("day", "2026-03-02T10:00+00:00", "2026-03-02T12:00+00:00", 1),
        ("day", "2026-03-02T10:00+00:00", "2026-03-03T10:00+00:00", 1),
        ("day", "2026-03-02T10:00+00:00", "2026-03-03T11:00+00:00", 2),
        # Midnight to midnight is a day, though clocks go forward (23 h) or back (25 h).
        ("day", "2026-03-28T22:00+00:00", "2026-03-29T21:00+00:00", 1),
        ("day", "2026-10-24T21:00+00:00", "2026-10-25T22:00+00:00", 1),
        ("month", "2026-03-02T10:00+00:00", "2026-04-02T09:00+00:00", 1),
        ("month", "2026-03-02T10:00+00:00", "2026-04-02T10:00+00:00", 2),
        ("quarter", "2026-03-02T10:00+00:00", "2026-08-02T09:00+00:00", 2),
        ("half_month", "2026-03-02T10:00+00:00", "2026-03-20T10:00+00:00", 2),
        ("quantity", "2026-03-02T10:00+00:00", "2026-05-20T10:00+00:00", 1),
    ],
)
def test_a_unit_that_is_begun_counts(unit: str, start: str, end: str, count: int) -> None:
    assert started_units(span(start, end), unit, TALLINN) == count


def test_each_kind_of_price_is_counted_in_its_way() -> None:
    periods = [span("2026-03-02T10:00+00:00", "2026-03-02T12:30+00:00"), span("2026-03-03T10:00Z", "2026-03-03T11:00Z")]
    found = estimate(
        [
            priced("fixed", "10", amount=2),
            priced("one", "5.25"),
            priced("limit", "100", unit="hour"),
            priced("usage", "0.1", unit=" Hours "),
            priced("usage", "7", unit="grid"),
            priced("few", "99", unit="piece"),
            priced("fixed", "0", amount=9),
            priced("fixed", "3", amount=0),
        ],
        "day",
        periods,
        TALLINN,
    )
    assert found.charges == (
        Charge("fixed", Decimal(4), "day", Decimal(10), Decimal(40)),
        Charge("one", Decimal(1), "once", Decimal("5.25"), Decimal("5.25")),
        Charge("limit", Decimal("3.5"), "hour", Decimal(100), Decimal(350)),
        Charge("usage", Decimal("3.5"), "hour", Decimal("0.1"), Decimal("0.35")),
    )
    assert found.total == Decimal("395.60")
    assert found.not_included == (
        OpenPrice("usage", Decimal(7), "grid", ON_USE),
        OpenPrice("few", Decimal(99), "piece", ON_CHANGE),
        OpenPrice("fixed", Decimal(3), "day", OPTIONAL),
    )


def test_twenty_minutes_three_times_are_an_hour() -> None:
    start = datetime(2026, 3, 2, 10, tzinfo=UTC)
    periods = [
        Period(start + n * timedelta(hours=1), start + n * timedelta(hours=1) + timedelta(minutes=20)) for n in range(3)
    ]
    assert estimate([priced("limit", "30", unit="h")], "day", periods, TALLINN).total == Decimal(30)


@pytest.mark.parametrize(
    ("unit", "hours", "persons", "amount"),
    [
        ("8 h shift", [4], None, 1),
        ("8 h shift", [8], None, 1),
        ("8 h shift", [8.5], None, 2),
        ("8 h shift", [4, 4], None, 2),
        ("8-hour shift", [16], None, 2),
        ("8h", [9], None, 2),
        ("2 h", [3], None, 2),
        ("1,5 hours", [3], None, 2),
        ("30 min", [1.25], None, 3),
        ("minute", [1.5], None, 90),
        ("1 h", [1.5], None, Fraction(3, 2)),
        ("hour session", [1.5], None, 2),
        ("day", [30], None, 2),
        ("2 days", [30], None, 1),
        ("week", [24 * 8], None, 2),
        ("year", [24 * 400], None, 2),
        ("person", [4], 8, 8),
        ("Participants", [4, 4], 8, 8),
        ("person hour", [1.5], 4, 6),
        ("hour per person", [1.5], 4, 6),
        ("person/day", [30], 3, 6),
        # Not known, and so listed:
        ("shift", [4], None, None),
        ("0 h shift", [4], None, None),
        ("half day", [4], None, None),
        ("night", [24], None, None),
        ("GPU hour", [4], None, None),
        ("person", [4], None, None),
        ("person night", [24], 2, None),
        ("litre", [4], 2, None),
        ("", [4], 2, None),
    ],
)
def test_what_a_booking_takes_of_a_unit(unit: str, hours: list[float], persons: int | None, amount: Any) -> None:
    for billing in ("usage", "limit"):
        found = estimate(
            [priced(billing, "10", unit=unit)], "day", [lasting(it) for it in hours], TALLINN, persons=persons
        )
        if amount is None:
            assert [it.price for it in found.not_included] == [Decimal(10)]
            assert found.charges == ()
        else:
            assert (found.total, found.not_included) == (10 * Decimal(str(float(amount))), ())


def test_a_price_for_each_person_is_charged_once_for_all_persons() -> None:
    place = priced("one", "290", unit="person")
    eight = estimate([place], "day", [lasting(8)], TALLINN, persons=8)
    assert eight.charges == (Charge("one", Decimal(8), "person", Decimal(290), Decimal(2320)),)
    assert estimate([place], "day", [lasting(8)], TALLINN).not_included == (
        OpenPrice("one", Decimal(290), "person", PERSONS_UNKNOWN),
    )
    assert estimate([place], "day", [lasting(8)], TALLINN, persons=0) == estimate([], "day", [], TALLINN)


# The demo's Cóndor: € 38 an hour, at least 2, up to 120 a year with 20 % off from 60; € 55 past it.
def condor(price: str = "38") -> list[BillableComponent]:
    return [
        priced(
            "limit",
            price,
            unit="hour",
            uuid="a",
            overage="b",
            limit=120,
            minimum=2,
            discount_from=60,
            discount_percent=20,
        ),
        priced("usage", "55", unit="hour", uuid="b"),
    ]


@pytest.mark.parametrize(
    ("hours", "total", "has_overage"),
    [
        (2, "76", False),
        (1, "76", False),
        (59, "2242", False),
        (60, "1824", False),  # 60 × 38 × 0.8
        (120, "3648", False),
        (122, "3758", True),  # 3648 + 2 × 55
    ],
)
def test_overage_is_charged_past_its_limit_only(hours: int, total: str, has_overage: bool) -> None:
    found = estimate(condor(), "hour", [lasting(hours)], TALLINN)
    assert found.total == Decimal(total)
    assert len(found.charges) == 1 + has_overage
    expected = () if has_overage else (OpenPrice("usage", Decimal(55), "hour", "only past 120 hours"),)
    assert found.not_included == expected


def test_overage_of_a_limit_that_is_free_or_not_in_the_plan() -> None:
    assert estimate(condor("0"), "hour", [lasting(2)], TALLINN).charges == ()
    alone = estimate(condor()[1:], "hour", [lasting(2)], TALLINN)
    assert alone.total == Decimal(110)


def test_overage_in_another_unit_without_a_limit_or_in_a_circle_is_never_added() -> None:
    main = {"unit": "hour", "uuid": "a", "overage": "b"}
    other_unit = [priced("limit", "10", limit=1, **main), priced("usage", "50", unit="day", uuid="b")]
    found = estimate(other_unit, "hour", [lasting(3)], TALLINN)
    assert (found.total, [it.reason for it in found.not_included]) == (Decimal(10), ["only past 1 hour"])
    unlimited = [priced("limit", "10", **main), priced("usage", "50", unit="hour", uuid="b")]
    found = estimate(unlimited, "hour", [lasting(3)], TALLINN)
    assert (found.total, [it.reason for it in found.not_included]) == (Decimal(30), ["only past the limit of limit"])
    circle = [priced("limit", "10", limit=1, **main), priced("usage", "5", unit="hour", uuid="b", overage="a", limit=1)]
    assert estimate(circle, "hour", [lasting(3)], TALLINN).total == 0


def test_nothing_is_lost_to_rounding() -> None:
    third = estimate([priced("usage", "0.0000000003", unit="hour")], "day", [lasting(1 / 3)], TALLINN)
    assert third.total == Decimal("0.0000000001")
    huge = estimate([priced("fixed", "999999999999.9999999999", 2**62)], "day", [lasting(1)], TALLINN)
    assert (
        huge.total == Decimal("999999999999.9999999999") * 2**62
        or Fraction(huge.total) == Fraction(Decimal("999999999999.9999999999")) * 2**62
    )


@given(
    hours=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    prices=st.tuples(*[st.integers(1, 500)] * 4),
    limit=st.integers(0, 60) | st.none(),
    minimum=st.integers(0, 9) | st.none(),
    discount=st.tuples(st.integers(0, 50), st.integers(0, 100)) | st.none(),
    persons=st.integers(0, 30) | st.none(),
    shift=st.integers(2, 12),
)
def test_it_is_what_counting_hour_by_hour_gives(
    hours: list[int],
    prices: tuple[int, ...],
    limit: int | None,
    minimum: int | None,
    discount: tuple[int, int] | None,
    persons: int | None,
    shift: int,
) -> None:
    main, over, each, by_shift = prices
    start, percent = discount or (None, None)
    components = [
        priced("limit", str(main), unit="hour", uuid="a", overage="b", limit=limit, minimum=minimum,
               discount_from=start, discount_percent=percent),
        priced("usage", str(over), unit="hours", uuid="b"),
        priced("one", str(each), unit="person"),
        priced("usage", str(by_shift), unit=f"{shift} h shift"),
    ]  # fmt: skip
    found = estimate(components, "day", [lasting(it) for it in hours], TALLINN, persons=persons)

    within = past = shifts = 0
    for length in hours:
        for hour in range(length):
            if hour % shift == 0:
                shifts += 1
            if limit is None or within < limit:
                within += 1
            else:
                past += 1
    while minimum is not None and within < minimum and (limit is None or within < limit):
        within += 1
    naive = Fraction(within * main)
    if start is not None and percent is not None and within >= start:
        naive = naive * (100 - percent) / 100
    naive += past * over + (persons or 0) * each + shifts * by_shift
    assert Fraction(found.total) == naive
    assert len(found.charges) + len(found.not_included) >= 3
