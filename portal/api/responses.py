"""Responses of the API: compact JSON, validators for caches, and the headers that every response has."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from flask import Response, request

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
