"""Complete answers of the hot reads, sent again past the framework while nothing that they show has changed.

A request gets one only if its token is found good in the database now, in the statement that also asks for the
catalogue's stamp (portal.queries.stamp). Whatever else decides an answer is part of what it is remembered by: who
reads, the address, and the headers that are looked at. Everything unusual goes to the application.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import Response, request
from sqlalchemy.exc import SQLAlchemyError

from portal.api.auth import HOLDER, holder_of, is_good
from portal.api.operations import count
from portal.documents.read import Tag
from portal.domain.memory import Memory
from portal.queries.tokens import TokenHolder

PREFIX = "/api/booking-offerings/"
# What a view leaves in the request's environment: until when its answer holds, and its rule.
KEEP = "portal.keep"
# What decides an answer beside who asks for it. Longer ones are not worth remembering.
DECIDING = (
    *("wsgi.url_scheme", "HTTP_HOST", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING"),
    *("HTTP_ACCEPT", "HTTP_ACCEPT_ENCODING", "HTTP_IF_NONE_MATCH"),
)
LONGEST = 2000
KEPT_STATUSES = ("200 ", "304 ")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it went out, and the rule of its route (for the counters)."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes
    rule: str


def keep(response: Response, tag: Tag) -> Response:
    """Say that this answer may be sent again until its tag says otherwise."""
    rule = request.url_rule
    request.environ[KEEP] = (tag.until, rule.rule if rule else "")
    return response


class Remembering:
    """Stands before the application. `engines` are the database's, by bind key."""

    def __init__(self, application: Application, memory: Memory, engines: Any) -> None:
        self._application = application
        self._memory = memory
        self._engines = engines

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "GET" or not environ.get("PATH_INFO", "").startswith(PREFIX):
            return self._application(environ, start_response)
        begun, now = time.perf_counter(), time.time()
        try:
            holder = holder_of(environ.get("HTTP_AUTHORIZATION", ""), self._engines[None])
        except SQLAlchemyError:
            # The application meets the same, and has words for it.
            holder = None
        if holder is None:
            return self._application(environ, start_response)
        # Asked once is enough.
        environ[HOLDER] = holder
        key = (holder.actor.reader, *(environ.get(name, "") for name in DECIDING))
        if not is_good(holder, now) or sum(map(len, key[1:])) > LONGEST:
            return self._application(environ, start_response)
        found: Kept | None = self._memory.get(holder.stamp, key, now)
        if found is None:
            return self._ask(environ, start_response, holder, key)
        start_response(found.status, list(found.headers))
        count(found.rule, "GET", int(found.status[:3]), time.perf_counter() - begun)
        return (found.body,)

    def _ask(
        self, environ: Environ, start_response: StartResponse, holder: TokenHolder, key: tuple[Any, ...]
    ) -> Iterable[bytes]:
        said: list[tuple[str, list[tuple[str, str]]]] = []

        def noting(status: str, headers: list[tuple[str, str]], *problem: Any) -> Any:
            said[:] = [(status, headers)]
            return start_response(status, headers, *problem)

        answer = self._application(environ, noting)
        if KEEP not in environ or not said or not said[0][0].startswith(KEPT_STATUSES):
            return answer
        try:
            body = b"".join(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()
        (status, headers), (until, rule) = said[0], environ[KEEP]
        size = len(body) + sum(len(name) + len(value) for name, value in headers)
        self._memory.put(holder.stamp, key, Kept(status, list(headers), body, rule), size, until)
        return (body,)
