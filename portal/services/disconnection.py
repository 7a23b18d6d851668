"""The end of an organization's connection to Google: at once, or by the worker where Google has to be asked."""

from __future__ import annotations

import uuid as uuidlib
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from portal.audit import Event, record, thing
from portal.domain.google import ProviderError
from portal.extensions import consent, secret_box, transaction, wake_ending
from portal.models import CalendarChannel, GoogleCalendar, GoogleConnection
from portal.models.base import utcnow
from portal.policies import Actor
from portal.secretbox import SecretLost
from portal.services.connections import owned_organization
from portal.services.google_access import DISCONNECTED, offerings_of, refresh_place, settle_calendars


class Calendars(StrEnum):
    """What becomes of an organization's calendars at Google when it is disconnected."""

    KEEP = "keep"
    DELETE = "delete"


def disconnect(
    actor: Actor, organization_uuid: uuidlib.UUID, calendars: Calendars = Calendars.KEEP, *, now: datetime | None = None
) -> bool:
    """Disconnect an organization from Google. Answers whether that is done; else the worker is at it.

    From now on nothing is synced. Tokens are forgotten and the consent is taken back as soon as channels are stopped
    and, by choice, the calendars are deleted at Google; only those that the portal made or was asked to keep in sync
    are. A connection that does not work any more is forgotten at once, and its calendars stay. Raises NotFound,
    Forbidden.
    """
    now = now or utcnow()
    with transaction() as session:
        organization = owned_organization(session, actor, organization_uuid)
        connection = session.execute(
            select(GoogleConnection).where(GoogleConnection.organization_id == organization.id).with_for_update()
        ).scalar_one_or_none()
        if connection is None:
            return True
        record(Event.GOOGLE_DISCONNECTED, actor, thing("organization", organization_uuid), calendars=calendars.value)
        offerings = offerings_of(organization.id)
        watched = select(
            exists().where(CalendarChannel.calendar_id == GoogleCalendar.id, GoogleCalendar.offering_id.in_(offerings))
        )
        working = not connection.broken and bool(connection.refresh_token)
        if working and (calendars is Calendars.DELETE or session.execute(watched).scalar_one()):
            connection.ending = calendars.value
            connection.ending_since = connection.ending_since or now
            connection.ending_at = now
            session.flush()
            settle_calendars(session, organization.id, DISCONNECTED)
            wake_ending()
            return False
        token = _forget(session, connection)
    _take_back(token)
    return True


def still_wished(connection_id: int, calendars: Calendars, since: datetime) -> ColumnElement[bool]:
    """Clause over GoogleConnection: this one is to end so, and nobody connected anew or wished otherwise meanwhile."""
    table = GoogleConnection
    return (table.id == connection_id) & (table.ending == calendars.value) & (table.ending_since == since)


def forget_connection(connection_id: int, calendars: Calendars, since: datetime) -> bool:
    """Forget the tokens, and take the consent back at Google as far as it can be reached.

    Answers whether that was still wished: False, too, where the connection is gone already.
    """
    with transaction() as session:
        connection = session.execute(
            select(GoogleConnection)
            .where(still_wished(connection_id, calendars, since))
            .with_for_update()
            .execution_options(populate_existing=True)
        ).scalar_one_or_none()
        if connection is None:
            return False
        token = _forget(session, connection)
    _take_back(token)
    return True


def _forget(session: Session, connection: GoogleConnection) -> str:
    """Answers the refresh token of the consent that is to be taken back, "" where it is not, or cannot be read.

    Google knows one consent for an account and this portal: while another organization is connected as the same
    account, it is not taken back.
    """
    try:
        token = secret_box().decrypt(connection.refresh_token, refresh_place(connection.uuid))
    except SecretLost:
        token = ""
    others = select(GoogleConnection.id).where(
        GoogleConnection.account_sub == connection.account_sub, GoogleConnection.id != connection.id
    )
    if connection.account_sub and session.execute(others).first() is not None:
        token = ""
    organization_id = connection.organization_id
    session.delete(connection)
    session.flush()
    settle_calendars(session, organization_id, DISCONNECTED)
    return token


def _take_back(token: str) -> None:
    try:
        if token:
            consent().revoke(token)
    except ProviderError:
        # Forgotten here is what was asked for; the consent can still be seen and ended in the Google account.
        return
