"""Push notifications from Google: a calendar changed there, so it is read soon. They carry no other information."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import select, update

from portal.config import is_loopback
from portal.errors import NotFound
from portal.extensions import changed_rows, enqueue_calendar, reading, transaction
from portal.models import CalendarChannel, GoogleCalendar
from portal.models.base import utcnow

PATH = "/google/notifications"


def notification_address(public_url: str) -> str:
    """The address for notifications; "" if Google cannot reach the portal (it has to be public https)."""
    parts = urlsplit(public_url)
    reachable = parts.scheme == "https" and not is_loopback(parts.hostname or "")
    return public_url + PATH if reachable else ""


def token_digest(token: str) -> bytes:
    """The digest of a channel's token, which is stored instead of the token."""
    return hashlib.sha256(token.encode()).digest()


def calendar_notified(channel_id: str, token: str, state: str, *, now: datetime | None = None) -> None:
    """Have a calendar read soon, because it changed at Google. Any number of notifications leads to one read.

    `state` is the header X-Goog-Resource-State; "sync" only confirms that the channel is open. Raises NotFound for an
    unknown channel and for a wrong token alike.
    """
    now = now or utcnow()
    table = GoogleCalendar
    # Read apart: otherwise a flood of requests would take SQLite's write lock and block all writers.
    with reading() as session:
        row = session.execute(
            select(CalendarChannel.token_digest, CalendarChannel.calendar_id).where(
                CalendarChannel.channel_id == channel_id
            )
        ).one_or_none()
    # Always compared, in constant time.
    valid = hmac.compare_digest(token_digest(token), row.token_digest if row is not None else bytes(32))
    if row is None or not valid:
        raise NotFound("Channel")
    if state == "sync":
        return
    with transaction() as session:
        updated = session.execute(
            update(table)
            .where(table.id == row.calendar_id, table.next_read > now)
            .values(next_read=now, modified=table.modified)
            .execution_options(synchronize_session=False)
        )
        if changed_rows(updated):
            enqueue_calendar(row.calendar_id)
