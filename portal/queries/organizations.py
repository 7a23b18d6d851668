"""Organizations that an actor manages, with their offerings and calendars."""

from __future__ import annotations

import uuid as uuidlib
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import func, select

from portal.errors import Forbidden, NotFound
from portal.extensions import db
from portal.models import GoogleCalendar, GoogleConnection, Membership, Offering, Organization
from portal.policies import Actor, managed_organizations, owned_organizations
from portal.queries.page import Page

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class ManagedOffering:
    """An offering in the manager's overview; calendar fields are None where it has no calendar."""

    uuid: uuidlib.UUID
    name: str
    state: str
    shared: bool
    calendar_state: str | None
    public: bool | None
    last_synced: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class ManagedOrganization:
    """An organization in the manager's overview. `role` is None for staff without a role in it.

    `connected`: to Google; `broken`: why it has to be connected again, or ""; `disconnecting`: a disconnection is
    pending.
    """

    uuid: uuidlib.UUID
    name: str
    role: str | None
    owns: bool
    connected: bool
    broken: str
    disconnecting: bool
    offerings: list[ManagedOffering]


def managed(actor: Actor, page_number: int = 1) -> tuple[list[ManagedOrganization], Page]:
    """One page of the offerings that an actor manages, by organization and name, and organizations without offerings.

    Two SQL statements. The page counts offerings, and organizations without any.
    """
    statement = (
        select(
            Organization.uuid,
            Organization.name,
            Membership.role,
            owned_organizations(actor),
            GoogleConnection.id,
            GoogleConnection.broken,
            GoogleConnection.disconnecting,
            Offering.uuid,
            Offering.name,
            Offering.state,
            Offering.shared,
            GoogleCalendar.state,
            GoogleCalendar.public,
            GoogleCalendar.last_synced,
            GoogleCalendar.error,
        )
        .select_from(Organization)
        .outerjoin(Membership, (Membership.organization_id == Organization.id) & (Membership.user_id == actor.user_id))
        .outerjoin(GoogleConnection, GoogleConnection.organization_id == Organization.id)
        .outerjoin(Offering, Offering.organization_id == Organization.id)
        .outerjoin(GoogleCalendar, GoogleCalendar.offering_id == Offering.id)
        .where(managed_organizations(actor))
    )
    total = db.session.execute(select(func.count()).select_from(statement.subquery())).scalar_one()
    page = Page.of(page_number, PAGE_SIZE, total)
    rows = db.session.execute(
        statement.order_by(func.lower(Organization.name), Organization.id, Offering.sort_key, Offering.uuid)
        .limit(page.size)
        .offset(page.offset)
    ).all()
    found = []
    for _, group in groupby(rows, key=lambda row: row[0]):
        members = list(group)
        uuid, name, role, owns, connection, broken, disconnecting = members[0][:7]
        offerings = [ManagedOffering(*tuple(row)[7:]) for row in members if row[7] is not None]
        connected = connection is not None
        found.append(
            ManagedOrganization(uuid, name, role, bool(owns), connected, broken or "", bool(disconnecting), offerings)
        )
    return found, page


def get_managed_organization(actor: Actor, uuid: uuidlib.UUID) -> Organization:
    """The organization, if the actor manages it. Raises NotFound otherwise."""
    found = db.session.execute(
        select(Organization).where(Organization.uuid == uuid, managed_organizations(actor))
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("Organization")
    return found


def get_owned_organization(actor: Actor, uuid: uuidlib.UUID) -> Organization:
    """The organization whose Google connection the actor may change.

    Raises Forbidden for its managers, NotFound for everybody else.
    """
    row = db.session.execute(
        select(Organization, owned_organizations(actor)).where(Organization.uuid == uuid, managed_organizations(actor))
    ).first()
    if row is None:
        raise NotFound("Organization")
    if not row[1]:
        raise Forbidden
    organization: Organization = row[0]
    return organization


def managed_organization_names(actor: Actor) -> list[tuple[uuidlib.UUID, str]]:
    """The organizations whose offerings the actor manages, by name, for a menu."""
    statement = select(Organization.uuid, Organization.name).where(managed_organizations(actor))
    rows = db.session.execute(statement.order_by(func.lower(Organization.name), Organization.id))
    return [(row.uuid, row.name) for row in rows]
