"""Registers the resources of the API, and refuses requests to them in this order: 406, 401, 405, then 404, 403, 400.

So nothing is revealed without a token. OPTIONS needs no token, because browsers send it before they send one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import MapAdapter, RequestRedirect

from portal.api.errors import Refused
from portal.api.guards import Guard
from portal.api.negotiation import accepts
from portal.api.responses import JSON, empty_response
from portal.domain.http_headers import allows_cross_origin
from portal.domain.paths import is_api

Handler = Callable[..., Response]

blueprint = Blueprint("api", __name__)

ALLOWED_HEADERS = "Authorization, Content-Type, Accept, If-None-Match, Idempotency-Key"
ALLOWED_METHODS = "GET, HEAD, POST, OPTIONS"
PREFLIGHT_SECONDS = "86400"


def resource(
    rule: str,
    endpoint: str,
    *,
    guard: Guard,
    get: Handler | None = None,
    post: Handler | None = None,
    produces: str | None = JSON,
) -> None:
    """Register a resource at a path, which ends in a slash. HEAD is GET without the body.

    `produces` is the media type that the client must accept; None: any (pictures, pages).
    """
    handlers = {**({"GET": get, "HEAD": get} if get else {}), **({"POST": post} if post else {})}
    allowed = [*handlers, "OPTIONS"]
    allow = ", ".join(name for name in ("GET", "POST", "HEAD", "OPTIONS") if name in allowed)

    def view(**arguments: Any) -> Response:
        if request.method == "OPTIONS":
            response = empty_response()
            response.headers["Allow"] = allow
            return response
        if produces and not accepts(request.environ.get("HTTP_ACCEPT", ""), produces):
            raise Refused(406, {"detail": "Could not satisfy the request Accept header."})
        guard.check()
        handler = handlers.get(request.method)
        if handler is None:
            raise Refused(405, {"detail": f'Method "{request.method}" not allowed.'}, {"Allow": allow})
        return handler(**arguments)

    view.__name__ = endpoint
    view.guard = guard.name  # type: ignore[attr-defined]  # functions have no declared attributes
    blueprint.add_url_rule(rule, endpoint, view, methods=allowed, provide_automatic_options=False)


def before_request() -> Response | None:
    """Before every request to the API: preflights, missing slashes, and methods that a resource does not have."""
    if not is_api(request.path):
        return None
    is_preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    if is_preflight and allows_cross_origin(request.path):
        return _preflight()
    refusal = request.routing_exception
    if refusal is None:
        return None
    if not request.path.endswith("/"):
        return _to_slash()
    if isinstance(refusal, RequestRedirect):
        return _moved(urlsplit(refusal.new_url).path)
    if isinstance(refusal, MethodNotAllowed) and refusal.valid_methods:
        # The resource refuses the method itself, after it has checked the token.
        request.url_rule, arguments = _adapter().match(method=next(iter(refusal.valid_methods)), return_rule=True)
        request.view_args = dict(arguments)
        request.routing_exception = None
    return None


def _preflight() -> Response:
    response = empty_response()
    response.headers["Access-Control-Allow-Methods"] = ALLOWED_METHODS
    response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
    response.headers["Access-Control-Max-Age"] = PREFLIGHT_SECONDS
    return response


def _to_slash() -> Response | None:
    # For every method, as in Waldur's API, if the path with a slash exists.
    path = f"{request.path}/"
    try:
        _adapter().match(path)
    except MethodNotAllowed:
        pass
    except HTTPException:
        return None
    return _moved(request.script_root + path)


def _moved(path: str) -> Response:
    # Werkzeug would use 308; Waldur's API uses 301.
    query = request.query_string.decode("latin-1")
    response = empty_response()
    response.status_code = 301
    response.headers["Location"] = quote(path, safe="/") + (f"?{query}" if query else "")
    return response


def _adapter() -> MapAdapter:
    adapter = current_app.create_url_adapter(request)
    assert adapter is not None
    return adapter
