"""`make serve`: the web server alone, with production settings. Refuses in one line what would fail later.

WEB_WORKERS is the number of processes (default: one for each core).
"""

import os
import sys

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from portal.config import Settings, load_settings
from portal.errors import ConfigError
from tools.prepare import ROOT
from tools.server import metrics_environ, port_problem, server_command
from tools.tree import CannotStart, Stopped, Tree


def main() -> None:
    try:
        settings = load_settings(os.environ)
        workers = web_workers(os.environ.get("WEB_WORKERS", "").strip())
        settings.instance_path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except ConfigError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"The folder {error.filename} is not writable ({error.strerror}).")
    problem = port_problem(settings.host, settings.port) or database_problem(settings)
    if problem:
        sys.exit(problem)
    try:
        environ = {**os.environ, **metrics_environ(settings.instance_path.absolute())}
    except CannotStart as failure:
        sys.exit(str(failure))
    print(f"Serving on {settings.host} port {settings.port} with {workers} processes.", flush=True)
    tree = Tree(environ)
    try:
        tree.start("the web server", *server_command(settings.host, settings.port, workers))
        tree.wait()
    except CannotStart as failure:
        sys.exit(str(failure))
    except Stopped:
        print("\nStopping ...", flush=True)
    finally:
        tree.stop()


def web_workers(value: str) -> int:
    """The number of processes: WEB_WORKERS, else the number of cores."""
    if not value:
        return os.cpu_count() or 1
    if not value.isdigit() or not 1 <= int(value) <= 256:
        raise ConfigError(f"WEB_WORKERS must be a whole number from 1 to 256 (it is {value!r}).")
    return int(value)


def database_problem(settings: Settings) -> str:
    """Why the database cannot be served from, as a sentence; empty where it can."""
    configuration = Config()
    configuration.set_main_option("script_location", str(ROOT / "migrations"))
    wanted = set(ScriptDirectory.from_config(configuration).get_heads())
    engine = create_engine(settings.database_url)
    try:
        with engine.connect() as connection:
            found = set(MigrationContext.configure(connection).get_current_heads())
    except SQLAlchemyError as error:
        return f"DATABASE_URL: the database does not answer ({str(error).splitlines()[0]})."
    finally:
        engine.dispose()
    if found != wanted:
        return "The database is not up to date: run `.venv/bin/flask --app wsgi db upgrade` first."
    return ""


if __name__ == "__main__":
    main()
