"""Prices of plans, for pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import or_, select

from portal.domain.choices import BillingType
from portal.domain.estimate import BillableComponent
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
            Component.published_uuid.label("uuid"),
            Component.overage_component,
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
    offers: defaultdict[int, defaultdict[int, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        offers[row.offering_id][row.id].append(row)
    found = {
        offering_id: price_from(
            [
                (
                    PricedComponent(row.type, row.billing_type, row.price, row.amount),
                    row.unit if row.billing_type == BillingType.FIXED else row.measured_unit,
                )
                for row in parts
                # What goes past a limit is not what using the thing costs.
                if row.uuid not in {it.overage_component for it in parts if it is not row}
            ]
            for parts in plans.values()
        )
        for offering_id, plans in offers.items()
    }
    return {offering_id: price for offering_id, price in found.items() if price is not None}


def cheapest_of(document: Mapping[str, Any]) -> tuple[Decimal, str] | None:
    """The same for a published document."""
    return price_from(
        [
            (it.priced, plan["unit"] if it.priced.billing_type == BillingType.FIXED else it.unit)
            for it in parts
            if it.uuid not in {other.overage for other in parts if other is not it}
        ]
        for plan in document["plans"]
        if not plan["archived"]
        for parts in [billable_components(document, plan)]
    )


def billable_components(document: Mapping[str, Any], plan: Mapping[str, Any]) -> list[BillableComponent]:
    """What a plan of a published document charges for."""
    known = {it["type"]: it for it in document["components"]}
    return [
        BillableComponent(
            PricedComponent(
                type=part["type"],
                billing_type=component["billing_type"],
                price=Decimal(part["price"]),
                amount=part["amount"],
                name=part["name"],
            ),
            unit=part["measured_unit"],
            uuid=component["uuid"],
            overage=component["overage_component"] or "",
            limit=component["limit_amount"],
            minimum=component["min_value"],
            discount_from=part["discount_threshold"],
            discount_percent=part["discount_rate"],
        )
        for part in plan["components"]
        for component in [known[part["type"]]]
    ]


def loaded_components(plan: Plan) -> list[BillableComponent]:
    """The same of a plan that is loaded with its components."""
    return [
        BillableComponent(
            PricedComponent(component.type, component.billing_type, part.price, part.amount, name=component.name),
            unit=component.measured_unit,
            uuid=component.published_uuid.hex,
            overage=component.overage_component.hex if component.overage_component else "",
            limit=component.limit_amount,
            minimum=component.min_value,
            discount_from=part.discount_threshold,
            discount_percent=part.discount_rate,
        )
        for part in sorted(plan.components, key=lambda part: (part.component.name, part.component.type))
        for component in [part.component]
    ]
