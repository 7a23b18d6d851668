"""The filters of bookings that Waldur documents, for all published versions of its clients.

A quality that no booking of this portal has (a runtime state, a backend id …) matches nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, false, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from portal.api.filter_values import (
    flag_value,
    instant_value,
    no_choice,
    number_value,
    object_value,
    uuid_in_url,
    uuid_value,
)
from portal.domain.addresses import sought_address
from portal.domain.booking_slug import uuid_in_slug
from portal.domain.booking_states import BookingState, states_for_api_state, states_for_order_state
from portal.domain.choices import BillingType
from portal.domain.identifiers import parse_uuid
from portal.models import Booking, Category, Membership, Offering, Organization, Plan, Project, User
from portal.policies import MANAGING_ROLES, Actor, shows_booked_project, shows_parent, visible_offerings
from portal.queries.booking_attributes import has_attributes
from portal.queries.booking_components import billed, billed_only, component_count

Clause = ColumnElement[bool]


class Kind(StrEnum):
    """The type of a filter's values."""

    TEXT = "text"
    UUID = "uuid"
    URL = "url"
    INSTANT = "instant"
    FLAG = "flag"
    NUMBER = "number"
    STATE = "state"
    ORDER_STATE = "order state"


def _everybody(_actor: Actor) -> Clause:
    return true()


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter. `clause` of a value is None where the value is ignored; it raises ValueError for an invalid one.

    `many`: several values may be given, of which one has to match. `readable`: the bookings of which the reader may
    know what the filter uses.
    """

    kind: Kind
    clause: Callable[[str], Clause | None]
    many: bool = False
    readable: Callable[[Actor], Clause] = _everybody


def _of_parent(actor: Actor) -> Clause:
    return and_(visible_offerings(actor), shows_parent(actor, Booking.offering_id.expression, Booking))


def _of_provider_or_project(actor: Actor) -> Clause:
    return and_(visible_offerings(actor), shows_booked_project(actor))


def _uuid(
    clause: Callable[..., Clause], *, readable: Callable[[Actor], Clause] = _everybody, many: bool = False
) -> Filter:
    return Filter(Kind.UUID, lambda value: clause(uuid_value(value)), many, readable)


def _flag(clause: Clause, *, readable: Callable[[Actor], Clause] = _everybody) -> Filter:
    """A filter that is true for the bookings of the clause, and false for all others."""

    def build(value: str) -> Clause | None:
        wanted = flag_value(value)
        return None if wanted is None else clause if wanted else ~clause

    return Filter(Kind.FLAG, build, readable=readable)


def _url(clause: Callable[..., Clause], *resources: str, readable: Callable[[Actor], Clause] = _everybody) -> Filter:
    def build(value: str) -> Clause:
        uuid = uuid_in_url(value, *resources)
        return false() if uuid is None else clause(uuid)

    return Filter(Kind.URL, build, readable=readable)


def _instant(clause: Callable[..., Clause]) -> Filter:
    return Filter(Kind.INSTANT, lambda value: clause(instant_value(value)))


def _text(
    clause: Callable[[str], Clause], *, readable: Callable[[Actor], Clause] = _everybody, many: bool = False
) -> Filter:
    return Filter(Kind.TEXT, clause, many, readable)


def _contains(column: InstrumentedAttribute[str], value: str) -> Clause:
    return func.lower(column).contains(value.lower(), autoescape=True)


def _in_states(states: frozenset[BookingState]) -> Clause:
    return Booking.state.in_(sorted(state.value for state in states))


def _state(value: str) -> Clause:
    try:
        return _in_states(states_for_api_state(value))
    except ValueError:
        raise ValueError(no_choice(value)) from None


def _order_state(value: str) -> Clause:
    try:
        return _in_states(states_for_order_state(value))
    except ValueError:
        raise ValueError(no_choice(value)) from None


def _of(
    column: InstrumentedAttribute[int] | InstrumentedAttribute[int | None],
    model: type[Category | Plan | Project | User],
    clause: Callable[..., Clause],
) -> Callable[..., Clause]:
    """Bookings whose `column` names a row of `model` that satisfies the clause."""
    return lambda value: column.in_(select(model.id).where(clause(value)))


def _customer(value: object) -> Clause:
    projects = select(Project.id).join(Organization, Organization.id == Project.organization_id)
    return Booking.project_id.in_(projects.where(Organization.uuid == value))


def _provider(value: object) -> Clause:
    return Offering.organization_id.in_(select(Organization.id).where(Organization.uuid == value))


def _service_manager(value: object) -> Clause:
    managed = (
        select(Membership.organization_id)
        .join(User, User.id == Membership.user_id)
        .where(User.uuid == value, Membership.role.in_(MANAGING_ROLES))
    )
    return Offering.organization_id.in_(managed)


def _number(counted: ColumnElement[int]) -> Filter:
    def build(value: str) -> Clause:
        wanted = number_value(value)
        # Databases count with 64 bits.
        return counted == int(wanted) if wanted == wanted.to_integral_value() and 0 <= wanted < 2**31 else false()

    return Filter(Kind.NUMBER, build, readable=visible_offerings)


def _slug(value: str) -> Clause:
    uuid = uuid_in_slug(value)
    return false() if uuid is None else Booking.uuid == uuid


def _query(value: str) -> Clause:
    words = or_(_contains(Booking.name, value), _contains(Booking.note, value), _slug(value))
    try:
        return or_(words, Booking.uuid == parse_uuid(value))
    except ValueError:
        return words


def _nothing(_value: str) -> Clause:
    return false()


_NEVER = _flag(false())

FILTERS: Mapping[str, Filter] = {
    "state": Filter(Kind.STATE, _state, many=True),
    "order_state": Filter(Kind.ORDER_STATE, _order_state, many=True),
    "offering_uuid": _uuid(lambda value: Offering.uuid == value, many=True),
    "offering": _url(
        lambda value: Offering.uuid == value,
        *("booking-offerings", "marketplace-provider-offerings", "marketplace-public-offerings"),
    ),
    "offering_type": _text(lambda value: Offering.type == value, readable=visible_offerings),
    "offering_slug": _text(lambda value: Offering.slug == value, readable=visible_offerings, many=True),
    "offering_shared": _flag(Offering.shared.is_(True), readable=visible_offerings),
    "offering_billable": _flag(Offering.billable.is_(True), readable=visible_offerings),
    "parent_offering_uuid": _uuid(lambda value: Offering.parent_uuid == value, readable=_of_parent),
    "project_uuid": _uuid(_of(Booking.project_id, Project, lambda value: Project.uuid == value)),
    "project_name": _text(
        _of(Booking.project_id, Project, lambda value: Project.name == value), readable=shows_booked_project
    ),
    "customer_uuid": _uuid(_customer, readable=shows_booked_project),
    "customer": _url(_customer, "customers", readable=shows_booked_project),
    "provider_uuid": _uuid(_provider, readable=visible_offerings),
    "connected_customer_uuid": _uuid(
        lambda value: or_(_customer(value), _provider(value)), readable=_of_provider_or_project
    ),
    "category_uuid": _uuid(
        _of(Offering.category_id, Category, lambda value: Category.uuid == value), readable=visible_offerings
    ),
    "plan_uuid": _uuid(_of(Booking.plan_id, Plan, lambda value: Plan.published_uuid == value)),
    "service_manager_uuid": _uuid(_service_manager, readable=visible_offerings),
    "visible_to_username": _text(_of(Booking.user_id, User, lambda value: User.email == sought_address(value))),
    "name": _text(lambda value: _contains(Booking.name, value)),
    "name_exact": _text(lambda value: Booking.name == value),
    "slug": _text(_slug),
    "query": _text(_query),
    "resource_attributes": _text(lambda value: has_attributes(object_value(value))),
    "created": _instant(lambda value: Booking.created >= value),
    "created_before": _instant(lambda value: Booking.created < value),
    "modified": _instant(lambda value: Booking.modified >= value),
    "modified_before": _instant(lambda value: Booking.modified < value),
    "usage_based": _flag(billed(BillingType.USAGE), readable=visible_offerings),
    "limit_based": _flag(billed(BillingType.LIMIT), readable=visible_offerings),
    "only_usage_based": _flag(billed_only(BillingType.USAGE), readable=visible_offerings),
    "only_limit_based": _flag(billed_only(BillingType.LIMIT), readable=visible_offerings),
    "component_count": _number(component_count()),
    "limit_component_count": _number(component_count(BillingType.LIMIT)),
    # Requests go to the provider at once, so providers see all of them.
    "visible_to_providers": Filter(Kind.FLAG, lambda _value: None),
    "exclude_pending_transitional": Filter(Kind.FLAG, lambda _value: None),
    "paused": _NEVER,
    "downscaled": _NEVER,
    "restrict_member_access": _NEVER,
    "has_terminate_date": _NEVER,
    "is_attached": _NEVER,
    "lexis_links_supported": _NEVER,
    "backend_id": _text(_nothing),
    "runtime_state": _text(_nothing),
    "flavor_name": _text(_nothing),
    "image_name": _text(_nothing),
}
