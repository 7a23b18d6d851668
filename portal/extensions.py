"""The extensions, made once: database, sign-in, CSRF; and how a transaction begins and ends.

Statements outside transaction() only read. A transaction() writes: on SQLite it begins with BEGIN IMMEDIATE, so that
two writers queue instead of failing at their first write (a snapshot that must be upgraded fails with "database is
locked" at once, whatever the time-out).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast
from weakref import WeakKeyDictionary

from blinker import Signal
from flask import current_app
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import CursorResult, Engine, Result, event, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import InstrumentedAttribute, ORMExecuteState, Session

from portal.calendar_sync.provider import Consent
from portal.config import Settings
from portal.domain.cache import Cache
from portal.domain.catalogue_index import CatalogueIndex
from portal.domain.fair_lock import FairLock
from portal.domain.passwords import Estimator
from portal.models import Base, Installation
from portal.secretbox import SecretBox, SecretLocation

# Methods of requests that change nothing.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# What a service returns may still be read after its commit.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
login_manager = LoginManager()
csrf = CSRFProtect()

# Sent after a commit that left work for a calendar; carries `calendar_id`. A lost signal costs only time: the worker's
# sweep finds the row.
calendar_due = Signal()
# Sent after a commit that left mail to be sent. A lost signal costs a minute.
mail_due = Signal()

# Sent after a commit that left a disconnection for the worker to complete.
disconnection_due = Signal()

# Sent with each statement that goes past the engine's events (portal.queries.raw_select): for whoever counts.
raw_select_sent = Signal()

# How long a writer waits for others on SQLite.
BUSY_MILLISECONDS = 15_000
_POLL_SECONDS = 0.0005
_QUEUE = "portal.write_queue"
_write_queues: WeakKeyDictionary[Engine, FairLock] = WeakKeyDictionary()

_writing: ContextVar[bool] = ContextVar("writing", default=False)
_with_next_commit: ContextVar[Callable[[Session], Any] | None] = ContextVar("with_next_commit", default=None)


def settings() -> Settings:
    """The settings of the running application."""
    found: Settings = current_app.extensions["portal.settings"]
    return found


def secret_box() -> SecretBox:
    """What encrypts secrets at rest, made of SECRET_KEY."""
    found: SecretBox = current_app.extensions["portal.secret_box"]
    return found


def installation_salt() -> bytes:
    """The salt of this installation's keys. One statement, which leaves no transaction open that was not."""
    found: bytes = _of_installation(Installation.salt)
    return found


def has_old_secrets() -> bool:
    """Whether secrets may be stored that a version before 0019 encrypted; asked for each one of those that is met."""
    return bool(_of_installation(Installation.old_secrets))


def _of_installation(column: InstrumentedAttribute[Any]) -> Any:
    session = db.session()
    statement = select(column)
    # What is encrypted for a row that is being made must not flush that row half-made.
    if session.in_transaction():
        with session.no_autoflush:
            return session.execute(statement).scalar_one()
    with reading():
        return session.execute(statement).scalar_one()


def secret_location(column: InstrumentedAttribute[Any], row: object) -> SecretLocation:
    """Where a text is kept, for secret_box(): a column, and what identifies the row for good (not its id)."""
    return SecretLocation(column.class_.__tablename__, column.key, str(row))


@contextmanager
def reading() -> Iterator[Session]:
    """Read, and leave no transaction open: for code that goes on to wait for something else, such as a network call.

    Inside transaction() it joins that one.
    """
    session: Session = db.session()
    yield session
    if not session.info.get("open"):
        session.commit()


@contextmanager
def transaction() -> Iterator[Session]:
    """The one commit place: commit at the end, roll back and raise on any error, then run what waits for the commit.

    What was read before belongs to a transaction that ends here. Inside another transaction() it joins that one, which
    then commits for both.
    """
    session: Session = db.session()
    if session.info.get("open"):
        yield session
        return
    session.commit()
    session.info.update(open=True, before_commit={}, after_commit=[])
    token = _writing.set(True)
    try:
        yield session
        while session.info["before_commit"]:
            effects, session.info["before_commit"] = session.info["before_commit"], {}
            for effect in effects.values():
                effect()
        joining = _with_next_commit.get()
        if joining is not None:
            joining(session)
        session.commit()
    except BaseException:
        session.rollback()
        session.info["after_commit"] = []
        raise
    finally:
        _writing.reset(token)
        session.info["open"] = False
    if joining is not None:
        _with_next_commit.set(None)
    for effect in session.info.pop("after_commit", []):
        effect()


def changed_rows(result: Result[Any]) -> int:
    """How many rows an UPDATE or DELETE changed."""
    return cast("CursorResult[Any]", result).rowcount


def in_transaction() -> bool:
    """Whether a transaction() is open."""
    return bool(db.session().info.get("open"))


def before_commit(key: Hashable, effect: Callable[[], Any]) -> None:
    """Run `effect` just before the present transaction() commits; once for a key, however often it is asked for."""
    db.session().info["before_commit"].setdefault(key, effect)


def after_commit(effect: Callable[[], Any]) -> None:
    """Run `effect` once the present transaction() has committed; never if it rolls back."""
    db.session().info.setdefault("after_commit", []).append(effect)


def with_next_commit(effect: Callable[[Session], Any] | None) -> None:
    """Run `effect` as the last statement of the next transaction() of this context that commits; None takes it back.

    For what belongs to a whole request: it costs no commit of its own. Where it raises, the transaction rolls back.
    """
    _with_next_commit.set(effect)


def waits_for_commit() -> bool:
    """Whether what was handed to with_next_commit() has not been committed yet."""
    return _with_next_commit.get() is not None


def enqueue_calendar(calendar_id: int) -> None:
    """Enqueue a run over this calendar once the current transaction() has committed."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask documents it so; a LocalProxy has no types
    after_commit(lambda: calendar_due.send(app, calendar_id=calendar_id))


def enqueue_mail() -> None:
    """Enqueue the delivery of mail once the current transaction() has committed; once, however many messages."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask documents it so; a LocalProxy has no types
    before_commit(("mail",), lambda: after_commit(lambda: mail_due.send(app)))


def enqueue_disconnection() -> None:
    """Enqueue the disconnections that are due once the current transaction() has committed."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask documents it so; a LocalProxy has no types
    after_commit(lambda: disconnection_due.send(app))


def cache() -> Cache:
    """The cache of the running application, of this process alone."""
    found: Cache = current_app.extensions["portal.cache"]
    return found


def catalogue_index() -> CatalogueIndex:
    """The catalogue index of the running application. portal.queries.catalogue_index brings it up to date."""
    found: CatalogueIndex = current_app.extensions["portal.catalogue_index"]
    return found


def password_estimator() -> Estimator:
    """What says how easily a password is guessed, as the composition root has put it in."""
    found: Estimator = current_app.extensions["portal.password_estimator"]
    return found


def consent() -> Consent:
    """OAuth at the calendar provider, set by the composition root."""
    found: Consent = current_app.extensions["portal.consent"]
    return found


@event.listens_for(Session, "do_orm_execute")
def _read_locked_rows(state: ORMExecuteState) -> None:
    # A row that is locked is read as it is now, also where the session knows it from before.
    if state.is_select and getattr(state.statement, "_for_update_arg", None) is not None:
        state.update_execution_options(populate_existing=True)


def prepare_engine(engine: Engine) -> None:
    """Give an engine what this portal needs of its database. Called once for each engine by the app factory."""
    if engine.dialect.name != "sqlite":
        return
    if event.contains(engine, "begin", _begin):
        return
    event.listen(engine, "connect", _sqlite_connect)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "checkin", _leave_write_queue)
    event.listen(engine, "invalidate", _leave_write_queue)


def _sqlite_connect(connection: Any, _record: Any) -> None:
    # The driver would otherwise decide by itself when a transaction begins.
    connection.isolation_level = None
    # SQLite's own lower() folds ASCII only; PostgreSQL's folds all of Unicode.
    connection.create_function("lower", 1, _lower, deterministic=True)
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        # A commit that was answered survives a power failure, not only a crash of the process.
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_MILLISECONDS}",
        "temp_store=MEMORY",
        # A megabyte for each connection and no mmap: the machine keeps the file in its memory, once for all processes.
        "cache_size=-1000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def analyse() -> None:
    """Let SQLite count what lies in its indexes, so that it chooses among them well; PostgreSQL does so by itself.

    With a limit it looks at a part of each index and takes some milliseconds. To be called when much was written.
    """
    if db.engine.dialect.name != "sqlite":
        return
    with transaction() as session:
        for statement in ("PRAGMA analysis_limit=1000", "ANALYZE"):
            session.execute(text(statement))


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _begin(connection: Connection) -> None:
    if not _writing.get():
        connection.exec_driver_sql("BEGIN")
        return
    # SQLite's own waiting sleeps longer each time, so a writer that waits loses to those that come later: with sixteen
    # of them some took seconds for milliseconds of work. Here the threads of a process wait in a queue, and the first
    # one of each process tries again every half millisecond (at 2 ms a quarter fewer bookings a second were accepted).
    deadline = time.monotonic() + BUSY_MILLISECONDS / 1000
    queue = _write_queues.setdefault(connection.engine, FairLock())
    # A connection that begins again before it goes back to the pool is at the head still.
    if _QUEUE not in connection.info and queue.acquire(timeout=BUSY_MILLISECONDS / 1000):
        connection.info[_QUEUE] = queue
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            except OperationalError as error:
                if "locked" not in str(error.orig) or time.monotonic() > deadline:
                    _leave_write_queue(connection, connection)
                    raise
                time.sleep(_POLL_SECONDS)
            else:
                break
    finally:
        driver.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")


def _leave_write_queue(_connection: Any, record: Any, *_error: Any) -> None:
    # When the connection goes back to the pool: by then its transaction is committed or rolled back.
    queue = record.info.pop(_QUEUE, None)
    if queue is not None:
        queue.release()
