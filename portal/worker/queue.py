"""The queue: Huey on SQLite, PostgreSQL or Redis by QUEUE_URL, and the wire from a commit to it.

The queue only carries wake-ups. What is to be done stands in the calendars' rows, so a message that is lost, doubled
or late does no harm: the sweep finds the row.
"""

from __future__ import annotations

import json
from pathlib import Path
from threading import Lock
from typing import Any

import structlog
from huey import Huey, PostgresHuey, RedisHuey, SqliteHuey
from huey.registry import Message
from huey.serializer import Serializer

from portal.config import Settings
from portal.extensions import calendar_wanted, ending_wanted, mail_wanted
from portal.worker.tasks import Application, Tasks, register

log = structlog.get_logger()

NAME = "portal"
QUEUE = "portal.queue"


class JsonSerializer(Serializer):
    """Messages as JSON. Huey would pickle them, and who can write to the queue could then run code in the worker."""

    def _serialize(self, data: Any) -> bytes:
        if isinstance(data, Message):
            data = {key: value for key, value in data._asdict().items() if value is not None}
        return json.dumps(data).encode("ascii")

    def _deserialize(self, data: bytes) -> Any:
        found = json.loads(bytes(data))
        if not isinstance(found, dict):
            return found
        return Message(**{**found, "args": tuple(found.get("args", ()))})


def build_huey(settings: Settings) -> Huey:
    """The queue that QUEUE_URL names. Opens (SQLite: and makes) its store."""
    options: dict[str, Any] = {"name": NAME, "results": False, "serializer": JsonSerializer()}
    url = settings.queue_url
    if url.startswith("sqlite:///"):
        file = Path(url.removeprefix("sqlite:///"))
        file.parent.mkdir(parents=True, exist_ok=True)
        return SqliteHuey(filename=str(file), timeout=10, **options)
    if url.startswith("postgresql://"):
        return PostgresHuey(dsn=url, table_prefix="portal_queue", **options)
    return RedisHuey(url=url, **options)


class Queue:
    """An application's queue, opened when it is first needed."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._lock = Lock()
        self._opened: tuple[Huey, Tasks] | None = None

    def _open(self) -> tuple[Huey, Tasks]:
        with self._lock:
            if self._opened is None:
                huey = build_huey(self._app.extensions["portal.settings"])
                self._opened = huey, register(huey, self._app)
            return self._opened

    @property
    def huey(self) -> Huey:
        """The queue itself."""
        return self._open()[0]

    def wake(self, _app: object, *, calendar_id: int) -> None:
        """Put a calendar into the queue. A queue that is out of reach is no reason to fail: the sweep comes."""
        try:
            self._open()[1].sync_calendar(calendar_id)
        except Exception as error:
            log.warning("calendar_not_queued", calendar=calendar_id, error=str(error))

    def wake_mail(self, _app: object) -> None:
        """Have mail sent soon. A queue that is out of reach costs a minute."""
        try:
            self._open()[1].send_mail()
        except Exception as error:
            log.warning("mail_not_queued", error=str(error))

    def wake_ending(self, _app: object) -> None:
        """Have a connection ended soon. A queue that is out of reach costs a minute."""
        try:
            self._open()[1].end_connections()
        except Exception as error:
            log.warning("ending_not_queued", error=str(error))


def connect(app: Application) -> None:
    """Let what is wanted of calendars reach the queue after its commit. Called once by the composition root."""
    queue = Queue(app)
    app.extensions[QUEUE] = queue
    # Held weakly by the signal and strongly by the application: it ends with it.
    receiver = app.extensions[f"{QUEUE}.wake"] = queue.wake
    calendar_wanted.connect(receiver, sender=app)
    mail_receiver = app.extensions[f"{QUEUE}.wake_mail"] = queue.wake_mail
    mail_wanted.connect(mail_receiver, sender=app)
    ending_receiver = app.extensions[f"{QUEUE}.wake_ending"] = queue.wake_ending
    ending_wanted.connect(ending_receiver, sender=app)


def queue_of(app: Application) -> Queue:
    """The application's queue."""
    found: Queue = app.extensions[QUEUE]
    return found
