"""What `flask --app wsgi demo` does."""

from __future__ import annotations

import click

from portal.dev.demo import accounts
from portal.dev.demo.load import is_loaded, load
from portal.extensions import settings
from portal.models.base import utcnow


def run() -> None:
    """Load the demo where it is absent; print the sign-ins and, the first time, a staff API token."""
    configured = settings()
    accounts.refuse_public_host(configured)
    loaded = None if is_loaded() else load(utcnow(), lambda line: click.echo(line, err=True))
    sign_ins = loaded.sign_ins if loaded else accounts.read_sign_ins(configured.instance_path)
    click.echo(accounts.sign_in_help(configured.instance_path, sign_ins, loaded.token if loaded else ""))
