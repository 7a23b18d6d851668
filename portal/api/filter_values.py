"""Values of filters. The messages of invalid ones are those of Waldur's API."""

from __future__ import annotations

import re
import uuid as uuidlib
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from portal.api.bodies import parsed, strange_text, unstorable
from portal.api.errors import Refused
from portal.domain.identifiers import parse_uuid
from portal.domain.instants import parse_query_instant

_NUMBER = re.compile(r"[+-]?(\d{1,20}([.]\d{0,20})?|[.]\d{1,20})", re.ASCII)
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def no_choice(value: str) -> str:
    """The message for a word that is not in a closed list."""
    return f"Select a valid choice. {value[:100]} is not one of the available choices."


def uuid_value(value: str) -> uuidlib.UUID:
    """A UUID. Raises ValueError."""
    try:
        return parse_uuid(value.strip())
    except ValueError:
        raise ValueError("Enter a valid UUID.") from None


def uuid_in_url(value: str, *resources: str) -> uuidlib.UUID | None:
    """The UUID in a URL, or in its path, of one of these resources of the API; a UUID alone is accepted as well.

    None where it is no such URL: then the filter matches nothing.
    """
    try:
        path = urlsplit(value.strip()).path
        collection, _, uuid = path.rstrip("/").rpartition("/")
        return parse_uuid(uuid) if not collection or collection.rpartition("/")[2] in resources else None
    except ValueError:
        return None


def instant_value(value: str) -> datetime:
    """An instant, or a date or date and time in UTC. Raises ValueError."""
    try:
        return parse_query_instant(value, naive_is_utc=True)
    except ValueError:
        raise ValueError("Enter a valid date/time.") from None


def flag_value(value: str) -> bool | None:
    """A boolean, or None where it cannot be read: then the filter is ignored."""
    return _FLAGS.get(value.strip().lower())


def number_value(value: str) -> Decimal:
    """A number. Raises ValueError."""
    if not _NUMBER.fullmatch(value.strip()):
        raise ValueError("Enter a number.")
    return Decimal(value.strip())


def object_value(value: str) -> dict[str, Any]:
    """A JSON object. Raises ValueError."""
    try:
        found = parsed(value.encode("utf-8", "replace"))
    except Refused:
        raise ValueError("Filter attribute is not valid json.") from None
    if not isinstance(found, dict):
        raise ValueError("Filter attribute should be an dict.")
    if strange_text(found):
        raise ValueError("Null characters are not allowed.")
    if next(unstorable(found), None) is not None:
        raise ValueError("A number is too large, or a text cannot be stored.")
    return found
