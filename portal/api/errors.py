"""Error responses of the API, with Waldur's texts (docs/api.md, Refusals)."""

from __future__ import annotations

from typing import Any

from flask import Response
from werkzeug.exceptions import HTTPException, InternalServerError

from portal.api.responses import json_response
from portal.errors import (
    CalendarRefused,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PortalError,
    SignInRequired,
    TooManyAttempts,
    TooManyWrites,
)

UNKNOWN_PATH = "Not found."
NOT_PROVIDED = "Authentication credentials were not provided."
SERVER_ERROR = "A server error occurred and was logged. The request was either completed or changed nothing."


class Refused(Exception):
    """An error response of the API: status, body and headers."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = headers


def unauthorized(detail: str = NOT_PROVIDED) -> Refused:
    """401, with the accepted scheme."""
    return Refused(401, {"detail": detail}, {"WWW-Authenticate": "Token"})


def not_found(detail: str) -> Refused:
    """404 with this text."""
    return Refused(404, {"detail": detail})


def no_match(what: str) -> Refused:
    """404 for something unknown, invisible or malformed: one text for the three."""
    return not_found(f"No {what} matches the given query.")


def refused(error: Refused) -> Response:
    """The response for a Refused."""
    return json_response(error.body, error.status, error.headers)


def portal_error(error: PortalError) -> Response:
    """The response for an error of the portal. Every new exception class needs a status here."""
    match error:
        case NotFound():
            return refused(no_match(error.what))
        case SignInRequired():
            return refused(unauthorized())
        case Forbidden():
            return json_response({"detail": error.message}, 403)
        case CalendarRefused():
            return json_response([error.message], 400)
        case TooManyAttempts() | TooManyWrites():
            return json_response({"detail": error.message}, 429, {"Retry-After": str(error.retry_after)})
        case Invalid():
            return json_response({error.field: [error.message]} if error.field else [error.message], 400)
        case Conflict():
            return json_response({"detail": error.message}, 409)
    raise error


def http_error(error: HTTPException) -> Response:
    """The response for an error of the web framework (unknown path, too large, unreadable …)."""
    if isinstance(error, InternalServerError):
        return server_error(error)
    detail = UNKNOWN_PATH if error.code == 404 else error.description or error.name
    return json_response({"detail": detail}, error.code or 500)


def server_error(_error: InternalServerError) -> Response:
    """The response for a defect: the cause is only logged."""
    return json_response({"detail": SERVER_ERROR}, 500)
