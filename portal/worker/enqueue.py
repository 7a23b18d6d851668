"""Enqueues work after a commit.

Messages only say that there is work. What has to be done is stored in the database, so a lost, duplicated or late
message does no harm: the sweep finds the work.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from portal.extensions import calendar_due, disconnection_due, mail_due

if TYPE_CHECKING:
    from portal.worker.queue import Queue

log = structlog.get_logger()

QUEUE = "portal.queue"


class Application(Protocol):
    """The part of the application that the worker needs."""

    extensions: dict[str, Any]

    def app_context(self) -> AbstractContextManager[Any]:
        """All work is done in an application context."""


class Enqueuer:
    """Receives the signals sent after a commit. An unreachable queue is not an error: the sweep finds the work."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue

    def enqueue_calendar(self, _app: object, *, calendar_id: int) -> None:
        """Enqueue a run over a calendar."""
        try:
            self.queue.tasks.sync_calendar(calendar_id)
        except Exception as error:
            log.warning("calendar_not_enqueued", calendar=calendar_id, error=str(error))

    def enqueue_mail(self, _app: object) -> None:
        """Enqueue the delivery of mail."""
        try:
            self.queue.tasks.send_mail()
        except Exception as error:
            log.warning("mail_not_enqueued", error=str(error))

    def enqueue_disconnection(self, _app: object) -> None:
        """Enqueue the disconnections that are due."""
        try:
            self.queue.tasks.disconnect()
        except Exception as error:
            log.warning("disconnection_not_enqueued", error=str(error))


def connect(app: Application, queue: Any) -> None:
    """Connect the signals of an application to its queue. Called once by the composition root.

    `queue` is a lazily opened portal.worker.queue.Queue, so that most processes never load Huey.
    """
    # The signals hold weak references; the application holds the strong one.
    enqueuer = app.extensions[QUEUE] = Enqueuer(queue)
    for signal, receiver in (
        (calendar_due, enqueuer.enqueue_calendar),
        (mail_due, enqueuer.enqueue_mail),
        (disconnection_due, enqueuer.enqueue_disconnection),
    ):
        signal.connect(receiver, sender=app)


def queue_of(app: Application) -> Queue:
    """The application's queue, opened when it is first used."""
    enqueuer: Enqueuer = app.extensions[QUEUE]
    return enqueuer.queue
