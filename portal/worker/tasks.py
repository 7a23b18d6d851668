"""The tasks of the worker: syncing one calendar, mail, disconnections, and a sweep for work that was not enqueued."""

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
from portal.domain.messages import N_
from portal.extensions import changed_rows, transaction
from portal.mail.deliver import deliver_due
from portal.models import WorkerHeartbeat
from portal.models.base import utcnow
from portal.worker.enqueue import Application
from portal.worker.periodic import run_periodic_tasks

log = structlog.get_logger()

# A calendar that keeps changing does not occupy a thread for ever.
RUNS_AT_ONCE = 5
# The sweep adds nothing to a longer queue: the next sweep comes in a minute.
LONGEST_QUEUE = 500
DELETE_HEARTBEATS_AFTER = timedelta(days=1)
NO_CONNECTION = N_("Google is not connected. Connect it, then try again.")


@dataclass(frozen=True, slots=True)
class Tasks:
    """The tasks of one queue; calling one enqueues it."""

    sync_calendar: Callable[[int], Any]
    sweep: Callable[[], Any]
    send_mail: Callable[[], Any]
    disconnect: Callable[[], Any]


def worker_name() -> str:
    """The name of this process in leases and heartbeats."""
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
    """Register the tasks. Their names are part of messages, so they stay the same as in earlier versions."""

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
    def periodic_tasks() -> None:
        with app.app_context():
            run_periodic_tasks(app.extensions["portal.settings"])
            run_disconnections(app.extensions[OPEN_PROVIDER])

    @huey.task(name="end_connections")
    def disconnect() -> None:
        with app.app_context():
            run_disconnections(app.extensions[OPEN_PROVIDER])

    return Tasks(sync_calendar, sweep_task, send_mail, disconnect)


def run_calendar(engine: SyncEngine, calendar_id: int) -> RunOutcome:
    """Run the engine again while another run is due, up to RUNS_AT_ONCE times."""
    outcome = RunOutcome.NOT_TAKEN
    for _again in range(RUNS_AT_ONCE):
        outcome = engine.run(calendar_id)
        if outcome is not RunOutcome.AGAIN:
            break
    return outcome


def sweep(huey: Huey, sync_calendar: Callable[[int], Any], now: datetime | None = None) -> int:
    """Enqueue every calendar with work that is due; returns how many. Idempotent."""
    now = now or utcnow()
    record_heartbeat(worker_name(), now)
    if fail_unconnected(NO_CONNECTION):
        log.info("unconnected_calendars_failed")
    if huey.pending_count() > LONGEST_QUEUE:
        return 0
    found = due_calendars(now, LONGEST_QUEUE)
    for calendar_id in found:
        sync_calendar(calendar_id)
    return len(found)


def step(app: Application, *, clock: Clock | None = None) -> RunOutcome | None:
    """Run the most urgent calendar in this thread; None if no work is due."""
    clock = clock or Clock()
    with app.app_context():
        fail_unconnected(NO_CONNECTION)
        found = due_calendars(clock.now(), 1)
        return engine_of(app, clock).run(found[0]) if found else None


def record_heartbeat(name: str, now: datetime) -> None:
    """Record that a worker is alive, and delete old heartbeats."""
    table = WorkerHeartbeat
    with transaction() as session:
        seen = session.execute(update(table).where(table.name == name).values(seen=now))
        if changed_rows(seen) != 1:
            session.add(WorkerHeartbeat(name=name, started=now, seen=now))
        session.execute(delete(table).where(table.seen < now - DELETE_HEARTBEATS_AFTER))


def remove_heartbeat(name: str) -> None:
    """Delete the heartbeat of a worker that shut down, so that pages do not wait for it."""
    with transaction() as session:
        session.execute(delete(WorkerHeartbeat).where(WorkerHeartbeat.name == name))
