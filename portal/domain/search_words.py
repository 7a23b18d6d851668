"""Search words, normalized in the same way for both databases."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")
LONGEST_WORD = 60
LONGEST_TEXT = 100_000
# Letters that Unicode does not decompose, and the letters typed for them.
_PLAIN = str.maketrans(
    {
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "ħ": "h",
        "ı": "i",
        "ĸ": "k",
        "ł": "l",
        "ŋ": "n",
        "þ": "th",
        "ŧ": "t",
        "ƒ": "f",
        "ɨ": "i",
        "ɵ": "o",
        "ƀ": "b",
        "ǥ": "g",
        "ƶ": "z",
        "ə": "e",
    }
)
# Scripts that are written without spaces: Thai, Lao, Burmese, Khmer, kana, and the ideographs of East Asia.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003134f]"
)


def search_words(text: str) -> list[str]:
    """The words of a text in order: letters and digits only, case-folded, without accents."""
    plain = unicodedata.normalize("NFKD", text[:LONGEST_TEXT].casefold())
    if not plain.isascii():
        plain = "".join(char for char in plain if not unicodedata.combining(char)).casefold().translate(_PLAIN)
    return [word[:LONGEST_WORD] for word in _WORD.findall(plain)]


def indexed_words(text: str) -> list[str]:
    """The words of a text for the index. In scripts without spaces each character may begin a word."""
    return [part for word in search_words(text) for part in _beginnings(word)]


def _beginnings(word: str) -> list[str]:
    if word.isascii():
        return [word]
    later = (match.start() for match in _UNSPACED.finditer(word))
    return [word, *(word[place:] for place in later if place)]
