"""Disconnecting an organization from Google: at once, or by the worker if the provider has to be called first.

The worker stops the notification channels, deletes the calendars if the owner chose that, and withdraws the consent.
Every step is idempotent and recorded, so that an interrupted disconnection continues where it stopped.
"""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from sqlalchemy import ColumnElement, delete, exists, func, select, update
from sqlalchemy.orm import Session

from portal.audit import SecurityEvent, object_ref, record
from portal.calendar_sync.connections import (
    DISCONNECTED,
    fail_calendars,
    offering_ids_of,
    owned_organization,
    refresh_token_place,
)
from portal.calendar_sync.errors import (
    CalendarNotFound,
    ConsentLost,
    ProviderError,
    ProviderMisconfigured,
    TemporaryFailure,
)
from portal.calendar_sync.provider import CalendarProvider, OpenProvider
from portal.calendar_sync.snapshot import LEASE
from portal.documents import store as documents
from portal.extensions import consent, enqueue_disconnection, reading, secret_box, transaction
from portal.models import CalendarChannel, GoogleCalendar, GoogleConnection
from portal.models.base import utcnow
from portal.policies import Actor
from portal.queries.calendars import calendars_in_use
from portal.secretbox import SecretLost

log = structlog.get_logger()

RETRY_AFTER = timedelta(minutes=1)
# A run over one of the calendars is still under way; it stops soon.
RUN_STOPS_AFTER = timedelta(seconds=5)
# The owner wants the tokens deleted, even if the provider cannot be reached.
GIVE_UP_AFTER = timedelta(days=1)
# These concern the whole connection. Any other error concerns one calendar or channel, which is then left behind.
_CONNECTION_ERRORS = (TemporaryFailure, ProviderMisconfigured, ConsentLost)


class CalendarCleanup(StrEnum):
    """What happens to the calendars at Google when their organization is disconnected."""

    KEEP = "keep"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Disconnection:
    """A disconnection that the worker carries out, and when it was requested."""

    connection_id: int
    organization_id: int
    cleanup: CalendarCleanup
    since: datetime


def disconnect(
    actor: Actor,
    organization_uuid: uuidlib.UUID,
    cleanup: CalendarCleanup = CalendarCleanup.KEEP,
    *,
    now: datetime | None = None,
) -> bool:
    """Disconnect an organization from Google. Returns whether that is complete; else the worker completes it.

    Nothing is synced from now on. The tokens are deleted and the consent is withdrawn once the channels are stopped
    and, if chosen, the calendars are deleted at Google; only calendars in use are deleted. A broken connection is
    deleted at once, and its calendars remain. Raises NotFound, Forbidden.
    """
    now = now or utcnow()
    with transaction() as session:
        organization = owned_organization(session, actor, organization_uuid)
        connection = session.execute(
            select(GoogleConnection).where(GoogleConnection.organization_id == organization.id).with_for_update()
        ).scalar_one_or_none()
        if connection is None:
            return True
        record(
            SecurityEvent.GOOGLE_DISCONNECTED,
            actor,
            object_ref("organization", organization_uuid),
            calendars=cleanup.value,
        )
        offerings = offering_ids_of(organization.id)
        watched = select(
            exists().where(CalendarChannel.calendar_id == GoogleCalendar.id, GoogleCalendar.offering_id.in_(offerings))
        )
        working = not connection.broken and bool(connection.refresh_token)
        if working and (cleanup is CalendarCleanup.DELETE or session.execute(watched).scalar_one()):
            connection.disconnecting = cleanup.value
            connection.disconnect_requested = connection.disconnect_requested or now
            connection.disconnect_next_attempt = now
            session.flush()
            fail_calendars(session, organization.id, DISCONNECTED)
            enqueue_disconnection()
            return False
        token = _delete_connection(session, connection)
    _withdraw_consent(token)
    return True


def run_disconnections(open_provider: OpenProvider, now: Callable[[], datetime] = utcnow, limit: int = 100) -> int:
    """Carry out every disconnection that is due; returns how many are complete."""
    completed = 0
    for _one in range(limit):
        found = _claim(now())
        if found is None:
            break
        completed += _run(found, open_provider, now)
    return completed


def _claim(now: datetime) -> Disconnection | None:
    table = GoogleConnection
    with transaction() as session:
        row = session.execute(
            select(table)
            .where(table.disconnecting != "", table.disconnect_next_attempt <= now)
            .order_by(table.disconnect_next_attempt, table.id)
            .limit(1)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        ).scalar_one_or_none()
        if row is None:
            return None
        running = select(func.count()).where(
            GoogleCalendar.offering_id.in_(offering_ids_of(row.organization_id)), GoogleCalendar.lease_until > now
        )
        if session.execute(running).scalar_one():
            # A run could recreate a calendar that is deleted here.
            row.disconnect_next_attempt = now + RUN_STOPS_AFTER
            return None
        row.disconnect_next_attempt = now + LEASE
        return Disconnection(
            row.id, row.organization_id, CalendarCleanup(row.disconnecting), row.disconnect_requested or now
        )


def _run(disconnection: Disconnection, open_provider: OpenProvider, now: Callable[[], datetime]) -> bool:
    connection_id = disconnection.connection_id
    try:
        provider = open_provider(connection_id)
        _stop_channels(disconnection, provider)
        if disconnection.cleanup is CalendarCleanup.DELETE:
            _delete_calendars(disconnection, provider)
    except (TemporaryFailure, ProviderMisconfigured) as problem:
        if now() - disconnection.since < GIVE_UP_AFTER:
            log.warning("disconnection_postponed", connection=connection_id, detail=problem.detail)
            _retry_later(disconnection, now())
            return False
        log.error("disconnection_given_up", connection=connection_id, detail=problem.detail)
    except ConsentLost:
        log.info("consent_already_withdrawn", connection=connection_id)
    return _complete(disconnection)


def _retry_later(disconnection: Disconnection, now: datetime) -> None:
    table = GoogleConnection
    with transaction() as session:
        session.execute(
            update(table)
            .where(table.id == disconnection.connection_id)
            .values(disconnect_next_attempt=now + RETRY_AFTER)
        )


def _stop_channels(disconnection: Disconnection, provider: CalendarProvider) -> None:
    table = CalendarChannel
    with transaction() as session:
        found = session.execute(
            select(table.id, table.channel_id, table.resource_id)
            .join(GoogleCalendar, GoogleCalendar.id == table.calendar_id)
            .where(GoogleCalendar.offering_id.in_(offering_ids_of(disconnection.organization_id)))
        ).all()
    for row in found:
        if row.resource_id:
            _stop_channel(provider, row.channel_id, row.resource_id)
        with transaction() as session:
            session.execute(delete(table).where(table.id == row.id))


def _stop_channel(provider: CalendarProvider, channel_id: str, resource_id: str) -> None:
    try:
        provider.stop_channel(channel_id, resource_id)
    except _CONNECTION_ERRORS:
        raise
    except ProviderError as problem:
        # The channel expires, and its notifications are ignored until then.
        log.warning("channel_not_stopped", channel=channel_id, detail=problem.detail)


def _delete_calendars(disconnection: Disconnection, provider: CalendarProvider) -> None:
    table = GoogleCalendar
    with transaction() as session:
        found = session.execute(
            select(table.id, table.backend_id, table.offering_id)
            .where(
                table.offering_id.in_(offering_ids_of(disconnection.organization_id)),
                # The portal may not delete imported calendars that it never synced.
                calendars_in_use(),
            )
            .order_by(table.id)
        ).all()
    for row in found:
        if not _is_current(disconnection):
            return
        if row.backend_id is not None and not _delete_calendar(provider, row.backend_id):
            continue
        with transaction() as session:
            session.execute(
                delete(table).where(table.id == row.id, table.backend_id.is_not_distinct_from(row.backend_id))
            )
            documents.refresh(session, [row.offering_id])


def _delete_calendar(provider: CalendarProvider, calendar_id: str) -> bool:
    try:
        provider.delete_calendar(calendar_id)
    except CalendarNotFound:
        return True
    except _CONNECTION_ERRORS:
        raise
    except ProviderError as problem:
        # It may belong to another account. It remains, and its row shows that Google was disconnected.
        log.warning("calendar_not_deleted", calendar=calendar_id, detail=problem.detail)
        return False
    return True


def _current(disconnection: Disconnection) -> ColumnElement[bool]:
    """Clause over GoogleConnection: nobody has connected again or chosen otherwise since this disconnection began."""
    table = GoogleConnection
    return (
        (table.id == disconnection.connection_id)
        & (table.disconnecting == disconnection.cleanup.value)
        & (table.disconnect_requested == disconnection.since)
    )


def _is_current(disconnection: Disconnection) -> bool:
    with reading() as session:
        return bool(session.execute(select(exists().where(_current(disconnection)))).scalar_one())


def _complete(disconnection: Disconnection) -> bool:
    """Delete the connection, and withdraw the consent if the provider can be reached.

    Returns False if the disconnection is no longer current: somebody connected again, or the connection is gone.
    """
    with transaction() as session:
        connection = session.execute(
            select(GoogleConnection)
            .where(_current(disconnection))
            .with_for_update()
            .execution_options(populate_existing=True)
        ).scalar_one_or_none()
        if connection is None:
            return False
        token = _delete_connection(session, connection)
    _withdraw_consent(token)
    return True


def _delete_connection(session: Session, connection: GoogleConnection) -> str:
    """Returns the refresh token whose consent has to be withdrawn, or "" if it must stay or cannot be read.

    Google has one consent for an account and this portal: it must stay while another organization is connected as the
    same account.
    """
    try:
        token = secret_box().decrypt(connection.refresh_token, refresh_token_place(connection.uuid))
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
    fail_calendars(session, organization_id, DISCONNECTED)
    return token


def _withdraw_consent(token: str) -> None:
    try:
        if token:
            consent().revoke(token)
    except ProviderError:
        # The portal has deleted its tokens. The user can still withdraw the consent in the Google account.
        return
