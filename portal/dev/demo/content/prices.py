"""What a plan of the short form costs, computed by the portal's own rules (`portal.domain.pricing`)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from portal.dev.demo.content.spec import Component, Plan, Price
from portal.domain.pricing import PricedComponent, price_number, price_plan, price_text


def priced(plan: Plan, components: tuple[Component, ...]) -> list[tuple[Component, Price]]:
    """What a plan charges for, by the component's name."""
    by_type = {component.type: component for component in components}
    pairs = [
        (by_type[kind], value if isinstance(value, Price) else Price(value)) for kind, value in plan.prices.items()
    ]
    return sorted(pairs, key=lambda pair: pair[0].name)


def money(value: str) -> str:
    """A decimal as the wire has it: ten places."""
    return price_text(Decimal(value))


def figures(pairs: list[tuple[Component, Price]]) -> dict[str, Any]:
    """unit_price, init_price, switch_price, prices, future_prices, quotas, plan_type and minimal_price of the wire."""
    computed = price_plan(
        PricedComponent(
            type=component.type,
            name=component.name,
            billing_type=component.billing,
            amount=price.amount,
            price=Decimal(price.price),
            future_price=None if price.future is None else Decimal(price.future),
        )
        for component, price in pairs
    )
    return {
        "unit_price": price_text(computed.unit_price),
        "init_price": price_number(computed.init_price),
        "switch_price": price_number(computed.switch_price),
        "prices": {kind: price_number(price) for kind, price in computed.prices.items()},
        "future_prices": {
            kind: None if price is None else price_number(price) for kind, price in computed.future_prices.items()
        },
        "quotas": computed.quotas,
        "plan_type": computed.plan_type,
        "minimal_price": price_number(computed.minimal_price),
    }
