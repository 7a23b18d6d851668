"""Leases a calendar for a run, and reads everything the run needs in the same transaction.

A lease is taken with one conditional UPDATE. It expires, so a worker that dies does not block a calendar for long.
"""

from __future__ import annotations

import secrets
import uuid as uuidlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from portal.calendar_sync.due import due
from portal.calendar_sync.pace import reserve_read
from portal.calendar_sync.plan import TITLE, BusyTime, EventContent, MirroredEvent
from portal.calendar_sync.provider import Permission
from portal.calendar_sync.providers import permissions_of
from portal.calendar_sync.states import started
from portal.domain.messages import N_
from portal.domain.rules import rules_of
from portal.extensions import changed_rows, transaction
from portal.models import (
    Booking,
    BusyPeriod,
    CalendarChannel,
    CalendarEvent,
    GoogleCalendar,
    GoogleConnection,
    Offering,
    Slot,
    SyncRun,
)
from portal.queries.availability import zone_of

LEASE = timedelta(seconds=120)
INTERRUPTED = N_("The run was interrupted.")
REGULAR = "regular read"

# Longer titles are cut.
MAX_TITLE = 200


@dataclass(frozen=True, slots=True)
class CalendarSnapshot:
    """The state of a calendar at the start of a run."""

    calendar_id: int
    lease: str
    run_id: int
    connection_id: int
    encrypted_token: str
    offering_id: int
    offering_uuid: uuidlib.UUID
    offering_name: str
    offering_zone: str
    permissions: frozenset[Permission]
    backend_id: str | None
    public: bool
    want_public: bool
    sharing_unsure: bool
    wanted: int
    action_pending: bool
    changes: int
    attempts: int
    creating_since: datetime | None
    sync_token: str
    time_zone: str
    pushed_summary: str
    last_full: datetime | None
    next_read: datetime | None
    watched_until: datetime | None
    mirror: dict[str, MirroredEvent]
    busy: dict[str, BusyTime]
    slots: dict[uuidlib.UUID, EventContent]


def take(calendar_id: int, worker: str, now: datetime) -> CalendarSnapshot | None:
    """Lease the calendar and read its snapshot. None if no work is due or another worker has it."""
    lease = f"{worker[:40]}:{secrets.token_hex(6)}"
    with transaction() as session:
        claimed = session.execute(
            update(GoogleCalendar)
            .where(GoogleCalendar.id == calendar_id, due(now))
            .values(lease_owner=lease, lease_until=now + LEASE, modified=GoogleCalendar.modified)
            .execution_options(synchronize_session=False)
        )
        if changed_rows(claimed) != 1:
            return None
        return _read(session, calendar_id, lease, now)


def _read(session: Session, calendar_id: int, lease: str, now: datetime) -> CalendarSnapshot | None:
    row = session.execute(
        select(GoogleCalendar, Offering, GoogleConnection)
        .join(Offering, Offering.id == GoogleCalendar.offering_id)
        .join(GoogleConnection, GoogleConnection.organization_id == Offering.organization_id)
        .where(GoogleCalendar.id == calendar_id)
        .execution_options(populate_existing=True)
    ).one()
    calendar, offering, connection = row
    if _reason(calendar) == REGULAR and (later := reserve_read(session, connection, now)) is not None:
        calendar.next_read = later
        calendar.lease_owner = calendar.lease_until = None
        return None
    calendar.state = started(calendar.state)
    session.execute(
        update(SyncRun)
        .where(SyncRun.calendar_id == calendar_id, SyncRun.ended.is_(None))
        .values(ended=now, error=INTERRUPTED)
        .execution_options(synchronize_session=False)
    )
    run = SyncRun(calendar_id=calendar_id, reason=_reason(calendar), started=now)
    session.add(run)
    session.flush()
    return CalendarSnapshot(
        calendar_id=calendar_id,
        lease=lease,
        run_id=run.id,
        connection_id=connection.id,
        encrypted_token=connection.refresh_token,
        offering_id=offering.id,
        offering_uuid=offering.uuid,
        offering_name=offering.name,
        offering_zone=zone_of(offering.attributes).key,
        permissions=permissions_of(connection.scopes),
        backend_id=calendar.backend_id,
        public=calendar.public,
        want_public=calendar.want_public,
        sharing_unsure=calendar.sharing_unsure,
        wanted=calendar.wanted,
        action_pending=calendar.wanted != calendar.done,
        changes=calendar.changes,
        attempts=calendar.attempts,
        creating_since=calendar.creating_since,
        sync_token=calendar.sync_token or "",
        time_zone=calendar.time_zone,
        pushed_summary=calendar.pushed_summary,
        last_full=calendar.last_full,
        next_read=calendar.next_read,
        watched_until=_watched_until(session, calendar_id),
        mirror=known_events(session, calendar_id),
        busy=known_busy(session, calendar_id),
        slots=wanted_events(session, offering),
    )


def _reason(calendar: GoogleCalendar) -> str:
    if calendar.attempts:
        return "another try"
    if calendar.wanted != calendar.done:
        return "asked for"
    return "bookings changed" if calendar.changes != calendar.changes_done else REGULAR


def _watched_until(session: Session, calendar_id: int) -> datetime | None:
    table = CalendarChannel
    return session.execute(select(func.max(table.expires)).where(table.calendar_id == calendar_id)).scalar_one()


def known_events(session: Session, calendar_id: int) -> dict[str, MirroredEvent]:
    """The portal's own events at the provider, as last known."""
    table = CalendarEvent
    rows = session.execute(
        select(
            table.event_id, table.slot_uuid, table.generation, table.etag, table.content_digest, table.problem
        ).where(table.calendar_id == calendar_id)
    )
    return {row.event_id: MirroredEvent(*row) for row in rows}


def known_busy(session: Session, calendar_id: int) -> dict[str, BusyTime]:
    """The busy times entered at the provider, as last known."""
    table = BusyPeriod
    rows = session.execute(
        select(table.event_id, table.start, table.end, table.title).where(table.calendar_id == calendar_id)
    )
    return {row.event_id: BusyTime(*row) for row in rows}


def wanted_events(session: Session, offering: Offering) -> dict[uuidlib.UUID, EventContent]:
    """The events that the calendar should have. They have titles only if the offering's rules publish booking names."""
    rows = session.execute(
        select(Slot.uuid, Slot.start, Slot.end, Booking.name)
        .join(Booking, Booking.id == Slot.booking_id)
        .where(Slot.offering_id == offering.id, Slot.holds.is_(True))
    )
    if rules_of(offering.attributes).publish == "titles":
        return {row.uuid: EventContent(row.uuid, row.start, row.end, _title(row.name)) for row in rows}
    return {row.uuid: EventContent(row.uuid, row.start, row.end) for row in rows}


def _title(name: str) -> str:
    """A booking's name as Google stores titles: one line. A title that Google changes would look like a user's edit."""
    return (
        " ".join("".join(character if character.isprintable() else " " for character in name).split())[:MAX_TITLE]
        or TITLE
    )
