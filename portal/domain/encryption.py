"""Whether a connection to another machine is encrypted, as far as its URL says."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qs, urlsplit

# "prefer", the default of libpq, takes an unencrypted connection where the server offers nothing else.
ENCRYPTED_MODES = frozenset({"require", "verify-ca", "verify-full"})
YES = frozenset({"1", "true", "yes"})


def plain_postgresql(url: str, default_mode: str = "") -> str:
    """The host of a PostgreSQL URL whose connection may be unencrypted, "" where it is not (or a local socket).

    `default_mode` is the sslmode where the URL names none (PGSSLMODE).
    """
    parts = urlsplit(url)
    mode = _last(parts, "sslmode") or default_mode or "prefer"
    host = _last(parts, "host") or parts.hostname or ""
    return "" if mode in ENCRYPTED_MODES or host.startswith(("/", "@")) else host


def plain_smtp(url: str) -> str:
    """The host of a mail URL whose connection is unencrypted, "" where it is not."""
    parts = urlsplit(url)
    if parts.scheme != "smtp" or _last(parts, "starttls") in YES:
        return ""
    return parts.hostname or ""


def plain_redis(url: str) -> str:
    """The host of a Redis URL whose connection is unencrypted, "" where it is not."""
    parts = urlsplit(url)
    return (parts.hostname or "") if parts.scheme == "redis" else ""


def _last(parts: SplitResult, name: str) -> str:
    return parse_qs(parts.query).get(name, [""])[-1]
