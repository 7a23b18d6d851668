"""Compression of text responses with Flask-Compress, by Accept-Encoding.

Each encoding has its own strong ETag, `"…:br"` for `"…"`. Views only know the plain ETag: the suffix is removed from
If-None-Match before them, so a client with any of the encodings gets a 304. docs/caching.md (BREACH) says which
responses are not compressed.
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
# By preference. x-gzip is an old name of gzip.
_OFFERED = (*ENCODINGS, "x-gzip", IDENTITY)
# Characters; longer headers mean no compression. Browsers send about 50.
LONGEST_HEADER = 1000
_MIME_TYPES = frozenset(
    (
        *("text/html", "text/css", "text/javascript", "text/plain", "text/csv", "text/xml", "text/calendar"),
        *("application/json", "application/javascript", "application/xml", "application/manifest+json"),
        "image/svg+xml",
    )
)


class CompressedBodies:
    """The cache of Flask-Compress, inside the process's cache. Responses without a name are not cached."""

    def get(self, key: str) -> bytes | None:
        found: bytes | None = cache().get(("compressed", key), None)
        return found

    def set(self, key: str, value: bytes) -> None:
        if g.compressed_name:
            cache().put(("compressed", key), None, value, len(value))


def register_compression(app: Flask) -> None:
    """Register compression. To be called before other hooks are registered, so that it runs last after a request."""
    app.config.update(
        COMPRESS_REGISTER=False,
        COMPRESS_ALGORITHM=ENCODINGS,
        COMPRESS_MIMETYPES=_MIME_TYPES,
        # Shorter responses fit into one packet.
        COMPRESS_MIN_SIZE=1000,
        # Measured in docs/caching.md.
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
        # Only one encoding is left in the header, since Flask-Compress would accept `br;q=0`.
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
        if request.environ["HTTP_ACCEPT_ENCODING"] == IDENTITY and response.status_code != 304:
            response.vary.add("Accept-Encoding")
            return response
        etag, weak = response.get_etag()
        strong = "" if weak or etag is None else etag
        status, done = response.status_code, response.headers.get("Content-Encoding")
        if not done and status not in (206, 304) and not _shows_secrets(response):
            # A strong tag identifies the bytes. Pages of a session change too often.
            g.compressed_name = f"{request.path} {strong}" if strong and not _is_of_session(response) else ""
            # It also sets Vary.
            return compress.after_request(response)
        if strong and status == 304:
            response.set_etag(_known_tag(strong))
        elif strong and done:
            response.set_etag(f"{strong}:{done}")
        response.vary.add("Accept-Encoding")
        return response


@lru_cache(maxsize=256)
def best_encoding(header: str) -> str:
    """The encoding for an Accept-Encoding header; identity if none of those offered is accepted."""
    best = parse_accept_header(header, Accept).best_match(_OFFERED, IDENTITY)
    return best.removeprefix("x-")


def _name(_request: Request) -> str:
    name: str = g.compressed_name
    return name


def _without_encodings(tags: ETags) -> ETags:
    """The tags of the uncompressed responses."""
    # Werkzeug turns an empty tag (`""`) into None.
    return ETags(map(_plain, filter(None, tags.as_set(include_weak=True))), star_tag=tags.star_tag)


def _plain(tag: str) -> str:
    name, _, encoding = tag.rpartition(":")
    return name if encoding in ENCODINGS else tag


def _known_tag(etag: str) -> str:
    """The tag of this response that the client sent, in any encoding; the plain one for `*`."""
    accepted, known = request.headers["Accept-Encoding"], g.known_tags.as_set(include_weak=True)
    return next((tag for it in (accepted, *ENCODINGS) if (tag := f"{etag}:{it}") in known), etag)


def _shows_secrets(response: Response) -> bool:
    """Whether the length of the compressed response could reveal a secret (BREACH).

    That takes many responses with the same secret and input of the attacker: pages that show a secret (no-transform),
    and pages of a session that were requested by another site.
    """
    if "no-transform" in response.headers.get("Cache-Control", ""):
        return True
    elsewhere = request.environ.get("HTTP_SEC_FETCH_SITE") in ("cross-site", "same-site")
    return elsewhere and _is_of_session(response)


def _is_of_session(response: Response) -> bool:
    return response.mimetype == "text/html" and bool(session)
