"""POST /api-auth/password/: an API token for a password."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from flask import Response, request

from portal.api.errors import Refused
from portal.api.guards import public
from portal.api.responses import json_response
from portal.api.routing import resource
from portal.errors import Invalid, TooManyAttempts
from portal.services.tokens import token_for_password

WRONG = "Invalid username/password."
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
FIELDS = ("username", "password")


def api_auth_password() -> Response:
    """200 with a new token. 401 with one text whatever is wrong; 429 while sign-in is slowed down."""
    username, password = _credentials(_body())
    try:
        token = token_for_password(username, password, request.remote_addr or "")
    except TooManyAttempts:
        raise
    except Invalid:
        # No WWW-Authenticate: a token is what this is for, so offering that scheme would not help.
        raise Refused(401, {"detail": WRONG}) from None
    return json_response({"token": token.key}, headers={"Cache-Control": "no-store"})


def _body() -> Any:
    kind = request.mimetype
    if kind in FORMS:
        return {name: values[-1] for name, values in request.form.lists() if values}
    body = request.get_data()
    if kind == "application/json":
        return _parsed(body)
    if not kind and not body:
        return {}
    raise Refused(415, {"detail": f'Unsupported media type "{request.content_type or ""}" in request.'})


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Refused(400, {"detail": f"JSON parse error - {error}"}) from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"Out of range float values are not JSON compliant: {name!r}")


def _credentials(body: Any) -> tuple[str, str]:
    """User name and password. Raises Refused (400) with a list of complaints for each field that is wrong."""
    if not isinstance(body, dict):
        kind = type(body).__name__
        raise Refused(400, {"non_field_errors": [f"Invalid data. Expected a dictionary, but got {kind}."]})
    problems: dict[str, list[str]] = {}
    for name in FIELDS:
        value = body.get(name)
        if name not in body:
            problems[name] = ["This field is required."]
        elif value is None:
            problems[name] = ["This field may not be null."]
        elif not isinstance(value, str):
            problems[name] = ["Not a valid string."]
        elif not value.strip():
            problems[name] = ["This field may not be blank."]
        elif "\0" in value:
            problems[name] = ["Null characters are not allowed."]
        elif any("\ud800" <= character <= "\udfff" for character in value):
            problems[name] = ["Not a valid string."]
    if problems:
        raise Refused(400, problems)
    return body["username"], body["password"]


resource("/api-auth/password/", "api_auth_password", guard=public, post=api_auth_password)
