"""An id for each request, in its log lines and in a response header."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable
from typing import Any

HEADER = "X-Request-ID"
# Its key in the WSGI environment.
REQUEST_ID = "portal.request_id"
_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)


class RequestIds:
    """WSGI middleware. An id from the request is used only if a trusted proxy sets it (`trusted`)."""

    def __init__(self, application: Callable[..., Iterable[bytes]], *, trusted: bool) -> None:
        self._application = application
        self._trusted = trusted

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        given = environ.get("HTTP_X_REQUEST_ID", "") if self._trusted else ""
        request_id = given if _WELL_FORMED.fullmatch(given) else secrets.token_hex(8)
        environ[REQUEST_ID] = request_id

        def start(status: str, headers: list[tuple[str, str]], *problem: Any) -> Any:
            return start_response(status, [*headers, (HEADER, request_id)], *problem)

        return self._application(environ, start)
