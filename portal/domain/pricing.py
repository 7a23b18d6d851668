"""The arithmetic of a plan, as the Waldur API contract defines it: exact decimals in, exact decimals out.

    unit_price      sum of price × amount of the components billed `fixed`
    init_price      sum of the prices billed `one` (once, at the start)
    switch_price    sum of the prices billed `few` (on a change of plan)
    minimal_price   limit: price; fixed: price × (amount or 1); one: price; usage and few add nothing
    prices          type -> price, future_prices: type -> future price or null, quotas: type -> amount
    plan_type       from the billing types that have a price: one kind gives its name, several `mixed`, none null

On the wire `unit_price` and the components' prices are texts with 10 decimals, the other values JSON numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

from portal.domain.choices import BillingType

PLACES = Decimal("0.0000000001")
# Wide enough for a price of 22 digits times any 64-bit amount, summed: nothing is ever rounded on the way.
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
# Units of time as the wire has them for plans, and as people write them for components.
TIME_UNITS = frozenset(
    {"minute", "hour", "day", "night", "shift", "week", "half_month", "month", "quarter", "year"}
    | {"minutes", "hours", "h", "days", "nights", "shifts", "weeks", "months", "slot", "session"}
)


@dataclass(frozen=True, slots=True)
class PricedComponent:
    """What one component costs in one plan: the component's type, billing type and name, and the plan's numbers.

    The name only decides the order; components without names are ordered by their types.
    """

    type: str
    billing_type: str
    price: Decimal
    amount: int = 0
    future_price: Decimal | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class PlanFigures:
    """Everything the wire says about what a plan costs. The mappings are in the order of the components' names."""

    unit_price: Decimal
    init_price: Decimal
    switch_price: Decimal
    minimal_price: Decimal
    prices: dict[str, Decimal]
    future_prices: dict[str, Decimal | None]
    quotas: dict[str, int]
    plan_type: str | None


def price_plan(components: Iterable[PricedComponent]) -> PlanFigures:
    """All computed values of a plan at once."""
    ordered = in_order(components)
    return PlanFigures(
        unit_price=unit_price(ordered),
        init_price=init_price(ordered),
        switch_price=switch_price(ordered),
        minimal_price=minimal_price(ordered),
        prices=prices(ordered),
        future_prices=future_prices(ordered),
        quotas=quotas(ordered),
        plan_type=plan_type(ordered),
    )


def in_order(components: Iterable[PricedComponent]) -> list[PricedComponent]:
    """The components by the component's name (by code point, the same on every database), then by its type."""
    return sorted(components, key=lambda component: (component.name, component.type))


def unit_price(components: Iterable[PricedComponent]) -> Decimal:
    """What one unit of the plan costs at least: price × amount of everything billed `fixed`."""
    return _sum(
        (component.price, component.amount) for component in components if component.billing_type == BillingType.FIXED
    )


def init_price(components: Iterable[PricedComponent]) -> Decimal:
    """What is charged once, at the start."""
    return _sum((component.price, 1) for component in components if component.billing_type == BillingType.ONE)


def switch_price(components: Iterable[PricedComponent]) -> Decimal:
    """What a change to this plan costs."""
    return _sum((component.price, 1) for component in components if component.billing_type == BillingType.FEW)


def minimal_price(components: Iterable[PricedComponent]) -> Decimal:
    """The least somebody pays who takes the plan: one of each limit, each fixed part at least once, the start."""
    once = {BillingType.LIMIT, BillingType.ONE}
    return _sum(
        (component.price, (component.amount or 1) if component.billing_type == BillingType.FIXED else 1)
        for component in components
        if component.billing_type == BillingType.FIXED or component.billing_type in once
    )


def prices(components: Iterable[PricedComponent]) -> dict[str, Decimal]:
    """Component type -> price."""
    return {component.type: component.price for component in in_order(components)}


def future_prices(components: Iterable[PricedComponent]) -> dict[str, Decimal | None]:
    """Component type -> announced price, None where none is announced (0 is a price)."""
    return {component.type: component.future_price for component in in_order(components)}


def quotas(components: Iterable[PricedComponent]) -> dict[str, int]:
    """Component type -> amount."""
    return {component.type: component.amount for component in in_order(components)}


def plan_type(components: Iterable[PricedComponent]) -> str | None:
    """The kind of the plan, from the billing types that have a price (above zero)."""
    kinds = {component.billing_type for component in components if component.price > 0}
    if not kinds:
        return None
    return _PLAN_TYPES[kinds.pop()] if len(kinds) == 1 else MIXED


def is_active(max_amount: int | None, taken: int) -> bool:
    """Whether somebody can still take a plan: it has no maximum, or fewer than that many resources are live."""
    return max_amount is None or taken < max_amount


def price_text(price: Decimal) -> str:
    """A price as the wire writes it: 10 decimals, no exponent ("95.0000000000")."""
    with localcontext(_EXACT):
        return f"{price.quantize(PLACES):f}"


def price_number(price: Decimal) -> float:
    """A price as the JSON number that the wire uses for init_price, switch_price, minimal_price and the mappings."""
    return float(price)


def _sum(products: Iterable[tuple[Decimal, int]]) -> Decimal:
    with localcontext(_EXACT):
        return sum((price * amount for price, amount in products), Decimal(0))


def price_from(plans: Iterable[Iterable[tuple[PricedComponent, str]]]) -> tuple[Decimal, str] | None:
    """The lowest price of a plan's main component, and per what: for "from 45.00 per hour". None where all is free.

    A plan is its components, each with the unit it is charged by. The main one is charged by time, since that is what
    a booking takes; of several the one that is reserved, then the one charged by use, then the one that is always
    charged; then the dearest. Sides such as fuel or coffee are cheaper, and are not the price of the thing. Where
    nothing is charged by time the same goes for what recurs, then for what is charged once.
    """
    return min((price for plan in plans if (price := _main_price(list(plan))) is not None), default=None)


def _main_price(plan: Sequence[tuple[PricedComponent, str]]) -> tuple[Decimal, str] | None:
    priced = [(component, unit) for component, unit in plan if component.price > 0]
    if not priced:
        return None
    component, unit = min(priced, key=lambda offer: (_RANK[offer[0].billing_type], -offer[0].price))
    timed = [offer for offer in priced if offer[0].billing_type in _RECURRING and _is_time(offer[1])]
    if timed:
        component, unit = min(timed, key=lambda offer: (_RANK[offer[0].billing_type], -offer[0].price))
    return component.price, unit


def _is_time(unit: str) -> bool:
    # "node hour" and "GPU hour" are time too.
    words = unit.casefold().split()
    return bool(words) and words[-1] in TIME_UNITS
