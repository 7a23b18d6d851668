"""The Flask extensions (database, sign-in, CSRF), transactions, and objects of the running application.

Statements outside transaction() only read. On SQLite a transaction() begins with BEGIN IMMEDIATE, so that writers
queue: a read transaction that becomes a write fails at once with "database is locked".
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

# HTTP methods that change nothing.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Results of services are read after their commit.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
login_manager = LoginManager()
csrf = CSRFProtect()

# Sent after a commit that left work for a calendar, with `calendar_id`. The worker also finds it without the signal.
calendar_due = Signal()
# Sent after a commit that left mail to be sent. Without it, the worker finds the mail within a minute.
mail_due = Signal()

# Sent after a commit that left a disconnection for the worker to complete.
disconnection_due = Signal()

# Sent with each statement of portal.queries.raw_select, which the engine's events miss. For tests and benchmarks.
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
    """Encrypts secrets at rest."""
    found: SecretBox = current_app.extensions["portal.secret_box"]
    return found


def installation_salt() -> bytes:
    """The salt of this installation's keys. One statement, which does not leave a transaction open."""
    found: bytes = _of_installation(Installation.salt)
    return found


def has_old_secrets() -> bool:
    """Whether there may be secrets that a version before 0019 encrypted. One statement."""
    return bool(_of_installation(Installation.old_secrets))


def _of_installation(column: InstrumentedAttribute[Any]) -> Any:
    session = db.session()
    statement = select(column)
    # A row whose secret is being encrypted must not be flushed yet.
    if session.in_transaction():
        with session.no_autoflush:
            return session.execute(statement).scalar_one()
    with reading():
        return session.execute(statement).scalar_one()


def secret_location(column: InstrumentedAttribute[Any], row: object) -> SecretLocation:
    """The location of a secret for secret_box(): its column, and a permanent identifier of the row (not its id)."""
    return SecretLocation(column.class_.__tablename__, column.key, str(row))


@contextmanager
def reading() -> Iterator[Session]:
    """Read without leaving a transaction open, before waiting for something such as a network call.

    Inside transaction() it joins that one.
    """
    session: Session = db.session()
    yield session
    if not session.info.get("open"):
        session.commit()


@contextmanager
def transaction() -> Iterator[Session]:
    """Commit at the end, or roll back and raise on any error; after the commit run the after_commit() effects.

    Ends an open read transaction first. Inside another transaction() it joins that one.
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
    """Run `effect` just before the current transaction() commits; only once for each key."""
    db.session().info["before_commit"].setdefault(key, effect)


def after_commit(effect: Callable[[], Any]) -> None:
    """Run `effect` once the current transaction() has committed; never if it rolls back."""
    db.session().info.setdefault("after_commit", []).append(effect)


def with_next_commit(effect: Callable[[Session], Any] | None) -> None:
    """Run `effect` at the end of the next transaction() of this context that commits; None cancels it.

    It saves a commit of its own. If it raises, the transaction rolls back.
    """
    _with_next_commit.set(effect)


def waits_for_commit() -> bool:
    """Whether an effect of with_next_commit() has not been committed yet."""
    return _with_next_commit.get() is not None


def _application() -> Any:
    return current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask documents it so; a LocalProxy has no types


def enqueue_calendar(calendar_id: int) -> None:
    """Enqueue a run over this calendar once the current transaction() has committed."""
    app = _application()
    after_commit(lambda: calendar_due.send(app, calendar_id=calendar_id))


def enqueue_mail() -> None:
    """Enqueue the delivery of mail once the current transaction() has committed; once, however many messages."""
    app = _application()
    before_commit(("mail",), lambda: after_commit(lambda: mail_due.send(app)))


def enqueue_disconnection() -> None:
    """Enqueue the disconnections that are due once the current transaction() has committed."""
    app = _application()
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
    """Estimates how hard passwords are to guess."""
    found: Estimator = current_app.extensions["portal.password_estimator"]
    return found


def consent() -> Consent:
    """OAuth at the calendar provider."""
    found: Consent = current_app.extensions["portal.consent"]
    return found


@event.listens_for(Session, "do_orm_execute")
def _read_locked_rows(state: ORMExecuteState) -> None:
    # Locked rows are read again, even if the session has loaded them before.
    if state.is_select and getattr(state.statement, "_for_update_arg", None) is not None:
        state.update_execution_options(populate_existing=True)


def prepare_engine(engine: Engine) -> None:
    """Set up an engine. Called once for each engine by the app factory."""
    if engine.dialect.name != "sqlite":
        return
    if event.contains(engine, "begin", _begin):
        return
    event.listen(engine, "connect", _sqlite_connect)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "checkin", _leave_write_queue)
    event.listen(engine, "invalidate", _leave_write_queue)


def _sqlite_connect(connection: Any, _record: Any) -> None:
    # Otherwise the driver begins transactions by itself.
    connection.isolation_level = None
    # SQLite's own lower() folds ASCII only; PostgreSQL's folds all of Unicode.
    connection.create_function("lower", 1, _lower, deterministic=True)
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        # Commits survive a power failure, not only a crash of the process.
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_MILLISECONDS}",
        "temp_store=MEMORY",
        # 1 MB for each connection: the kernel caches the file for all processes.
        "cache_size=-1000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def analyse() -> None:
    """Update SQLite's index statistics after many writes; takes some milliseconds. PostgreSQL does it by itself."""
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
    # The connection returns to the pool after its transaction has ended.
    queue = record.info.pop(_QUEUE, None)
    if queue is not None:
        queue.release()
