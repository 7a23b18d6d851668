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
from babel.numbers import format_currency, format_decimal
from flask import Flask, current_app
from markupsafe import Markup, escape

from portal.domain import links
from portal.domain.browsers import browser_text
from portal.domain.choices import country_name as english_country_name
from portal.domain.html_text import parsable_html, plain_text, words_alone
from portal.domain.instants import parse_instant
from portal.domain.messages import N_
from portal.extensions import settings
from portal.localization import (
    ENGLISH,
    country_in_language,
    current_language,
    current_locale,
    date_in_language,
    ngettext,
)
from portal.localization import gettext as _
from portal.web.links import local_path

HUES = 8
STATE_NAMES = {
    "Active": N_("Active"),
    "Paused": N_("Paused"),
    "Archived": N_("Archived"),
    "Draft": N_("Draft"),
    "Unavailable": N_("Unavailable"),
}
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
        return _("free")
    places = max(2, -int(exact.as_tuple().exponent))
    currency = current_app.config["CURRENCY"]
    if current_language() != ENGLISH:
        pattern = re.sub(r"\.00", f".{'0' * places}", str(current_locale().currency_formats["standard"].pattern))
        return str(format_currency(exact, currency, pattern, locale=current_locale(), currency_digits=False))
    sign = "−" if exact < 0 else ""
    return f"{sign}{SYMBOLS.get(currency, currency + chr(0xA0))}{abs(exact):,.{places}f}"


def _local(moment: datetime, zone: str) -> datetime:
    try:
        return moment.astimezone(ZoneInfo(zone))
    except OverflowError:
        # Schedules may end with the year 9999, and in the east that is another year already.
        return moment


def when(moment: datetime, zone: str, *, short: bool = False) -> str:
    """A moment in a time zone: "Tue 24 Nov 2026, 09:00"; `short` leaves the year out if it is this year's."""
    local = _local(moment, zone)
    is_this_year = short and local.year == datetime.now(UTC).astimezone(ZoneInfo(zone)).year
    return f"{date_in_language(local.date(), 'MMMEd' if is_this_year else 'yMMMEd')}, {local:%H:%M}"


def day(moment: datetime, zone: str) -> str:
    """The day of a moment in a time zone: "24 Nov 2026"."""
    local = _local(moment, zone)
    return date_in_language(local.date(), "yMMMd")


def country_name(code: str) -> str:
    """The name of a country in the current language; "" for no country."""
    english = english_country_name(code)
    return country_in_language(code, english) if english else ""


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


def whole(number: int) -> str:
    """A whole number with separators, as the language writes it: 1,240."""
    return f"{number:,}" if current_language() == ENGLISH else str(format_decimal(number, locale=current_locale()))


def offerings_count(number: int) -> str:
    """1 offering, 1,240 offerings."""
    return str(ngettext("%(number)s offering", "%(number)s offerings", number, number=whole(number)))


def state_name(state: str) -> str:
    """The name of an offering's state in the current language; other texts as they are."""
    return _(STATE_NAMES[state]) if state in STATE_NAMES else state


def dash(value: object) -> object:
    """The value, or a dash where there is none."""
    return "–" if value is None or value == "" else value


def range_to(low: int | None, high: int | None) -> str:
    """Two bounds as one text: 1–4, 2, at least 2, at most 4."""
    if low is None and high is None:
        return "–"
    if high is None:
        return _("at least %(number)s", number=whole(low or 0))
    if low is None:
        return _("at most %(number)s", number=whole(high))
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
    if value and value % 1440 == 0:
        return ngettext("%(number)s day", "%(number)s days", value // 1440, number=whole(value // 1440))
    if value and value % 60 == 0:
        return ngettext("%(number)s hour", "%(number)s hours", value // 60, number=whole(value // 60))
    return ngettext("%(number)s minute", "%(number)s minutes", value, number=whole(value))


def listed(value: Any) -> str:
    """A list of words as one text; a lone text as it is."""
    if isinstance(value, str):
        return value
    return ", ".join(str(item) for item in value) if isinstance(value, Iterable) else ""


def instant(text: str) -> datetime:
    """The instant that the wire writes so."""
    return parse_instant(text)


def country(code: str) -> str:
    """The name of a country in the current language; the code itself if it is unknown."""
    if current_language() == ENGLISH:
        return country_name(code)
    return str(current_locale().territories.get(code) or country_name(code))


def register_filters(app: Flask) -> None:
    """Give the templates their filters."""
    for function in (
        local_value, safe_html, plain_text, safe_href, picture_src, initials, hue, money, when, day, instant,
        coordinate, whole, offerings_count, state_name, dash, range_to, megabytes, minutes, listed,
        browser_text,
    ):  # fmt: skip
        app.add_template_filter(function)
    app.add_template_filter(country, "country_name")
