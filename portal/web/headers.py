"""Headers of every page: what a browser may load, embed and tell others."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, request

from portal.config import Settings

STATIC_FOR_EVER = "public, max-age=31536000, immutable"


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
    """Add the headers to HTML answers, and long lives to static files that carry their digest."""
    policy = content_policy(app.extensions["portal.settings"])

    @app.after_request
    def _add(response: Response) -> Response:
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        if request.endpoint == "static":
            if "v" in request.args and response.status_code in (200, 304):
                response.headers["Cache-Control"] = STATIC_FOR_EVER
        elif response.mimetype == "text/html":
            response.headers.setdefault("Content-Security-Policy", policy)
            response.headers.setdefault("X-Frame-Options", "DENY")
            response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
            response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
            response.headers.setdefault("Cache-Control", "private, no-cache")
            response.vary.update(("Cookie",))
        return response
