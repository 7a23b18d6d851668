"""How browsers may cache pages. (Other headers: portal.response_headers.)"""

from __future__ import annotations

import hashlib

from flask import Flask, Response, request

from portal.domain.http_headers import NO_STORE, REVALIDATED
from portal.domain.paths import is_api

# What anybody may look at: the only pages that a browser may keep. Any other is for one person, shows what somebody
# typed, or has a secret in its address.
KEPT = frozenset({"catalogue", "timeline"})


def _may_be_kept(response: Response) -> bool:
    is_read = request.method in ("GET", "HEAD") and response.status_code == 200
    # The page of the API's documentation, too.
    return (is_read and request.blueprint in KEPT) or is_api(request.path)


def _tag(response: Response) -> None:
    """Let a browser ask whether its copy of a page is still the same."""
    if "ETag" in response.headers or "no-store" in response.headers["Cache-Control"]:
        return
    response.set_etag(hashlib.blake2b(response.get_data(), digest_size=16).hexdigest())
    # By the tag alone: what a page shows of time changes without anything being written.
    if request.if_none_match:
        response.make_conditional(request)


def register_headers(app: Flask) -> None:
    """Say of each page how it may be cached."""

    @app.after_request
    def _add(response: Response) -> Response:
        if response.mimetype != "text/html":
            return response
        response.headers.setdefault("Cache-Control", REVALIDATED if _may_be_kept(response) else NO_STORE)
        response.vary.update(("Cookie", "Accept-Language"))
        if response.status_code == 200 and request.method in ("GET", "HEAD"):
            _tag(response)
        return response
