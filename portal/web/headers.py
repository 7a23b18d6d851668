"""Headers of every page: what a browser may load, embed and tell others."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

from flask import Flask, Response, request

from portal.config import Settings


def content_policy(settings: Settings) -> str:
    """What a page may load: our own files, and pictures from anywhere. Nothing inline.

    Forms may also lead to Google's consent page: browsers apply form-action to where a form is redirected.
    """
    consent = urlsplit(settings.google_auth_uri)
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' https: http: data:",
            "font-src 'self'",
            "connect-src 'self'",
            "manifest-src 'self'",
            f"form-action 'self' {consent.scheme}://{consent.netloc}",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def _may_be_kept(response: Response) -> bool:
    """Whether a browser may keep a page and ask whether it is still the same."""
    return (
        request.method in ("GET", "HEAD")
        and response.status_code == 200
        and response.mimetype == "text/html"
        and "ETag" not in response.headers
        and "no-store" not in response.headers.get("Cache-Control", "")
    )


def register_headers(app: Flask) -> None:
    """Add the headers to every answer, and to HTML those that are for browsers."""
    policy = content_policy(app.extensions["portal.settings"])

    @app.after_request
    def _add(response: Response) -> Response:
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        if _may_be_kept(response):
            response.set_etag(hashlib.blake2b(response.get_data(), digest_size=16).hexdigest())
            # By the tag alone: what a page shows of time changes without anything being written.
            if request.if_none_match:
                response.make_conditional(request)
        if response.mimetype == "text/html":
            response.headers.setdefault("Content-Security-Policy", policy)
            response.headers.setdefault("X-Frame-Options", "DENY")
            response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
            response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
            response.headers.setdefault("Cache-Control", "private, no-cache")
            response.vary.update(("Cookie",))
        return response
