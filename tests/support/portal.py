"""The application under test: rolled back after each test, or alive on a database of its own."""

import contextvars
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session, scoped_session
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import TestResponse

from portal.app import create_app
from portal.cli.register import register as register_commands
from portal.config import load_settings
from portal.domain.catalogue_index import CatalogueIndex
from portal.extensions import db, raw_select_sent
from portal.services import passwords
from tests.support.databases import SECRET_KEY, CopyDatabase

MakeLivePortal = Callable[..., "LivePortal"]


class SeparateClient(FlaskClient):
    """A client whose every request has contexts of its own, as behind a real server.

    Flask would otherwise let a request share the test's application context, its `g` (who is signed in!) and its
    database session.
    """

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return contextvars.Context().run(super().open, *args, **kwargs)


def environ_for(database_url: str, instance: Path, **more: str) -> dict[str, str]:
    """The settings of a portal under test, as an environment for load_settings() or a subprocess."""
    return {
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": database_url,
        "QUEUE_URL": f"sqlite:///{instance / 'queue.db'}",
        "INSTANCE_PATH": str(instance),
        **more,
    }


@pytest.fixture(scope="session", autouse=True)
def real_hasher() -> Iterator[PasswordHasher]:
    """What hashes passwords outside of tests; inside something does that takes a thousandth of its time."""
    with pytest.MonkeyPatch.context() as patch:
        real = passwords._hasher
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield real


@pytest.fixture(scope="session")
def worker_app(worker_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """This process's application on its database, made once for each backend; tests ask for `app`."""
    app = create_app(load_settings(environ_for(worker_database, tmp_path_factory.mktemp("instance"))))
    register_commands(app)
    app.testing = True
    app.test_client_class = SeparateClient
    db.session.session_factory.configure(join_transaction_mode="create_savepoint")
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(worker_app: Flask) -> Iterator[Flask]:
    """The application. What the test writes and configures does not last."""
    with rolled_back(worker_app):
        yield worker_app


@contextmanager
def rolled_back(worker_app: Flask) -> Iterator[None]:
    """One outer transaction holds everything that is done inside: commits are savepoints."""
    with worker_app.app_context():
        engines = db.engines
    engine = engines[None]
    config = dict(worker_app.config)
    assert isinstance(engine, Engine)
    with engine.connect() as connection:
        outer = connection.begin()
        engines[None] = connection  # the session binds to what is here
        # What the test before this one wrote was rolled back, without a change that anybody could read.
        worker_app.extensions["portal.catalogue_index"] = CatalogueIndex()
        worker_app.extensions["portal.cache"].clear()
        try:
            yield
        finally:
            engines[None] = engine
            worker_app.config.clear()
            worker_app.config.update(config)
            outer.rollback()


@pytest.fixture
def limited(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`limited(max_open_requests=2)`: the application with these settings until the test ends."""

    def limit(**values: Any) -> None:
        monkeypatch.setitem(app.extensions, "portal.settings", replace(app.extensions["portal.settings"], **values))

    return limit


@pytest.fixture
def db_session(app: Flask) -> Iterator[scoped_session[Session]]:
    """`db.session` inside an application context. Ask `db_session.expire_all()` before reading what others changed."""
    with app.app_context():
        yield db.session


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """An HTTP client; nobody is signed in."""
    return app.test_client()


@dataclass
class Counted:
    """The SQL statements that ran inside a `query_counter()` block."""

    statements: list[str] = field(default_factory=list)

    @property
    def number(self) -> int:
        return len(self.statements)


@pytest.fixture
def query_counter() -> Callable[[], Any]:
    """`with query_counter() as counted:` then `counted.number` and `counted.statements` (savepoints left out)."""

    @contextmanager
    def counting() -> Iterator[Counted]:
        counted = Counted()

        def note(_connection: Connection, _cursor: Any, statement: str, *_more: Any) -> None:
            if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK TO", "BEGIN")):
                counted.statements.append(statement)

        def note_look(statement: str) -> None:
            counted.statements.append(statement)

        event.listen(Engine, "before_cursor_execute", note)
        try:
            with raw_select_sent.connected_to(note_look):
                yield counted
        finally:
            event.remove(Engine, "before_cursor_execute", note)

    return counting


@dataclass
class LiveDatabase:
    """A migrated database with real commits. `environ` starts other processes on it."""

    url: str
    environ: dict[str, str]
    app: Flask


@pytest.fixture
def live_database(copy_database: CopyDatabase, tmp_path: Path) -> Iterator[LiveDatabase]:
    """A database of the test's own, empty and migrated, and an application on it."""
    with living(copy_database, tmp_path) as database:
        yield database


@contextmanager
def living(copy_database: CopyDatabase, folder: Path) -> Iterator[LiveDatabase]:
    """A migrated database, its application, and what belongs to them in a folder."""
    url, remove = copy_database(folder)
    instance = folder / "instance"
    environ = environ_for(url, instance)
    app = create_app(load_settings(environ))
    register_commands(app)
    app.testing = True
    app.test_client_class = SeparateClient
    yield LiveDatabase(url, environ, app)
    with app.app_context():
        db.engine.dispose()
    remove()


@dataclass
class LivePortal:
    """A portal that serves on loopback from a thread of this process."""

    url: str
    app: Flask
    database: LiveDatabase


class QuietHandler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the overridden method's name for it
        """Say nothing: the test tells what it saw."""


@pytest.fixture
def make_live_portal(live_database: LiveDatabase) -> Iterator[MakeLivePortal]:
    """`make_live_portal(PROXY_HOPS="1")`: serve `live_database` with these settings on top of the usual ones."""
    with ExitStack() as stack:
        yield lambda **more: stack.enter_context(serving(live_database, more))


@pytest.fixture
def live_portal(make_live_portal: MakeLivePortal) -> LivePortal:
    """The portal on `live_database`, served on a free loopback port."""
    return make_live_portal()


@contextmanager
def serving(database: LiveDatabase, more: dict[str, str]) -> Iterator[LivePortal]:
    app: list[Flask] = []  # made once the port is known: PUBLIC_URL holds it
    server = make_server(
        "127.0.0.1", 0, lambda environ, start: app[0](environ, start), threaded=True, request_handler=QuietHandler
    )
    server.daemon_threads = True
    url = f"http://127.0.0.1:{server.server_port}"
    environ = {**database.environ, "PORT": str(server.server_port), **more}
    app.append(create_app(load_settings(environ)))
    register_commands(app[-1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield LivePortal(url, app[0], LiveDatabase(database.url, environ, app[0]))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        with app[0].app_context():
            db.engine.dispose()
