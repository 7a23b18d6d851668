"""Trouble to order: what a test wants to go wrong at "Google", and when."""

import json
import random
import re
import threading
from dataclasses import dataclass, field
from typing import Any

from portal.standin.errors import WORDS, ApiError, Json

# Kinds that are an answer, and so also fit one part of a batch.
ANSWERS = ("status", "html", "broken_json")
# Kinds that happen to the connection: `reset` tears it down, `close` ends it without an answer, `truncate`
# ends it in the middle of one, `delay` only waits.
CONNECTION = ("reset", "close", "truncate", "delay")


@dataclass
class Fault:
    """One kind of trouble and the requests it waits for.

    `apply`: whether the request takes effect all the same. `truncate` always applies.
    `times`: how often; None is for ever. `skip`: how many matching requests pass first.
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
        if self.kind not in ANSWERS + CONNECTION:
            raise ValueError(f"Unknown kind {self.kind!r}: one of {', '.join(ANSWERS + CONNECTION)}.")
        if self.where not in ("any", "http", "part"):
            raise ValueError(f"Unknown where {self.where!r}: any, http or part.")
        self._method, self._path = re.compile(self.method, re.IGNORECASE), re.compile(self.path)

    def fits(self, method: str, path: str, part: bool) -> bool:
        """Whether this request is one it waits for."""
        if part and (self.where == "http" or self.kind not in ANSWERS):
            return False
        if not part and self.where == "part":
            return False
        return bool(self._method.fullmatch(method) and self._path.search(path))

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The answer to give for the kinds that are one."""
        if self.kind == "html":
            page = "<!DOCTYPE html><html><title>Error</title><p>The server encountered an error.</html>"
            return self.status, {"Content-Type": "text/html; charset=UTF-8", **self.headers}, page.encode()
        body = self.body
        if body is None:
            domain = None if self.reason in WORDS else "global"
            body = ApiError(self.status, self.reason, self.message, domain=domain).body()
        content = json.dumps(body).encode()
        if self.kind == "broken_json":
            return 200, {"Content-Type": "application/json; charset=UTF-8"}, content[: len(content) // 2]
        return self.status, {"Content-Type": "application/json; charset=UTF-8", **self.headers}, content

    def describe(self) -> Json:
        """The order as it stands, for the control page."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


class Faults:
    """The queue of ordered faults, first match first. Kept in memory: a restart forgets them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: list[Fault] = []
        self.injected = 0
        self.random = random.Random(0)  # noqa: S311 - repeatable on purpose

    def add(self, kind: str, **order: Any) -> Fault:
        """Order a fault; see `Fault` for what can be said."""
        fault = Fault(kind, **order)
        with self._lock:
            self._queue.append(fault)
        return fault

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._queue.clear()

    def pending(self) -> list[Json]:
        """What is still ordered."""
        with self._lock:
            return [fault.describe() for fault in self._queue]

    def take(self, method: str, path: str, *, part: bool = False) -> Fault | None:
        """The fault that strikes this request, if any; its count goes down."""
        with self._lock:
            for fault in self._queue:
                if not fault.fits(method, path, part):
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
