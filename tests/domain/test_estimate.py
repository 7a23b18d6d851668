"""Estimates: what is counted of each kind of price, by the offering's clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from portal.domain.estimate import Charge, estimate, started_units
from portal.domain.periods import Period
from portal.domain.pricing import PricedComponent

TALLINN = ZoneInfo("Europe/Tallinn")


def span(start: str, end: str) -> Period:
    return Period(datetime.fromisoformat(start), datetime.fromisoformat(end))


def priced(billing: str, price: str, amount: int = 0, measured: str = "") -> tuple[PricedComponent, str]:
    return PricedComponent(billing, billing, Decimal(price), amount), measured


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
            priced("limit", "100", measured="hour"),
            priced("usage", "0.1", measured=" Hours "),
            priced("usage", "7", measured="grid"),
            priced("few", "99"),
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
    assert found.by_use == (("usage", Decimal(7), "grid"),)


def test_twenty_minutes_three_times_are_an_hour() -> None:
    start = datetime(2026, 3, 2, 10, tzinfo=UTC)
    periods = [
        Period(start + n * timedelta(hours=1), start + n * timedelta(hours=1) + timedelta(minutes=20)) for n in range(3)
    ]
    assert estimate([priced("limit", "30", measured="h")], "day", periods, TALLINN).total == Decimal(30)
