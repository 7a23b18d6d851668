"""A prepared SELECT on a bare driver connection, without a session and a transaction, for every request.

A session costs five times as much as the statement. It sees committed rows only.
"""

from __future__ import annotations

import threading
from collections import namedtuple
from typing import Any

from sqlalchemy import Dialect, Engine, Pool, QueuePool, Select, event
from sqlalchemy.exc import OperationalError

from portal.extensions import db, raw_select_sent


class _Disconnected(OperationalError):
    """A pooled connection has been closed by the database."""


def _fetch_row(engine: Engine, sql: str, values: Any) -> Any:
    dialect: Any = engine.dialect
    pool = _pool_of(engine)
    try:
        connection: Any = pool.connect()
    except dialect.loaded_dbapi.Error as problem:
        raise OperationalError(sql, None, problem) from problem
    try:
        cursor = connection.cursor()
        cursor.execute(sql, values)
        row = cursor.fetchone()
        cursor.close()
    except BaseException as problem:
        known = isinstance(problem, dialect.loaded_dbapi.Error)
        gone = known and dialect.is_disconnect(problem, connection.dbapi_connection, None)
        if gone:
            # Connections that are as old are gone as well.
            pool._invalidate(connection, problem)  # noqa: SLF001 - dispose() forgets how many connections are in use
        else:
            connection.invalidate()
        if known:
            raise (_Disconnected if gone else OperationalError)(sql, None, problem) from problem
        raise
    finally:
        connection.close()
    return row


# Connection arguments with which the driver commits each statement by itself.
AUTOCOMMIT: dict[str, dict[str, Any]] = {"postgresql": {"autocommit": True}, "sqlite": {"isolation_level": None}}
_POOL = "portal.raw_select"
_making = threading.Lock()


def _pool_of(engine: Engine) -> Pool:
    """A pool of its own: the engine's rolls back each connection, and on PostgreSQL also pings it and begins a
    transaction, which is three more round trips.
    """
    found: Pool | None = engine.__dict__.get(_POOL)
    if found is None:
        with _making:
            found = engine.__dict__.get(_POOL) or _make_pool(engine)
    return found


def _make_pool(engine: Engine) -> Pool:
    dialect: Any = engine.dialect
    words, options = dialect.create_connect_args(engine.url)

    def connect() -> Any:
        return dialect.connect(*words, **{**options, **AUTOCOMMIT[dialect.name]})

    pool = QueuePool(connect, pool_size=5, max_overflow=25, reset_on_return=None)
    event.listen(engine, "engine_disposed", lambda _engine: pool.dispose())
    engine.__dict__[_POOL] = pool
    return pool


class RawSelect:
    """A statement that is compiled once for each dialect. Parameters are bound by name."""

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement
        # mypy knows named tuples with literal fields only.
        self._row = namedtuple("Row", [column.key for column in statement.selected_columns])  # type: ignore[misc]
        self._compiled: dict[str, tuple[str, list[str], dict[str, Any], list[Any]]] = {}

    def first(self, given: Any = None, **values: Any) -> Any:
        """The first row as a named tuple, or None. Without `given` it needs an application context.

        Raises sqlalchemy.exc.OperationalError if the database is unavailable.
        """
        engine: Any = db.engine if given is None else given
        if not isinstance(engine, Engine):
            # Tests bind the session to one connection and its transaction.
            found = engine.execute(self._statement, values).first()
            return None if found is None else self._row(*found)
        sql, names, constants, readers = self._compiled.get(engine.dialect.name) or self._compile(engine.dialect)
        if raw_select_sent.receivers:
            raw_select_sent.send(sql)
        known = {**constants, **values}
        given_values = [known[name] for name in names] if engine.dialect.positional else known
        try:
            row = _fetch_row(engine, sql, given_values)
        except _Disconnected:
            row = _fetch_row(engine, sql, given_values)
        if row is None:
            return None
        return self._row(*(read(value) if read else value for read, value in zip(readers, row, strict=True)))

    def _compile(self, dialect: Dialect) -> tuple[str, list[str], dict[str, Any], list[Any]]:
        compiled = self._statement.compile(dialect=dialect)
        readers = [
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in self._statement.selected_columns
        ]
        made = (str(compiled), list(getattr(compiled, "positiontup", None) or ()), dict(compiled.params), readers)
        self._compiled[dialect.name] = made
        return made
