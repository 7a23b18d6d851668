"""`demo`: load the demo data and print its sign-ins."""

from __future__ import annotations

from importlib import import_module

import click
from flask import Flask
from flask.cli import with_appcontext

from portal.cli.errors import reported_errors


def register(app: Flask) -> None:
    """Add the command."""
    app.cli.add_command(demo)


@click.command("demo")
@with_appcontext
def demo() -> None:
    """Load the demo data if it is missing; print the sign-ins and, the first time, a staff API token."""
    with reported_errors():
        # By name, so that other commands and the worker do not load portal.dev.
        import_module("portal.dev.demo.command").run()
