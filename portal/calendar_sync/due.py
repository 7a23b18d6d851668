"""Which calendars have work to do: one rule for leasing a calendar and for the sweep."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, or_, select, update

from portal.calendar_sync.states import BUSY, CalendarState
from portal.extensions import changed_rows, reading, transaction
from portal.models import GoogleCalendar, GoogleConnection, Offering
from portal.queries.calendars import usable_connection


def connected() -> ColumnElement[bool]:
    """Clause over GoogleCalendar: its offering's organization has a usable connection."""
    return exists(
        select(GoogleConnection.id)
        .join(Offering, Offering.organization_id == GoogleConnection.organization_id)
        .where(Offering.id == GoogleCalendar.offering_id, usable_connection())
        .correlate(GoogleCalendar)
    )


def account_paused(now: datetime) -> ColumnElement[bool]:
    """Clause over GoogleCalendar: its account is rate limited."""
    return exists(
        select(GoogleConnection.id)
        .join(Offering, Offering.organization_id == GoogleConnection.organization_id)
        .where(Offering.id == GoogleCalendar.offering_id, GoogleConnection.paused_until > now)
        .correlate(GoogleCalendar)
    )


def pending() -> ColumnElement[bool]:
    """Clause over GoogleCalendar: an action or a change is not synced yet."""
    table = GoogleCalendar
    return or_(table.wanted != table.done, table.changes != table.changes_done)


def due(now: datetime) -> ColumnElement[bool]:
    """Clause over GoogleCalendar: there is work that may be done now, and no worker has the calendar."""
    table = GoogleCalendar
    return and_(
        or_(pending(), table.next_read <= now),
        or_(table.next_attempt.is_(None), table.next_attempt <= now),
        or_(table.lease_until.is_(None), table.lease_until < now),
        connected(),
        ~account_paused(now),
    )


def due_calendars(now: datetime, limit: int = 1000) -> list[int]:
    """The calendars with work that is due; actions that users wait for come first."""
    with reading() as session:
        return list(
            session.execute(
                select(GoogleCalendar.id)
                .where(due(now))
                .order_by((GoogleCalendar.wanted == GoogleCalendar.done), GoogleCalendar.next_read, GoogleCalendar.id)
                .limit(limit)
            ).scalars()
        )


def fail_unconnected(reason: str) -> int:
    """End pending actions of calendars without a usable connection; returns how many."""
    table = GoogleCalendar
    with transaction() as session:
        failed = session.execute(
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
        return changed_rows(failed)
