"""Responses to requests that portal.asgi refuses, with the headers that all responses have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from portal.asgi import REFUSED
from portal.config import Settings
from portal.domain.http_headers import (
    COMMON_HEADERS,
    CROSS_ORIGIN_HEADERS,
    HSTS,
    NO_STORE,
    NON_PAGE_POLICY,
    allows_cross_origin,
)

Wsgi = Callable[..., Iterable[bytes]]


def early_refusals(settings: Settings) -> Wsgi:
    """A WSGI application that responds with the status in its environment, without the database."""

    def refuse(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        status = HTTPStatus(environ[REFUSED])
        text = f"{status.phrase}\n".encode()
        headers = {
            "Content-Type": "text/plain; charset=utf-8",
            "Content-Length": str(len(text)),
            # The rest of the request is not read.
            "Connection": "close",
            **COMMON_HEADERS,
            "Content-Security-Policy": NON_PAGE_POLICY,
            "Cache-Control": NO_STORE,
        }
        if settings.secure_cookies or environ["wsgi.url_scheme"] == "https":
            headers["Strict-Transport-Security"] = HSTS
        if allows_cross_origin(environ["PATH_INFO"]):
            headers.update(CROSS_ORIGIN_HEADERS)
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            headers["Retry-After"] = "5"
        start_response(f"{status.value} {status.phrase}", list(headers.items()))
        return [text]

    return refuse
