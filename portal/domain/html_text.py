"""Plain text from HTML, for search, cards, page descriptions, feeds and mail."""

from __future__ import annotations

import html
import re

import nh3

# The parser takes quadratic time for nested tags and for attributes: minutes for a megabyte. Markup that is larger even
# without what no reader sees of it is shown as text without tags.
MAX_MARKUP = 300_000
MAX_TAGS = 8_000
# Elements that separate words. All others may be within a word: `<b>A</b>BC` is "ABC".
_SEPARATING = {
    "address", "article", "aside", "blockquote", "br", "caption", "center", "dd", "details", "dialog", "dir", "div",
    "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header",
    "hr", "legend", "li", "main", "menu", "nav", "ol", "optgroup", "option", "p", "pre", "section", "summary", "table",
    "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
}  # fmt: skip
_PICTURE = re.compile(r'<img alt="([^"]*)">')
_TAG = re.compile(r"<[^<>]*>")
# Possessive, so that the time is linear in the input whatever it contains.
_EMBEDDED = re.compile(r"""(=\s*+)(?:"\s*+data:[^"]*+"|'\s*+data:[^']*+'|data:[^\s"'<>]++)""", re.IGNORECASE | re.ASCII)
_STYLE = re.compile(r"""(\sstyle\s*+=\s*+)(?:"[^"]*+"|'[^']*+')""", re.IGNORECASE | re.ASCII)
_UNSEEN = re.compile(r"<!--|<(style|script|svg)\b", re.IGNORECASE | re.ASCII)


def plain_text(markup: str | None) -> str:
    """The text of HTML on one line, with decoded entities and the alternative texts of pictures."""
    if not markup:
        return ""
    parsable = parsable_html(markup)
    if parsable is None:
        return " ".join(words_alone(markup).split())
    parsed = nh3.clean(parsable, tags=_SEPARATING | {"img"}, attributes={"img": {"alt"}}, link_rel=None)
    spaced = _TAG.sub(" ", _PICTURE.sub(r" \1 ", parsed))
    return " ".join(html.unescape(spaced).split())


def parsable_html(markup: str) -> str | None:
    """The markup, without embedded pictures and other invisible parts if it is large; None if it is still too large."""
    if _is_too_large(markup):
        markup = _without_unseen(markup)
    return None if _is_too_large(markup) else markup


def words_alone(markup: str) -> str:
    """The text without anything like a tag, in linear time. It has to be escaped for use as markup."""
    return html.unescape(_TAG.sub(" ", _without_unseen(markup)[:MAX_MARKUP]))


def _is_too_large(markup: str) -> bool:
    return len(markup) > MAX_MARKUP or markup.count("<") > MAX_TAGS


def _without_unseen(markup: str) -> str:
    """The markup without comments, styles, scripts, drawings and the data of embedded pictures; it needs sanitising."""
    markup = _EMBEDDED.sub(r'\1""', markup)
    kept: list[str] = []
    unclosed: set[str] = set()
    at = 0
    for found in _UNSEEN.finditer(markup):
        closing = f"</{found[1].lower()}" if found[1] else "-->"
        if found.start() < at or closing in unclosed:
            continue
        end = re.compile(closing + ("[^>]*+>" if found[1] else ""), re.IGNORECASE | re.ASCII).search(
            markup, found.end()
        )
        if end is None:
            unclosed.add(closing)
            continue
        kept.append(markup[at : found.start()])
        at = end.end()
    return _STYLE.sub(r'\1""', "".join(kept) + markup[at:])
