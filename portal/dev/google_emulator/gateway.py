"""Between the server and the application: host checks, request counts, and faults of the connection."""

import time
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.test import run_wsgi_app

from portal.dev.google_emulator.access import is_loopback_name
from portal.dev.google_emulator.state import EmulatorState

API_PATHS = ("/calendar/v3/", "/batch/", "/token", "/revoke", "/oauth2/")
HEADER = ("X-Emulator", "portal")


@dataclass(frozen=True)
class BufferedResponse:
    """A complete HTTP response."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


class ConnectionFault(Exception):
    """What the server does to the connection: `reset`, `close`, or `truncate` (send half of `response` and close)."""

    def __init__(self, kind: str, response: BufferedResponse | None = None) -> None:
        super().__init__(kind)
        self.kind, self.response = kind, response


class Gateway:
    """Passes requests to the application and injects the faults of the connection."""

    def __init__(self, app: Flask, state: EmulatorState) -> None:
        self.app, self.state = app, state

    def handle(self, environ: dict[str, Any]) -> BufferedResponse:
        """The response to a request.

        Raises:
            ConnectionFault: none, or half of one, is to be sent.
        """
        if problem := _refusal(environ):
            head = [("Content-Type", "text/plain; charset=utf-8"), HEADER]
            return BufferedResponse("403 FORBIDDEN", head, problem.encode())
        path = environ["PATH_INFO"]
        if not path.startswith(API_PATHS):
            return self._call_app(environ)
        _override_method(environ)
        self.state.counters.http(path)
        fault = self.state.faults.take(environ["REQUEST_METHOD"], path)
        environ["emulator.fault"] = fault
        if fault is not None and fault.kind in ("reset", "close") and not fault.apply:
            raise ConnectionFault(fault.kind)
        if fault is not None and fault.kind == "delay":
            time.sleep(min(fault.seconds, 120))
        response = self._call_app(environ)
        if fault is not None and fault.kind in ("reset", "close"):
            raise ConnectionFault(fault.kind)
        if fault is not None and fault.kind == "truncate":
            raise ConnectionFault(fault.kind, response)
        return response

    def _call_app(self, environ: dict[str, Any]) -> BufferedResponse:
        chunks, status, headers = run_wsgi_app(self.app.wsgi_app, environ)
        return BufferedResponse(status, list(headers), b"".join(chunks))


def _override_method(environ: dict[str, Any]) -> None:
    """A GET with a URL too long is sent as a POST with its query in the body."""
    if environ["REQUEST_METHOD"] == "POST" and environ.get("HTTP_X_HTTP_METHOD_OVERRIDE", "").upper() == "GET":
        environ["REQUEST_METHOD"] = "GET"
        environ["QUERY_STRING"] = environ["wsgi.input"].read().decode("latin-1")
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(), "0"


def _refusal(environ: dict[str, Any]) -> str | None:
    """Why a request is refused: pages of other sites must not reach a service on loopback.

    Checking Host prevents DNS rebinding, checking Origin prevents forms posted by other sites.
    """
    if not is_loopback_name(urlsplit("//" + environ.get("HTTP_HOST", "")).hostname):
        return "The Google Calendar emulator accepts requests to localhost only.\n"
    origin = environ.get("HTTP_ORIGIN")
    if origin and environ["REQUEST_METHOD"] not in ("GET", "HEAD") and origin != f"http://{environ['HTTP_HOST']}":
        return "This form was sent from another site.\n"
    return None
