"""Puts the commands into the application."""

from __future__ import annotations

from flask import Flask


def register(app: Flask) -> None:
    """Register the groups of commands."""
