"""Responses of the API: compact JSON, validators for caches, and the headers that every response has."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from flask import Response, request, session

from portal.domain.http_headers import CROSS_ORIGIN_HEADERS, allows_cross_origin
from portal.domain.paths import is_api

JSON = "application/json"


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """`body` as compact JSON."""
    return bytes_response(orjson.dumps(body), status, headers)


def bytes_response(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A response of bytes that are JSON."""
    return Response(body, status, headers, mimetype=JSON)


def empty_response() -> Response:
    """200 with an empty body. The published clients accept only 200, so this is not a 204."""
    response = Response(b"", 200)
    # An empty body has no type.
    del response.headers["Content-Type"]
    return response


def tag_of(body: bytes) -> str:
    """The strong ETag of these bytes, without its quotes."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def tagged_response(body: bytes, headers: dict[str, str] | None = None) -> Response:
    """JSON bytes with their ETag; 304 if the client already has them.

    If-Modified-Since is ignored: a list can lose an offering without anything in it becoming newer.
    """
    response = bytes_response(body, headers=headers)
    response.set_etag(tag_of(body))
    if request.if_none_match:
        response.make_conditional(request)
    return response


def add_headers(response: Response) -> Response:
    """After every request: let pages of other origins read the responses, and tell caches what they depend on."""
    if not is_api(request.path):
        return response
    headers = response.headers
    if allows_cross_origin(request.path):
        headers.update(CROSS_ORIGIN_HEADERS)
    if "Cache-Control" not in headers:
        headers.add("Cache-Control", "private, no-cache")
        if "Vary" in headers:
            response.vary.update(("Accept", "Authorization"))
        else:
            headers.add("Vary", "Accept, Authorization")
    return response


def forget_session(response: Response) -> Response:
    """Last of all: JSON does not depend on the browser's session, so caches need not distinguish sessions.

    (Flask-Login reads the session after every request, and Flask adds `Vary: Cookie` for that.)
    """
    if is_api(request.path) and response.mimetype != "text/html":
        session.accessed = False
    return response
