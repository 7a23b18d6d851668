"""Text is answered compressed by Flask-Compress, as Accept-Encoding asks: pages, JSON, feeds, style sheets.

Each encoding of an answer has a strong ETag of its own, `"…:br"` beside `"…"`. Views know the plain one alone: what
follows the colon is taken off If-None-Match ahead of them, so a client that has any of the encodings is answered 304.
What may be compressed and what may not: docs/caching.md, BREACH.
"""

from __future__ import annotations

from functools import lru_cache

from flask import Flask, Request, Response, g, request, session
from flask_compress import Compress
from werkzeug.datastructures import Accept, ETags
from werkzeug.http import parse_accept_header, parse_etags

from portal.extensions import cache

IDENTITY = "identity"
ENCODINGS = ("br", "gzip")
# The first is taken where a client accepts several alike. x-gzip is an old name of gzip.
_OFFERED = (*ENCODINGS, "x-gzip", IDENTITY)
# Browsers send fifty characters. Whoever sends more than this is answered uncompressed.
LONGEST_HEADER = 1000
_MIME_TYPES = frozenset(
    (
        *("text/html", "text/css", "text/javascript", "text/plain", "text/csv", "text/xml", "text/calendar"),
        *("application/json", "application/javascript", "application/xml", "application/manifest+json"),
        "image/svg+xml",
    )
)


class CompressedBodies:
    """Flask-Compress's cache, inside the one bounded cache of the process. Nothing is kept under an empty name."""

    def get(self, key: str) -> bytes | None:
        found: bytes | None = cache().get(("compressed", key), None)
        return found

    def set(self, key: str, value: bytes) -> None:
        if g.compressed_name:
            cache().put(("compressed", key), None, value, len(value))


def register_compression(app: Flask) -> None:
    """Call before any other hook is registered: it has to be the first before a request and the last after it."""
    app.config.update(
        COMPRESS_REGISTER=False,
        COMPRESS_ALGORITHM=ENCODINGS,
        COMPRESS_MIMETYPES=_MIME_TYPES,
        # Shorter answers fit into one packet anyhow.
        COMPRESS_MIN_SIZE=1000,
        # What is compressed while somebody waits: measured in docs/caching.md.
        COMPRESS_BR_LEVEL=4,
        COMPRESS_LEVEL=4,
        COMPRESS_STREAMS=False,
        COMPRESS_EVALUATE_CONDITIONAL_REQUEST=False,
        COMPRESS_CACHE_BACKEND=CompressedBodies,
        COMPRESS_CACHE_KEY=_name,
    )
    compress = Compress(app)

    @app.before_request
    def _negotiate() -> None:
        environ = request.environ
        # One encoding is left in the header, for Flask-Compress takes `br;q=0` for a wish.
        accepted = environ.get("HTTP_ACCEPT_ENCODING", "")
        environ["HTTP_ACCEPT_ENCODING"] = best_encoding(accepted) if len(accepted) <= LONGEST_HEADER else IDENTITY
        known = parse_etags(environ.get("HTTP_IF_NONE_MATCH"))
        if known:
            g.known_tags = known
            environ["HTTP_IF_NONE_MATCH"] = _without_encodings(known).to_header()

    @app.after_request
    def _compress(response: Response) -> Response:
        if response.mimetype not in _MIME_TYPES:
            return response
        etag, weak = response.get_etag()
        strong = "" if weak or etag is None else etag
        status, done = response.status_code, response.headers.get("Content-Encoding")
        if not done and status not in (206, 304) and not _shows_secrets(response):
            # A strong tag stands for these very bytes. The pages of a session are different ones each second.
            g.compressed_name = f"{request.path} {strong}" if strong and not _is_of_session(response) else ""
            # It says Vary, too.
            return compress.after_request(response)
        if strong and status == 304:
            response.set_etag(_known_tag(strong))
        elif strong and done:
            response.set_etag(f"{strong}:{done}")
        response.vary.add("Accept-Encoding")
        return response


@lru_cache(maxsize=256)
def best_encoding(header: str) -> str:
    """Which encoding an answer gets, by an Accept-Encoding header. No request is refused for what it accepts."""
    best = parse_accept_header(header, Accept).best_match(_OFFERED, IDENTITY)
    return best.removeprefix("x-")


def _name(_request: Request) -> str:
    name: str = g.compressed_name
    return name


def _without_encodings(tags: ETags) -> ETags:
    """The same tags, as if every answer had been sent uncompressed. (Weak or strong makes no difference here.)"""
    # Of an empty tag (`""`) Werkzeug makes None.
    return ETags(map(_plain, filter(None, tags.as_set(include_weak=True))), star_tag=tags.star_tag)


def _plain(tag: str) -> str:
    name, _, encoding = tag.rpartition(":")
    return name if encoding in ENCODINGS else tag


def _known_tag(etag: str) -> str:
    """The tag of this answer that the client named, in whichever encoding; the plain one where it named `*`."""
    accepted, known = request.headers["Accept-Encoding"], g.known_tags.as_set(include_weak=True)
    return next((tag for it in (accepted, *ENCODINGS) if (tag := f"{etag}:{it}") in known), etag)


def _shows_secrets(response: Response) -> bool:
    """Whether the length of the compressed answer could tell what is in it (BREACH).

    That takes many requests whose answers hold the same secret and something the attacker chose: pages that show a
    secret (no-transform), and those of a session that another site's page asked for.
    """
    if "no-transform" in response.headers.get("Cache-Control", ""):
        return True
    elsewhere = request.environ.get("HTTP_SEC_FETCH_SITE") in ("cross-site", "same-site")
    return elsewhere and _is_of_session(response)


def _is_of_session(response: Response) -> bool:
    return response.mimetype == "text/html" and bool(session)
