"""Bring the demo's database up to date and load the demo data where it is absent, in one start of Python.

The same as `flask --app wsgi db upgrade && flask --app wsgi demo`.
"""

import sys

from flask.cli import ScriptInfo
from flask_migrate import upgrade
from sqlalchemy.exc import SQLAlchemyError

from portal import logs
from portal.cli.register import register
from portal.errors import PortalError
from wsgi import app


def main() -> None:
    register(app)
    # Dozens of accounts and roles are made up here: they are no news in a terminal.
    logs.configure("warning")
    try:
        with app.app_context():
            upgrade()
        app.cli.main(args=["demo"], prog_name="flask", obj=ScriptInfo(create_app=lambda: app))
    except PortalError as error:
        sys.exit(str(error))
    except SQLAlchemyError as error:
        sys.exit(f"The database does not answer ({str(error).splitlines()[0]}).")


if __name__ == "__main__":
    main()
