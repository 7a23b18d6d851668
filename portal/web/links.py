"""Links back to the page being shown, with something in its query string changed."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import islice
from urllib.parse import urlencode, urlsplit

from flask import request

# An address that is handed on in another one.
LONGEST_RETURN = 4000
# Values of one argument. Pages have a link for each filter, with all the others in it.
MAX_VALUES = 50


def url_with(**changes: object) -> str:
    """The present address with query arguments replaced; None takes one away. Repeated arguments are kept."""
    pairs = [(key, value) for key, value in _arguments() if key not in changes]
    pairs += [(key, str(value)) for key, value in changes.items() if value is not None]
    return f"{request.path}?{urlencode(pairs)}" if pairs else request.path


def url_without(name: str, value: str | None = None) -> str:
    """The present address without one argument, or without one value of it; back on the first page."""
    pairs = [
        (key, kept)
        for key, kept in _arguments()
        if key != "page" and not (key == name and (value is None or kept == value))
    ]
    return f"{request.path}?{urlencode(pairs)}" if pairs else request.path


def _arguments() -> Iterator[tuple[str, str]]:
    """The arguments of the present address that are not empty; of a repeated one the first values, as pages read it."""
    for key, values in request.args.lists():
        yield from ((key, value) for value in islice(filter(None, values), MAX_VALUES))


def printable(text: str | None) -> str:
    """The text without control characters: PostgreSQL takes no NUL, and nobody types the others.

    Spaces of every kind (no-break, thin, ideographic) become ordinary ones.
    """
    found = (char if char.isprintable() else " " * (unicodedata.category(char) == "Zs") for char in text or "")
    return "".join(found)


def return_address() -> str | None:
    """Where to come back to after signing in: the present address, if it is that of a page.

    Without its query where that is so long that the address of the sign-in page would be too long.
    """
    if request.method not in ("GET", "HEAD"):
        return None
    asked = request.full_path.rstrip("?")
    return asked if len(asked) <= LONGEST_RETURN else request.path[:LONGEST_RETURN]


def page_number() -> int:
    """The page asked for; 1 where it is no number. What is out of range is the query's matter."""
    asked = request.args.get("page", "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 1


def local_path(link: str | None) -> str | None:
    """The link where it is a path of this portal, else None: nobody is sent elsewhere after signing in."""
    if not link or not link.startswith("/") or link.startswith(("//", "/\\")) or any(ord(c) < 33 for c in link):
        return None
    parts = urlsplit(link)
    return link if not parts.scheme and not parts.netloc else None
