"""Which texts the databases and other programs can hold, and how a text is cleaned for them."""

from __future__ import annotations

import re
import unicodedata

_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
# Joiners are letters' parts in Persian and Indic scripts, and hold emoji together. Other format characters reorder or
# hide what is around them.
_JOINERS = "\u200c\u200d"
_REPLACED = {"Cc": " ", "Zl": " ", "Zp": " ", "Cf": "", "Cs": "\ufffd"}


def is_storable(text: str) -> bool:
    """Whether a text can be stored and sent: PostgreSQL holds no NUL, and UTF-8 no half of a surrogate pair."""
    return _UNSTORABLE.search(text) is None


def visible(text: str, most: int = 60) -> str:
    """The beginning of a text as an error message may quote it: what is not printable becomes a question mark."""
    return "".join(character if character.isprintable() else "?" for character in text[:most])


def shortened(text: str, most: int) -> str:
    """The text, or its beginning with an ellipsis where it is longer than `most` characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def one_line(text: str) -> str:
    """The text on one line: line breaks and control characters become spaces, runs of spaces one.

    Format characters (such as those that reverse the direction of writing) are dropped, halves of surrogate pairs
    become U+FFFD.
    """
    return " ".join(_cleaned(text).split())


def clean_lines(text: str) -> str:
    """The text with its lines: each kind of line break becomes LF, and each line is cleaned as in `one_line`.

    Spaces stay as they are.
    """
    return text if text.isprintable() else "\n".join(_cleaned(line) for line in text.splitlines())


def _cleaned(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(char if char in _JOINERS else _REPLACED.get(unicodedata.category(char), char) for char in text)
