"""The queue: Huey on SQLite, PostgreSQL or Redis by QUEUE_URL.

Huey loads the drivers of all of them, so this module is only imported when something is first enqueued.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huey import Huey, PostgresHuey, RedisHuey, SqliteHuey
from huey.registry import Message
from huey.serializer import Serializer

from portal.config import Settings
from portal.worker.enqueue import Application
from portal.worker.tasks import Tasks, register

NAME = "portal"


class JsonSerializer(Serializer):
    """Messages as JSON. Huey would pickle them: anyone who can write to the queue could then run code in the worker."""

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
    """The queue that QUEUE_URL names. Opens (SQLite: and creates) its store."""
    options: dict[str, Any] = {"name": NAME, "results": False, "serializer": JsonSerializer()}
    url = settings.queue_url
    if url.startswith("sqlite:///"):
        file = Path(url.removeprefix("sqlite:///"))
        file.parent.mkdir(parents=True, exist_ok=True)
        return SqliteHuey(filename=str(file), timeout=10, **options)
    if url.startswith("postgresql://"):
        return PostgresHuey(dsn=url, table_prefix="portal_queue", **options)
    return RedisHuey(url=url, **options)


@dataclass(frozen=True, slots=True)
class Queue:
    """An open queue and its tasks."""

    huey: Huey
    tasks: Tasks


def open_queue(app: Application) -> Queue:
    """Open the application's queue. To be called once: the composition root keeps the result."""
    huey = build_huey(app.extensions["portal.settings"])
    return Queue(huey, register(huey, app))
