"""Answers of the JSON face: compact JSON, validators for caches, and the headers that every answer carries."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import orjson
from flask import Response, request, session
from werkzeug.http import http_date

from portal.documents.read import Tag

JSON = "application/json"
# What a page of another origin may read of an answer.
EXPOSED_HEADERS = "Link, X-Result-Count, ETag, Last-Modified, Retry-After, WWW-Authenticate"


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """`body` as compact JSON."""
    return bytes_response(orjson.dumps(body), status, headers)


def bytes_response(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Bytes that are JSON already."""
    return Response(body, status, headers, mimetype=JSON)


def empty_response() -> Response:
    """200 with nothing in it. The published clients take 200 alone for success, so this is no 204."""
    response = Response(b"", 200)
    # An empty body is of no type.
    del response.headers["Content-Type"]
    return response


def tag_of(body: bytes) -> Tag:
    """The tag of these bytes."""
    return Tag(f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"')


def validators(tag: Tag) -> dict[str, str]:
    """The headers by which a client asks again: the strong ETag, and, where it is known, when this last changed."""
    return {"ETag": tag.etag, **({"Last-Modified": http_date(tag.modified)} if tag.modified else {})}


def client_has(tag: Callable[[], Tag | None]) -> Tag | None:
    """The tag of what is asked for, if the client says that it has this already; else None.

    `tag` is only called where the client names any; it answers None where there is no such thing. If-Modified-Since
    is not asked: a list can lose an offering without anything in it becoming newer.
    """
    if "HTTP_IF_NONE_MATCH" not in request.environ:
        return None
    found = tag()
    return found if found and request.if_none_match.contains_weak(found.etag.strip('"')) else None


def not_modified(tag: Tag, headers: dict[str, str] | None = None) -> Response:
    """304 with the headers that a 200 would have."""
    response = Response(status=304, headers=headers)
    del response.headers["Content-Type"]
    response.headers.update(validators(tag))
    return response


def is_api(path: str) -> bool:
    """Whether a path belongs to the JSON face."""
    return path.startswith(("/api/", "/api-auth/")) or path in ("/api", "/api-auth")


def is_for_other_origins(path: str) -> bool:
    """Whether pages of other origins may read what this path answers.

    Tokens are the only credentials there, and no browser sends one by itself. Where a password is the credential
    (/api-auth/), any page could let its visitors' browsers try some.
    """
    return path.startswith("/api/") or path == "/api"


def add_headers(response: Response) -> Response:
    """After every request: let pages of other origins read the answers, and keep caches from mixing readers up."""
    if not is_api(request.path):
        return response
    headers = response.headers
    if is_for_other_origins(request.path):
        headers.add("Access-Control-Allow-Origin", "*")
        headers.add("Access-Control-Expose-Headers", EXPOSED_HEADERS)
    if "Cache-Control" not in headers:
        headers.add("Cache-Control", "private, no-cache")
        if "Vary" in headers:
            response.vary.update(("Accept", "Authorization"))
        else:
            headers.add("Vary", "Accept, Authorization")
    return response


def forget_session(response: Response) -> Response:
    """Last of all: an answer in JSON has nothing to do with the browser's session, so caches need not tell them apart.

    (Flask-Login looks into the session after every request, and Flask says `Vary: Cookie` for that.)
    """
    if is_api(request.path) and response.mimetype != "text/html":
        session.accessed = False
    return response
