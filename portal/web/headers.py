"""Headers of every answer: what a browser may load, embed, keep and tell others."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

from flask import Flask, Response, request

from portal.config import Settings
from portal.domain.http_headers import COMMON_HEADERS, HSTS, NO_STORE, NON_PAGE_POLICY, REVALIDATED


def content_policy(settings: Settings) -> str:
    """What a page may load: our own files, and pictures from PICTURE_HOSTS. Nothing inline.

    A picture from anywhere would tell its host who looks at which page, and when.

    Forms may also lead to Google's consent page: browsers apply form-action to where a form is redirected.
    """
    consent = urlsplit(settings.google_auth_uri)
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            " ".join(("img-src 'self' data:", *settings.picture_hosts)),
            "font-src 'self'",
            "connect-src 'self'",
            "manifest-src 'self'",
            f"form-action 'self' {consent.scheme}://{consent.netloc}",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


# What anybody may look at: the only pages that a browser may keep. Any other is for one person, shows what somebody
# typed, or has a secret in its address.
KEPT = frozenset({"catalogue", "timeline"})


def _may_be_kept(response: Response) -> bool:
    return request.method in ("GET", "HEAD") and response.status_code == 200 and request.blueprint in KEPT


def _tag(response: Response) -> None:
    """Let a browser ask whether its copy of a page is still the same."""
    if "ETag" in response.headers or "no-store" in response.headers["Cache-Control"]:
        return
    response.set_etag(hashlib.blake2b(response.get_data(), digest_size=16).hexdigest())
    # By the tag alone: what a page shows of time changes without anything being written.
    if request.if_none_match:
        response.make_conditional(request)


def register_headers(app: Flask) -> None:
    """Add the security headers to every answer, and to pages how long they may be kept."""
    settings: Settings = app.extensions["portal.settings"]
    policy = content_policy(settings)

    @app.after_request
    def _add(response: Response) -> Response:
        headers = response.headers
        is_page = response.mimetype == "text/html"
        for name, value in COMMON_HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("Content-Security-Policy", policy if is_page else NON_PAGE_POLICY)
        if settings.secure_cookies or request.is_secure:
            headers.setdefault("Strict-Transport-Security", HSTS)
        headers.setdefault("Cache-Control", REVALIDATED if is_page and _may_be_kept(response) else NO_STORE)
        if is_page:
            headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
            headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
            response.vary.update(("Cookie", "Accept-Language"))
            if response.status_code == 200 and request.method in ("GET", "HEAD"):
                _tag(response)
        return response
