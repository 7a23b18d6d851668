"""The Accept header: whether a client accepts the format of a resource (docs/api.md, Refusals; RFC 9110, 12.5.1)."""

from __future__ import annotations

from functools import lru_cache

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

ANY = "*/*"


@lru_cache(maxsize=256)
def accepts(header: str, media_type: str) -> bool:
    """Whether `media_type` is acceptable. Parameters other than q are ignored; empty means anything.

    The most specific range decides, so `*/*;q=0, application/json` takes JSON. Java's `*; q=.2` means `*/*;q=0.2`.
    """
    if not header.strip():
        return True
    ranges = parse_accept_header(header.replace("q=.", "q=0."), MIMEAccept)
    plain = ((name.partition(";")[0].strip(), quality) for name, quality in ranges)
    accepted = MIMEAccept((ANY if name == "*" else name, quality) for name, quality in plain)
    return accepted.best_match([media_type]) is not None
