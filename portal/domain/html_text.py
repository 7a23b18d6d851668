"""Plain text from HTML, for search, cards, page descriptions, feeds and mail."""

from __future__ import annotations

import html
import re

import nh3

# The parser takes quadratic time for nested tags and for attributes: minutes for a megabyte. Larger markup is shown as
# text without tags.
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


def plain_text(markup: str | None) -> str:
    """The text of HTML on one line, with decoded entities and the alternative texts of pictures."""
    if not markup:
        return ""
    if is_too_much(markup):
        return " ".join(words_alone(markup).split())
    parsed = nh3.clean(markup, tags=_SEPARATING | {"img"}, attributes={"img": {"alt"}}, link_rel=None)
    spaced = _TAG.sub(" ", _PICTURE.sub(r" \1 ", parsed))
    return " ".join(html.unescape(spaced).split())


def is_too_much(markup: str) -> bool:
    """Whether parsing would take too long."""
    return len(markup) > MAX_MARKUP or markup.count("<") > MAX_TAGS


def words_alone(markup: str) -> str:
    """The text without anything like a tag, in linear time. It has to be escaped for use as markup."""
    return html.unescape(_TAG.sub(" ", markup[:MAX_MARKUP]))
