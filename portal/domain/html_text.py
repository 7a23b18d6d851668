"""The text of HTML, made by a parser: the one place for search, cards, page descriptions, feeds and mail."""

from __future__ import annotations

import html
import re

import nh3

# The parser's time grows with the square of how deep tags are nested and of how many attributes one has: a megabyte of
# them takes minutes. What is beyond this is no description that anybody wrote, and is shown as words alone.
MAX_MARKUP = 300_000
MAX_TAGS = 8_000
# Elements that begin a line or a cell, and so separate words. All others stand within a word: `<b>A</b>BC` is "ABC".
_SEPARATING = {
    "address", "article", "aside", "blockquote", "br", "caption", "center", "dd", "details", "dialog", "dir", "div",
    "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header",
    "hr", "legend", "li", "main", "menu", "nav", "ol", "optgroup", "option", "p", "pre", "section", "summary", "table",
    "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
}  # fmt: skip
_PICTURE = re.compile(r'<img alt="([^"]*)">')
_TAG = re.compile(r"<[^<>]*>")


def plain_text(markup: str | None) -> str:
    """The words of a text that may hold HTML, on one line: entities decoded, pictures by their alternative text."""
    if not markup:
        return ""
    if is_too_much(markup):
        return " ".join(words_alone(markup).split())
    # What is left are these elements and escaped text, in one spelling.
    parsed = nh3.clean(markup, tags=_SEPARATING | {"img"}, attributes={"img": {"alt"}}, link_rel=None)
    spaced = _TAG.sub(" ", _PICTURE.sub(r" \1 ", parsed))
    return " ".join(html.unescape(spaced).split())


def is_too_much(markup: str) -> bool:
    """Whether a parser would take too long."""
    return len(markup) > MAX_MARKUP or markup.count("<") > MAX_TAGS


def words_alone(markup: str) -> str:
    """The text without what looks like a tag, in linear time. Not safe as markup: it has to be escaped."""
    return html.unescape(_TAG.sub(" ", markup[:MAX_MARKUP]))
