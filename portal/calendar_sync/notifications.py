"""What Google tells of a calendar that changed there: a reason to look, and nothing else."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import select, update

from portal.config import is_loopback
from portal.errors import NotFound
from portal.extensions import enqueue_calendar, reading, transaction
from portal.models import CalendarChannel, GoogleCalendar
from portal.models.base import utcnow

PATH = "/google/notifications"


def notification_address(public_url: str) -> str:
    """Where Google can tell of changes; "" where the portal's address is none that Google reaches (https)."""
    parts = urlsplit(public_url)
    reachable = parts.scheme == "https" and not is_loopback(parts.hostname or "")
    return public_url + PATH if reachable else ""


def token_digest(token: str) -> bytes:
    """What is kept of a channel's token."""
    return hashlib.sha256(token.encode()).digest()


def calendar_notified(channel_id: str, token: str, state: str, *, now: datetime | None = None) -> None:
    """Google says that a watched calendar changed: have it read soon. Often is harmless: it is read once.

    `state` is X-Goog-Resource-State; "sync" only says that the channel is open. Raises NotFound for a channel that is
    not known and for a wrong token alike.
    """
    now = now or utcnow()
    table = GoogleCalendar
    # Read apart: on SQLite whoever floods this address would otherwise hold up everybody who writes.
    with reading(), transaction() as session:
        row = session.execute(
            select(CalendarChannel.token_digest, CalendarChannel.calendar_id).where(
                CalendarChannel.channel_id == channel_id
            )
        ).one_or_none()
    # Compared in any case, and in constant time.
    right = hmac.compare_digest(token_digest(token), row.token_digest if row is not None else bytes(32))
    if row is None or not right:
        raise NotFound("Channel")
    if state == "sync":
        return
    with transaction() as session:
        noted = session.execute(
            update(table)
            .where(table.id == row.calendar_id, table.next_read > now)
            .values(next_read=now, modified=table.modified)
            .execution_options(synchronize_session=False)
        )
        if noted.rowcount:  # type: ignore[attr-defined]
            enqueue_calendar(row.calendar_id)
