"""Reads request bodies: JSON, with the error messages of Waldur's API."""

from __future__ import annotations

import json
import math
import uuid as uuidlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from flask import request

from portal.api.errors import Refused
from portal.domain.identifiers import parse_uuid
from portal.domain.texts import is_storable, visible

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
REQUIRED = "This field is required."
NOT_NULL = "This field may not be null."
NOT_TEXT = "Not a valid string."
# Objects inside objects: enough for every document of this API.
DEEPEST = 40
# Numbers that the databases and other JSON readers hold: whole ones of 64 bits, and doubles.
WHOLE = range(-(2**63), 2**63)
TOO_LARGE = "A number is too large: whole numbers have at most 64 bits."
# More digits than any of them has.
_MAX_DIGITS = 20


def read_body(*, forms: bool = False) -> Any:
    """The body as plain data; {} for an empty one. `forms`: forms are accepted too, with the last value of each field.

    Raises Refused: 400 for invalid JSON, 415 for another type.
    """
    kind = request.mimetype
    if forms and kind in FORMS:
        return {name: values[-1] for name, values in request.form.lists() if values}
    body = request.get_data()
    if kind == "application/json":
        return parsed(body)
    if not kind and not body:
        return {}
    raise Refused(415, {"detail": f'Unsupported media type "{request.content_type or ""}" in request.'})


def read_object(*, forms: bool = False) -> dict[str, Any]:
    """The body as an object of values that can be stored. Raises Refused (400 with the fields that are wrong, 415)."""
    body = read_body(forms=forms)
    if not isinstance(body, dict):
        kind = type(body).__name__
        raise Refused(400, {"non_field_errors": [f"Invalid data. Expected a dictionary, but got {kind}."]})
    problems = {}
    for field, value in body.items():
        if not is_storable(field):
            raise Refused(400, {"non_field_errors": [f"“{visible(field)}” is not a valid name of a field."]})
        found = next(unstorable(value), None)
        if found is not None:
            path, reason = found
            problems[field] = [f"{path}: {reason}" if path else reason]
    if problems:
        raise Refused(400, problems)
    return body


def optional_object() -> dict[str, Any]:
    """The body as an object if it is JSON, else {}. For actions that published clients send without a body."""
    if request.mimetype != "application/json" or not request.get_data():
        return {}
    return read_object()


def unknown_keys(body: dict[str, Any], known: Sequence[str]) -> dict[str, list[str]]:
    """The problems with keys that are not known. Only for this portal's own calls: Waldur ignores such keys.

    Ignoring them would do something else than was requested.
    """
    return {key: [f"Unknown key. Known keys: {', '.join(known)}."] for key in body if key not in known}


@dataclass(frozen=True, slots=True)
class TooLarge:
    """A number that was too large to be read."""


def parsed(body: bytes) -> Any:
    """JSON as plain data. Repeated keys, NaN, infinity and deep nesting are refused (400).

    A number that is too large becomes TooLarge, so that read_object() can name the field.
    """
    try:
        found = json.loads(
            body.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_int=_whole,
            parse_float=_double,
            object_pairs_hook=_unique,
        )
        if _depth(found) > DEEPEST:
            raise ValueError("it is nested too deeply")
    except (ValueError, RecursionError) as error:
        raise Refused(400, {"detail": f"JSON parse error - {error}"}) from None
    return found


def text_problem(value: Any) -> str | None:
    """Why a value is not a text that can be stored, or None."""
    if value is None:
        return NOT_NULL
    if not isinstance(value, str):
        return NOT_TEXT
    if "\0" in value:
        return "Null characters are not allowed."
    return None if is_storable(value) else NOT_TEXT


def strange_text(value: Any) -> bool:
    """Whether plain data contains a text that databases cannot store."""
    return any(text_problem(text) is not None for text in _texts(value))


def link_field(
    body: dict[str, Any], key: str, problems: dict[str, Any], *, required: bool = False
) -> uuidlib.UUID | None:
    """The UUID in a value, alone or at the end of an address; what is wrong with it goes into `problems`."""
    value = body.get(key)
    if value is None or value == "":
        if required:
            problems[key] = [REQUIRED if key not in body else NOT_NULL]
        return None
    try:
        if not isinstance(value, str):
            raise ValueError
        return parse_uuid(value.rstrip("/").rpartition("/")[2])
    except ValueError:
        problems[key] = ["Enter a UUID or an address that ends with one."]
        return None


def text_field(body: dict[str, Any], key: str, problems: dict[str, Any]) -> str:
    """A text in a body, or "" where there is none; what is wrong with it goes into `problems`."""
    value = body.get(key)
    if value is None:
        return ""
    problem = text_problem(value)
    if problem is not None:
        problems[key] = [problem]
        return ""
    return str(value)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def unstorable(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The paths in plain data of what can be neither stored nor sent back, and what is wrong with it.

    NUL characters are left to the fields, which have different messages for them.
    """
    if isinstance(value, str):
        if not is_storable(value.replace("\0", "")):
            yield path, NOT_TEXT
    elif isinstance(value, TooLarge) or (isinstance(value, int) and value not in WHOLE):
        yield path, TOO_LARGE
    elif isinstance(value, dict):
        for key, inner in value.items():
            if not is_storable(key.replace("\0", "")):
                yield path, f"“{visible(key)}” is not a valid name of a field."
            yield from unstorable(inner, f"{path}.{visible(key)}".removeprefix("."))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from unstorable(inner, f"{path}[{position}]")


def _depth(value: Any) -> int:
    level, deepest = [value], 0
    while level and deepest <= DEEPEST:
        deepest += 1
        level = [inner for it in level for inner in _inside(it)]
    return deepest


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


def _whole(digits: str) -> int | TooLarge:
    return int(digits) if len(digits) <= _MAX_DIGITS else TooLarge()


def _double(digits: str) -> float | TooLarge:
    number = float(digits)
    return number if math.isfinite(number) else TooLarge()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"Out of range float values are not JSON compliant: {name!r}")
