"""Puts the JSON face into the application."""

from __future__ import annotations

from flask import Flask


def register(app: Flask) -> None:
    """Register the blueprints of the API and its error handlers."""
