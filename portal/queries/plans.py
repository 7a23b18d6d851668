"""What plans come to, for pages: the price on a card."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from decimal import Decimal

from sqlalchemy import or_, select

from portal.domain.choices import BillingType
from portal.domain.pricing import PricedComponent, price_from
from portal.extensions import db
from portal.models import Component, Offering, Plan, PlanComponent
from portal.policies import Actor, managed_offerings, visible_plans


def cheapest(actor: Actor, offering_ids: Collection[int]) -> dict[int, tuple[Decimal, str]]:
    """For each offering the lowest main price of a plan the actor is offered, and per what. One SQL statement."""
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


def cheapest_of(plans: Iterable[Plan]) -> tuple[Decimal, str] | None:
    """The same of plans that are loaded with their components."""
    return price_from(
        [
            (
                PricedComponent(
                    type=part.component.type,
                    billing_type=part.component.billing_type,
                    price=part.price,
                    amount=part.amount,
                ),
                plan.unit if part.component.billing_type == BillingType.FIXED else part.component.measured_unit,
            )
            for part in plan.components
        ]
        for plan in plans
        if not plan.archived
    )
