"""The computed prices of a plan as in Waldur's API, with exact decimals.

    unit_price      sum of price × amount of the components billed `fixed`
    init_price      sum of the prices billed `one` (once, at the start)
    switch_price    sum of the prices billed `few` (on a change of plan)
    minimal_price   limit: price; fixed: price × (amount or 1); one: price; usage and few add nothing
    prices          type -> price, future_prices: type -> future price or null, quotas: type -> amount
    plan_type       from the billing types that have a price: one kind gives its name, several `mixed`, none null

In the API `unit_price` and the prices of components are texts with 10 decimals, the other values JSON numbers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

from portal.domain.choices import BillingType
from portal.domain.messages import Message

PLACES = Decimal("0.0000000001")
# Enough for sums of 22-digit prices times 64-bit amounts, so nothing is rounded.
_EXACT = Context(prec=80)

_PLAN_TYPES: Mapping[str, str] = {
    BillingType.FIXED: "fixed",
    BillingType.USAGE: "usage-based",
    BillingType.LIMIT: "limit",
    BillingType.ONE: "one-time",
    BillingType.FEW: "on-plan-switch",
}
MIXED = "mixed"
_RECURRING: tuple[str, ...] = (BillingType.LIMIT, BillingType.USAGE, BillingType.FIXED)
_RANK: Mapping[str, int] = {kind: rank for rank, kind in enumerate((*_RECURRING, BillingType.ONE, BillingType.FEW))}
# Units of time of plans (API values) and of components (free text).
TIME_UNITS = frozenset(
    {"minute", "hour", "day", "night", "shift", "week", "half_month", "month", "quarter", "year"}
    | {"minutes", "hours", "h", "days", "nights", "shifts", "weeks", "months", "slot", "session"}
)
# Units of what is used up beside the thing itself: helium, fuel, power, gold.
CONSUMABLE_UNITS = frozenset(
    {"litre", "litres", "liter", "liters", "l", "ml", "m³", "m3", "kg", "g", "mg", "kwh", "mwh", "cm³", "cm3"}
)


@dataclass(frozen=True, slots=True)
class PricedComponent:
    """The price of one component in one plan. The name only decides the order."""

    type: str
    billing_type: str
    price: Decimal
    amount: int = 0
    future_price: Decimal | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class PlanFigures:
    """The computed values of a plan in the API. Mappings are ordered by component name."""

    unit_price: Decimal
    init_price: Decimal
    switch_price: Decimal
    minimal_price: Decimal
    prices: dict[str, Decimal]
    future_prices: dict[str, Decimal | None]
    quotas: dict[str, int]
    plan_type: str | None


def price_plan(components: Iterable[PricedComponent]) -> PlanFigures:
    """The computed values of a plan. Names are ordered by code point, which is the same on every database."""
    ordered = sorted(components, key=lambda component: (component.name, component.type))

    def charged(billing_types: Collection[str], *, at_least: int = 0) -> Decimal:
        """The sum of prices of these billing types; fixed ones are multiplied by their amount, or by `at_least`."""
        return _sum(
            (it.price, (it.amount or at_least) if it.billing_type == BillingType.FIXED else 1)
            for it in ordered
            if it.billing_type in billing_types
        )

    types = {component.billing_type for component in ordered if component.price > 0}
    return PlanFigures(
        unit_price=charged({BillingType.FIXED}),
        init_price=charged({BillingType.ONE}),
        switch_price=charged({BillingType.FEW}),
        minimal_price=charged({BillingType.LIMIT, BillingType.FIXED, BillingType.ONE}, at_least=1),
        prices={component.type: component.price for component in ordered},
        future_prices={component.type: component.future_price for component in ordered},
        quotas={component.type: component.amount for component in ordered},
        plan_type=None if not types else _PLAN_TYPES[types.pop()] if len(types) == 1 else MIXED,
    )


def is_active(max_amount: int | None, taken: int) -> bool:
    """Whether a plan is still available: without a maximum, or with fewer active resources than that."""
    return max_amount is None or taken < max_amount


def price_text(price: Decimal) -> str:
    """A price as text in the API: 10 decimals, no exponent ("95.0000000000")."""
    with localcontext(_EXACT):
        return f"{price.quantize(PLACES):f}"


def price_number(price: Decimal) -> float:
    """A price as a JSON number in the API."""
    return float(price)


def _sum(products: Iterable[tuple[Decimal, int]]) -> Decimal:
    with localcontext(_EXACT):
        return sum((price * amount for price, amount in products), Decimal(0))


def price_from(plans: Iterable[Iterable[tuple[PricedComponent, str]]]) -> tuple[Decimal, str] | None:
    """The lowest price of using the thing, and per what: for "from 45.00 per hour". 0 if it is free.

    None without prices. A plan is given as its components with their units. The main component is charged by time if
    there is one, since a booking takes time, else it is one that is not a consumable; of several, it is chosen by
    billing type (limit, usage, fixed, one), then as the most expensive. If it is free, so is the plan, whatever its
    consumables cost. The charge for a change of plan is never the main component.
    """
    return min((price for plan in plans if (price := _main_price(list(plan))) is not None), default=None)


def _main_price(plan: Sequence[tuple[PricedComponent, str]]) -> tuple[Decimal, str] | None:
    charged = [offer for offer in plan if offer[0].billing_type != BillingType.FEW]
    timed = [offer for offer in charged if offer[0].billing_type in _RECURRING and _is_time(offer[1])]
    things = [offer for offer in charged if not _is_consumable(offer[1])]
    pool = timed or things or charged
    if not pool:
        return None
    component, unit = min(pool, key=_by_rank)
    always = [it for it in pool if it[0].billing_type == BillingType.FIXED and it[0].amount and it[0].price > 0]
    if component.price <= 0 and always:
        component, unit = min(always, key=_by_rank)
    return component.price, unit


def _by_rank(offer: tuple[PricedComponent, str]) -> tuple[int, Decimal]:
    return _RANK[offer[0].billing_type], -offer[0].price


def _is_consumable(unit: str) -> bool:
    words = unit.casefold().split()
    return bool(words) and words[-1] in CONSUMABLE_UNITS


def _is_time(unit: str) -> bool:
    # "node hour" and "GPU hour" are time too.
    words = unit.casefold().split()
    return bool(words) and words[-1] in TIME_UNITS


# Twelve digits, since prices are stored with 22 of which ten are decimals. No grouping: "1,250" could be either.
_TYPED_PRICE = re.compile(r"(\d{1,12})(?:[.,](\d{1,10}))?", re.ASCII)


def typed_price(text: str) -> Decimal:
    """A price as a person types it: "12", "12.50" or "12,50".

    Raises ValueError with a reason for a text that is no price, or that could mean two.
    """
    found = _TYPED_PRICE.fullmatch(text.strip())
    if found is None:
        raise ValueError(Message("Enter a price such as 12.50, without a currency and without separators."))
    whole, places = found[1], found[2] or ""
    if len(places) == 3 and whole.strip("0"):
        # A fourth decimal makes it clear.
        either, other = whole + places, f"{whole}.{places}0"
        raise ValueError(
            Message("Write %(either)s or %(other)s: this can be read as either.", either=either, other=other)
        )
    return Decimal(f"{whole}.{places or 0}")
