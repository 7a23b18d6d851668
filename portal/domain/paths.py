"""Which paths belong to the API: their responses are JSON, errors included."""

from __future__ import annotations


def is_api(path: str) -> bool:
    """Whether a path belongs to the API, whether or not there is anything on it."""
    return path.startswith(("/api/", "/api-auth/")) or path in ("/api", "/api-auth")
