"""The page of an offering's prices: what is charged (components), and what each plan charges for it."""

from __future__ import annotations

import re
import uuid as uuidlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.domain.choices import BillingType, BillingUnit
from portal.domain.estimate import BillableComponent, Estimate, estimate
from portal.domain.messages import N_, Message
from portal.domain.periods import Period
from portal.domain.pricing import PricedComponent, typed_price
from portal.domain.texts import line_problem
from portal.errors import Conflict, Invalid
from portal.extensions import settings
from portal.localization import localized
from portal.models.base import utcnow
from portal.queries.availability import zone_of
from portal.queries.offerings import OfferingView
from portal.schema.checks import NAME_LENGTH
from portal.transfer.editing import ConcurrentEdit, InvalidValues
from portal.transfer.price_list import PriceList, booked_plans, price_digest, save_prices
from portal.web.forms import INCOMPLETE, Errors, Problem
from portal.web.guards import manages_offering
from portal.web.people import current_actor
from portal.web.prices import unit_name

blueprint = Blueprint("price_list", __name__, url_prefix="/manage/offerings")

# How a component is charged, in the order of the menu.
BILLING: Mapping[str, str] = {
    BillingType.USAGE: N_("for use"),
    BillingType.FIXED: N_("per unit of the plan"),
    BillingType.ONE: N_("once per booking"),
    BillingType.LIMIT: N_("for what is reserved"),
    BillingType.FEW: N_("on a change of plan"),
}
# More rows than a person edits in one form. Larger price lists are imported.
MOST_COMPONENTS, MOST_PLANS = 40, 20
EXAMPLE_HOURS = 3
_KEY = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|new\d{1,2}", re.ASCII)


@dataclass(slots=True)
class ComponentRow:
    """A component in the form. `key` is its uuid, or "new1" and so on."""

    key: str
    name: str = ""
    billing: str = BillingType.USAGE.value
    unit: str = "hour"
    type: str = ""


@dataclass(slots=True)
class PlanRow:
    """A plan in the form. `prices` holds the typed price for each component's key."""

    key: str
    name: str = ""
    description: str = ""
    unit: str = BillingUnit.HOUR.value
    archived: bool = False
    prices: dict[str, str] = field(default_factory=dict)
    booked: bool = False


@dataclass(slots=True)
class PriceForm:
    """The form. `before` is what it began from; `problems` are all errors, by the id of the input."""

    components: list[ComponentRow]
    plans: list[PlanRow]
    before: str
    problems: dict[str, str] = field(default_factory=dict)


@blueprint.route("/<uuid:uuid>/prices/", methods=["GET", "POST"])
@manages_offering
def edit(view: OfferingView) -> ResponseReturnValue:
    """Show and change the prices. What is left empty is an error; removing is a button."""
    if request.method != "POST":
        return _page(view, _stored(view))
    form = _typed(view)
    if _acts_on_rows(form):
        return _page(view, form)
    wanted = _wanted(form, view.document)
    if form.problems or "preview" in request.form:
        return _page(view, form, code=400 if form.problems else 200)
    try:
        changed = save_prices(current_actor(), view.uuid, wanted, expected=form.before)
    except InvalidValues as wrong:
        form.problems = {"": "; ".join(f"{path}: {reason}" for path, reason in wrong.errors.items())}
        return _page(view, form, code=400)
    except ConcurrentEdit:
        return _page(view, form, meanwhile=True, code=409)
    except Conflict as refused:
        form.problems = {"": localized(refused.message)}
        return _page(view, form, code=409)
    done = _("The prices are saved. Bookings that exist keep their plan.")
    flash(*((done, "good") if changed else (_("Nothing was different, so nothing was changed."), "info")))
    return redirect(url_for("price_list.edit", uuid=view.uuid), code=303)


def _page(view: OfferingView, form: PriceForm, *, meanwhile: bool = False, code: int = 200) -> ResponseReturnValue:
    page = render_template(
        "manage/prices.html",
        offering=view.document,
        form=form,
        billing=[(kind, _(text)) for kind, text in BILLING.items()],
        units=[(unit.value, unit_name(unit.value)) for unit in BillingUnit],
        examples={} if form.problems else _examples(view, form),
        hours=EXAMPLE_HOURS,
        currency=settings().currency,
        meanwhile=meanwhile,
        longest_name=NAME_LENGTH,
        errors=Errors(form.problems),
        problems=[Problem(where, text) for where, text in form.problems.items()],
    )
    return page, code


def _stored(view: OfferingView) -> PriceForm:
    document, booked = view.document, booked_plans(view.uuid)
    components = [
        ComponentRow(it["uuid"], it["name"] or it["type"], it["billing_type"], it["measured_unit"], it["type"])
        for it in document["components"]
    ]
    keys = {it.type: it.key for it in components}
    plans = [
        PlanRow(
            plan["uuid"],
            plan["name"],
            plan["description"],
            plan["unit"],
            plan["archived"],
            {keys[part["type"]]: _plain(part["price"]) for part in plan["components"]},
            plan["uuid"] in booked,
        )
        for plan in document["plans"]
    ]
    if len(components) > MOST_COMPONENTS or len(plans) > MOST_PLANS:
        raise Invalid(Message("This offering has too many prices to be edited on a page. Import them instead."))
    return PriceForm(components, plans, price_digest(document))


def _plain(price: str) -> str:
    """A stored price with two decimals, more only where it has them."""
    exact = Decimal(price).normalize()
    return f"{exact:.{max(2, -int(exact.as_tuple().exponent))}f}"


def _typed(view: OfferingView) -> PriceForm:
    data = request.form
    if "before" not in data:
        raise Invalid(INCOMPLETE)
    booked = booked_plans(view.uuid)
    types = {it["uuid"]: it["type"] for it in view.document["components"]}

    def text(name: str) -> str:
        if name not in data:
            raise Invalid(INCOMPLETE)
        return data[name].strip()

    components = [
        ComponentRow(key, text(f"name-{key}"), text(f"billing-{key}"), text(f"unit-{key}"), types.get(key, ""))
        for key in _keys("component", MOST_COMPONENTS)
    ]
    plans = [
        PlanRow(
            key,
            text(f"name-{key}"),
            text(f"description-{key}"),
            text(f"unit-{key}"),
            f"archived-{key}" in data,
            {it.key: data.get(f"price-{key}-{it.key}", "").strip() for it in components},
            key in booked,
        )
        for key in _keys("plan", MOST_PLANS)
    ]
    return PriceForm(components, plans, data["before"])


def _keys(name: str, most: int) -> list[str]:
    found = request.form.getlist(name)
    if len(found) > most or len(set(found)) < len(found) or not all(map(_KEY.fullmatch, found)):
        raise Invalid(INCOMPLETE)
    return found


def _acts_on_rows(form: PriceForm) -> bool:
    """Add or remove a row, where one of those buttons was pressed; returns whether one was."""
    pressed = request.form
    taken = {it.key for it in form.components} | {it.key for it in form.plans}
    fresh = next(key for number in range(100) if (key := f"new{number}") not in taken)
    if pressed.get("add") == "component" and len(form.components) < MOST_COMPONENTS:
        form.components.append(ComponentRow(fresh))
    elif pressed.get("add") == "plan" and len(form.plans) < MOST_PLANS:
        form.plans.append(PlanRow(fresh))
    elif "remove" in pressed:
        gone = pressed["remove"]
        form.components = [it for it in form.components if it.key != gone]
        # A plan with bookings has no such button.
        form.plans = [it for it in form.plans if it.key != gone or it.booked]
    return "add" in pressed or "remove" in pressed


def _wanted(form: PriceForm, document: Mapping[str, Any]) -> PriceList:
    """The rows to store; what is wrong goes into the form's problems."""
    problems = form.problems
    stored = {plan["uuid"]: {part["type"]: part for part in plan["components"]} for plan in document["plans"]}
    used = {it.type for it in form.components if it.type}
    components = []
    for row in form.components:
        _check_line(problems, f"name-{row.key}", row.name, _("Enter what is charged."))
        _check_line(problems, f"unit-{row.key}", row.unit, "")
        if row.billing not in BILLING:
            problems[f"billing-{row.key}"] = _("Choose how it is charged.")
        row.type = row.type or _new_type(row.name, used)
        used.add(row.type)
        components.append(
            {**_identity(row.key), "type": row.type, "name": row.name, "billing_type": row.billing}
            | {"measured_unit": row.unit}
        )
    _refuse_same_names(problems, form.components)
    _refuse_same_names(problems, form.plans)
    plans = []
    for plan in form.plans:
        _check_line(problems, f"name-{plan.key}", plan.name, _("Enter the name of the plan."))
        if plan.unit not in {unit.value for unit in BillingUnit}:
            problems[f"unit-{plan.key}"] = _("Choose a unit.")
        parts = []
        for row in form.components:
            before = stored.get(plan.key, {}).get(row.type, {})
            where = f"price-{plan.key}-{row.key}"
            is_stored = plan.key in stored and not row.key.startswith("new")
            if is_stored and not before and not plan.prices[row.key]:
                # The plan has never charged for it.
                continue
            try:
                price = typed_price(plan.prices[row.key])
            except ValueError as reason:
                problems[where] = localized(reason.args[0])
                continue
            kept = {key: value for key, value in before.items() if key not in ("name", "measured_unit")}
            amount = before.get("amount") or (1 if row.billing == BillingType.FIXED else 0)
            parts.append({**kept, "type": row.type, "price": str(price), "amount": amount})
        plans.append(
            {**_identity(plan.key), "name": plan.name, "description": plan.description, "unit": plan.unit}
            | {"archived": plan.archived, "components": parts}
        )
    return PriceList(components, plans)


def _check_line(problems: dict[str, str], where: str, text: str, missing: str) -> None:
    if missing and not text:
        problems[where] = missing
    elif line_problem(text):
        problems[where] = _("Use one line without control characters.")
    elif len(text) > NAME_LENGTH:
        problems[where] = _("At most %(number)s characters.", number=NAME_LENGTH)


def _refuse_same_names(problems: dict[str, str], rows: Sequence[ComponentRow | PlanRow]) -> None:
    """Nobody could tell rows of the same name apart. Rows that are stored so may stay."""
    seen = {row.name for row in rows if not row.key.startswith("new")}
    for row in rows:
        if row.key.startswith("new") and row.name:
            if row.name in seen:
                problems[f"name-{row.key}"] = _("There is another one of this name.")
            seen.add(row.name)


def _identity(key: str) -> dict[str, str]:
    return {"uuid": str(uuidlib.uuid4()) if key.startswith("new") else key}


def _new_type(name: str, used: set[str]) -> str:
    """A name for programs, from the name for people."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40] or "component"
    return next(it for number in range(1, 100) if (it := plain if number == 1 else f"{plain}_{number}") not in used)


def _examples(view: OfferingView, form: PriceForm) -> dict[str, Estimate]:
    """The estimated price of some hours under each plan, as the form is now."""
    zone = zone_of(view.attributes)
    start = utcnow().replace(minute=0, second=0, microsecond=0)
    period = Period(start, start + timedelta(hours=EXAMPLE_HOURS))
    stored = {it["uuid"]: it for it in view.document["components"]}
    found = {}
    for plan in form.plans:
        try:
            components = [
                BillableComponent(
                    PricedComponent(
                        row.type or row.key,
                        row.billing,
                        typed_price(plan.prices.get(row.key, "0")),
                        1 if row.billing == BillingType.FIXED else 0,
                        name=row.name,
                    ),
                    unit=row.unit,
                    uuid=row.key,
                    overage=(stored.get(row.key) or {}).get("overage_component") or "",
                    limit=(stored.get(row.key) or {}).get("limit_amount"),
                    minimum=(stored.get(row.key) or {}).get("min_value"),
                )
                for row in form.components
            ]
        except ValueError:
            continue
        found[plan.key] = estimate(components, plan.unit, [period], zone)
    return found
