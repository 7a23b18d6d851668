"""Prices of plans, for pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import or_, select

from portal.domain.choices import BillingType
from portal.domain.pricing import PricedComponent, price_from
from portal.extensions import db
from portal.models import Component, Offering, Plan, PlanComponent
from portal.policies import Actor, managed_offerings, visible_plans


def cheapest(actor: Actor, offering_ids: Collection[int]) -> dict[int, tuple[Decimal, str]]:
    """The lowest main price of the plans that the actor may choose, and its unit, by offering. One SQL statement."""
    rows = db.session.execute(
        select(
            Plan.offering_id,
            Plan.id,
            Plan.unit,
            Component.type,
            Component.billing_type,
            Component.measured_unit,
            PlanComponent.amount,
            PlanComponent.price,
        )
        .join(PlanComponent, PlanComponent.plan_id == Plan.id)
        .join(Component, Component.id == PlanComponent.component_id)
        .join(Offering, Offering.id == Plan.offering_id)
        .where(
            Plan.offering_id.in_(offering_ids),
            Plan.archived.is_(False),
            or_(managed_offerings(actor), visible_plans(actor)),
        )
    )
    offers: defaultdict[int, defaultdict[int, list[tuple[PricedComponent, str]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row in rows:
        component = PricedComponent(
            type=row.type, billing_type=row.billing_type, price=row.price, amount=row.amount, future_price=None
        )
        unit = row.unit if row.billing_type == BillingType.FIXED else row.measured_unit
        offers[row.offering_id][row.id].append((component, unit))
    found = {offering_id: price_from(plans.values()) for offering_id, plans in offers.items()}
    return {offering_id: price for offering_id, price in found.items() if price is not None}


def cheapest_of(document: Mapping[str, Any]) -> tuple[Decimal, str] | None:
    """The same for a published document."""
    return price_from(
        [
            (component, plan["unit"] if component.billing_type == BillingType.FIXED else measured_unit)
            for component, measured_unit in priced_components(document, plan)
        ]
        for plan in document["plans"]
        if not plan["archived"]
    )


def priced_components(document: Mapping[str, Any], plan: Mapping[str, Any]) -> list[tuple[PricedComponent, str]]:
    """The priced components of a plan in a published document, each with its measured unit."""
    billing_types = {it["type"]: it["billing_type"] for it in document["components"]}
    return [
        (
            PricedComponent(
                type=part["type"],
                billing_type=billing_types[part["type"]],
                price=Decimal(part["price"]),
                amount=part["amount"],
                name=part["name"],
            ),
            part["measured_unit"],
        )
        for part in plan["components"]
    ]


def loaded_components(plan: Plan) -> list[tuple[PricedComponent, str]]:
    """The same for a Plan that is loaded with its components."""
    return [
        (
            PricedComponent(
                part.component.type, part.component.billing_type, part.price, part.amount, name=part.component.name
            ),
            part.component.measured_unit,
        )
        for part in sorted(plan.components, key=lambda part: (part.component.name, part.component.type))
    ]
