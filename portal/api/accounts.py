"""POST /api-auth/password/: an API token for a password."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from portal.api.bodies import REQUIRED, read_object, text_problem
from portal.api.errors import Refused
from portal.api.guards import public
from portal.api.responses import json_response
from portal.api.routing import resource
from portal.errors import Invalid, TooManyAttempts
from portal.services.tokens import token_for_password

WRONG = "Invalid username/password."
FIELDS = ("username", "password")


def api_auth_password() -> Response:
    """200 with a new token. 401 with one text whatever is wrong; 429 while sign-in is slowed down."""
    username, password = _credentials(read_object(forms=True))
    try:
        token = token_for_password(username, password, request.remote_addr or "")
    except TooManyAttempts:
        raise
    except Invalid:
        # No WWW-Authenticate: clients use this to get a token.
        raise Refused(401, {"detail": WRONG}) from None
    return json_response({"token": token.key}, headers={"Cache-Control": "no-store"})


def _credentials(body: dict[str, Any]) -> tuple[str, str]:
    """User name and password. Raises Refused (400) with the problems of each field."""
    problems: dict[str, list[str]] = {}
    for name in FIELDS:
        value = body.get(name)
        problem = REQUIRED if name not in body else text_problem(value)
        if problem is None and not str(value).strip():
            problem = "This field may not be blank."
        if problem is not None:
            problems[name] = [problem]
    if problems:
        raise Refused(400, problems)
    return body["username"], body["password"]


resource("/api-auth/password/", "api_auth_password", guard=public, post=api_auth_password)
