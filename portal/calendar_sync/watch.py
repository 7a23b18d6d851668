"""Notification channels: opened, and replaced before they expire.

A channel is opened in a run that has nothing else to do, so that it does not slow down an action. Google does not
renew channels: a new one is opened a day before the old one expires, and the old one is stopped.
"""

from __future__ import annotations

import secrets
import uuid as uuidlib
from datetime import timedelta

import structlog
from sqlalchemy import delete, insert, select, update

from portal.calendar_sync.calls import ProviderCalls
from portal.calendar_sync.errors import ConsentLost, ProviderError
from portal.calendar_sync.notifications import token_digest
from portal.calendar_sync.provider import NotificationChannel
from portal.calendar_sync.records import write_leased
from portal.extensions import transaction
from portal.models import CalendarChannel

log = structlog.get_logger()

RENEW_BEFORE = timedelta(days=1)
# If Google refuses to open a channel (for an address it does not accept, say), not every read tries again.
TRY_AGAIN_AFTER = timedelta(hours=6)


def watch(calls: ProviderCalls, calendar_id: str, address: str) -> str:
    """Open a channel to `address` if there is none or it expires soon. Returns a sentence if that failed, else "".

    The channel is stored first, because its first notification can arrive before the response. Raises LeaseLost,
    ConsentLost.
    """
    snapshot, now = calls.snapshot, calls.clock.now()
    if snapshot.watched_until is not None and snapshot.watched_until > now + RENEW_BEFORE:
        return ""
    channel_id, token = str(uuidlib.uuid4()), secrets.token_urlsafe(32)
    with transaction() as session:
        write_leased(session, snapshot, now)
        session.execute(
            insert(CalendarChannel).values(
                calendar_id=snapshot.calendar_id,
                channel_id=channel_id,
                token_digest=token_digest(token),
                resource_id="",
                expires=now + RENEW_BEFORE + TRY_AGAIN_AFTER,
            )
        )
    try:
        opened = calls.once(lambda: calls.provider.watch(calendar_id, channel_id, token, address))
    except ConsentLost:
        raise
    except ProviderError as problem:
        log.warning("calendar_not_watched", calendar=snapshot.calendar_id, detail=problem.detail)
        return f"Google will not tell when people change the calendar; it is read every quarter of an hour. {problem}"
    _replace(calls, opened)
    return ""


def _replace(calls: ProviderCalls, opened: NotificationChannel) -> None:
    table = CalendarChannel
    snapshot = calls.snapshot
    with transaction() as session:
        write_leased(session, snapshot, calls.clock.now())
        session.execute(
            update(table)
            .where(table.channel_id == opened.id)
            .values(resource_id=opened.resource_id, expires=opened.expires)
        )
        others = (table.calendar_id == snapshot.calendar_id) & (table.channel_id != opened.id)
        older = session.execute(select(table.channel_id, table.resource_id).where(others)).all()
        session.execute(delete(table).where(others))
    for channel_id, resource_id in older:
        if resource_id:
            stop(calls, channel_id, resource_id)


def stop(calls: ProviderCalls, channel_id: str, resource_id: str) -> None:
    """Stop a channel if the provider can be reached. Its notifications are ignored in any case."""
    try:
        calls.once(lambda: calls.provider.stop_channel(channel_id, resource_id))
    except ConsentLost:
        raise
    except ProviderError as problem:
        log.warning("channel_not_stopped", calendar=calls.snapshot.calendar_id, detail=problem.detail)
