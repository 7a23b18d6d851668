"""How a command words a refusal: one line on stderr, exit status 1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from portal.errors import PortalError


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the portal's own errors into a line on stderr and exit status 1; let defects show as they are."""
    try:
        yield
    except PortalError as error:
        raise click.ClickException(error.message) from error
