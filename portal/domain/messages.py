"""Texts that a page or message shows in its reader's language.

Each is a `str`: the English text, which the API, logs and stored records use as it is. It also carries what it was made
of, so that `portal.localization` can make the text of another language. Joining or formatting it gives a plain `str`,
which stays English: put one into another with a parameter of `Message`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, Self
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    # Periods, instants and zones have messages.
    from portal.domain.periods import Period


class Localizer(Protocol):
    """What a language provides."""

    def gettext(self, message: str) -> str: ...

    def ngettext(self, singular: str, plural: str, number: int) -> str: ...

    def number(self, value: int) -> str: ...

    def date(self, day: date) -> str: ...

    def instant(self, instant: datetime, zone: ZoneInfo) -> str: ...

    def period(self, period: Period, zone: ZoneInfo) -> str: ...

    def duration(self, length: timedelta, *, days: bool) -> str: ...


class Localizable(str):
    """A text with a version in each language."""

    __slots__ = ()

    def localized(self, localizer: Localizer) -> str:
        """The text in the language of `localizer`."""
        raise NotImplementedError


class Message(Localizable):
    """A sentence with parameters in the style of gettext: Message("Closed: %(period)s.", period=…).

    The template is what translators see; the extraction finds it as the first argument. Parameters may be Localizable.
    Without parameters the template is the text, per cent signs included.
    """

    __slots__ = ("params", "template")
    template: str
    params: Mapping[str, Any]

    def __new__(cls, template: str, /, **params: Any) -> Self:
        self = super().__new__(cls, template % params if params else template)
        self.template = template
        self.params = params
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _message, (self.template, dict(self.params))

    def localized(self, localizer: Localizer) -> str:
        text = localizer.gettext(self.template)
        return text % localized_params(self.params, localizer) if self.params else text


class Plural(Localizable):
    """A sentence that depends on a number, which is its parameter "number".

    Plural("%(number)s hour", "%(number)s hours", 2)
    """

    __slots__ = ("number", "params", "plural", "singular")
    singular: str
    plural: str
    number: int
    params: Mapping[str, Any]

    def __new__(cls, singular: str, plural: str, number: int, /, **params: Any) -> Self:
        self = super().__new__(cls, (singular if number == 1 else plural) % {**params, "number": f"{number:,}"})
        self.singular, self.plural, self.number, self.params = singular, plural, number, params
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _plural, (self.singular, self.plural, self.number, dict(self.params))

    def localized(self, localizer: Localizer) -> str:
        text = localizer.ngettext(self.singular, self.plural, self.number)
        return text % {**localized_params(self.params, localizer), "number": localizer.number(self.number)}


class NumberText(Localizable):
    """A whole number with the language's separators: "1,240"."""

    __slots__ = ("number",)
    number: int

    def __new__(cls, number: int) -> Self:
        self = super().__new__(cls, f"{number:,}")
        self.number = number
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return NumberText, (self.number,)

    def localized(self, localizer: Localizer) -> str:
        return localizer.number(self.number)


def N_(message: str) -> str:  # noqa: N802 - the name that extraction tools know
    """Mark a text for translation where it is defined; it is translated where it is used."""
    return message


def reason_of(error: Exception) -> str:
    """The text with which an exception was raised. (`str(error)` would be the English text alone.)"""
    return error.args[0] if error.args else ""


def localized_params(params: Mapping[str, Any], localizer: Localizer) -> dict[str, Any]:
    """The parameters, each in the language of `localizer`."""
    return {
        name: value.localized(localizer) if isinstance(value, Localizable) else value for name, value in params.items()
    }


def _message(template: str, params: dict[str, Any]) -> Message:
    return Message(template, **params)


def _plural(singular: str, plural: str, number: int, params: dict[str, Any]) -> Plural:
    return Plural(singular, plural, number, **params)
