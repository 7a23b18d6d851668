"""Plans and prices as the lines of a table, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from portal.domain.messages import N_
from portal.localization import gettext as _
from portal.localization import ngettext
from portal.web.filters import money, whole

UNITS = {
    "month": N_("month"),
    "quarter": N_("quarter"),
    "half_month": N_("half month"),
    "day": N_("day"),
    "hour": N_("hour"),
    "quantity": N_("unit"),
}
EACH = {
    "month": N_("every month"),
    "quarter": N_("every quarter"),
    "half_month": N_("every half month"),
    "day": N_("every day"),
    "hour": N_("every hour"),
    "quantity": N_("for each unit"),
}
AT_MOST = {
    "month": N_("at most %(number)s a month"),
    "quarterly": N_("at most %(number)s a quarter"),
    "annual": N_("at most %(number)s a year"),
    "total": N_("at most %(number)s in all"),
}
CHARGED = {
    "usage": N_("billed on use"),
    "limit": N_("for reserved time"),
    "one": N_("once, at the start"),
    "few": N_("on a change of plan"),
}


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
    return _(UNITS[unit]) if unit in UNITS else unit


def plan_tables(document: Mapping[str, Any]) -> list[PlanPrices]:
    """The plans of an offering's published document in words."""
    components = {it["type"]: it for it in document["components"]}
    names = {it["uuid"]: it["name"] for it in document["components"]}
    return [_plan_prices(plan, components, names) for plan in document["plans"]]


def _plan_prices(plan: Mapping[str, Any], components: dict[str, Any], names: dict[str, str]) -> PlanPrices:
    lines = [
        Line(
            name=part["name"] or part["type"],
            description=component["description"],
            charged=_charged(component["billing_type"], part["amount"], plan["unit"]),
            price=Decimal(part["price"]),
            measured_unit=part["measured_unit"],
            notes=list(_notes(part, component, names)),
        )
        for part in plan["components"]
        for component in [components[part["type"]]]
    ]
    notes = []
    if plan["archived"]:
        notes.append(_("This plan is archived: it stays for existing bookings."))
    if not plan["is_active"]:
        notes.append(_("Sold out."))
    if plan["max_amount"] is not None:
        notes.append(_("At most %(number)s bookings at a time.", number=whole(plan["max_amount"])))
    if groups := plan["organization_groups"]:
        notes.append(_("For members of %(groups)s.", groups=", ".join(group["name"] for group in groups)))
    if plan["article_code"]:
        notes.append(_("Article %(code)s.", code=plan["article_code"]))
    least = Decimal(str(plan["minimal_price"]))
    return PlanPrices(plan["uuid"], plan["name"], plan["description"], least, lines, notes)


def _charged(kind: str, amount: int, unit: str) -> str:
    if kind != "fixed":
        return _(CHARGED[kind]) if kind in CHARGED else kind
    each = _(EACH[unit]) if unit in EACH else unit
    # No amount yet: it is taken, or not, with the booking.
    return _("%(number)s × %(each)s", number=whole(amount), each=each) if amount > 1 else each


def _notes(part: Mapping[str, Any], component: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    if part["future_price"] not in (None, part["price"]):
        yield _("%(price)s announced", price=_per(money(Decimal(part["future_price"])), component["measured_unit"]))
    if part["discount_threshold"] is not None and part["discount_rate"]:
        threshold = whole(part["discount_threshold"])
        yield _("%(percent)s%% off from %(number)s", percent=part["discount_rate"], number=threshold)
    low, high = component["min_value"], component["max_value"]
    if high is not None and not component["is_boolean"] and low is None:
        yield _("at most %(number)s at a time", number=whole(high))
    elif high is not None and not component["is_boolean"]:
        yield _("%(low)s to %(high)s at a time", low=whole(low), high=whole(high))
    if component["limit_amount"] is not None:
        number = whole(component["limit_amount"])
        template = AT_MOST.get(component["limit_period"] or "")
        yield _(template, number=number) if template else _("at most %(number)s", number=number)
    if component["is_prepaid"]:
        low, high = component["min_prepaid_duration"], component["max_prepaid_duration"]
        if low and high:
            yield ngettext(
                "paid in advance for %(low)s–%(number)s month",
                "paid in advance for %(low)s–%(number)s months",
                high,
                low=low,
                number=high,
            )
        else:
            yield _("paid in advance")
    if component["overage_component"] in names:
        yield _("beyond it: %(name)s", name=names[component["overage_component"]])


def _per(price: str, unit: str) -> str:
    return _("%(price)s per %(unit)s", price=price, unit=unit) if unit else price
