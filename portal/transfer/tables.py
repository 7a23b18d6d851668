"""Rows of the database as an import needs them: defaults of a table, comparison, and writing many at once."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache, partial
from typing import Any, cast

import orjson
from sqlalchemy import JSON, Table, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

Row = dict[str, Any]

# Both databases limit the parameters of one statement.
CHUNK = 5000


def table_of(model: Any) -> Table:
    """The table of a model."""
    return cast(Table, model.__table__)


def chunks(items: Collection[Any]) -> Iterator[list[Any]]:
    """The items in lists that fit into one statement."""
    every = list(items)
    for start in range(0, len(every), CHUNK):
        yield every[start : start + CHUNK]


def rows_where(session: Session, model: Any, column: str, among: Collection[Any]) -> list[Row]:
    """All rows whose `column` is `among` these."""
    table = table_of(model)
    found: list[Row] = []
    for part in chunks(among):
        found += [dict(row) for row in session.execute(select(table).where(table.c[column].in_(part))).mappings()]
    return found


def with_defaults(model: Any, row: Row) -> Row:
    """A complete row to insert: what `row` has, and the model's defaults."""
    return {**_fixed_defaults(model), **{name: make() for name, make in _made_defaults(model)}, **row}


@cache
def _fixed_defaults(model: Any) -> Row:
    return {
        column.name: None if column.default is None else cast(Any, column.default).arg
        for column in table_of(model).columns
        if not column.primary_key and (column.default is None or column.default.is_scalar)
    }


@cache
def _made_defaults(model: Any) -> tuple[tuple[str, Callable[[], Any]], ...]:
    return tuple(
        (column.name, partial(cast(Any, column.default).arg, None))
        for column in table_of(model).columns
        if not column.primary_key and column.default is not None and column.default.is_callable
    )


@cache
def _json_columns(model: Any) -> frozenset[str]:
    return frozenset(column.name for column in table_of(model).columns if isinstance(column.type, JSON))


def differs(model: Any, stored: Row, wanted: Row) -> bool:
    """Whether a stored row would change. JSON is compared as written: 1, 1.0 and true are three things there."""
    written = _json_columns(model)
    for column, value in wanted.items():
        old = stored[column]
        if column in written:
            if orjson.dumps(old) != orjson.dumps(value):
                return True
        elif old != value:
            return True
    return False


def insert_rows(session: Session, model: Any, rows: list[Row]) -> None:
    """Insert complete rows."""
    if rows:
        session.connection().execute(insert(table_of(model)), rows)


def insert_for_ids(session: Session, model: Any, rows: list[Row]) -> dict[uuidlib.UUID, int]:
    """Insert complete rows and answer uuid -> id."""
    if not rows:
        return {}
    table = table_of(model)
    statement = insert(table).returning(table.c.uuid, table.c.id)
    return dict(session.connection().execute(statement, rows).all())


def update_rows(session: Session, model: Any, rows: list[Row], key: str = "id") -> None:
    """Update rows by `key`; each holds the same columns."""
    if not rows:
        return
    table = table_of(model)
    prepared = [{f"b_{name}": value for name, value in row.items()} for row in rows]
    names = [name for name in rows[0] if name != key]
    session.connection().execute(
        update(table).where(table.c[key] == bindparam(f"b_{key}")).values({n: bindparam(f"b_{n}") for n in names}),
        prepared,
    )


def delete_rows(session: Session, model: Any, keys: Iterable[int], key: str = "id") -> None:
    """Delete rows by `key`."""
    table = table_of(model)
    for part in chunks(list(keys)):
        session.connection().execute(delete(table).where(table.c[key].in_(part)))
