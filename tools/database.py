"""What can be asked of the database without starting the application, which takes seconds."""

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from portal.config import Settings
from tools.prepare import ROOT


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


def has_user(settings: Settings, email: str) -> bool:
    """Whether somebody has this address, in a database that has no problem."""
    engine = create_engine(settings.database_url)
    try:
        with engine.connect() as connection:
            return (
                connection.execute(text("SELECT 1 FROM users WHERE email = :email"), {"email": email}).first()
                is not None
            )
    finally:
        engine.dispose()
