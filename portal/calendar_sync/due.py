"""Which calendars have something to do: one rule for taking one and for the sweep."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, or_, select, update

from portal.calendar_sync.states import BUSY, CalendarState
from portal.extensions import reading, transaction
from portal.models import GoogleCalendar, GoogleConnection, Offering
from portal.queries.calendars import usable_connection


def connected() -> ColumnElement[bool]:
    """Clause over GoogleCalendar: its offering's organization has a connection that calls can be made with."""
    return exists(
        select(GoogleConnection.id)
        .join(Offering, Offering.organization_id == GoogleConnection.organization_id)
        .where(Offering.id == GoogleCalendar.offering_id, usable_connection())
        .correlate(GoogleCalendar)
    )


def account_paused(now: datetime) -> ColumnElement[bool]:
    """Clause over GoogleCalendar: Google asked the account to slow down, and the time is not over."""
    return exists(
        select(GoogleConnection.id)
        .join(Offering, Offering.organization_id == GoogleConnection.organization_id)
        .where(Offering.id == GoogleCalendar.offering_id, GoogleConnection.paused_until > now)
        .correlate(GoogleCalendar)
    )


def pending() -> ColumnElement[bool]:
    """Clause over GoogleCalendar: an act or a change is not done yet."""
    table = GoogleCalendar
    return or_(table.wanted != table.done, table.changes != table.changes_done)


def due(now: datetime) -> ColumnElement[bool]:
    """Clause over GoogleCalendar: something is to be done, may be done now, and nobody is at it."""
    table = GoogleCalendar
    return and_(
        or_(pending(), table.next_read <= now),
        or_(table.next_attempt.is_(None), table.next_attempt <= now),
        or_(table.lease_until.is_(None), table.lease_until < now),
        connected(),
        ~account_paused(now),
    )


def due_calendars(now: datetime, limit: int = 1000) -> list[int]:
    """The calendars at which something is due, acts that somebody waits for first."""
    with reading(), transaction() as session:
        return list(
            session.execute(
                select(GoogleCalendar.id)
                .where(due(now))
                .order_by((GoogleCalendar.wanted == GoogleCalendar.done), GoogleCalendar.next_read, GoogleCalendar.id)
                .limit(limit)
            ).scalars()
        )


def fail_unconnected(reason: str) -> int:
    """End acts that are pending where no connection is left to do them with; answers how many."""
    table = GoogleCalendar
    with transaction() as session:
        settled = session.execute(
            update(table)
            .where(table.state.in_(BUSY), ~connected())
            .values(
                state=CalendarState.ERRED,
                error=reason,
                done=table.wanted,
                want_public=table.public,
                attempts=0,
                next_attempt=None,
            )
            .execution_options(synchronize_session=False)
        )
        return int(settled.rowcount)  # type: ignore[attr-defined]
