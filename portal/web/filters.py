"""What templates may do with values: show money, moments, places; make foreign HTML and links harmless."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import nh3
from flask import Flask, current_app
from markupsafe import Markup, escape

from portal.domain import links
from portal.domain.choices import country_name
from portal.domain.html_text import parsable_html, plain_text, words_alone
from portal.domain.instants import parse_instant
from portal.extensions import settings
from portal.web.links import local_path

HUES = 8
TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "dd", "del", "details", "dfn", "div", "dl", "dt",
    "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark",
    "ol", "p", "pre", "q", "s", "samp", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td",
    "tfoot", "th", "thead", "tr", "u", "ul", "var",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "CHF": "CHF\u00a0", "SEK": "SEK\u00a0", "NOK": "NOK\u00a0"}


def safe_html(text: str | None) -> Markup:
    """Foreign HTML without everything that could run, load frames, or change the page around it.

    The only place where stored HTML becomes markup. It is stored and returned by the API as it was given.
    """
    text = text or ""
    parsable = parsable_html(text)
    if parsable is None:
        return escape(words_alone(text))
    return Markup(  # noqa: S704 - cleaned by the sanitiser in this very call
        nh3.clean(
            parsable,
            tags=TAGS,
            attributes=ATTRIBUTES,
            url_schemes=set(links.HREF_SCHEMES),
            link_rel="noopener nofollow",
            attribute_filter=_attribute,
            strip_comments=True,
        )
    )


def _attribute(tag: str, name: str, value: str) -> str | None:
    """The value of an attribute. A picture that a page does not load leaves its alternative text."""
    return picture_src(value) if (tag, name) == ("img", "src") else value


def safe_href(link: str | None) -> str | None:
    """The link where it may become an href (an allowed scheme, or a path of this portal), else None."""
    return local_path(link) or links.safe_href(link)


def picture_src(link: str | None) -> str | None:
    """The link where it may become an img src: of this portal, or of one of PICTURE_HOSTS; else None."""
    own = settings().public_url
    path = local_path(link.removeprefix(own) if link else link)
    if path is not None:
        return path
    found = links.safe_src(link)
    return found if found and links.is_from(found, settings().picture_hosts) else None


def initials(name: str) -> str:
    """One or two letters that stand for a name: those of its first two proper words (no numbers, no lone letters)."""
    parts = [word for word in re.split(r"[\W_]+", name) if word]
    words = [word for word in parts if len(word) > 1 and word[0].isalpha()] or parts
    return "".join(word[0].upper() for word in words[:2]) or "?"


def hue(key: object) -> int:
    """A colour of the palette, always the same for the same key."""
    return zlib.crc32(str(key).encode()) % HUES


def money(amount: Decimal | float | int | None) -> str:
    """An amount in the portal's currency: two decimals, more where the price has them; "free" for zero."""
    if amount is None:
        return ""
    exact = Decimal(str(amount)).normalize()
    if exact == 0:
        return "free"
    places = max(2, -int(exact.as_tuple().exponent))
    currency = current_app.config["CURRENCY"]
    sign = "−" if exact < 0 else ""
    return f"{sign}{SYMBOLS.get(currency, currency + chr(0xA0))}{abs(exact):,.{places}f}"


def _local(moment: datetime, zone: str) -> datetime:
    try:
        return moment.astimezone(ZoneInfo(zone))
    except OverflowError:
        # Schedules may end with the year 9999, and in the east that is another year already.
        return moment


def when(moment: datetime, zone: str, *, short: bool = False) -> str:
    """A moment by the clocks of a zone: "Tue 24 Nov 2026, 09:00"; short drops the year where it is this year's."""
    local = _local(moment, zone)
    year = "" if short and local.year == datetime.now(UTC).astimezone(ZoneInfo(zone)).year else f" {local.year}"
    return f"{local:%a} {local.day} {local:%b}{year}, {local:%H:%M}"


def day(moment: datetime, zone: str) -> str:
    """The day of a moment by the clocks of a zone: "24 Nov 2026"."""
    local = _local(moment, zone)
    return f"{local.day} {local:%b %Y}"


def local_value(text: str) -> str:
    """The value of a datetime-local input: the text if it is a local date and time, else "" (as browsers show it)."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return text if moment.tzinfo is None and "T" in text else ""


def coordinate(value: float, positive: str, negative: str) -> str:
    """Degrees with a letter for the half of the globe: 58.36590° N."""
    return f"{abs(value):.5f}°\u00a0{positive if value >= 0 else negative}"


def count_of(number: int, noun: str) -> str:
    """A number with its noun: 1 offering, 1,240 offerings."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def dash(value: object) -> object:
    """The value, or a dash where there is none."""
    return "–" if value is None or value == "" else value


def range_to(low: int | None, high: int | None) -> str:
    """Two bounds as one text: 1–4, 2, at least 2, at most 4."""
    if low is None and high is None:
        return "–"
    if high is None:
        return f"at least {low}"
    if low is None:
        return f"at most {high}"
    return str(low) if low == high else f"{low}–{high}"


def megabytes(value: int | None) -> str:
    """Memory given in MB, in the unit that reads best: 512 GB."""
    if value is None:
        return "–"
    for unit, size in (("TB", 1024 * 1024), ("GB", 1024)):
        if value >= size:
            return f"{value / size:.10g}\u00a0{unit}" if value % size == 0 else f"{value / size:.1f}\u00a0{unit}"
    return f"{value}\u00a0MB"


def minutes(value: int | None) -> str:
    """A length given in minutes: 2 days, 4 hours, 90 minutes."""
    if value is None:
        return "–"
    for unit, size in (("day", 1440), ("hour", 60)):
        if value and value % size == 0:
            return count_of(value // size, unit)
    return count_of(value, "minute")


def listed(value: Any) -> str:
    """A list of words as one text; a lone text as it is."""
    if isinstance(value, str):
        return value
    return ", ".join(str(item) for item in value) if isinstance(value, Iterable) else ""


def instant(text: str) -> datetime:
    """The instant that the wire writes so."""
    return parse_instant(text)


def register_filters(app: Flask) -> None:
    """Give the templates their filters."""
    for function in (
        local_value, safe_html, plain_text, safe_href, picture_src, initials, hue, money, when, day, instant,
        coordinate, count_of, dash, range_to, megabytes, minutes, listed, country_name,
    ):  # fmt: skip
        app.add_template_filter(function)
