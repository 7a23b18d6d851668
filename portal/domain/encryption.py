"""Which connections to other machines are unencrypted, according to their URLs."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qs, urlsplit

# Not "prefer", the default of libpq, which accepts unencrypted connections.
ENCRYPTED_MODES = frozenset({"require", "verify-ca", "verify-full"})
YES = frozenset({"1", "true", "yes"})


def plain_postgresql(url: str, default_mode: str = "") -> str:
    """The host of a PostgreSQL URL if the connection may be unencrypted; "" if not, or for a local socket.

    `default_mode` (PGSSLMODE) is used if the URL has no sslmode.
    """
    parts = urlsplit(url)
    mode = _last(parts, "sslmode") or default_mode or "prefer"
    host = _last(parts, "host") or parts.hostname or ""
    return "" if mode in ENCRYPTED_MODES or host.startswith(("/", "@")) else host


def plain_smtp(url: str) -> str:
    """The host of a mail URL if the connection is unencrypted, else ""."""
    parts = urlsplit(url)
    if parts.scheme != "smtp" or _last(parts, "starttls") in YES:
        return ""
    return parts.hostname or ""


def plain_redis(url: str) -> str:
    """The host of a Redis URL if the connection is unencrypted, else ""."""
    parts = urlsplit(url)
    return (parts.hostname or "") if parts.scheme == "redis" else ""


def _last(parts: SplitResult, name: str) -> str:
    return parse_qs(parts.query).get(name, [""])[-1]
