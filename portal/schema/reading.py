"""Readers of fields that are not simply a column of the same name."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Callable
from typing import Any

import orjson

from portal.domain.instants import format_instant
from portal.domain.pricing import price_text
from portal.schema import options
from portal.schema.checks import Check
from portal.schema.fields import ABSENT, ObjectSchema, Read

# Placeholder for scheme://host of the request in a stored document: a raw byte, which cannot occur in JSON.
BASE = b"\x01"


def instant(row: Any, _source: Any) -> str:
    """The creation time of the row."""
    return format_instant(row.created)


def published_uuid(row: Any, _source: Any = None) -> uuidlib.UUID:
    """The identifier of a part, which a parent and its children may have in common."""
    found: uuidlib.UUID = getattr(row, "shared_uuid", None) or row.uuid
    return found


def api_address(path: str) -> orjson.Fragment:
    """An address of this portal's API."""
    return orjson.Fragment(b'"' + BASE + b"/api/" + path.encode() + b'/"')


def readable(column: str, check: Check) -> Read:
    """What published clients can read of a value that an earlier version may have stored."""
    return lambda row, _source: options.readable(check, getattr(row, column))


def address(collection: str, column: str) -> Read:
    """The API address of the object whose UUID is in a column, or null."""

    def read(row: Any, _source: Any) -> orjson.Fragment | None:
        uuid = getattr(row, column)
        return None if uuid is None else api_address(f"{collection}/{uuid}")

    return read


def own_link(value: str | None) -> orjson.Fragment | str | None:
    """A stored link; links into this portal (`/api/…`) get the host of the request."""
    if value is None or not value.startswith("/api/"):
        return value
    return orjson.Fragment(b'"' + BASE + orjson.dumps(value)[1:])


def link(column: str) -> Read:
    """A stored link, or null."""
    return lambda row, _source: own_link(getattr(row, column))


def rows(of: str, component: ObjectSchema, order: Callable[[Any], Any] | None = None) -> Read:
    """The offering's (or plan's) rows in a list of the source, each as an object."""

    def read(row: Any, source: Any) -> list[dict[str, Any]]:
        found = getattr(source, of).get(row.id, ())
        return [component.serialize(it, source) for it in (found if order is None else sorted(found, key=order))]

    return read


def first(of: str, column: str) -> Read:
    """A column of the only row of such a list, or null. Links are read as by `link`."""

    def read(row: Any, source: Any) -> Any:
        value = next((getattr(it, column) for it in getattr(source, of).get(row.id, ())), None)
        return own_link(value) if column == "link" else value

    return read


def price(column: str) -> Read:
    """An exact price as text, or null."""

    def read(row: Any, _source: Any) -> str | None:
        value = getattr(row, column)
        return None if value is None else price_text(value)

    return read


def unless_null(column: str) -> Read:
    """The column; if it is null, the key is left out, since published clients cannot read null there."""

    def read(row: Any, _source: Any) -> Any:
        value = getattr(row, column)
        return ABSENT if value is None else value

    return read


def by_name(row: Any) -> tuple[str, str]:
    """Orders rows by name and UUID."""
    return row.name, published_uuid(row).hex


def by_folded_name(row: Any) -> tuple[str, str]:
    """Orders rows by name without regard to case, and UUID."""
    return row.name.casefold(), published_uuid(row).hex


def by_name_and_type(row: Any) -> tuple[str, str]:
    """Orders components by name and type, as portal.domain.pricing does."""
    return row.name, row.type
