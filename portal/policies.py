"""Permissions as SQL clauses, which all queries and checks use (docs/permissions.md).

- Staff see and manage everything.
- Owners and managers of an organization manage its offerings and see all of them, in every state.
- Everybody sees shared offerings that are Active or Paused; one that is restricted to organization groups is
  seen only by members (of any role) of organizations in those groups.
- Members also see their own organization's unshared offerings that are Active or Paused.
- Calendar actions (sync, share, unshare) and the Google connection are for staff and owners.
- Staff, those who manage the offering, and the booker see a booking. Those who manage the offering accept or reject it;
  they and the booker can cancel and move it.
- A project can be named in a booking by members of its organization and by staff.
- An offering's parent is shown to those who may see the parent; its project to members of the project's organization
  and to those who manage the offering.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, exists, false, or_, select, true, union_all
from sqlalchemy.orm import InstrumentedAttribute, aliased

from portal.models import (
    Booking,
    Membership,
    Offering,
    Organization,
    Plan,
    Project,
    Role,
    User,
    offering_organization_groups,
    organization_group_members,
    plan_organization_groups,
)

# The child in queries in which Offering is its parent.
_CHILD = aliased(Offering, name="child")

LISTED_STATES = ("Active", "Paused")
MANAGING_ROLES = (Role.OWNER.value, Role.MANAGER.value)
OWNING_ROLES = (Role.OWNER.value,)


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in user (by session or token), or an anonymous one."""

    user_id: int | None = None
    is_staff: bool = False
    name: str = ""

    @property
    def signed_in(self) -> bool:
        return self.user_id is not None

    @property
    def visibility_key(self) -> Hashable:
        """Equal for actors who see the same things, for cache keys: all staff see the same."""
        return "staff" if self.is_staff else self.user_id


ANONYMOUS = Actor()
# Building a clause takes longer than running it, and depends on the actor only.
_cached = lru_cache(maxsize=1024)
# The portal itself: worker, command line, demo data.
SYSTEM = Actor(user_id=None, is_staff=True, name="portal")


def _roles_in(
    actor: Actor, organization_id: InstrumentedAttribute[Any], roles: tuple[str, ...] | None = None
) -> ColumnElement[bool]:
    membership = aliased(Membership)
    clause = and_(membership.user_id == actor.user_id, membership.organization_id == organization_id)
    if roles is not None:
        clause = and_(clause, membership.role.in_(roles))
    return exists(select(membership.id).where(clause).correlate(Offering, Organization, Project))


def _by_role(
    actor: Actor, organization_id: InstrumentedAttribute[Any], roles: tuple[str, ...] | None = None
) -> ColumnElement[bool]:
    """Clause: the actor has one of these roles (None: any role) in the organization, or is staff."""
    if actor.is_staff:
        return true()
    return _roles_in(actor, organization_id, roles) if actor.signed_in else false()


@_cached
def managed_organizations(actor: Actor) -> ColumnElement[bool]:
    """Clause over Organization: those whose offerings the actor manages."""
    return _by_role(actor, Organization.id, MANAGING_ROLES)


@_cached
def owned_organizations(actor: Actor) -> ColumnElement[bool]:
    """Clause over Organization: those whose Google connection and calendars the actor may act on."""
    return _by_role(actor, Organization.id, OWNING_ROLES)


def managing_people() -> ColumnElement[bool]:
    """Clause over User: those who manage the offerings of any organization."""
    roles = select(Membership.id).where(Membership.user_id == User.id, Membership.role.in_(MANAGING_ROLES))
    return or_(User.is_staff.is_(True), exists(roles.correlate(User)))


@_cached
def managed_offerings(actor: Actor) -> ColumnElement[bool]:
    """Clause over Offering: those the actor manages (sees whole, in every state)."""
    return _by_role(actor, Offering.organization_id, MANAGING_ROLES)


@_cached
def owned_offerings(actor: Actor) -> ColumnElement[bool]:
    """Clause over Offering: those whose calendar the actor may sync, share and unshare."""
    return _by_role(actor, Offering.organization_id, OWNING_ROLES)


def _in_group_of(actor: Actor, link: Table, owner: ColumnElement[bool]) -> ColumnElement[bool]:
    members = organization_group_members
    return exists(
        select(Membership.id)
        .join(members, members.c.organization_id == Membership.organization_id)
        .join(link, link.c.group_id == members.c.group_id)
        .where(Membership.user_id == actor.user_id, owner)
        .correlate(Offering, Plan)
    )


@_cached
def visible_offerings(actor: Actor) -> ColumnElement[bool]:
    """Clause over Offering: those the actor may see, in the catalogue and in the API alike."""
    if actor.is_staff:
        return true()
    link = offering_organization_groups
    unrestricted = ~exists(select(link.c.group_id).where(link.c.offering_id == Offering.id).correlate(Offering))
    listed = Offering.state.in_(LISTED_STATES)
    if not actor.signed_in:
        return and_(listed, Offering.shared.is_(True), unrestricted)
    in_group = _in_group_of(actor, link, link.c.offering_id == Offering.id)
    return or_(
        and_(listed, Offering.shared.is_(True), or_(unrestricted, in_group)),
        and_(listed, Offering.shared.is_(False), _roles_in(actor, Offering.organization_id)),
        managed_offerings(actor),
    )


@_cached
def offerings_beyond_public(actor: Actor) -> ColumnElement[bool]:
    """Clause over Offering: those that the actor may see and not everybody."""
    hidden = and_(visible_offerings(actor), ~visible_offerings(ANONYMOUS))
    if actor.is_staff or not actor.signed_in:
        return hidden
    # Such offerings require a role or a group; this restricts the search, so that not every offering is evaluated.
    own = select(Membership.organization_id).where(Membership.user_id == actor.user_id)
    grouped = select(offering_organization_groups.c.offering_id)
    return and_(or_(Offering.organization_id.in_(own), Offering.id.in_(grouped)), hidden)


@_cached
def visible_bookings(actor: Actor) -> ColumnElement[bool]:
    """Clause over Booking joined with its Offering: the bookings the actor may see."""
    return or_(own_bookings(actor), managed_offerings(actor))


@_cached
def visible_in_list(actor: Actor) -> ColumnElement[bool]:
    """The same, for a list: where few of many bookings are the actor's to see, the database need not judge them all."""
    if actor.is_staff:
        return true()
    roles = select(Membership.organization_id).where(Membership.user_id == actor.user_id)
    managed = (
        select(Booking.id)
        .join(Offering, Offering.id == Booking.offering_id)
        .where(Offering.organization_id.in_(roles), managed_offerings(actor))
    )
    return Booking.id.in_(union_all(select(Booking.id).where(own_bookings(actor)), managed))


@_cached
def own_bookings(actor: Actor) -> ColumnElement[bool]:
    """Clause over Booking: the actor's own."""
    return Booking.user_id == actor.user_id if actor.signed_in else false()


@_cached
def usable_projects(actor: Actor) -> ColumnElement[bool]:
    """Clause over Project: those that the actor's bookings may be for."""
    return _by_role(actor, Project.organization_id)


@_cached
def visible_plans(actor: Actor) -> ColumnElement[bool]:
    """Clause over Plan: those the actor may see of an offering that they can see and do not manage."""
    if actor.is_staff:
        return true()
    link = plan_organization_groups
    unrestricted = ~exists(select(link.c.group_id).where(link.c.plan_id == Plan.id).correlate(Plan))
    if not actor.signed_in:
        return unrestricted
    return or_(unrestricted, _in_group_of(actor, link, link.c.plan_id == Plan.id))


def shows_parent(actor: Actor, child_id: ColumnElement[int], outer: Any) -> ColumnElement[bool]:
    """Clause: the actor may see the parent of the offering with this id, a column of `outer` (not of Offering).

    A parent that is not in the database is shown to those who manage the child.
    """
    if actor.is_staff:
        return true()
    linked = (
        select(Offering.id)
        .join(_CHILD, _CHILD.parent_id == Offering.id)
        .where(_CHILD.id == child_id, visible_offerings(actor))
    )
    named = select(Offering.id).where(Offering.id == child_id, Offering.parent_id.is_(None), managed_offerings(actor))
    return or_(exists(linked.correlate(outer)), exists(named.correlate(outer)))


@_cached
def shows_project(actor: Actor) -> ColumnElement[bool]:
    """Clause over Offering: those whose project the actor may see."""
    if actor.is_staff:
        return true()
    found = select(Project.id).where(Project.id == Offering.project_id, usable_projects(actor))
    return or_(managed_offerings(actor), exists(found.correlate(Offering)))


@_cached
def shows_booked_plan(actor: Actor) -> ColumnElement[bool]:
    """Clause over Booking joined with its Offering: those whose current plan the actor may see."""
    plan = exists(select(Plan.id).where(Plan.id == Booking.plan_id, visible_plans(actor)).correlate(Booking))
    return or_(Booking.plan_id.is_(None), managed_offerings(actor), and_(visible_offerings(actor), plan))


@_cached
def shows_booked_project(actor: Actor) -> ColumnElement[bool]:
    """Clause over Booking joined with its Offering: those whose current project the actor may see.

    Those who manage the offering always see the project of a booking.
    """
    found = select(Project.id).where(Project.id == Booking.project_id, usable_projects(actor))
    return or_(Booking.project_id.is_(None), managed_offerings(actor), exists(found.correlate(Booking)))
