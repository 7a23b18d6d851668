"""How a resource of the JSON face is put on a path, and in which order a request to it is refused.

406, then 401, then 405, then whatever the handler finds (404, 403, 400): so nobody without a token learns what is
there. OPTIONS is answered to everybody, because browsers ask it before they send a token.
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
from portal.api.responses import JSON, empty_response, is_api
from portal.domain.http_headers import allows_cross_origin

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
    """Put a resource on a path (with its slash at the end). HEAD is GET without the body.

    `produces` is the media type that the client must accept; None: no question asked (pictures, pages).
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
    """Before every request: what comes ahead of routing's own answers, for the JSON face alone."""
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
        # Hand the request to the resource after all: it asks for the token before it says what is allowed.
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
    # For every method, as the published API does it, if there is something at the other end.
    path = f"{request.path}/"
    try:
        _adapter().match(path)
    except MethodNotAllowed:
        pass
    except HTTPException:
        return None
    return _moved(request.script_root + path)


def _moved(path: str) -> Response:
    # Werkzeug would say 308; the published API says 301.
    query = request.query_string.decode("latin-1")
    response = empty_response()
    response.status_code = 301
    response.headers["Location"] = quote(path, safe="/") + (f"?{query}" if query else "")
    return response


def _adapter() -> MapAdapter:
    adapter = current_app.create_url_adapter(request)
    assert adapter is not None
    return adapter
