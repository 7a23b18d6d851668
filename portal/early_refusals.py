"""Responses to requests that portal.asgi refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from portal.asgi import REFUSED
from portal.domain.http_headers import NO_STORE
from portal.domain.paths import is_api

Wsgi = Callable[..., Iterable[bytes]]


def early_refusals() -> Wsgi:
    """A WSGI application that responds with the status in its environment, without the database."""

    def refuse(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        status = HTTPStatus(environ[REFUSED])
        if is_api(environ["PATH_INFO"]):
            kind, body = "application/json", json.dumps({"detail": status.phrase}).encode()
        else:
            kind, body = "text/plain; charset=utf-8", f"{status.phrase}\n".encode()
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            # The rest of the request is not read.
            "Connection": "close",
            "Cache-Control": NO_STORE,
        }
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            headers["Retry-After"] = "5"
        start_response(f"{status.value} {status.phrase}", list(headers.items()))
        return [body]

    return refuse
