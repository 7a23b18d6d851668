"""Writes what a run found out, in short transactions.

Everything is written "while the calendar is still mine", so a run that was thought dead and goes on can do no harm.
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
from portal.extensions import transaction
from portal.models import BusyPeriod, CalendarChannel, CalendarEvent, GoogleCalendar, SyncRun

RUNS_KEPT = 50
SKIPPED_KEPT = 100


class LeaseLost(Exception):
    """Another worker has the calendar now, or it is gone; this run must write nothing more."""


@dataclass(slots=True)
class RunCounts:
    """What a run did so far."""

    calls: int = 0
    planned: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    busy_read: int = 0


def write_leased(session: Session, snapshot: CalendarSnapshot, now: datetime, **values: Any) -> None:
    """Write to the calendar's row and keep it for another lease. Raises LeaseLost if it is not ours any more."""
    _write_row(session, snapshot, {"lease_until": now + LEASE, **values})


def _write_row(session: Session, snapshot: CalendarSnapshot, values: Mapping[str, Any]) -> None:
    written = session.execute(
        update(GoogleCalendar)
        .where(GoogleCalendar.id == snapshot.calendar_id, GoogleCalendar.lease_owner == snapshot.lease)
        .values({"modified": GoogleCalendar.modified, **values})
        .execution_options(synchronize_session=False)
    )
    if written.rowcount != 1:  # type: ignore[attr-defined]
        raise LeaseLost


def save_calendar(snapshot: CalendarSnapshot, now: datetime, **values: Any) -> None:
    """`hold` in a transaction of its own; the published document follows where it shows what was written."""
    with transaction() as session:
        write_leased(session, snapshot, now, **values)
        if values.keys() & {"backend_id", "public"}:
            documents.refresh(session, [snapshot.offering_id])


def forget_calendar(snapshot: CalendarSnapshot, now: datetime) -> None:
    """The calendar is gone at Google: drop all that was known of it. It was private in the end."""
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
    """Write what Google answered and the token that stands for it, in one transaction."""
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
    snapshot: CalendarSnapshot, counts: RunCounts, put: Iterable[MirroredEvent], drop: Iterable[str], now: datetime
) -> None:
    """Write what a batch has done, and how far the run is."""
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
    action_failed: bool = False
    settled: bool = False
    synced: bool = False


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did and found, whether the calendar is public now, what was left out, what else happened."""

    snapshot: CalendarSnapshot
    counts: RunCounts
    public: bool
    sharing_unsure: bool
    skipped: tuple[str, ...]
    notes: tuple[str, ...]


def finish(report: RunReport, result: RunResult, now: datetime) -> bool:
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
        # Google has told of a change while we were at it, perhaps after we had read.
        asked = calendar.next_read != snapshot.next_read and calendar.next_read is not None
        if not result.settled:
            _settle(calendar, snapshot, result, now, latest=latest, asked=asked)
        if latest and result.over:
            # What failed, or was given up meanwhile, is not done later by surprise.
            calendar.want_public = calendar.public
        session.flush()
        if shown:
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
            asked or calendar.wanted != calendar.done or calendar.changes != calendar.changes_done
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
    asked: bool,
) -> None:
    if result.synced:
        calendar.last_synced = now
        calendar.changes_done = snapshot.changes
    if result.next_read is not None and not asked:
        calendar.next_read = result.next_read
    if result.over:
        calendar.done = snapshot.wanted
    if not latest:
        return
    calendar.attempts = result.attempts
    calendar.next_attempt = result.next_attempt
    if result.ok and calendar.action_failed and not snapshot.action_pending:
        return  # what the person asked for still has failed; that stays on the card until they ask again
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
