"""Which texts the databases and other programs can hold."""

from __future__ import annotations

import re

_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Whether a text can be stored and sent: PostgreSQL holds no NUL, and UTF-8 no half of a surrogate pair."""
    return _UNSTORABLE.search(text) is None


def visible(text: str, most: int = 60) -> str:
    """The beginning of a text as an error message may quote it: what is not printable becomes a question mark."""
    return "".join(character if character.isprintable() else "?" for character in text[:most])
