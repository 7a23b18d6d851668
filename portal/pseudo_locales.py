"""Pseudo-languages, for tests and for looking at pages: texts that show what is not translated and what does not fit.

"en-XA" is accented and longer, "ar-XB" is written from right to left. Both are made from the English texts.
"""

from __future__ import annotations

import re

PSEUDO_LANGUAGES = {"en-XA": "[Ƥšéûðö]", "ar-XB": "[Rtl]"}
# What must stay as it is: parameters, HTML tags and entities.
_KEPT = re.compile(r"%\(\w+\)[sd]|%%|<[^>]+>|&\w+;|\{\w*\}")
_ACCENTS = str.maketrans("aceinosuyzACEINOSUYZ", "áçéîñöšûýžÁÇÉÎÑÖŠÛÝŽ")
# German and Finnish texts are about this much longer than English ones.
_GROWTH = 0.35
_RIGHT_TO_LEFT, _END = "\u202b", "\u202c"


def pseudo_translation(text: str, code: str) -> str:
    """An English text in a pseudo-language, between brackets."""
    if not text.strip():
        return text
    if code == "ar-XB":
        return f"[{_RIGHT_TO_LEFT}{text}{_END}]"
    parts, end = [], 0
    for found in _KEPT.finditer(text):
        parts += [text[end : found.start()].translate(_ACCENTS), found[0]]
        end = found.end()
    parts.append(text[end:].translate(_ACCENTS))
    words = len(_KEPT.sub("", text)) * _GROWTH
    return f"[{''.join(parts)}{' ẋẋẋ' * max(1, round(words / 4))}]"
