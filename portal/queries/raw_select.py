"""A SELECT that comes with every request, on a bare connection: no session, no transaction around it.

A session costs five times what such a statement does. It sees what is committed, as the session would in its first
statement; a request that must see its own uncommitted writes does not ask so.
"""

from __future__ import annotations

import threading
from collections import namedtuple
from typing import Any

from sqlalchemy import Dialect, Engine, Pool, QueuePool, Select, event
from sqlalchemy.exc import OperationalError

from portal.extensions import db, raw_select_sent


class _Gone(OperationalError):
    """A connection that was kept does not answer any more."""


def _asked(engine: Engine, sql: str, values: Any) -> Any:
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
        # Whatever state it is in, nobody else gets it.
        if gone:
            # Nor those that are as old: the database was away meanwhile. Sessions do the same.
            pool._invalidate(connection, problem)  # noqa: SLF001 - dispose() forgets how many connections are in use
        else:
            connection.invalidate()
        if known:
            raise (_Gone if gone else OperationalError)(sql, None, problem) from problem
        raise
    finally:
        connection.close()
    return row


# What makes a connection of the driver commit each statement by itself.
AUTOCOMMIT: dict[str, dict[str, Any]] = {"postgresql": {"autocommit": True}, "sqlite": {"isolation_level": None}}
_POOL = "portal.look"
_making = threading.Lock()


def _pool_of(engine: Engine) -> Pool:
    """Where a look takes its connection from.

    Not from the engine's pool, which rolls each connection back, and on PostgreSQL also asks it whether it is there and
    begins a transaction: three messages more than the statement.
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
    """The statement, compiled once for each dialect. Its parameters are bound by name."""

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement
        # mypy knows named tuples with literal fields only.
        self._row = namedtuple("Row", [column.key for column in statement.selected_columns])  # type: ignore[misc]
        self._compiled: dict[str, tuple[str, list[str], dict[str, Any], list[Any]]] = {}

    def first(self, given: Any = None, **values: Any) -> Any:
        """The first row, as a named tuple; None where there is none. Needs an engine or an application context.

        Raises sqlalchemy.exc.OperationalError where the database does not answer as it should.
        """
        engine: Any = db.engine if given is None else given
        if not isinstance(engine, Engine):
            # Bound to one connection, whose transaction is not ours to leave.
            found = engine.execute(self._statement, values).first()
            return None if found is None else self._row(*found)
        sql, names, constants, readers = self._compiled.get(engine.dialect.name) or self._compile(engine.dialect)
        if raw_select_sent.receivers:
            raw_select_sent.send(sql)
        known = {**constants, **values}
        row = self._fetch(engine, sql, [known[name] for name in names] if engine.dialect.positional else known)
        if row is None:
            return None
        return self._row(*(read(value) if read else value for read, value in zip(readers, row, strict=True)))

    def _fetch(self, engine: Engine, sql: str, values: Any) -> Any:
        try:
            return _asked(engine, sql, values)
        except _Gone:
            return _asked(engine, sql, values)

    def _compile(self, dialect: Dialect) -> tuple[str, list[str], dict[str, Any], list[Any]]:
        compiled = self._statement.compile(dialect=dialect)
        readers = [
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in self._statement.selected_columns
        ]
        made = (str(compiled), list(getattr(compiled, "positiontup", None) or ()), dict(compiled.params), readers)
        self._compiled[dialect.name] = made
        return made
