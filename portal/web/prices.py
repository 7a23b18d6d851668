"""Plans and prices as the lines of a table, in words."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from portal.domain.estimate import Estimate, estimate
from portal.domain.periods import Period
from portal.domain.pricing import PricedComponent
from portal.models import Plan, PlanComponent
from portal.web.filters import count_of, money

UNITS = {
    "month": "month",
    "quarter": "quarter",
    "half_month": "half month",
    "day": "day",
    "hour": "hour",
    "quantity": "unit",
}
PERIODS = {"month": "a month", "quarterly": "a quarter", "annual": "a year", "total": "in all"}


@dataclass(frozen=True, slots=True)
class Line:
    """What one component costs in a plan."""

    name: str
    description: str
    charged: str
    price: Decimal
    measured_unit: str
    notes: list[str]


@dataclass(frozen=True, slots=True)
class PlanPrices:
    """A plan as the page shows it. `minimal_price` is the least one pays who takes it."""

    uuid: uuidlib.UUID
    name: str
    description: str
    minimal_price: Decimal
    lines: list[Line]
    notes: list[str]


def unit_name(unit: str) -> str:
    """A billing or measuring unit in words: half_month is "half month"."""
    return UNITS.get(unit, unit)


def plan_tables(plans: Iterable[Plan], document: Mapping[str, Any]) -> list[PlanPrices]:
    """Plans in words; what is computed of them, and what they name, stands in the offering's published document."""
    figures = {figure["uuid"]: figure for figure in document["plans"]}
    names = {uuidlib.UUID(it["uuid"]): str(it["name"]) for it in document["components"]}
    return [_plan_prices(plan, names, figures[str(plan.uuid)]) for plan in plans if str(plan.uuid) in figures]


def _plan_prices(plan: Plan, names: dict[uuidlib.UUID, str], figures: Mapping[str, Any]) -> PlanPrices:
    unit = unit_name(plan.unit)
    lines = [
        Line(
            name=part.component.name or part.component.type,
            description=part.component.description,
            charged=_charged(part, unit),
            price=part.price,
            measured_unit=part.component.measured_unit,
            notes=list(_notes(part, names)),
        )
        for part in sorted(plan.components, key=lambda part: (part.component.name, part.component.type))
    ]
    notes = []
    if plan.archived:
        notes.append("This plan is archived: it goes on for those who have it.")
    if not figures["is_active"]:
        notes.append("It is sold out.")
    if plan.max_amount is not None:
        notes.append(f"At most {plan.max_amount} bookings at a time use it.")
    if groups := figures["organization_groups"]:
        notes.append("For members of " + ", ".join(group["name"] for group in groups) + ".")
    if plan.article_code:
        notes.append(f"Article {plan.article_code}.")
    least = Decimal(str(figures["minimal_price"]))
    return PlanPrices(plan.uuid, plan.name, plan.description, least, lines, notes)


def estimate_of(plan: Plan, periods: Sequence[Period], zone: ZoneInfo) -> Estimate:
    """What periods will cost under a plan whose components are loaded, as far as it is known."""
    components = [
        (
            PricedComponent(
                part.component.type, part.component.billing_type, part.price, part.amount, name=part.component.name
            ),
            part.component.measured_unit,
        )
        for part in sorted(plan.components, key=lambda part: (part.component.name, part.component.type))
    ]
    return estimate(components, plan.unit, periods, zone)


def _charged(part: PlanComponent, unit: str) -> str:
    kind = part.component.billing_type
    if kind == "fixed":
        # No amount yet: it is taken, or not, with the booking.
        amount = f"{part.amount} × " if part.amount > 1 else ""
        return f"{amount}every {unit}"
    words = {
        "usage": "by use",
        "limit": "by what you reserve",
        "one": "once, at the start",
        "few": "on a change of plan",
    }
    return words.get(kind, kind)


def _notes(part: PlanComponent, names: dict[uuidlib.UUID, str]) -> list[str]:
    component, notes = part.component, []
    per = f" per {component.measured_unit}" if component.measured_unit else ""
    if part.future_price is not None and part.future_price != part.price:
        notes.append(f"{money(part.future_price)}{per} announced")
    if part.discount_threshold is not None and part.discount_rate:
        notes.append(f"{part.discount_rate} % off from {part.discount_threshold} on")
    if component.min_value is not None and component.max_value is not None and not component.is_boolean:
        notes.append(f"{component.min_value} to {component.max_value} at a time")
    elif component.max_value is not None and not component.is_boolean:
        notes.append(f"at most {component.max_value} at a time")
    if component.limit_amount is not None:
        notes.append(f"at most {component.limit_amount:,} {PERIODS.get(component.limit_period or '', '')}".rstrip())
    if component.is_prepaid:
        notes.append("paid in advance")
        if component.min_prepaid_duration or component.max_prepaid_duration:
            low, high = component.min_prepaid_duration, component.max_prepaid_duration
            notes[-1] += f" for {low}–{count_of(high, 'month')}" if low and high else ""
    if component.overage_component in names:
        notes.append(f"beyond it: {names[component.overage_component].lower()}")
    return notes
