"""The filters and orders of /api/booking-resources/, as SQL clauses (docs/api.md, Bookings).

Unknown parameters are ignored, as the published API does it; a bad value of a known one is a 400 that names it.
What no booking of this portal has (a runtime state, a backend id …) matches nothing when it is asked for.
"""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import request
from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from portal.api.errors import Refused
from portal.domain.addresses import sought_address
from portal.domain.booking_states import ApiState, BookingState, states_for_api_state
from portal.domain.choices import BillingType
from portal.domain.identifiers import parse_uuid
from portal.domain.instants import parse_instant
from portal.models import (
    Booking,
    Category,
    Component,
    Membership,
    Offering,
    Organization,
    Plan,
    PlanComponent,
    Project,
    User,
)
from portal.policies import (
    MANAGING_ROLES,
    Actor,
    shows_booked_plan,
    shows_booked_project,
    shows_parent,
    visible_offerings,
)
from portal.queries.booking_list import BY_CREATED, BY_NAME, BY_START, BY_TYPE, Order

Clause = ColumnElement[bool]
MAX_VALUES = 100
ORDERS = {"name": BY_NAME, "created": BY_CREATED, "type": BY_TYPE, "schedules": BY_START}
ORDER_STATES = {
    "pending-provider": BookingState.REQUESTED,
    "done": BookingState.CONFIRMED,
    "rejected": BookingState.REJECTED,
    "canceled": BookingState.CANCELLED,
}
# Words that an order of Waldur's can be, and that none of ours is.
OTHER_ORDER_STATES = frozenset({"erred", "executing", "pending-consumer", "pending-project", "pending-start-date"})


def wanted_clauses(actor: Actor) -> list[Clause]:
    """What the request asks for, over Booking joined with Offering. Raises Refused (400).

    What the reader may not see of a booking, they cannot ask for either: it matches nothing.
    """
    problems: dict[str, list[str]] = {}
    found: list[Clause] = []
    for name, build in FILTERS.items():
        values = request.args.getlist(name)
        if not any(values):
            continue
        if name not in REPEATED:
            values = values[-1:]
        try:
            if len(values) > MAX_VALUES:
                raise ValueError(f"At most {MAX_VALUES} values are taken.")
            if any("\0" in value for value in values):
                raise ValueError("Null characters are not allowed.")
            found.append(and_(_may_ask(actor, name), or_(false(), *(build(value) for value in values if value))))
        except ValueError as error:
            problems[name] = [str(error)]
    if problems:
        raise Refused(400, problems)
    return found


def _may_ask(actor: Actor, name: str) -> Clause:
    """The bookings of which the reader may know what this filter looks at."""
    if name in OF_OFFERING:
        return visible_offerings(actor)
    if name in OF_PARENT:
        return and_(visible_offerings(actor), shows_parent(actor, Booking.offering_id.expression, Booking))
    if name in OF_PROVIDER_OR_PROJECT:
        return and_(visible_offerings(actor), shows_booked_project(actor))
    if name in OF_PROJECT:
        return shows_booked_project(actor)
    if name in OF_PLAN:
        return shows_booked_plan(actor)
    return true()


def wanted_order() -> list[Order]:
    """The order that `o` asks for: names, with - for descending, repeated or with commas. Raises Refused (400)."""
    names = [name.strip() for value in request.args.getlist("o") for name in value.split(",") if name.strip()]
    found = []
    for name in names[:10] or ["name"]:
        order = ORDERS.get(name.removeprefix("-"))
        if order is None:
            raise Refused(400, {"o": [_no_choice(name)]})
        found.append(replace(order, descending=name.startswith("-")))
    return found


def _no_choice(value: str) -> str:
    return f"Select a valid choice. {value[:100]} is not one of the available choices."


def _uuid(value: str) -> uuidlib.UUID:
    try:
        return parse_uuid(value)
    except ValueError:
        raise ValueError("Enter a valid UUID.") from None


def _uuid_of_address(value: str) -> uuidlib.UUID:
    """The UUID at the end of an address; a bare one does too."""
    return _uuid(value.rstrip("/").rpartition("/")[2])


def _instant(value: str) -> datetime:
    try:
        return parse_instant(value.replace(" ", "+"))
    except ValueError:
        raise ValueError("Enter a valid date/time.") from None


def _flag(value: str) -> bool:
    if value.casefold() in ("true", "1"):
        return True
    if value.casefold() in ("false", "0"):
        return False
    raise ValueError("Must be a valid boolean.")


def _contains(column: Any, value: str) -> Clause:
    return func.lower(column).contains(value.lower(), autoescape=True)


def _state(value: str) -> Clause:
    if value not in frozenset(ApiState):
        raise ValueError(_no_choice(value))
    return Booking.state.in_([state.value for state in states_for_api_state(value)])


def _order_state(value: str) -> Clause:
    if value in OTHER_ORDER_STATES:
        return false()
    if value not in ORDER_STATES:
        raise ValueError(_no_choice(value))
    also = [BookingState.EXPIRED.value] if value == "canceled" else []
    return Booking.state.in_([ORDER_STATES[value].value, *also])


def _of(
    column: InstrumentedAttribute[int] | InstrumentedAttribute[int | None],
    model: type[Category | Plan | Project | User],
    clause: Callable[[str], Clause],
) -> Callable[[str], Clause]:
    """Bookings whose `column` names a row of `model` that satisfies the clause."""

    def build(value: str) -> Clause:
        return column.in_(select(model.id).where(clause(value)))

    return build


def _customer(value: uuidlib.UUID) -> Clause:
    projects = select(Project.id).join(Organization, Organization.id == Project.organization_id)
    return Booking.project_id.in_(projects.where(Organization.uuid == value))


def _provider(value: uuidlib.UUID) -> Clause:
    return Offering.organization_id.in_(select(Organization.id).where(Organization.uuid == value))


def _service_manager(value: str) -> Clause:
    managed = (
        select(Membership.organization_id)
        .join(User, User.id == Membership.user_id)
        .where(User.uuid == _uuid(value), Membership.role.in_(MANAGING_ROLES))
    )
    return Offering.organization_id.in_(managed)


def _billed(*kinds: BillingType, alone: bool = False) -> Callable[[str], Clause]:
    """Bookings whose plan has components billed so; `alone`: and no others."""

    def build(value: str) -> Clause:
        priced = (
            select(PlanComponent.id)
            .join(Component, Component.id == PlanComponent.component_id)
            .where(PlanComponent.plan_id == Booking.plan_id)
            .correlate(Booking)
        )
        wanted: Clause = exists(priced.where(Component.billing_type.in_(kinds)))
        if alone:
            wanted = wanted & ~exists(priced.where(Component.billing_type.not_in(kinds)))
        return wanted if _flag(value) else ~wanted

    return build


def _never(value: str) -> Clause:
    """A quality that no booking of this portal has."""
    return ~true() if _flag(value) else true()


def _nothing(_value: str) -> Clause:
    return false()


def _query(value: str) -> Clause:
    words = or_(_contains(Booking.name, value), _contains(Booking.note, value))
    try:
        return or_(words, Booking.uuid == parse_uuid(value))
    except ValueError:
        return words


FILTERS: dict[str, Callable[[str], Clause]] = {
    "state": _state,
    "order_state": _order_state,
    "offering_uuid": lambda value: Offering.uuid == _uuid(value),
    "offering": lambda value: Offering.uuid == _uuid_of_address(value),
    "offering_type": lambda value: Offering.type == value,
    "offering_slug": lambda value: Offering.slug == value,
    "offering_shared": lambda value: Offering.shared.is_(_flag(value)),
    "offering_billable": lambda value: Offering.billable.is_(_flag(value)),
    "parent_offering_uuid": lambda value: Offering.parent_uuid == _uuid(value),
    "project_uuid": _of(Booking.project_id, Project, lambda value: Project.uuid == _uuid(value)),
    "project_name": _of(Booking.project_id, Project, lambda value: _contains(Project.name, value)),
    "customer_uuid": lambda value: _customer(_uuid(value)),
    "customer": lambda value: _customer(_uuid_of_address(value)),
    "provider_uuid": lambda value: _provider(_uuid(value)),
    "connected_customer_uuid": lambda value: or_(_customer(_uuid(value)), _provider(_uuid(value))),
    "category_uuid": _of(Offering.category_id, Category, lambda value: Category.uuid == _uuid(value)),
    "plan_uuid": _of(Booking.plan_id, Plan, lambda value: Plan.uuid == _uuid(value)),
    "service_manager_uuid": _service_manager,
    "visible_to_username": _of(Booking.user_id, User, lambda value: User.email == sought_address(value)),
    "name": lambda value: _contains(Booking.name, value),
    "name_exact": lambda value: Booking.name == value,
    "query": _query,
    "created": lambda value: Booking.created >= _instant(value),
    "created_before": lambda value: Booking.created < _instant(value),
    "modified": lambda value: Booking.modified >= _instant(value),
    "modified_before": lambda value: Booking.modified < _instant(value),
    "usage_based": _billed(BillingType.USAGE),
    "limit_based": _billed(BillingType.LIMIT),
    "only_usage_based": _billed(BillingType.USAGE, alone=True),
    "only_limit_based": _billed(BillingType.LIMIT, alone=True),
    "paused": _never,
    "downscaled": _never,
    "restrict_member_access": _never,
    "has_terminate_date": _never,
    "is_attached": _never,
    "lexis_links_supported": _never,
    "backend_id": _nothing,
    "slug": _nothing,
    "runtime_state": _nothing,
    "flavor_name": _nothing,
    "image_name": _nothing,
}
# What each looks at beside the booking itself. (Which offering, plan and project it is, the booker knows.)
OF_OFFERING = frozenset(
    {"offering_type", "offering_slug", "offering_shared", "offering_billable", "provider_uuid"}
    | {"category_uuid", "service_manager_uuid"}
)
OF_PARENT = frozenset({"parent_offering_uuid"})
OF_PROJECT = frozenset({"project_name", "customer_uuid", "customer"})
OF_PROVIDER_OR_PROJECT = frozenset({"connected_customer_uuid"})
OF_PLAN = frozenset({"usage_based", "limit_based", "only_usage_based", "only_limit_based"})
REPEATED = frozenset({"state", "order_state", "offering_uuid", "offering_slug"})


def filter_names() -> Iterator[tuple[str, bool]]:
    """The names of the filters, and whether each may be repeated."""
    return ((name, name in REPEATED) for name in FILTERS)
