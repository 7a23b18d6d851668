"""Writes the results of a run, in short transactions.

Every write is conditional on the lease, so a run that continues after its lease was lost can do no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from portal.calendar_sync.plan import MirroredEvent, RemoteChanges
from portal.calendar_sync.snapshot import LEASE, CalendarSnapshot
from portal.calendar_sync.states import finished
from portal.documents import store as documents
from portal.extensions import changed_rows, transaction
from portal.models import BusyPeriod, CalendarChannel, CalendarEvent, GoogleCalendar, SyncRun

RUNS_KEPT = 50
SKIPPED_KEPT = 100


class LeaseLost(Exception):
    """Another worker has the calendar now, or it was deleted; this run must write nothing more."""


@dataclass(slots=True)
class RunCounts:
    """What a run has done so far."""

    calls: int = 0
    planned: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    busy_read: int = 0


def write_leased(session: Session, snapshot: CalendarSnapshot, now: datetime, **values: Any) -> None:
    """Write to the calendar's row and renew the lease. Raises LeaseLost if another worker has it."""
    _write_row(session, snapshot, {"lease_until": now + LEASE, **values})


def _write_row(session: Session, snapshot: CalendarSnapshot, values: Mapping[str, Any]) -> None:
    written = session.execute(
        update(GoogleCalendar)
        .where(GoogleCalendar.id == snapshot.calendar_id, GoogleCalendar.lease_owner == snapshot.lease)
        .values({"modified": GoogleCalendar.modified, **values})
        .execution_options(synchronize_session=False)
    )
    if changed_rows(written) != 1:
        raise LeaseLost


def save_calendar(snapshot: CalendarSnapshot, now: datetime, **values: Any) -> None:
    """`write_leased` in a transaction of its own. Refreshes the published document if it shows one of the values."""
    with transaction() as session:
        write_leased(session, snapshot, now, **values)
        if values.keys() & {"backend_id", "public"}:
            documents.refresh(session, [snapshot.offering_id])


def forget_calendar(snapshot: CalendarSnapshot, now: datetime) -> None:
    """Delete everything known of a calendar that no longer exists at the provider."""
    with transaction() as session:
        for table in (CalendarEvent, BusyPeriod, CalendarChannel):
            session.execute(
                delete(table)
                .where(table.calendar_id == snapshot.calendar_id)
                .execution_options(synchronize_session=False)
            )
        write_leased(
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
    snapshot: CalendarSnapshot, changes: RemoteChanges, now: datetime, *, sync_token: str, time_zone: str, full: bool
) -> None:
    """Write what was read and the sync token for it, in one transaction."""
    values: dict[str, Any] = {"sync_token": sync_token, "time_zone": time_zone}
    if full:
        values["last_full"] = now
    with transaction() as session:
        write_leased(session, snapshot, now, **values)
        save_mirror(session, snapshot.calendar_id, changes.mirror_put.values(), changes.mirror_drop)
        _replace(session, BusyPeriod, snapshot.calendar_id, {*changes.busy_put, *changes.busy_drop})
        rows = [
            {
                "calendar_id": snapshot.calendar_id,
                "offering_id": snapshot.offering_id,
                "event_id": busy.event_id,
                "start": busy.start,
                "end": busy.end,
                "title": busy.title,
            }
            for busy in changes.busy_put.values()
        ]
        if rows:
            session.execute(insert(BusyPeriod), rows)


def save_mirror(session: Session, calendar_id: int, put: Iterable[MirroredEvent], drop: Iterable[str]) -> None:
    """Write and delete rows of the mirror."""
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
    # In chunks: databases limit the number of values in a statement.
    ids = sorted(event_ids)
    for at in range(0, len(ids), 500):
        session.execute(
            delete(table)
            .where(table.calendar_id == calendar_id, table.event_id.in_(ids[at : at + 500]))
            .execution_options(synchronize_session=False)
        )


def save_progress(
    snapshot: CalendarSnapshot, counts: RunCounts, put: Iterable[MirroredEvent], drop: Iterable[str], now: datetime
) -> None:
    """Write the results of a batch, and the progress of the run."""
    with transaction() as session:
        write_leased(session, snapshot, now)
        save_mirror(session, snapshot.calendar_id, put, drop)
        _save_run(session, snapshot, counts, {})


def _save_run(session: Session, snapshot: CalendarSnapshot, counts: RunCounts, values: Mapping[str, Any]) -> None:
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
class RunResult:
    """How a run ended. `ok`: the desired state is reached.

    `over`: the action is finished, successfully or not; else it stays pending and is retried at `next_attempt`.
    `action_failed`: only a new action can succeed. `settled`: the row was written elsewhere and is left as it is.
    """

    ok: bool
    over: bool
    error: str = ""
    attempts: int = 0
    next_attempt: datetime | None = None
    next_read: datetime | None = None
    action_failed: bool = False
    settled: bool = False
    synced: bool = False


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did, whether the calendar is public now, what was skipped, and notes about other events."""

    snapshot: CalendarSnapshot
    counts: RunCounts
    public: bool
    sharing_unsure: bool
    skipped: tuple[str, ...]
    notes: tuple[str, ...]


def finish(report: RunReport, result: RunResult, now: datetime) -> bool:
    """Release the lease and write how the run ended. Returns whether another run is due at once.

    State and `public` are written together. An action requested during the run stays pending: a run that began before
    it does not complete it.
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
        changed = calendar.public != report.public
        calendar.public = report.public
        calendar.sharing_unsure = report.sharing_unsure
        latest = calendar.wanted == snapshot.wanted
        # A notification came during the run, perhaps after the read.
        notified = calendar.next_read != snapshot.next_read and calendar.next_read is not None
        if not result.settled:
            _settle(calendar, snapshot, result, now, latest=latest, notified=notified)
        if latest and result.over:
            # A failed change of sharing is not carried out unexpectedly later.
            calendar.want_public = calendar.public
        session.flush()
        if changed:
            documents.refresh(session, [snapshot.offering_id])
        _save_run(
            session,
            snapshot,
            report.counts,
            {
                "ended": now,
                "error": result.error,
                "skipped": _shortened(report.skipped),
                "notes": list(report.notes),
            },
        )
        _trim_runs(session, snapshot)
        return calendar.next_attempt is None and (
            notified or calendar.wanted != calendar.done or calendar.changes != calendar.changes_done
        )


def _shortened(sentences: tuple[str, ...]) -> list[str]:
    shown = list(sentences[:SKIPPED_KEPT])
    more = len(sentences) - len(shown)
    return [*shown, f"And {more} more."] if more else shown


def _settle(
    calendar: GoogleCalendar,
    snapshot: CalendarSnapshot,
    result: RunResult,
    now: datetime,
    *,
    latest: bool,
    notified: bool,
) -> None:
    if result.synced:
        calendar.last_synced = now
        calendar.changes_done = snapshot.changes
    if result.next_read is not None and not notified:
        calendar.next_read = result.next_read
    if result.over:
        calendar.done = snapshot.wanted
    if not latest:
        return
    calendar.attempts = result.attempts
    calendar.next_attempt = result.next_attempt
    if result.ok and calendar.action_failed and not snapshot.action_pending:
        return  # the failed action stays on the card until the user requests another one
    calendar.state = finished(ok=result.ok)
    calendar.error = result.error
    calendar.action_failed = result.action_failed


def _trim_runs(session: Session, snapshot: CalendarSnapshot) -> None:
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
