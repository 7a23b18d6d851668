"""Registers the commands, migrations included. Web servers do not load them."""

from __future__ import annotations

from pathlib import Path

import click
from flask import Flask
from flask_migrate import Migrate

from portal.cli import accounts, calendars, demo, offerings, secrets, worker
from portal.extensions import db

ROOT = Path(__file__).resolve().parents[2]


def register(app: Flask) -> None:
    """Register the commands. Raises ConfigError if `flask run` would serve with the demo's settings."""
    context = click.get_current_context(silent=True)
    if context is not None and context.info_name == "run":
        app.extensions["portal.settings"].refuse_for_service()
    Migrate(app, db, directory=str(ROOT / "migrations"), compare_type=True)
    accounts.register(app)
    offerings.register(app)
    demo.register(app)
    calendars.register(app)
    worker.register(app)
    secrets.register(app)
