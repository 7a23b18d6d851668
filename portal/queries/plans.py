"""What plans come to, for pages: the price on a card, the figures of each plan of an offering."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, or_, select

from portal.domain.booking_states import HOLDING
from portal.domain.choices import BillingType
from portal.domain.pricing import PlanPrices, PricedComponent, is_active, price_from, price_plan
from portal.extensions import db
from portal.models import Booking, Component, Offering, Plan, PlanComponent
from portal.policies import Actor, managed_offerings, visible_plans


@dataclass(frozen=True, slots=True)
class Standing:
    """A plan's figures, and whether somebody can still take it (its maximum is not reached)."""

    prices: PlanPrices
    is_active: bool


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


def standings(offering: Offering) -> dict[int, Standing]:
    """The figures of each plan of an offering whose plans and components are loaded, by plan id. One SQL statement."""
    rows = db.session.execute(
        select(Booking.plan_id, func.count())
        .where(Booking.offering_id == offering.id, Booking.state.in_(HOLDING), Booking.plan_id.is_not(None))
        .group_by(Booking.plan_id)
    )
    held = dict(rows.all())
    return {plan.id: _standing(plan, held.get(plan.id, 0)) for plan in offering.plans}


def _standing(plan: Plan, held: int) -> Standing:
    prices = price_plan(
        PricedComponent(
            type=part.component.type,
            billing_type=part.component.billing_type,
            price=part.price,
            amount=part.amount,
            future_price=part.future_price,
        )
        for part in plan.components
    )
    return Standing(prices, is_active(plan.max_amount, plan.active_elsewhere + held))
