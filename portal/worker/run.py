"""The worker process: threads that execute tasks, a scheduler of periodic tasks, an orderly shutdown."""

from __future__ import annotations

import signal
from typing import Any

import structlog
from huey.consumer import Consumer

from portal.calendar_sync.disconnection import run_disconnections
from portal.calendar_sync.engine import RunOutcome
from portal.calendar_sync.provider import OPEN_PROVIDER
from portal.services import mail
from portal.worker.enqueue import Application, queue_of
from portal.worker.periodic import run_periodic_tasks
from portal.worker.tasks import remove_heartbeat, step, sweep, worker_name

log = structlog.get_logger()

THREADS = 4
# The polling interval of a queue that cannot notify (SQLite): a click should take effect at once.
POLL_SECONDS = (0.1, 0.4)
# Longer than most runs. The next worker continues an interrupted run when its lease has expired.
STOP_SECONDS = 8


class PortalConsumer(Consumer):
    """Shuts down gracefully on SIGINT and SIGTERM alike; Huey would interrupt the work on one of them."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._signal_actions = dict.fromkeys((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), (False, True))


def run_worker(app: Application, *, threads: int = THREADS) -> None:
    """Work until SIGINT or SIGTERM, then finish running tasks for some seconds. Must be called in the main thread."""
    app.extensions["portal.settings"].refuse_for_service()
    queue = queue_of(app)
    huey = queue.huey
    with app.app_context():
        # Find the work that an earlier worker left now, not at the next full minute.
        sweep(huey, queue.tasks.sync_calendar)
        mail.encrypt_links()
    log.info("worker_started", threads=threads, name=worker_name())
    consumer = PortalConsumer(
        huey,
        workers=threads,
        worker_type="thread",
        initial_delay=POLL_SECONDS[0],
        max_delay=POLL_SECONDS[1],
        check_worker_health=True,
        shutdown_timeout=STOP_SECONDS,
    )
    try:
        consumer.run()
    finally:
        with app.app_context():
            remove_heartbeat(worker_name())
        log.info("worker_stopped", name=worker_name())


def run_until_idle(app: Application, limit: int = 100_000) -> int:
    """Do all work that is due now, one task after the other; returns the number of calendar runs."""
    app.extensions["portal.settings"].refuse_for_service()
    with app.app_context():
        run_periodic_tasks(app.extensions["portal.settings"])
        run_disconnections(app.extensions[OPEN_PROVIDER])
    for done in range(limit):
        outcome = step(app)
        if outcome is None or outcome is RunOutcome.NOT_TAKEN:
            return done
    return limit
