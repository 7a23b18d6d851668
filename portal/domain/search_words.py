"""Words to search by: the same ones whichever database looks for them."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")
LONGEST_WORD = 60
LONGEST_TEXT = 100_000


def search_words(text: str) -> list[str]:
    """The words of a text in order: letters and digits alone, in lower case of every alphabet, without accents."""
    plain = unicodedata.normalize("NFKD", text[:LONGEST_TEXT].casefold())
    if not plain.isascii():
        plain = "".join(sign for sign in plain if not unicodedata.combining(sign)).casefold()
    return [word[:LONGEST_WORD] for word in _WORD.findall(plain)]
