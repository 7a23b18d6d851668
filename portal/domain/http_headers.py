"""Security headers of answers: those of every answer, whatever sends it, and those that depend on what it is."""

from __future__ import annotations

# Of every answer: errors, static files and JSON too.
COMMON_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
# Of an answer that is no page: opened as one, it loads and runs nothing. (A picture may have styles of its own.)
NON_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Over https: for a year, browsers ask for nothing of this host over http.
HSTS = "max-age=31536000"

# Of what pages of other origins may read: who may, and which of its headers.
CROSS_ORIGIN_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Link, X-Result-Count, ETag, Last-Modified, Retry-After, WWW-Authenticate",
}

# A page that stays in no cache, so that the Back button shows nothing after signing out.
NO_STORE = "no-store"
# The same with a secret in its text. It is not compressed either, by the portal or a proxy: the length of a
# compressed answer can tell what is in it (docs/caching.md, BREACH).
NO_STORE_NO_TRANSFORM = "no-store, no-transform"
# A browser may keep the page, and asks whether it is still the same.
REVALIDATED = "private, no-cache"


def allows_cross_origin(path: str) -> bool:
    """Whether pages of other origins may read what this path answers.

    Tokens are the only credentials there, and no browser sends one by itself. Where a password is the credential
    (/api-auth/), any page could let its visitors' browsers try some.
    """
    return path.startswith("/api/") or path == "/api"
