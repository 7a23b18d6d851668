"""Headers of every page: what a browser may load, embed and tell others."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response

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


def register_headers(app: Flask) -> None:
    """Add the headers to every answer, and to HTML those that are for browsers."""
    policy = content_policy(app.extensions["portal.settings"])

    @app.after_request
    def _add(response: Response) -> Response:
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        if response.mimetype == "text/html":
            response.headers.setdefault("Content-Security-Policy", policy)
            response.headers.setdefault("X-Frame-Options", "DENY")
            response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
            response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
            response.headers.setdefault("Cache-Control", "private, no-cache")
            response.vary.update(("Cookie",))
        return response
