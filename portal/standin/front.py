"""What stands before the application: who may ask, counting, and faults of the connection."""

import time
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.test import run_wsgi_app

from portal.standin.access import is_loopback_name
from portal.standin.world import World

WIRE = ("/calendar/v3/", "/batch/", "/token", "/revoke", "/oauth2/")
MARK = ("X-Stand-In", "portal")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, whole."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


class ConnectionFault(Exception):
    """Do this to the connection: `reset`, `close`, or send half of `answer` and close (`truncate`)."""

    def __init__(self, kind: str, answer: Answer | None = None) -> None:
        super().__init__(kind)
        self.kind, self.answer = kind, answer


class Front:
    """Asks the application and does to the answer what was ordered."""

    def __init__(self, app: Flask, world: World) -> None:
        self.app, self.world = app, world

    def answer(self, environ: dict[str, Any]) -> Answer:
        """The answer to a request.

        Raises:
            ConnectionFault: there is to be none, or half of one.
        """
        if problem := _stranger(environ):
            head = [("Content-Type", "text/plain; charset=utf-8"), MARK]
            return Answer("403 FORBIDDEN", head, problem.encode())
        path = environ["PATH_INFO"]
        if not path.startswith(WIRE):
            return self._ask(environ)
        _override_method(environ)
        self.world.counters.http(path)
        fault = self.world.faults.take(environ["REQUEST_METHOD"], path)
        environ["standin.fault"] = fault
        if fault is not None and fault.kind in ("reset", "close") and not fault.apply:
            raise ConnectionFault(fault.kind)
        if fault is not None and fault.kind == "delay":
            time.sleep(min(fault.seconds, 120))
        answer = self._ask(environ)
        if fault is not None and fault.kind in ("reset", "close"):
            raise ConnectionFault(fault.kind)
        if fault is not None and fault.kind == "truncate":
            raise ConnectionFault(fault.kind, answer)
        return answer

    def _ask(self, environ: dict[str, Any]) -> Answer:
        chunks, status, headers = run_wsgi_app(self.app.wsgi_app, environ)
        return Answer(status, list(headers), b"".join(chunks))


def _override_method(environ: dict[str, Any]) -> None:
    """A GET too long for an address arrives as a POST that says so, its query in the body."""
    if environ["REQUEST_METHOD"] == "POST" and environ.get("HTTP_X_HTTP_METHOD_OVERRIDE", "").upper() == "GET":
        environ["REQUEST_METHOD"] = "GET"
        environ["QUERY_STRING"] = environ["wsgi.input"].read().decode("latin-1")
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(), "0"


def _stranger(environ: dict[str, Any]) -> str | None:
    """Why a request is refused whatever it asks: another site's page must not reach a service on loopback.

    The name in Host ends DNS rebinding, Origin ends forms posted from elsewhere.
    """
    if not is_loopback_name(urlsplit("//" + environ.get("HTTP_HOST", "")).hostname):
        return "The stand-in for Google answers to localhost only.\n"
    origin = environ.get("HTTP_ORIGIN")
    if origin and environ["REQUEST_METHOD"] not in ("GET", "HEAD") and origin != f"http://{environ['HTTP_HOST']}":
        return "This form was sent from another site.\n"
    return None
