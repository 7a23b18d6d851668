"""Channels by which Google tells that a calendar changed: opened, renewed before they end, and no more than a hint.

A channel is opened in a run that has nothing else to do, so that an act costs no call more. Google renews none: a
new one is opened a day before the old one ends, and the old one is stopped.
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
# Where Google does not want to tell (an address it does not accept, say), it is not asked at each read.
TRY_AGAIN_AFTER = timedelta(hours=6)


def watch(calls: ProviderCalls, calendar_id: str, address: str) -> str:
    """Open a channel to `address` where there is none or it ends soon. Answers what went wrong, "" if nothing.

    The channel is written down first: Google's first word may come before its answer. Raises LeaseLost,
    ReconnectNeeded.
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
    """End a channel, as far as Google can be reached: what it still tells is not listened to any more."""
    try:
        calls.once(lambda: calls.provider.stop_channel(channel_id, resource_id))
    except ConsentLost:
        raise
    except ProviderError as problem:
        log.warning("channel_not_stopped", calendar=calls.snapshot.calendar_id, detail=problem.detail)
