"""The engine's short transactions: take a calendar, read what a run needs, write what it found out.

A lease is one conditional UPDATE: whoever changed the row has it. Everything a run writes later says "while it is
still mine", so a run that was thought dead and goes on can do no harm here.
"""

from __future__ import annotations

import secrets
import uuid as uuidlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, insert, or_, select, update
from sqlalchemy.orm import Session

from portal.documents import store as documents
from portal.domain.calendar_states import BUSY, CalendarState, taken_up
from portal.domain.sync_plan import Absorbed, Busy, Content, Mirrored
from portal.extensions import reading, transaction
from portal.models import (
    BusyPeriod,
    CalendarEvent,
    GoogleCalendar,
    GoogleConnection,
    Offering,
    Slot,
    SyncRun,
)
from portal.services.calendars import usable_connection

LEASE = timedelta(seconds=120)
RUNS_KEPT = 50
SKIPPED_KEPT = 100
INTERRUPTED = "The run was interrupted."


class LeaseLost(Exception):
    """Another worker has the calendar now, or it is gone; this run must write nothing more."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a run knows of a calendar at its start."""

    calendar_id: int
    lease: str
    run_id: int
    connection_id: int
    offering_id: int
    offering_uuid: uuidlib.UUID
    offering_name: str
    scopes: tuple[str, ...]
    backend_id: str | None
    public: bool
    want_public: bool
    sharing_unsure: bool
    wanted: int
    acting: bool
    changes: int
    attempts: int
    creating_since: datetime | None
    sync_token: str
    time_zone: str
    pushed_summary: str
    last_full: datetime | None
    mirror: dict[str, Mirrored]
    busy: dict[str, Busy]
    slots: dict[uuidlib.UUID, Content]


@dataclass(slots=True)
class Counts:
    """What a run did so far."""

    calls: int = 0
    planned: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    busy_read: int = 0


def connected() -> ColumnElement[bool]:
    """Clause over GoogleCalendar: its offering's organization has a connection that calls can be made with."""
    return exists(
        select(GoogleConnection.id)
        .join(Offering, Offering.organization_id == GoogleConnection.organization_id)
        .where(Offering.id == GoogleCalendar.offering_id, usable_connection())
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
    )


def take(calendar_id: int, worker: str, now: datetime) -> Snapshot | None:
    """Take the calendar for a run if something is due and nobody has it, and read what the run needs; else None."""
    lease = f"{worker[:40]}:{secrets.token_hex(6)}"
    with transaction() as session:
        claimed = session.execute(
            update(GoogleCalendar)
            .where(GoogleCalendar.id == calendar_id, due(now))
            .values(lease_owner=lease, lease_until=now + LEASE, modified=GoogleCalendar.modified)
            .execution_options(synchronize_session=False)
        )
        if claimed.rowcount != 1:  # type: ignore[attr-defined]
            return None
        return _read(session, calendar_id, lease, now)


def _read(session: Session, calendar_id: int, lease: str, now: datetime) -> Snapshot:
    row = session.execute(
        select(GoogleCalendar, Offering, GoogleConnection)
        .join(Offering, Offering.id == GoogleCalendar.offering_id)
        .join(GoogleConnection, GoogleConnection.organization_id == Offering.organization_id)
        .where(GoogleCalendar.id == calendar_id)
        .execution_options(populate_existing=True)
    ).one()
    calendar, offering, connection = row
    calendar.state = taken_up(calendar.state)
    session.execute(
        update(SyncRun)
        .where(SyncRun.calendar_id == calendar_id, SyncRun.ended.is_(None))
        .values(ended=now, error=INTERRUPTED)
        .execution_options(synchronize_session=False)
    )
    run = SyncRun(calendar_id=calendar_id, reason=_reason(calendar), started=now)
    session.add(run)
    session.flush()
    return Snapshot(
        calendar_id=calendar_id,
        lease=lease,
        run_id=run.id,
        connection_id=connection.id,
        offering_id=offering.id,
        offering_uuid=offering.uuid,
        offering_name=offering.name,
        scopes=tuple(connection.scopes),
        backend_id=calendar.backend_id,
        public=calendar.public,
        want_public=calendar.want_public,
        sharing_unsure=calendar.sharing_unsure,
        wanted=calendar.wanted,
        acting=calendar.wanted != calendar.done,
        changes=calendar.changes,
        attempts=calendar.attempts,
        creating_since=calendar.creating_since,
        sync_token=calendar.sync_token or "",
        time_zone=calendar.time_zone,
        pushed_summary=calendar.pushed_summary,
        last_full=calendar.last_full,
        mirror=_mirror(session, calendar_id),
        busy=_busy(session, calendar_id),
        slots=_slots(session, offering.id),
    )


def _reason(calendar: GoogleCalendar) -> str:
    if calendar.attempts:
        return "another try"
    if calendar.wanted != calendar.done:
        return "asked for"
    return "bookings changed" if calendar.changes != calendar.changes_done else "regular read"


def _mirror(session: Session, calendar_id: int) -> dict[str, Mirrored]:
    table = CalendarEvent
    rows = session.execute(
        select(
            table.event_id, table.slot_uuid, table.generation, table.etag, table.content_digest, table.problem
        ).where(table.calendar_id == calendar_id)
    )
    return {row.event_id: Mirrored(*row) for row in rows}


def _busy(session: Session, calendar_id: int) -> dict[str, Busy]:
    table = BusyPeriod
    rows = session.execute(
        select(table.event_id, table.start, table.end, table.title).where(table.calendar_id == calendar_id)
    )
    return {row.event_id: Busy(*row) for row in rows}


def _slots(session: Session, offering_id: int) -> dict[uuidlib.UUID, Content]:
    rows = session.execute(
        select(Slot.uuid, Slot.start, Slot.end).where(Slot.offering_id == offering_id, Slot.holds.is_(True))
    )
    return {row.uuid: Content(row.uuid, row.start, row.end) for row in rows}


def hold(session: Session, snapshot: Snapshot, now: datetime, **values: Any) -> None:
    """Write to the calendar's row and keep it for another lease. Raises LeaseLost if it is not ours any more."""
    _write_row(session, snapshot, {"lease_until": now + LEASE, **values})


def _write_row(session: Session, snapshot: Snapshot, values: Mapping[str, Any]) -> None:
    written = session.execute(
        update(GoogleCalendar)
        .where(GoogleCalendar.id == snapshot.calendar_id, GoogleCalendar.lease_owner == snapshot.lease)
        .values({"modified": GoogleCalendar.modified, **values})
        .execution_options(synchronize_session=False)
    )
    if written.rowcount != 1:  # type: ignore[attr-defined]
        raise LeaseLost


def keep(snapshot: Snapshot, now: datetime, **values: Any) -> None:
    """`hold` in a transaction of its own; the published document follows where it shows what was written."""
    with transaction() as session:
        hold(session, snapshot, now, **values)
        if values.keys() & {"backend_id", "public"}:
            documents.refresh(session, [snapshot.offering_id])


def forget_calendar(snapshot: Snapshot, now: datetime) -> None:
    """The calendar is gone at Google: drop all that was known of it. It was private in the end."""
    with transaction() as session:
        for table in (CalendarEvent, BusyPeriod):
            session.execute(
                delete(table)
                .where(table.calendar_id == snapshot.calendar_id)
                .execution_options(synchronize_session=False)
            )
        hold(
            session,
            snapshot,
            now,
            backend_id=None,
            public=False,
            sharing_unsure=False,
            sync_token=None,
            pushed_summary="",
            creating_since=None,
        )
        documents.refresh(session, [snapshot.offering_id])


def save_read(
    snapshot: Snapshot, absorbed: Absorbed, now: datetime, *, sync_token: str, time_zone: str, full: bool
) -> None:
    """Write what Google answered and the token that stands for it, in one transaction."""
    values: dict[str, Any] = {"sync_token": sync_token, "time_zone": time_zone}
    if full:
        values["last_full"] = now
    with transaction() as session:
        hold(session, snapshot, now, **values)
        save_mirror(session, snapshot.calendar_id, absorbed.mirror_put.values(), absorbed.mirror_drop)
        _replace(session, BusyPeriod, snapshot.calendar_id, {*absorbed.busy_put, *absorbed.busy_drop})
        rows = [
            {
                "calendar_id": snapshot.calendar_id,
                "offering_id": snapshot.offering_id,
                "event_id": busy.event_id,
                "start": busy.start,
                "end": busy.end,
                "title": busy.title,
            }
            for busy in absorbed.busy_put.values()
        ]
        if rows:
            session.execute(insert(BusyPeriod), rows)


def save_mirror(session: Session, calendar_id: int, put: Iterable[Mirrored], drop: Iterable[str]) -> None:
    """Write and drop rows of the mirror."""
    rows = [
        {
            "calendar_id": calendar_id,
            "event_id": row.event_id,
            "slot_uuid": row.slot_uuid,
            "generation": row.generation,
            "etag": row.etag,
            "content_digest": row.digest,
            "problem": row.problem,
        }
        for row in put
    ]
    _replace(session, CalendarEvent, calendar_id, {row["event_id"] for row in rows} | set(drop))
    if rows:
        session.execute(insert(CalendarEvent), rows)


def _replace(session: Session, table: Any, calendar_id: int, event_ids: Iterable[Any]) -> None:
    # In pieces: databases limit the number of values in a statement.
    ids = sorted(event_ids)
    for at in range(0, len(ids), 500):
        session.execute(
            delete(table)
            .where(table.calendar_id == calendar_id, table.event_id.in_(ids[at : at + 500]))
            .execution_options(synchronize_session=False)
        )


def save_progress(
    snapshot: Snapshot, counts: Counts, put: Iterable[Mirrored], drop: Iterable[str], now: datetime
) -> None:
    """Write what a batch has done, and how far the run is."""
    with transaction() as session:
        hold(session, snapshot, now)
        save_mirror(session, snapshot.calendar_id, put, drop)
        _save_run(session, snapshot, counts, {})


def _save_run(session: Session, snapshot: Snapshot, counts: Counts, values: Mapping[str, Any]) -> None:
    session.execute(
        update(SyncRun)
        .where(SyncRun.id == snapshot.run_id)
        .values(
            calls=counts.calls,
            planned=counts.planned,
            added=counts.added,
            changed=counts.changed,
            removed=counts.removed,
            busy_read=counts.busy_read,
            **values,
        )
        .execution_options(synchronize_session=False)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ended, for the calendar's row and the run's. `ok`: what was asked for is reached.

    `over`: the act is over, in success or failure; else it stays pending and is tried again at `next_attempt`.
    `act_failed`: only a new act can mend it. `settled`: the row was settled elsewhere and is left as it is.
    """

    ok: bool
    over: bool
    error: str = ""
    attempts: int = 0
    next_attempt: datetime | None = None
    next_read: datetime | None = None
    act_failed: bool = False
    settled: bool = False
    synced: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did and found, whether the calendar is public now, what was left out, what else happened."""

    snapshot: Snapshot
    counts: Counts
    public: bool
    sharing_unsure: bool
    skipped: tuple[str, ...]
    notes: tuple[str, ...]


def finish(report: Report, ending: Ending, now: datetime) -> bool:
    """Give the calendar back and say how the run ended. Answers whether there is something to do again at once.

    State and `public` are written together. An act that came meanwhile keeps its state: it is not done by a run that
    began before it.
    """
    snapshot = report.snapshot
    with transaction() as session:
        calendar = session.execute(
            select(GoogleCalendar)
            .where(GoogleCalendar.id == snapshot.calendar_id, GoogleCalendar.lease_owner == snapshot.lease)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).scalar_one_or_none()
        if calendar is None:
            raise LeaseLost
        calendar.lease_owner = None
        calendar.lease_until = None
        shown = calendar.public != report.public
        calendar.public = report.public
        calendar.sharing_unsure = report.sharing_unsure
        latest = calendar.wanted == snapshot.wanted
        if not ending.settled:
            _settle(calendar, snapshot, ending, now, latest=latest)
        if latest and ending.over and not ending.ok:
            # It is not done later by surprise.
            calendar.want_public = calendar.public
        session.flush()
        if shown:
            documents.refresh(session, [snapshot.offering_id])
        _save_run(
            session,
            snapshot,
            report.counts,
            {"ended": now, "error": ending.error, "skipped": _shortened(report.skipped), "notes": list(report.notes)},
        )
        _trim_runs(session, snapshot)
        return calendar.next_attempt is None and (
            calendar.wanted != calendar.done or calendar.changes != calendar.changes_done
        )


def _shortened(sentences: tuple[str, ...]) -> list[str]:
    shown = list(sentences[:SKIPPED_KEPT])
    more = len(sentences) - len(shown)
    return [*shown, f"And {more} more."] if more else shown


def _settle(calendar: GoogleCalendar, snapshot: Snapshot, ending: Ending, now: datetime, *, latest: bool) -> None:
    if ending.synced:
        calendar.last_synced = now
        calendar.changes_done = snapshot.changes
    if ending.next_read is not None:
        calendar.next_read = ending.next_read
    if ending.over:
        calendar.done = snapshot.wanted
    if not latest:
        return
    calendar.attempts = ending.attempts
    calendar.next_attempt = ending.next_attempt
    if ending.ok and calendar.act_failed and not snapshot.acting:
        return  # what the person asked for still has failed; that stays on the card until they ask again
    calendar.state = CalendarState.OK if ending.ok else CalendarState.ERRED
    calendar.error = ending.error
    calendar.act_failed = ending.act_failed


def _trim_runs(session: Session, snapshot: Snapshot) -> None:
    table = SyncRun
    oldest = session.execute(
        select(table.id)
        .where(table.calendar_id == snapshot.calendar_id)
        .order_by(table.started.desc(), table.id.desc())
        .offset(RUNS_KEPT)
        .limit(1)
    ).scalar_one_or_none()
    if oldest is not None:
        session.execute(
            delete(table)
            .where(table.calendar_id == snapshot.calendar_id, table.id <= oldest)
            .execution_options(synchronize_session=False)
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


def settle_unconnected(reason: str) -> int:
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
