"""Answers go out packed (brotli, gzip) where the client asks for it: pages, JSON, feeds, anything that is text.

Both faces get it from here; neither knows of it. Tags are told apart by encoding on the way out, and told as one on the
way in, so that whoever names any of them in If-None-Match is answered 304.
"""

from __future__ import annotations

import threading

from flask import Flask, Response, request, session

from portal.domain.encodings import IDENTITY, SUFFIXES, WORTHWHILE, is_text, named_in, pack, tagged, untagged, wanted

_OFFERED = tuple(SUFFIXES)
_ASKED = "portal.if_none_match"
# Packed answers that have a strong tag are kept: what is asked for again and again is packed once.
MOST_KEPT = 32
LARGEST_KEPT = 128 * 1024
_CODELESS = frozenset({204, 206, 304})


class Kept:
    """Packed bodies by address, tag and encoding, the latest ones. Who may see a body is decided before, each time."""

    def __init__(self) -> None:
        self._bodies: dict[tuple[str, str, str], bytes] = {}
        self._lock = threading.Lock()

    def get(self, key: tuple[str, str, str]) -> bytes | None:
        return self._bodies.get(key)

    def put(self, key: tuple[str, str, str], body: bytes) -> None:
        if len(body) > LARGEST_KEPT:
            return
        with self._lock:
            self._bodies[key] = body
            while len(self._bodies) > MOST_KEPT:
                del self._bodies[next(iter(self._bodies))]


def register_packing(app: Flask) -> None:
    """Call before any other hook is registered: what comes in is seen first here, and what goes out last."""
    kept = Kept()

    @app.before_request
    def _unify() -> None:
        asked = request.environ.get("HTTP_IF_NONE_MATCH")
        if asked and ("-br" in asked or "-gz" in asked):
            request.environ[_ASKED] = asked
            request.environ["HTTP_IF_NONE_MATCH"] = untagged(asked)

    @app.after_request
    def _pack(response: Response) -> Response:
        headers = response.headers
        mimetype = response.mimetype or ""
        done = headers.get("Content-Encoding")
        if response.status_code == 304:
            if mimetype and not is_text(mimetype):
                return response
            etag = headers.get("ETag")
            if etag and _ASKED in request.environ:
                headers["ETag"] = named_in(request.environ[_ASKED], etag)
        elif not is_text(mimetype):
            return response
        _vary(response)
        encoding = done or _encoding(response)
        if encoding == IDENTITY:
            return response
        etag = headers.get("ETag")
        if not done:
            _replace(response, encoding, kept, etag)
        if etag:
            headers["ETag"] = tagged(etag, encoding)
        return response


def _vary(response: Response) -> None:
    vary = response.headers.get("Vary")
    response.headers["Vary"] = f"{vary}, Accept-Encoding" if vary else "Accept-Encoding"


def _encoding(response: Response) -> str:
    accepted = request.environ.get("HTTP_ACCEPT_ENCODING")
    if (
        not accepted
        or response.status_code in _CODELESS
        or response.status_code < 200
        or response.direct_passthrough
        or not response.is_sequence
        or (response.content_length or WORTHWHILE) < WORTHWHILE
        or _tells_secrets(response)
    ):
        return IDENTITY
    return wanted(accepted, _OFFERED)


def _tells_secrets(response: Response) -> bool:
    """Whether the length of the packed answer could tell what is in it (BREACH).

    That takes many requests whose answers hold the same secret and something the attacker chose: pages that show a
    secret (no-transform), and those of a session that another site's page asked for.
    """
    if "no-transform" in response.headers.get("Cache-Control", ""):
        return True
    elsewhere = request.environ.get("HTTP_SEC_FETCH_SITE") in ("cross-site", "same-site")
    return elsewhere and _is_of_session(response)


def _is_of_session(response: Response) -> bool:
    return response.mimetype == "text/html" and bool(session)


def _replace(response: Response, encoding: str, kept: Kept, etag: str | None) -> None:
    key = None
    # A strong tag stands for the very bytes, at this address. A session's pages are other ones each second.
    if etag and not etag.startswith("W/") and response.status_code == 200 and not _is_of_session(response):
        key = (request.environ.get("PATH_INFO", "") + "?" + request.environ.get("QUERY_STRING", ""), etag, encoding)
    body = kept.get(key) if key else None
    if body is None:
        body = pack(response.get_data(), encoding)
        if key:
            kept.put(key, body)
    response.set_data(body)
    response.headers["Content-Encoding"] = encoding
