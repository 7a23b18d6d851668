"""A clause over Booking for the attributes that the API answers: its name, its description and the answers.

JSON is read in another way in each database, so that a text never equals a number, nor 1 equals true.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import JSON, ColumnElement, Select, and_, cast, exists, false, func, literal, or_, select, true
from sqlalchemy.dialects.postgresql import JSONB

from portal.extensions import db
from portal.models import Booking

Clause = ColumnElement[bool]
# Attributes that are columns. The periods of a booking are found by the parameters of time.
_COLUMNS = {"name": Booking.name, "description": Booking.note}
_OTHER = frozenset({"schedules"})


def has_attributes(wanted: Mapping[str, Any]) -> Clause:
    """Bookings that have all of these attributes; a list means any of its values.

    Values are texts, numbers, booleans or null. Raises ValueError for objects and lists of lists.
    """
    return and_(
        true(),
        *(
            or_(false(), *(_has(key, it) for it in (value if isinstance(value, list) else [value])))
            for key, value in wanted.items()
        ),
    )


def _has(key: str, value: Any) -> Clause:
    if value is not None and not isinstance(value, str | int | float):
        raise ValueError("The values are texts, numbers, booleans, null or lists of these.")
    if key in _OTHER:
        return false()
    if key in _COLUMNS:
        return _COLUMNS[key] == value if isinstance(value, str) else false()
    return exists(_answers(key, value).correlate(Booking))


def _answers(key: str, value: Any) -> Select[Any]:
    if db.session.get_bind().dialect.name == "postgresql":
        entry = func.json_each(Booking.answers).table_valued("key", "value")
        same = literal(JSON.NULL if value is None else value, JSONB)
        return select(entry.c.key).where(entry.c.key == key, cast(entry.c.value, JSONB) == same)
    entry = func.json_each(Booking.answers).table_valued("key", "value", "type")
    alike = true() if value is None or isinstance(value, bool) else entry.c.value == value
    return select(entry.c.key).where(entry.c.key == key, entry.c.type.in_(_sqlite_types(value)), alike)


def _sqlite_types(value: Any) -> tuple[str, ...]:
    """What SQLite calls the type of a value in JSON."""
    if value is None:
        return ("null",)
    if isinstance(value, bool):
        return ("true",) if value else ("false",)
    return ("text",) if isinstance(value, str) else ("integer", "real")
