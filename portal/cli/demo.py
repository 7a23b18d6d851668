"""`demo`: load the demonstration where it is absent, and print its sign-ins."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import with_appcontext

from portal.cli.errors import refusals
from portal.config import is_loopback
from portal.demo import accounts
from portal.demo.load import is_loaded, load
from portal.errors import ConfigError
from portal.extensions import settings
from portal.models.base import utcnow

# One of each kind; the others are in the file.
SHOWN = 6


def register(app: Flask) -> None:
    """Add the command."""
    app.cli.add_command(demo)


@click.command("demo")
@with_appcontext
def demo() -> None:
    """Load the demo data where it is absent; print the sign-ins and, the first time, a staff API token."""
    configured = settings()
    with refusals():
        if not configured.demo_public and not is_loopback(configured.host):
            raise ConfigError(
                f"The demo prints its passwords, so it is not loaded for HOST={configured.host}. "
                "Use a loopback address, or set DEMO_PUBLIC=1 if you mean it."
            )
        loaded = None if is_loaded() else load(utcnow(), lambda line: click.echo(line, err=True))
        sign_ins = loaded.sign_ins if loaded else accounts.kept(configured.instance_path)
    width = max((len(it.email) for it in sign_ins), default=0)
    click.echo("\nDemo sign-ins (password behind the address):")
    for it in sign_ins[:SHOWN]:
        click.echo(f"  {it.email:<{width}}  {it.password}  {it.what}")
    if len(sign_ins) > SHOWN:
        click.echo(f"  … and {len(sign_ins) - SHOWN} more in {configured.instance_path / accounts.FILE}")
    if loaded:
        click.echo(f"\nStaff API token (shown once, {loaded.staff_email}): {loaded.token}")
    elif sign_ins:
        click.echo(f"\nAnother API token: .venv/bin/flask --app wsgi users token {sign_ins[0].email}")
