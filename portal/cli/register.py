"""Puts the commands into the application."""

from __future__ import annotations

from flask import Flask

from portal.cli import accounts, calendars, demo, offerings, worker


def register(app: Flask) -> None:
    """Register the groups of commands."""
    accounts.register(app)
    offerings.register(app)
    demo.register(app)
    calendars.register(app)
    worker.register(app)
