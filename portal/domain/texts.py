"""Texts that can be stored and shown: checks and cleaning."""

from __future__ import annotations

import re
import unicodedata

from portal.domain.messages import Message

_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
# Joiners are part of Persian and Indic spelling and of emoji. Other format characters reorder or hide text.
_JOINERS = "\u200c\u200d"
_REPLACED = {"Cc": " ", "Zl": " ", "Zp": " ", "Cf": "", "Cs": "\ufffd"}

# Line breaks and control characters, what changes the direction of writing around it, and halves of surrogate pairs.
_NOT_ON_A_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_BREAKS = "\n\r\v\f\x85\u2028\u2029"


def line_problem(text: str) -> str:
    """Why a text cannot be a name or title, as a phrase that follows the name of the field; "" if it can.

    Names have to fit on one line of pages, mail, calendars, logs and terminals.
    """
    found = _NOT_ON_A_LINE.search(text)
    if found is None:
        return Message("has no visible character") if text.strip() and not one_line(text) else ""
    character = found[0]
    if character == "\0":
        return Message("contains a NUL character, which cannot be stored")
    if character in _BREAKS:
        return Message("contains a line break, and must be one line")
    if unicodedata.category(character) == "Cs":
        return Message("contains half of a surrogate pair, which is not a character")
    if unicodedata.category(character) == "Cf":
        return Message(
            "contains a character that changes the direction of writing (%(code)s)", code=f"U+{ord(character):04X}"
        )
    return Message("contains a control character (%(code)s)", code=f"U+{ord(character):04X}")


def is_storable(text: str) -> bool:
    """Whether a text can be stored and sent: without NUL (PostgreSQL) and single surrogates (UTF-8)."""
    return _UNSTORABLE.search(text) is None


def visible(text: str, most: int = 60) -> str:
    """The beginning of a text for an error message, with question marks for unprintable characters."""
    return "".join(character if character.isprintable() else "?" for character in text[:most])


def shortened(text: str, most: int) -> str:
    """The text, shortened with an ellipsis to `most` characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def one_line(text: str) -> str:
    """The text on one line: line breaks and control characters become spaces, runs of spaces one.

    Format characters (such as those that reverse the direction of writing) are removed; single surrogates become
    U+FFFD.
    """
    return " ".join(_cleaned(text).split())


def clean_lines(text: str) -> str:
    """The text with all line breaks as LF, and lines cleaned as in `one_line`, except for their spaces."""
    return text if text.isprintable() else "\n".join(_cleaned(line) for line in text.splitlines())


def _cleaned(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(char if char in _JOINERS else _REPLACED.get(unicodedata.category(char), char) for char in text)
