"""Does at Google what people want who disconnected: channels stopped, calendars deleted by choice, consent taken back.

Every step is harmless to repeat, and what is done is noted, so that it goes on where it was cut off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, exists, func, or_, select, update

from portal.documents import store as documents
from portal.domain.google import CalendarMissing, OperatorNeeded, ProviderError, ReconnectNeeded, Retryable
from portal.extensions import reading, transaction
from portal.models import CalendarChannel, GoogleCalendar, GoogleConnection
from portal.models.base import utcnow
from portal.services.disconnection import Calendars, forget_connection, still_wished
from portal.services.google_access import offerings_of
from portal.sync.provider import CalendarProvider
from portal.sync.snapshot import LEASE

log = structlog.get_logger()

RETRY_AFTER = timedelta(minutes=1)
# A run that is still at one of the calendars ends soon.
RUN_ENDS_AFTER = timedelta(seconds=5)
# Who disconnected wants the tokens gone, whatever Google answers.
GIVE_UP_AFTER = timedelta(days=1)
# What concerns the whole connection; any other answer of Google's concerns one calendar or channel, which then stays.
_OF_ALL = (Retryable, OperatorNeeded, ReconnectNeeded)


@dataclass(frozen=True, slots=True)
class Ending:
    """A connection that is to end, and what becomes of its calendars."""

    connection_id: int
    organization_id: int
    calendars: Calendars
    since: datetime


def end_connections(
    open_provider: Callable[[int], CalendarProvider], now: Callable[[], datetime] = utcnow, limit: int = 100
) -> int:
    """End every connection whose time has come; answers how many have ended."""
    ended = 0
    for _one in range(limit):
        found = _claim(now())
        if found is None:
            break
        ended += _end(found, open_provider, now)
    return ended


def _claim(now: datetime) -> Ending | None:
    table = GoogleConnection
    with transaction() as session:
        row = session.execute(
            select(table)
            .where(table.ending != "", table.ending_at <= now)
            .order_by(table.ending_at, table.id)
            .limit(1)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        ).scalar_one_or_none()
        if row is None:
            return None
        at_it = select(func.count()).where(
            GoogleCalendar.offering_id.in_(offerings_of(row.organization_id)), GoogleCalendar.lease_until > now
        )
        if session.execute(at_it).scalar_one():
            # It could make a calendar again that we delete.
            row.ending_at = now + RUN_ENDS_AFTER
            return None
        row.ending_at = now + LEASE
        return Ending(row.id, row.organization_id, Calendars(row.ending), row.ending_since or now)


def _end(ending: Ending, open_provider: Callable[[int], CalendarProvider], now: Callable[[], datetime]) -> bool:
    try:
        provider = open_provider(ending.connection_id)
        _stop_channels(ending, provider)
        if ending.calendars is Calendars.DELETE:
            _delete_calendars(ending, provider)
    except (Retryable, OperatorNeeded) as problem:
        if now() - ending.since < GIVE_UP_AFTER:
            log.warning("disconnecting_waits", connection=ending.connection_id, detail=problem.detail)
            _again(ending, now())
            return False
        log.error("disconnecting_given_up", connection=ending.connection_id, detail=problem.detail)
    except ReconnectNeeded:
        log.info("consent_was_gone", connection=ending.connection_id)
    return forget_connection(ending.connection_id, ending.calendars, ending.since)


def _again(ending: Ending, now: datetime) -> None:
    table = GoogleConnection
    with transaction() as session:
        session.execute(update(table).where(table.id == ending.connection_id).values(ending_at=now + RETRY_AFTER))


def _stop_channels(ending: Ending, provider: CalendarProvider) -> None:
    table = CalendarChannel
    with transaction() as session:
        found = session.execute(
            select(table.id, table.channel_id, table.resource_id)
            .join(GoogleCalendar, GoogleCalendar.id == table.calendar_id)
            .where(GoogleCalendar.offering_id.in_(offerings_of(ending.organization_id)))
        ).all()
    for row in found:
        if row.resource_id:
            _stop_channel(provider, row.channel_id, row.resource_id)
        with transaction() as session:
            session.execute(delete(table).where(table.id == row.id))


def _stop_channel(provider: CalendarProvider, channel_id: str, resource_id: str) -> None:
    try:
        provider.stop_channel(channel_id, resource_id)
    except _OF_ALL:
        raise
    except ProviderError as problem:
        # It ends by itself, and is not listened to any more.
        log.warning("channel_not_stopped", channel=channel_id, detail=problem.detail)


def _delete_calendars(ending: Ending, provider: CalendarProvider) -> None:
    table = GoogleCalendar
    with transaction() as session:
        found = session.execute(
            select(table.id, table.backend_id, table.offering_id)
            .where(
                table.offering_id.in_(offerings_of(ending.organization_id)),
                # Imported calendars that nobody acted on are not the portal's to delete.
                or_(table.wanted > 0, table.next_read.is_not(None)),
            )
            .order_by(table.id)
        ).all()
    for row in found:
        if not _still_wished(ending):
            return
        if row.backend_id is not None and not _deleted(provider, row.backend_id):
            continue
        with transaction() as session:
            session.execute(
                delete(table).where(table.id == row.id, table.backend_id.is_not_distinct_from(row.backend_id))
            )
            documents.refresh(session, [row.offering_id])


def _still_wished(ending: Ending) -> bool:
    wished = exists().where(still_wished(ending.connection_id, ending.calendars, ending.since))
    with reading(), transaction() as session:
        return bool(session.execute(select(wished)).scalar_one())


def _deleted(provider: CalendarProvider, calendar_id: str) -> bool:
    try:
        provider.delete_calendar(calendar_id)
    except CalendarMissing:
        return True
    except _OF_ALL:
        raise
    except ProviderError as problem:
        # Another account's, say: it stays, and its row says that Google was disconnected.
        log.warning("calendar_not_deleted", calendar=calendar_id, detail=problem.detail)
        return False
    return True
