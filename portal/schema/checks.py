"""Checks of single values of a record: each takes a JSON value and returns a column's value, or raises InvalidValue.

`null` means "not set" and becomes the value that the API returns for an unset field (docs/documents.md), except where
a field cannot be unset.
"""

from __future__ import annotations

import math
import uuid as uuidlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from portal.domain import choices
from portal.domain.identifiers import parse_uuid
from portal.domain.instants import parse_instant
from portal.domain.messages import Message, reason_of
from portal.domain.texts import is_storable, line_problem, visible

Check = Callable[[Any], Any]

MAX_DEPTH = 64
# Longer texts cannot be indexed; the source keeps names to 150 characters.
NAME_LENGTH = 255
LINK_LENGTH = 2000


class InvalidValue(Exception):
    """An invalid value. `field` becomes its whole path as the error propagates (see `under`)."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field

    def under(self, parent: str) -> InvalidValue:
        """The same error with the path seen from one level higher."""
        self.field = parent + ("." if self.field and not self.field.startswith("[") else "") + self.field
        return self


# What is kept of a value that is dropped with its key.
MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class Corrected:
    """A value of which something was dropped, since no client could read it: what is kept, and the reasons."""

    value: Any
    reasons: tuple[InvalidValue, ...]

    def accept(self, key: str, warnings: list[InvalidValue] | None) -> Any:
        """The value that is kept; the reasons become warnings, or the first of them an error if there is no list."""
        if warnings is None:
            raise self.reasons[0]
        warnings += [reason.under(key) for reason in self.reasons]
        return self.value


def corrected(value: Any, reasons: Iterable[InvalidValue]) -> Any:
    """The value, as a Corrected one if there are reasons."""
    found = tuple(reasons)
    return Corrected(value, found) if found else value


def json_type(value: object) -> str:
    """The type of a JSON value, as text."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float | Decimal):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object" if isinstance(value, dict) else "not JSON"


def checked_text(value: Any, limit: int | None = None, *, line: bool = False) -> str:
    """A text that both databases can keep; with `line` one that is a name or title (one line)."""
    if not isinstance(value, str):
        raise InvalidValue(Message("must be a text, and is %(kind)s", kind=json_type(value)))
    if "\0" in value:
        raise InvalidValue(Message("contains a NUL character, which cannot be stored"))
    if limit is not None and len(value) > limit:
        raise InvalidValue(Message("is longer than %(limit)s characters", limit=limit))
    if not is_storable(value):
        raise InvalidValue(Message("contains half of a surrogate pair, which is not a character"))
    if line and (problem := line_problem(value)):
        raise InvalidValue(problem)
    return value


def text(limit: int | None = None, *, line: bool = False) -> Check:
    """A text, or with `line` one line of it; unset is ""."""

    def check(value: Any) -> str:
        # Fast path: an import calls this 200 times per offering.
        usual = limit is None and type(value) is str and value.isascii() and (value.isprintable() or not line)
        if usual and "\0" not in value:
            return str(value)
        return "" if value is None else checked_text(value, limit, line=line)

    return check


def text_or_null(limit: int | None = None, *, line: bool = False) -> Check:
    """A text, or with `line` one line of it; unset is null."""
    return lambda value: None if value is None else checked_text(value, limit, line=line)


def required_line(limit: int) -> Check:
    """A name, which has to say something."""

    def check(value: Any) -> str:
        found = checked_text(value, limit, line=True)
        if not found.strip():
            raise InvalidValue(Message("must not be empty"))
        return found

    return check


def flag(default: bool) -> Check:
    """True or false; unset is `default`."""

    def check(value: Any) -> bool:
        if value is None:
            return default
        if not isinstance(value, bool):
            raise InvalidValue(Message("must be true or false, and is %(kind)s", kind=json_type(value)))
        return value

    return check


def checked_whole(value: Any, low: int, high: int) -> int:
    """A whole number from `low` to `high`; 160.0 is one."""
    if type(value) is int and low <= value <= high:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InvalidValue(Message("must be a whole number, and is %(kind)s", kind=json_type(value)))
    if not isinstance(value, int):
        # Compared first: int() of a number such as 1E+999999 would take very long.
        if not low <= value <= high or value != int(value):
            raise InvalidValue(Message("must be a whole number from %(low)s to %(high)s", low=low, high=high))
        value = int(value)
    if not low <= value <= high:
        raise InvalidValue(Message("must be from %(low)s to %(high)s", low=low, high=high))
    return int(value)


INT64 = (-(2**63), 2**63 - 1)
COUNT64 = (0, 2**63 - 1)
COUNT32 = (0, 2**31 - 1)
INT32 = (-(2**31), 2**31 - 1)


def whole(default: int, bounds: tuple[int, int] = INT64) -> Check:
    """A whole number; unset is `default`."""
    low, high = bounds
    return lambda value: default if value is None else checked_whole(value, low, high)


def whole_or_null(bounds: tuple[int, int] = INT64) -> Check:
    """A whole number; unset is null."""
    low, high = bounds
    return lambda value: None if value is None else checked_whole(value, low, high)


def coordinate(limit: float) -> Check:
    """Degrees from -limit to limit, or null."""

    def check(value: Any) -> float | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise InvalidValue(Message("must be a number, and is %(kind)s", kind=json_type(value)))
        if not -limit <= value <= limit:
            raise InvalidValue(Message("must be from -%(limit)s to %(limit)s", limit=f"{limit:g}"))
        return float(value)

    return check


def price(value: Any) -> Decimal:
    """An exact decimal of at most 22 digits, 10 of them behind the point; text or number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise InvalidValue(Message('must be a decimal such as "95.0000000000", and is %(kind)s', kind=json_type(value)))
    try:
        found = Decimal(str(value)) if not isinstance(value, str) else Decimal(checked_text(value, 64).strip())
    except (InvalidOperation, ValueError):
        raise InvalidValue(Message('must be a decimal such as "95.0000000000"')) from None
    if not found.is_finite() or (found and found.adjusted() > 11):
        raise InvalidValue(Message("must have at most 12 digits before the point"))
    exponent = found.normalize().as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -10:
        raise InvalidValue(Message("must have at most 10 digits behind the point"))
    return found + 0


def unset_price(value: Any) -> Decimal:
    """A price; unset is 0."""
    return Decimal(0) if value is None else price(value)


def price_or_null(value: Any) -> Decimal | None:
    """A price; unset is null."""
    return None if value is None else price(value)


def uuid(value: Any) -> uuidlib.UUID:
    """A UUID, dashed or 32 hexadecimal digits, in any case."""
    if not isinstance(value, str):
        raise InvalidValue(Message("must be a UUID, and is %(kind)s", kind=json_type(value)))
    try:
        return parse_uuid(value)
    except ValueError:
        raise InvalidValue(Message("must be a UUID (32 hexadecimal digits, with or without dashes)")) from None


def uuid_or_null(value: Any) -> uuidlib.UUID | None:
    """A UUID, or null."""
    return None if value is None else uuid(value)


def instant(value: Any) -> datetime:
    """A date and time with a zone."""
    try:
        return parse_instant(value)
    except ValueError as error:
        raise InvalidValue(reason_of(error)) from None


def one_of(words: frozenset[str], default: Any = MISSING) -> Check:
    """One of a closed list of words; others are replaced by the default."""

    def check(value: Any) -> Any:
        if isinstance(value, str) and value in words:
            return value
        return Corrected(
            default, (InvalidValue(Message("must be one of %(choices)s", choices=", ".join(sorted(words)))),)
        )

    return check


def country(value: Any) -> Any:
    """A country code (portal.domain.choices); unset, or for another text, is ""."""
    if value is None:
        return ""
    if choices.is_country(value):
        return value
    return Corrected(
        "", (InvalidValue(Message('must be a two-letter country code in upper case (ISO 3166-1, or EU), or ""')),)
    )


def limit_period(value: Any) -> Any:
    """A limit period (portal.domain.choices), "" or null; null for others."""
    if choices.is_limit_period(value):
        return value
    words = ", ".join(sorted(choices.LIMIT_PERIODS))
    return Corrected(None, (InvalidValue(Message("must be one of %(choices)s, empty or null", choices=words)),))


def limit(rounding: str) -> Check:
    """The limit of a component, or null. Clients read whole numbers, so others are rounded to the stricter one."""

    def check(value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, float | Decimal) and INT64[0] <= value <= INT64[1] and value != int(value):
            whole_number = int(Decimal(value).to_integral_value(rounding))
            reason = Message(
                "is %(value)s, and clients read whole numbers here: %(kept)s is kept",
                value=f"{value:f}",
                kept=f"{whole_number}",
            )
            return Corrected(whole_number, (InvalidValue(reason),))
        return checked_whole(value, *INT64)

    return check


def free(value: Any, depth: int = 0) -> Any:
    """Any JSON value, checked recursively. Numbers become 64-bit integers or doubles."""
    if isinstance(value, str):
        return checked_text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return checked_whole(value, *INT64)
    if isinstance(value, float | Decimal):
        number = float(value)
        if not math.isfinite(number):
            raise InvalidValue(Message("is a number larger than JSON readers can hold"))
        return number
    if depth >= MAX_DEPTH:
        raise InvalidValue(Message("is nested deeper than %(most)s levels", most=MAX_DEPTH))
    if isinstance(value, list):
        found = []
        for place, item in enumerate(value):
            try:
                found.append(free(item, depth + 1))
            except InvalidValue as wrong:
                raise wrong.under(f"[{place}]") from None
        return found
    if isinstance(value, dict):
        result = {}
        for key, item in value.items():
            try:
                result[checked_text(key)] = free(item, depth + 1)
            except InvalidValue as wrong:
                raise wrong.under(visible(str(key))) from None
        return result
    raise InvalidValue(Message("is not JSON"))


def free_object(value: Any) -> dict[str, Any]:
    """A free-form object; unset is {}."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidValue(Message("must be an object, and is %(kind)s", kind=json_type(value)))
    found: dict[str, Any] = free(value)
    return found


def free_list(value: Any) -> Any:
    """A free-form list (the documentation types it "any"); unset is []."""
    return [] if value is None else free(value)


def columns(
    data: Mapping[str, Any], checks: Mapping[str, tuple[str, Check]], warnings: list[InvalidValue] | None = None
) -> dict[str, Any]:
    """Column -> value for every key of `checks` (key -> column, check) that is in `data`; other keys are ignored.

    Corrected values are kept and reported in `warnings`; without such a list they are invalid.
    """
    found = {}
    for key, (column, check) in checks.items():
        if key in data:
            try:
                value = check(data[key])
                if isinstance(value, Corrected):
                    value = value.accept(key, warnings)
            except InvalidValue as wrong:
                raise wrong.under(key) from None
            if value is not MISSING:
                found[column] = value
    return found
