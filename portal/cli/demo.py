"""`demo`: load the demonstration where it is absent, and print its sign-ins."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import with_appcontext

from portal.cli.errors import refusals
from portal.demo import accounts
from portal.demo.load import is_loaded, load
from portal.extensions import settings
from portal.models.base import utcnow


def register(app: Flask) -> None:
    """Add the command."""
    app.cli.add_command(demo)


@click.command("demo")
@with_appcontext
def demo() -> None:
    """Load the demo data where it is absent; print the sign-ins and, the first time, a staff API token."""
    configured = settings()
    with refusals():
        accounts.refuse_public_host(configured)
        loaded = None if is_loaded() else load(utcnow(), lambda line: click.echo(line, err=True))
        sign_ins = loaded.sign_ins if loaded else accounts.kept(configured.instance_path)
    click.echo(accounts.described(configured.instance_path, sign_ins, loaded.token if loaded else ""))
