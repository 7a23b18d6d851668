"""A SELECT that comes with every request, on a bare connection: no session, no transaction around it.

A session costs five times what such a statement does. It sees what is committed, as the session would in its first
statement; a request that must see its own uncommitted writes does not ask so.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from sqlalchemy import Dialect, Engine, Select
from sqlalchemy.exc import OperationalError

from portal.extensions import db, looked


class Look:
    """The statement, compiled once for each dialect. Its parameters are bound by name."""

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement
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
        if looked.receivers:
            looked.send(sql)
        known = {**constants, **values}
        row = self._fetch(engine, sql, [known[name] for name in names] if engine.dialect.positional else known)
        if row is None:
            return None
        return self._row(*(read(value) if read else value for read, value in zip(readers, row, strict=True)))

    def _fetch(self, engine: Engine, sql: str, values: Any) -> Any:
        broken = engine.dialect.loaded_dbapi.Error
        try:
            connection = engine.raw_connection()
        except broken as problem:
            raise OperationalError(sql, None, problem) from problem
        # One statement is no transaction: PostgreSQL's driver would begin one, and the pool roll it back.
        own: Any = connection.dbapi_connection if engine.dialect.name == "postgresql" else None
        try:
            if own is not None:
                own.autocommit = True
            cursor = connection.cursor()
            cursor.execute(sql, values)
            row = cursor.fetchone()
            cursor.close()
            if own is not None:
                own.autocommit = False
        except BaseException as problem:
            # Whatever state it is in, nobody else gets it.
            connection.invalidate()
            if isinstance(problem, broken):
                raise OperationalError(sql, None, problem) from problem
            raise
        finally:
            connection.close()
        return row

    def _compile(self, dialect: Dialect) -> tuple[str, list[str], dict[str, Any], list[Any]]:
        compiled = self._statement.compile(dialect=dialect)
        readers = [
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in self._statement.selected_columns
        ]
        made = (str(compiled), list(getattr(compiled, "positiontup", None) or ()), dict(compiled.params), readers)
        self._compiled[dialect.name] = made
        return made
