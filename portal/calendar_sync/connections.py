"""The state of an organization's connection: who may change it, and what its loss means for the calendars."""

from __future__ import annotations

import uuid as uuidlib

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from portal.calendar_sync.states import CalendarState
from portal.domain.messages import N_
from portal.errors import Forbidden, NotFound
from portal.extensions import secret_location, transaction
from portal.models import GoogleCalendar, GoogleConnection, Offering, Organization
from portal.models.base import utcnow
from portal.policies import Actor, managed_organizations, owned_organizations
from portal.queries.calendars import calendars_in_use
from portal.secretbox import SecretLocation
from portal.services import mail

NOT_CONFIGURED = N_(
    "This portal has no Google client: an administrator must set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET."
)
DISCONNECTED = N_("Google was disconnected: connect it again.")


def owned_organization(
    session: Session, actor: Actor, organization_uuid: uuidlib.UUID, *, lock: bool = False
) -> Organization:
    """The organization whose connection the actor may change.

    Raises NotFound if the actor may not even manage it, so that outsiders learn nothing; Forbidden if they do not own
    it.
    """
    statement = select(Organization).where(Organization.uuid == organization_uuid)
    if lock:
        statement = statement.with_for_update(of=Organization, key_share=True)
    organization = session.execute(statement.where(managed_organizations(actor))).scalar_one_or_none()
    if organization is None:
        raise NotFound("Organization")
    owned = select(Organization.id).where(Organization.id == organization.id, owned_organizations(actor))
    if session.execute(owned).first() is None:
        raise Forbidden
    return organization


def refresh_token_place(uuid: uuidlib.UUID) -> SecretLocation:
    """The place that a connection's encrypted refresh token is bound to."""
    return secret_location(GoogleConnection.refresh_token, uuid)


def access_token_place(uuid: uuidlib.UUID) -> SecretLocation:
    """The place that a connection's encrypted access token is bound to."""
    return secret_location(GoogleConnection.access_token, uuid)


def offering_ids_of(organization_id: int) -> Select[int]:
    """A subquery: the ids of an organization's offerings."""
    return select(Offering.id).where(Offering.organization_id == organization_id)


def mark_broken(connection_id: int, reason: str, *, encrypted_token: str | None = None) -> bool:
    """Record that the owner has to connect again. No more calls are made; the calendars show the reason.

    With `encrypted_token`, only if that is still the connection's refresh token. Returns whether it was recorded.
    """
    with transaction() as session:
        connection = session.execute(
            select(GoogleConnection)
            .where(GoogleConnection.id == connection_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).scalar_one_or_none()
        if connection is None or (encrypted_token is not None and connection.refresh_token != encrypted_token):
            return False
        if not connection.broken:
            # One mail, even if several runs notice it.
            mail.notify_connection_broken(session, connection.organization_id, reason, utcnow())
        connection.broken = reason
        connection.access_token = ""
        connection.access_expires = None
        connection.refreshing_until = None
        session.flush()
        fail_calendars(session, connection.organization_id, reason)
        return True


def fail_calendars(session: Session, organization_id: int, reason: str) -> None:
    """Set the organization's calendars to ERRED, because nothing can be done without a connection.

    Pending actions end, so that a share is not carried out unexpectedly after the next connect: the user requests it
    again.
    """
    table = GoogleCalendar
    session.execute(
        update(table)
        .where(table.offering_id.in_(offering_ids_of(organization_id)), calendars_in_use())
        .values(
            state=CalendarState.ERRED,
            error=reason,
            want_public=table.public,
            done=table.wanted,
            attempts=0,
            next_attempt=None,
            action_failed=False,
        )
        .execution_options(synchronize_session=False)
    )
