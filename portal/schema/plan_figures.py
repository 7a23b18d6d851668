"""A plan with its computed prices (portal.domain.pricing)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from portal.domain.pricing import PricedComponent, price_number, price_plan, price_text
from portal.schema.reading import api_address


def priced_plan(plan: Any, offering: Any, source: Any) -> SimpleNamespace:
    """The columns of a plan's row and the computed fields of the published plan."""
    figures = price_plan(
        [
            PricedComponent(it.type, it.billing_type, it.price, it.amount, it.future_price, it.name)
            for it in source.plan_components.get(plan.id, ())
        ]
    )
    return SimpleNamespace(
        **plan._mapping,  # noqa: SLF001 - SQLAlchemy's documented name
        url=api_address(f"marketplace-public-offerings/{offering.uuid}/plans/{plan.shared_uuid or plan.uuid}"),
        unit_price=price_text(figures.unit_price),
        init_price=price_number(figures.init_price),
        switch_price=price_number(figures.switch_price),
        prices={kind: price_number(price) for kind, price in figures.prices.items()},
        future_prices={
            kind: None if price is None else price_number(price) for kind, price in figures.future_prices.items()
        },
        quotas=figures.quotas,
        plan_type=figures.plan_type,
        minimal_price=price_number(figures.minimal_price),
    )
