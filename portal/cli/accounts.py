"""`users …` and `organizations …`: people, their tokens and roles, and groups of organizations."""

from __future__ import annotations

import sys
from datetime import timedelta

import click
from flask import Flask
from flask.cli import AppGroup

from portal.cli.errors import reported_errors
from portal.errors import NotFound
from portal.models import Role
from portal.models.base import utcnow
from portal.policies import SYSTEM
from portal.queries.accounts import find_user
from portal.services import accounts, organizations

users = AppGroup("users", help="People, their tokens and roles.")
groups = AppGroup("organizations", help="Organizations and their groups.")


def register(app: Flask) -> None:
    """Add the two groups of commands."""
    app.cli.add_command(users)
    app.cli.add_command(groups)


@users.command("create")
@click.argument("email")
@click.option("--staff", is_flag=True, help="May see and manage everything.")
@click.option("--name", default="", help="Full name.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it.")
def create(email: str, staff: bool, name: str, password_stdin: bool) -> None:
    """Create a person; prints their uuid. On a terminal the password is asked for."""
    if password_stdin:
        password: str | None = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = None
    with reported_errors():
        click.echo(accounts.create_user(SYSTEM, email, full_name=name, password=password, is_staff=staff))
    if password is None:
        click.echo("No password was given: this person cannot sign in by one.", err=True)


@users.command("token")
@click.argument("email")
@click.option("--name", default="made on the command line", show_default=True, help="What uses the token.")
@click.option("--days", type=click.IntRange(0, 36500), help="When it ends, at most TOKEN_DAYS; 0 is never.")
def token(email: str, name: str, days: int | None) -> None:
    """Make an API token for a person; prints it (40 hex digits). It is shown this once: only a digest is kept."""
    with reported_errors():
        user = find_user(email)
        if user is None:
            raise NotFound("User")
        expires = utcnow() + timedelta(days=days) if days else None
        made = accounts.create_token(SYSTEM, user.id, name, expires=expires, endless=days == 0)
    click.echo(made.key)
    click.echo(f"It expires on {made.expires:%Y-%m-%d}." if made.expires else "It never expires.", err=True)


@users.command("role")
@click.argument("email")
@click.argument("organization")
@click.argument("role", type=click.Choice([*(known.value for known in Role), "none"]))
def role(email: str, organization: str, role: str) -> None:
    """Make a person owner, manager or member of ORGANIZATION (name or uuid); `none` takes the role away."""
    with reported_errors():
        accounts.set_role(SYSTEM, email, organization, None if role == "none" else role)


@groups.command("group")
@click.argument("organization")
@click.argument("group")
@click.option("--remove", is_flag=True, help="Take it out of the group instead.")
def group(organization: str, group: str, remove: bool) -> None:
    """Put ORGANIZATION (name or uuid) into GROUP (name or uuid)."""
    with reported_errors():
        organizations.set_group(SYSTEM, organization, group, member=not remove)
