"""Reports errors of commands: one line on stderr, exit status 1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.exc import OperationalError, ProgrammingError

from portal.audit import acting_as
from portal.errors import PortalError


@contextmanager
def reported_errors() -> Iterator[None]:
    """Turn the portal's errors, and a missing or outdated database, into one line on stderr and exit status 1.

    Entries of the security log name the command line as their source.
    """
    try:
        with acting_as("command line"):
            yield
    except PortalError as error:
        raise click.ClickException(error.message) from error
    except (OperationalError, ProgrammingError) as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise click.ClickException(
            f"The database returned an error ({reason}). "
            "If it is new or older than the portal, run `flask --app wsgi db upgrade`."
        ) from error
