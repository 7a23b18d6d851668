"""What the worker does: one calendar at a time, mail, and each minute a sweep over what has been left."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from huey import Huey, crontab
from sqlalchemy import delete, update

from portal.calendar_sync.calls import Clock
from portal.calendar_sync.disconnection import run_disconnections
from portal.calendar_sync.due import due_calendars, fail_unconnected
from portal.calendar_sync.engine import RunOutcome, SyncEngine
from portal.calendar_sync.notifications import notification_address
from portal.calendar_sync.provider import OPEN_PROVIDER
from portal.config import Settings
from portal.extensions import transaction
from portal.mail.deliver import deliver_due
from portal.models import WorkerHeartbeat
from portal.models.base import utcnow
from portal.worker.chores import run_periodic_tasks
from portal.worker.wake import Application

log = structlog.get_logger()

# A calendar at which something keeps coming in does not keep a thread for ever.
RUNS_AT_ONCE = 5
# More than these in the queue are not added to: the next sweep comes in a minute.
LONGEST_QUEUE = 500
FORGET_WORKERS_AFTER = timedelta(days=1)
NO_CONNECTION = "Google is not connected: connect it, then ask again."


@dataclass(frozen=True, slots=True)
class Tasks:
    """The tasks of one queue; calling one puts it into the queue."""

    sync_calendar: Callable[[int], Any]
    sweep: Callable[[], Any]
    send_mail: Callable[[], Any]
    run_disconnections: Callable[[], Any]


def worker_name() -> str:
    """This process, for leases and heartbeats."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}"


def engine_of(app: Application, clock: Clock | None = None) -> SyncEngine:
    """The calendar engine with the application's provider."""
    settings: Settings = app.extensions["portal.settings"]
    return SyncEngine(
        open_provider=app.extensions[OPEN_PROVIDER],
        deployment=settings.public_url,
        worker=worker_name(),
        notification_address=notification_address(settings.public_url),
        clock=clock or Clock(),
    )


def register(huey: Huey, app: Application) -> Tasks:
    """Give the queue its tasks. Names are fixed: messages of an older version are understood."""

    @huey.task(name="sync_calendar")
    def sync_calendar(calendar_id: int) -> None:
        with app.app_context():
            if run_calendar(engine_of(app), calendar_id) is RunOutcome.AGAIN:
                sync_calendar(calendar_id)

    @huey.periodic_task(crontab(minute="*"), name="sweep")
    def sweep_task() -> None:
        with app.app_context():
            sweep(huey, sync_calendar)

    @huey.task(name="send_mail")
    def send_mail() -> None:
        with app.app_context():
            deliver_due(app.extensions["portal.settings"])

    @huey.periodic_task(crontab(minute="*"), name="chores")
    def chores() -> None:
        with app.app_context():
            run_periodic_tasks(app.extensions["portal.settings"])
            run_disconnections(app.extensions[OPEN_PROVIDER])

    @huey.task(name="end_connections")
    def end() -> None:
        with app.app_context():
            run_disconnections(app.extensions[OPEN_PROVIDER])

    return Tasks(sync_calendar, sweep_task, send_mail, end)


def run_calendar(engine: SyncEngine, calendar_id: int) -> RunOutcome:
    """Run the engine until nothing more has come in meanwhile (or often enough)."""
    outcome = RunOutcome.NOT_TAKEN
    for _again in range(RUNS_AT_ONCE):
        outcome = engine.run(calendar_id)
        if outcome is not RunOutcome.AGAIN:
            break
    return outcome


def sweep(huey: Huey, sync_calendar: Callable[[int], Any], now: datetime | None = None) -> int:
    """Queue every calendar at which something is due and nobody is at; answers how many. Twice is harmless."""
    now = now or utcnow()
    record_heartbeat(worker_name(), now)
    if fail_unconnected(NO_CONNECTION):
        log.info("unconnected_calendars_settled")
    if huey.pending_count() > LONGEST_QUEUE:
        return 0
    found = due_calendars(now, LONGEST_QUEUE)
    for calendar_id in found:
        sync_calendar(calendar_id)
    return len(found)


def step(app: Application, *, clock: Clock | None = None) -> RunOutcome | None:
    """Do the most urgent piece of work in this thread, and nothing else; None if there is none."""
    clock = clock or Clock()
    with app.app_context():
        fail_unconnected(NO_CONNECTION)
        found = due_calendars(clock.now(), 1)
        return engine_of(app, clock).run(found[0]) if found else None


def record_heartbeat(name: str, now: datetime) -> None:
    """Note that a worker lives, and forget those that have not been seen for long."""
    table = WorkerHeartbeat
    with transaction() as session:
        seen = session.execute(update(table).where(table.name == name).values(seen=now))
        if seen.rowcount != 1:  # type: ignore[attr-defined]
            session.add(WorkerHeartbeat(name=name, started=now, seen=now))
        session.execute(delete(table).where(table.seen < now - FORGET_WORKERS_AFTER))


def remove_heartbeat(name: str) -> None:
    """Note that a worker has ended by itself, so that pages do not wait for it."""
    with transaction() as session:
        session.execute(delete(WorkerHeartbeat).where(WorkerHeartbeat.name == name))
