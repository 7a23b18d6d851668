"""The arithmetic of plans: two plans worked out by hand, and what must hold for every plan."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.choices import BillingType
from portal.domain.pricing import PricedComponent, price_from, price_number, price_plan, price_text

money = st.decimals(min_value=0, max_value=Decimal("999999999999.9999999999"), places=10)
amounts = st.integers(0, 2**63 - 1)


def component(kind: str, price: str, amount: int = 0, *, name: str = "", future: str | None = None) -> PricedComponent:
    return PricedComponent(
        type=name.lower() or kind,
        billing_type=kind,
        price=Decimal(price),
        amount=amount,
        future_price=None if future is None else Decimal(future),
        name=name,
    )


components = st.lists(
    st.builds(
        PricedComponent,
        type=st.text(min_size=1, max_size=4),
        billing_type=st.sampled_from([kind.value for kind in BillingType]),
        price=money,
        amount=amounts,
        future_price=st.none() | money,
        name=st.text(max_size=4),
    ),
    max_size=6,
    unique_by=lambda it: it.type,
)


def test_a_plan_with_every_billing_type() -> None:
    figures = price_plan(
        [
            component("one", "60", name="Sample loading"),
            component("limit", "95", name="Beam time", future="99.5"),
            component("usage", "140", name="Beam time beyond"),
            component("few", "25", name="Grid change"),
            component("fixed", "180", 1, name="Operator"),
        ]
    )
    assert price_text(figures.unit_price) == "180.0000000000"
    assert (figures.init_price, figures.switch_price, figures.minimal_price) == (60, 25, 335)
    assert list(figures.prices.items()) == [
        ("beam time", 95),
        ("beam time beyond", 140),
        ("grid change", 25),
        ("operator", 180),
        ("sample loading", 60),
    ]
    assert figures.future_prices == dict.fromkeys(figures.prices) | {"beam time": Decimal("99.5")}
    assert figures.quotas == dict.fromkeys(figures.prices, 0) | {"operator": 1}
    assert figures.plan_type == "mixed"


def test_a_plan_charged_by_use_costs_nothing_by_itself() -> None:
    figures = price_plan([component("usage", "420")])
    assert (figures.unit_price, figures.init_price, figures.switch_price, figures.minimal_price) == (0, 0, 0, 0)
    assert price_text(figures.unit_price) == "0.0000000000"
    assert figures.plan_type == "usage-based"


def test_fixed_parts_count_by_amount_and_at_least_once_in_the_minimal_price() -> None:
    figures = price_plan([component("fixed", "10", 3, name="a"), component("fixed", "7", 0, name="b")])
    assert figures.unit_price == 30
    assert figures.minimal_price == 37


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("fixed", "fixed"),
        ("usage", "usage-based"),
        ("limit", "limit"),
        ("one", "one-time"),
        ("few", "on-plan-switch"),
    ],
)
def test_the_plan_type_of_a_single_kind_with_a_price(kind: str, name: str) -> None:
    free = "usage" if kind != "usage" else "fixed"
    assert price_plan([component(kind, "1"), component(free, "0")]).plan_type == name


def test_a_plan_without_prices_has_no_type() -> None:
    assert price_plan([]).plan_type is None
    assert price_plan([component("fixed", "0", 4)]).plan_type is None


@given(components)
def test_sums_are_exact(given: list[PricedComponent]) -> None:
    figures = price_plan(given)
    exact = sum((Fraction(it.price) * it.amount for it in given if it.billing_type == "fixed"), Fraction())
    assert Fraction(figures.unit_price) == exact
    assert Fraction(Decimal(price_text(figures.unit_price))) == exact


@given(components, st.randoms())
def test_the_order_of_components_does_not_matter(given: list[PricedComponent], random: Random) -> None:
    shuffled = list(given)
    random.shuffle(shuffled)
    figures, again = price_plan(given), price_plan(shuffled)
    assert figures == again
    assert list(figures.prices) == list(again.prices) == list(figures.quotas) == list(figures.future_prices)


@given(money)
def test_prices_are_written_with_ten_decimals_and_read_back(price: Decimal) -> None:
    text = price_text(price)
    assert Decimal(text) == price
    assert len(text.partition(".")[2]) == 10
    assert "E" not in text


def test_numbers_on_the_wire() -> None:
    assert price_number(Decimal("99.5000000000")) == 99.5
    assert isinstance(price_number(Decimal(0)), float)


def offer(price: str, unit: str, billing_type: str = "usage", amount: int = 0) -> tuple[PricedComponent, str]:
    return PricedComponent(type=unit, billing_type=billing_type, price=Decimal(price), amount=amount), unit


@pytest.mark.parametrize(
    ("plans", "price"),
    [
        ([], None),
        ([[]], None),
        ([[offer("25", "change", "few")]], None),
        ([[offer("0", "hour")]], ("0", "hour")),
        # Using it is free, whatever its consumables cost.
        ([[offer("0", "8 h shift", "limit"), offer("14.50", "litre")]], ("0", "8 h shift")),
        ([[offer("0", "sample"), offer("14.50", "litre")]], ("0", "sample")),
        ([[offer("0", "hour", "limit"), offer("55", "hour")]], ("0", "hour")),
        ([[offer("0", "hour")], [offer("80", "hour")]], ("0", "hour")),
        ([[offer("14.50", "litre")]], ("14.50", "litre")),
        ([[offer("4", "sample"), offer("29", "kg"), offer("25", "change", "few")]], ("4", "sample")),
        # What is always charged is the price where the rest is free, and what is optional is not.
        ([[offer("0", "hour"), offer("60", "day", "fixed", 1)]], ("60", "day")),
        ([[offer("0", "hour"), offer("60", "day", "fixed")]], ("0", "hour")),
        ([[offer("95", "hour"), offer("3", "person")]], ("95", "hour")),
        ([[offer("3", "m³"), offer("9000", "Day")]], ("9000", "Day")),
        ([[offer("45", "hour"), offer("95", "hour")]], ("95", "hour")),
        ([[offer("180", "day", "fixed"), offer("95", "hour")]], ("95", "hour")),
        ([[offer("140", "hour"), offer("95", "hour", "limit")]], ("95", "hour")),
        ([[offer("40", "TB"), offer("0.85", "node hour")]], ("0.85", "node hour")),
        ([[offer("4", "sample"), offer("7", "TB", "fixed")]], ("4", "sample")),
        ([[offer("60", "session", "one"), offer("4", "sample")]], ("4", "sample")),
        ([[offer("60", "training", "one")]], ("60", "training")),
        ([[offer("95", "hour")], [offer("80", "hour")]], ("80", "hour")),
    ],
)
def test_price_from_is_the_main_components(plans: list, price: tuple[str, str] | None) -> None:
    assert price_from(plans) == (None if price is None else (Decimal(price[0]), price[1]))
