"""Security headers of responses."""

from __future__ import annotations

# For every response, including errors, static files and JSON.
COMMON_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY"}
# For pages besides.
PAGE_HEADERS = {
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# Content security policy of everything but pages: nothing is loaded or run. (SVG pictures may have styles.)
NON_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Strict-Transport-Security: browsers use only https for a year.
HSTS = "max-age=31536000"

# For responses that pages of other origins may read.
CROSS_ORIGIN_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Link, X-Result-Count, ETag, Last-Modified, Retry-After, WWW-Authenticate",
}

# Not cached at all, so that the Back button shows nothing after signing out.
NO_STORE = "no-store"
# For a response with a secret in it. It is not compressed either, by the portal or a proxy: the length of a compressed
# response can reveal its content (docs/caching.md, BREACH).
NO_STORE_NO_TRANSFORM = "no-store, no-transform"
# Responses of the API, unless they say otherwise. They depend on the token.
API_CACHE_CONTROL = "private, no-cache"
API_VARY = ("Accept", "Authorization")
# The browser may cache the page, and revalidates it each time.
REVALIDATED = "private, no-cache"


def allows_cross_origin(path: str) -> bool:
    """Whether pages of other origins may read the responses of this path.

    Only where tokens are the credentials, which browsers never send by themselves. Under /api-auth/, any page could
    make its visitors' browsers try passwords.
    """
    return path.startswith("/api/") or path == "/api"
