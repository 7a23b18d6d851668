"""`secrets …`: what the portal keeps encrypted."""

from __future__ import annotations

import sys

import click
from flask import Flask
from flask.cli import AppGroup

from portal.cli.errors import reported_errors
from portal.services import secrets as services

secrets = AppGroup("secrets", help="What the portal keeps encrypted.")


def register(app: Flask) -> None:
    """Add the group of commands."""
    app.cli.add_command(secrets)


@secrets.command("reseal")
def reseal() -> None:
    """Encrypt all stored secrets anew, with the first key of SECRET_KEY. Exit status 1 if any could not be read.

    To be run after an upgrade whose notes say so, and after SECRET_KEY was rotated: an old key can be left out then.
    """
    with reported_errors():
        done = services.reseal()
    click.echo(f"encrypted anew: {done.changed}, unchanged: {done.unchanged}, unreadable: {done.unreadable}")
    if done.unreadable:
        click.echo("No key of SECRET_KEY reads the last ones: connect these organizations to Google again.", err=True)
        sys.exit(1)
