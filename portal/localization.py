"""The language of a page or message: which it is, and texts, dates and numbers in it.

`current_language()` is that of the reader's account, else of a cookie, else of Accept-Language, else English; mail uses
the recipient's (`in_language`). The catalogues are in portal/translations; English texts are their keys.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, cast
from zoneinfo import ZoneInfo

import flask_babel
from babel import Locale
from babel.dates import format_skeleton
from babel.lists import format_list
from babel.numbers import format_decimal
from babel.support import NullTranslations
from babel.units import format_unit
from flask import Flask, current_app, g, has_request_context, request
from jinja2 import pass_context
from jinja2.runtime import Context

from portal.domain.messages import Localizable
from portal.domain.periods import Period
from portal.domain.zones import duration_parts, join_period
from portal.pseudo_locales import PSEUDO_LANGUAGES, pseudo_translation

ENGLISH = "en"
# Code -> the language's own name.
LANGUAGES: Mapping[str, str] = {
    "en": "English",
    "de": "Deutsch",
    "et": "Eesti",
    "fi": "Suomi",
    "fr": "Français",
}
LANGUAGE_COOKIE = "portal_language"
_ACCOUNT_LANGUAGE = "portal.account_language"


class _Catalogues(flask_babel.Domain):
    """The catalogues of the current language."""

    def get_translations(self) -> NullTranslations:
        code = current_language()
        if code in PSEUDO_LANGUAGES:
            return _PseudoTranslations(code)
        found: NullTranslations = super().get_translations()
        return found

    def gettext(self, string: str, **variables: Any) -> str:
        return str(super().gettext(string, **_localized_values(variables)))

    def ngettext(self, singular: str, plural: str, num: int, **variables: Any) -> str:
        return str(super().ngettext(singular, plural, num, **_localized_values(variables)))


class _PseudoTranslations(NullTranslations):
    def __init__(self, code: str) -> None:
        super().__init__()
        self._code = code

    def gettext(self, message: str) -> str:
        return pseudo_translation(message, self._code)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return pseudo_translation(msgid1 if n == 1 else msgid2, self._code)

    ugettext, ungettext = gettext, ngettext


def gettext(message: str, /, **params: Any) -> str:
    """The translation of a text, with its parameters."""
    text = message if current_language() == ENGLISH else str(flask_babel.gettext(message))
    return text % _localized_values(params) if params else text


def ngettext(singular: str, plural: str, count: int, /, **params: Any) -> str:
    """The translation of a text that depends on a number, with its parameters."""
    if current_language() == ENGLISH:
        return (singular if count == 1 else plural) % params
    return str(flask_babel.ngettext(singular, plural, count, **params))


def register_localization(app: Flask, account_language: Callable[[], str]) -> None:
    """Give the application its languages, and templates `_`, `ngettext`, `{% trans %}` and texts in the language.

    `account_language` returns the language of the signed-in user, or "".
    """
    babel = flask_babel.Babel(app, locale_selector=lambda: locale_of(current_language()))
    babel.domain_instance = _Catalogues()
    app.extensions[_ACCOUNT_LANGUAGE] = account_language
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    # Every value that a template writes passes here, so that a Localizable needs no filter.
    app.jinja_env.finalize = localized
    for name in ("gettext", "ngettext"):
        function = cast("Callable[..., str]", app.jinja_env.globals[name])
        app.jinja_env.globals[name] = _with_localized_values(function)
    app.add_template_global(current_language)
    app.add_template_global(offered_languages)
    app.add_template_global(text_direction)


def _with_localized_values(function: Callable[..., str]) -> Callable[..., str]:
    """A text function of templates whose parameters may be Localizable, as in `_("Not included: %(why)s", why=…)`."""

    @pass_context
    def call(context: Context, *texts: Any, **params: Any) -> str:
        return function(context, *texts, **_localized_values(params))

    return call


def _localized_values(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: localized(value) for name, value in params.items()}


def offered_languages() -> Mapping[str, str]:
    """The languages that readers can choose: code -> own name."""
    return {**LANGUAGES, **PSEUDO_LANGUAGES} if current_app.config.get("PSEUDO_LANGUAGES") else LANGUAGES


def current_language() -> str:
    """The code of the language of this page or message."""
    if not g:
        # Outside of requests, commands and tasks.
        return ENGLISH
    code: str | None = g.get("language")
    if code is None:
        code = g.language = _preferred() if has_request_context() else ENGLISH
    return code


def _preferred() -> str:
    offered, extensions = offered_languages(), current_app.extensions
    cookie = extensions["portal.settings"].cookie_name(LANGUAGE_COOKIE)
    for code in (extensions[_ACCOUNT_LANGUAGE](), request.cookies.get(cookie)):
        if code in offered:
            return str(code)
    return request.accept_languages.best_match(list(LANGUAGES), ENGLISH) if request.accept_languages else ENGLISH


@contextmanager
def in_language(code: str) -> Iterator[None]:
    """Write in a language inside the block; in English if it is not offered."""
    before = g.get("language")
    g.language = code if code in offered_languages() else ENGLISH
    try:
        with flask_babel.force_locale(locale_of(g.language)):
            yield
    finally:
        g.language = before


@lru_cache
def locale_of(code: str) -> Locale:
    """The locale of an offered language. Pseudo-languages have the dates and numbers of a real one."""
    return Locale.parse({"en": "en_GB", "en-XA": "en_GB", "ar-XB": "ar"}.get(code, code))


def current_locale() -> Locale:
    """The locale of the current language."""
    return locale_of(current_language())


def text_direction() -> str:
    """The direction of writing of the current language: "ltr" or "rtl"."""
    return str(current_locale().text_direction)


def localized(value: Any) -> Any:
    """A Localizable in the current language; any other value as it is."""
    if not isinstance(value, Localizable):
        return value
    return str(value) if current_language() == ENGLISH else value.localized(_LOCALIZER)


def date_in_language(day: date, skeleton: str = "yMMMEd") -> str:
    """A date in the current language; in English as "Mon 3 Mar 2025". `skeleton`: the parts to show (CLDR)."""
    if current_language() == ENGLISH:
        # Much faster than CLDR's patterns, and without their commas.
        if skeleton == "yMMMEd":
            return f"{day:%a} {day.day} {day:%b} {day.year}"
        if skeleton == "MMMEd":
            return f"{day:%a} {day.day} {day:%b}"
        if skeleton == "yMMMd":
            return f"{day.day} {day:%b} {day.year}"
    return str(format_skeleton(skeleton, day, locale=current_locale()))


def country_in_language(code: str, english: str) -> str:
    """The name of a country (ISO 3166 code) in the current language. In English the portal's own list is used."""
    if current_language() == ENGLISH:
        return english
    return str(current_locale().territories.get(code, english))


def collation_key(text: str) -> tuple[str, str]:
    """A sort key for names: letters with and without accents together, case ignored.

    Estonian and Finnish put accented letters at the end of their alphabet.
    """
    folded = text.casefold()
    order = _ALPHABETS.get(current_language())
    if order:
        return folded.translate(order), text
    return "".join(it for it in unicodedata.normalize("NFD", folded) if not unicodedata.combining(it)), text


# Letters that sort behind z, in the order of the language's alphabet (Estonian: š z ž t u v w õ ä ö ü x y).
_ALPHABETS = {
    "et": str.maketrans({"š": "s\uffff", "z": "s\uffff\ue000", "ž": "s\uffff\ue001", "õ": "w\uffff\ue000",
                         "ä": "w\uffff\ue001", "ö": "w\uffff\ue002", "ü": "w\uffff\ue003"}),
    "fi": str.maketrans({"å": "z\uffff\ue000", "ä": "z\uffff\ue001", "ö": "z\uffff\ue002"}),
}  # fmt: skip


class _CurrentLanguage:
    """What `Localizable` needs of the current language."""

    def gettext(self, message: str) -> str:
        return str(flask_babel.get_translations().ugettext(message))

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        return str(flask_babel.get_translations().ungettext(singular, plural, number))

    def number(self, value: int) -> str:
        return str(format_decimal(value, locale=current_locale()))

    def date(self, day: date) -> str:
        return date_in_language(day)

    def instant(self, instant: datetime, zone: ZoneInfo) -> str:
        shown = instant.astimezone(zone)
        return f"{date_in_language(shown.date())}, {shown:%H:%M} ({zone.key})"

    def period(self, period: Period, zone: ZoneInfo) -> str:
        return join_period(period, zone, date_in_language)

    def duration(self, length: timedelta, *, days: bool) -> str:
        locale = current_locale()
        parts = [
            format_unit(number, f"duration-{unit}", length="long", locale=locale)
            for number, unit in duration_parts(length, days=days)
        ]
        return str(format_list(parts, locale=locale))


_LOCALIZER = _CurrentLanguage()
