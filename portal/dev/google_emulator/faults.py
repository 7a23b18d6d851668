"""Fault injection: errors and broken connections that tests request in advance."""

import json
import random
import re
import threading
from dataclasses import dataclass, field
from typing import Any

from portal.dev.google_emulator.errors import DEFAULTS, ApiError, Json

# Kinds that are a response, and so also apply to one part of a batch.
RESPONSE_KINDS = ("status", "html", "broken_json")
# Kinds that affect the connection: `reset` sends RST, `close` closes it without a response, `truncate` in the middle
# of one, `delay` only waits.
CONNECTION_KINDS = ("reset", "close", "truncate", "delay")


@dataclass
class Fault:
    """One fault and the requests it matches.

    `apply`: whether the request takes effect nevertheless. With `truncate` it always does.
    `times`: how often (None: always). `skip`: how many matching requests pass first.
    `where`: "http" for whole requests (a batch is one), "part" for the parts of a batch, "any".
    """

    kind: str
    method: str = ".*"
    path: str = ".*"
    times: int | None = 1
    skip: int = 0
    apply: bool = False
    where: str = "any"
    chance: float = 1.0
    status: int = 503
    reason: str = "backendError"
    message: str | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in RESPONSE_KINDS + CONNECTION_KINDS:
            raise ValueError(f"Unknown kind {self.kind!r}: one of {', '.join(RESPONSE_KINDS + CONNECTION_KINDS)}.")
        if self.where not in ("any", "http", "part"):
            raise ValueError(f"Unknown where {self.where!r}: any, http or part.")
        self._method, self._path = re.compile(self.method, re.IGNORECASE), re.compile(self.path)

    def matches(self, method: str, path: str, part: bool) -> bool:
        """Whether it matches this request."""
        if part and (self.where == "http" or self.kind not in RESPONSE_KINDS):
            return False
        if not part and self.where == "part":
            return False
        return bool(self._method.fullmatch(method) and self._path.search(path))

    def response(self) -> tuple[int, dict[str, str], bytes]:
        """The response, for the kinds that are one."""
        if self.kind == "html":
            page = "<!DOCTYPE html><html><title>Error</title><p>The server encountered an error.</html>"
            return self.status, {"Content-Type": "text/html; charset=UTF-8", **self.headers}, page.encode()
        body = self.body
        if body is None:
            domain = None if self.reason in DEFAULTS else "global"
            body = ApiError(self.status, self.reason, self.message, domain=domain).body()
        content = json.dumps(body).encode()
        if self.kind == "broken_json":
            return 200, {"Content-Type": "application/json; charset=UTF-8"}, content[: len(content) // 2]
        return self.status, {"Content-Type": "application/json; charset=UTF-8", **self.headers}, content

    def describe(self) -> Json:
        """All fields, for the control API."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


class Faults:
    """The pending faults; the first match is injected. Kept in memory: a restart drops them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: list[Fault] = []
        self.injected = 0
        self.random = random.Random(0)  # noqa: S311 - repeatable on purpose

    def add(self, kind: str, **fields: Any) -> Fault:
        """Request a fault; see `Fault` for the fields."""
        fault = Fault(kind, **fields)
        with self._lock:
            self._queue.append(fault)
        return fault

    def clear(self) -> None:
        """Drop all pending faults."""
        with self._lock:
            self._queue.clear()

    def pending(self) -> list[Json]:
        """The pending faults."""
        with self._lock:
            return [fault.describe() for fault in self._queue]

    def take(self, method: str, path: str, *, part: bool = False) -> Fault | None:
        """The fault to inject into this request, if any; its count goes down."""
        with self._lock:
            for fault in self._queue:
                if not fault.matches(method, path, part):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if fault.chance < 1 and self.random.random() >= fault.chance:
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._queue.remove(fault)
                self.injected += 1
                return fault
        return None
