"""What is refused before a thread works on a request (portal.asgi), with the headers that every answer has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from portal.asgi import REFUSED
from portal.config import Settings
from portal.domain.http_headers import (
    EVERY_ANSWER,
    NO_PAGE,
    ONLY_HTTPS,
    OTHER_ORIGINS,
    PRIVATE,
    is_for_other_origins,
)

Wsgi = Callable[..., Iterable[bytes]]


def early_refusals(settings: Settings) -> Wsgi:
    """A WSGI application that answers the status in its environment. It asks nothing of the database."""

    def refuse(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        status = HTTPStatus(environ[REFUSED])
        text = f"{status.phrase}\n".encode()
        headers = {
            "Content-Type": "text/plain; charset=utf-8",
            "Content-Length": str(len(text)),
            # What the client still sends of its request is not read.
            "Connection": "close",
            **EVERY_ANSWER,
            "Content-Security-Policy": NO_PAGE,
            "Cache-Control": PRIVATE,
        }
        if settings.secure_cookies or environ["wsgi.url_scheme"] == "https":
            headers["Strict-Transport-Security"] = ONLY_HTTPS
        if is_for_other_origins(environ["PATH_INFO"]):
            headers.update(OTHER_ORIGINS)
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            headers["Retry-After"] = "5"
        start_response(f"{status.value} {status.phrase}", list(headers.items()))
        return [text]

    return refuse
