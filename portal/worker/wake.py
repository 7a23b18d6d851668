"""The wire from a commit to the queue.

The queue only carries wake-ups. What is to be done stands in the calendars' rows, so a message that is lost, doubled
or late does no harm: the sweep finds the row.
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
    """What the worker needs of the application."""

    extensions: dict[str, Any]

    def app_context(self) -> AbstractContextManager[Any]:
        """Everything below needs one."""


class Enqueuer:
    """Says to the queue what there is to do. A queue that is out of reach is no reason to fail: the sweep comes."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue

    def wake(self, _app: object, *, calendar_id: int) -> None:
        """Put a calendar into the queue."""
        try:
            self.queue.tasks.sync_calendar(calendar_id)
        except Exception as error:
            log.warning("calendar_not_queued", calendar=calendar_id, error=str(error))

    def enqueue_mail(self, _app: object) -> None:
        """Have mail sent soon."""
        try:
            self.queue.tasks.send_mail()
        except Exception as error:
            log.warning("mail_not_queued", error=str(error))

    def enqueue_disconnection(self, _app: object) -> None:
        """Have a connection ended soon."""
        try:
            self.queue.tasks.run_disconnections()
        except Exception as error:
            log.warning("ending_not_queued", error=str(error))


def connect(app: Application, queue: Any) -> None:
    """Let what is wanted of calendars reach the queue after its commit. Called once by the composition root.

    `queue` stands for a portal.worker.queue.Queue, which is opened (and Huey loaded) when it is first used.
    """
    # Held weakly by the signals and strongly by the application: it ends with it.
    waking = app.extensions[QUEUE] = Enqueuer(queue)
    for signal, receiver in (
        (calendar_due, waking.wake),
        (mail_due, waking.enqueue_mail),
        (disconnection_due, waking.enqueue_disconnection),
    ):
        signal.connect(receiver, sender=app)


def queue_of(app: Application) -> Queue:
    """The application's queue, opened when something of it is first used."""
    waking: Enqueuer = app.extensions[QUEUE]
    return waking.queue
