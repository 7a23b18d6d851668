"""Limits the calls made with one account, across all workers and all connections of that account."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session, aliased

from portal.extensions import transaction
from portal.models import GoogleConnection

READS_AT_ONCE = 300
READS_PER_MINUTE = 250
READ_INTERVAL = timedelta(minutes=1) / READS_PER_MINUTE


def pause_account(connection_id: int, until: datetime) -> None:
    """Begin no run for any calendar of this connection's account before `until`: the account is rate limited."""
    table = GoogleConnection
    with transaction() as session:
        session.execute(
            update(table)
            .where(_same_account(connection_id), or_(table.paused_until.is_(None), table.paused_until < until))
            .values(paused_until=until)
            .execution_options(synchronize_session=False)
        )


def reserve_read(session: Session, connection: GoogleConnection, now: datetime) -> datetime | None:
    """Count a regular read of this account. None if it may be made now, else the time when it may.

    Allows READS_AT_ONCE, and READS_PER_MINUTE more in any minute: less than Google's 600 calls a minute for one user,
    which leaves room for the actions that users request.
    """
    used_until = max(connection.reads_until or now, now)
    limit = now + READS_AT_ONCE * READ_INTERVAL
    if used_until > limit:
        return now + (used_until - limit)
    session.execute(
        update(GoogleConnection)
        .where(_same_account(connection.id))
        .values(reads_until=used_until + READ_INTERVAL)
        .execution_options(synchronize_session=False)
    )
    return None


def _same_account(connection_id: int) -> ColumnElement[bool]:
    table = GoogleConnection
    other = aliased(GoogleConnection)
    account = select(other.account_sub).where(other.id == connection_id, other.account_sub != "").scalar_subquery()
    return or_(table.id == connection_id, table.account_sub == account)
