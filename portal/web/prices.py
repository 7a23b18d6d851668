"""Plans and prices as the lines of a table, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

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

    uuid: str
    name: str
    description: str
    minimal_price: Decimal
    lines: list[Line]
    notes: list[str]


def unit_name(unit: str) -> str:
    """A billing or measuring unit in words: half_month is "half month"."""
    return UNITS.get(unit, unit)


def plan_tables(document: Mapping[str, Any]) -> list[PlanPrices]:
    """The plans of an offering's published document in words."""
    components = {it["type"]: it for it in document["components"]}
    names = {it["uuid"]: it["name"] for it in document["components"]}
    return [_plan_prices(plan, components, names) for plan in document["plans"]]


def _plan_prices(plan: Mapping[str, Any], components: dict[str, Any], names: dict[str, str]) -> PlanPrices:
    unit = unit_name(plan["unit"])
    lines = [
        Line(
            name=part["name"] or part["type"],
            description=component["description"],
            charged=_charged(component["billing_type"], part["amount"], unit),
            price=Decimal(part["price"]),
            measured_unit=part["measured_unit"],
            notes=list(_notes(part, component, names)),
        )
        for part in plan["components"]
        for component in [components[part["type"]]]
    ]
    notes = []
    if plan["archived"]:
        notes.append("This plan is archived: it goes on for those who have it.")
    if not plan["is_active"]:
        notes.append("It is sold out.")
    if plan["max_amount"] is not None:
        notes.append(f"At most {plan['max_amount']} bookings at a time use it.")
    if groups := plan["organization_groups"]:
        notes.append("For members of " + ", ".join(group["name"] for group in groups) + ".")
    if plan["article_code"]:
        notes.append(f"Article {plan['article_code']}.")
    least = Decimal(str(plan["minimal_price"]))
    return PlanPrices(plan["uuid"], plan["name"], plan["description"], least, lines, notes)


def _charged(kind: str, amount: int, unit: str) -> str:
    if kind == "fixed":
        # No amount yet: it is taken, or not, with the booking.
        return f"{f'{amount} × ' if amount > 1 else ''}every {unit}"
    words = {
        "usage": "by use",
        "limit": "for what you reserve",
        "one": "once, at the start",
        "few": "on a change of plan",
    }
    return words.get(kind, kind)


def _notes(part: Mapping[str, Any], component: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    per = f" per {component['measured_unit']}" if component["measured_unit"] else ""
    if part["future_price"] not in (None, part["price"]):
        yield f"{money(Decimal(part['future_price']))}{per} announced"
    if part["discount_threshold"] is not None and part["discount_rate"]:
        yield f"{part['discount_rate']}% off from {part['discount_threshold']}"
    low, high = component["min_value"], component["max_value"]
    if high is not None and not component["is_boolean"]:
        yield f"at most {high} at a time" if low is None else f"{low} to {high} at a time"
    if component["limit_amount"] is not None:
        yield f"at most {component['limit_amount']:,} {PERIODS.get(component['limit_period'] or '', '')}".rstrip()
    if component["is_prepaid"]:
        low, high = component["min_prepaid_duration"], component["max_prepaid_duration"]
        yield "paid in advance" + (f" for {low}–{count_of(high, 'month')}" if low and high else "")
    if component["overage_component"] in names:
        yield f"beyond it: {names[component['overage_component']].lower()}"
