"""How a command words a refusal: one line on stderr, exit status 1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.exc import OperationalError, ProgrammingError

from portal.audit import acting_as
from portal.errors import PortalError


@contextmanager
def reported_errors() -> Iterator[None]:
    """Turn the portal's own errors into a line on stderr and exit status 1; let defects show as they are.

    A database that does not answer, or has no tables yet, is no defect either. In the security log, what happens inside
    was done on the command line.
    """
    try:
        with acting_as("command line"):
            yield
    except PortalError as error:
        raise click.ClickException(error.message) from error
    except (OperationalError, ProgrammingError) as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise click.ClickException(
            f"The database does not answer as it should ({reason}). "
            "Where it is new or older than the portal, run `flask --app wsgi db upgrade`."
        ) from error
