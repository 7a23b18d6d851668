"""`users …` and `organizations …`: users, their API tokens and roles; groups of organizations."""

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

users = AppGroup("users", help="Users, their API tokens and roles.")
groups = AppGroup("organizations", help="Organizations and their groups.")


def register(app: Flask) -> None:
    """Add the two groups of commands."""
    app.cli.add_command(users)
    app.cli.add_command(groups)


@users.command("create")
@click.argument("email")
@click.option("--staff", is_flag=True, help="Can see and manage everything.")
@click.option("--name", default="", help="Full name.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of prompting.")
def create(email: str, staff: bool, name: str, password_stdin: bool) -> None:
    """Create a user and print their uuid. Prompts for the password on a terminal."""
    if password_stdin:
        password: str | None = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = None
    with reported_errors():
        click.echo(accounts.create_user(SYSTEM, email, full_name=name, password=password, is_staff=staff))
    if password is None:
        click.echo("No password was given. The user cannot sign in with a password.", err=True)


@users.command("token")
@click.argument("email")
@click.option("--name", default="made on the command line", show_default=True, help="What uses the token.")
@click.option("--days", type=click.IntRange(0, 36500), help="Days until it expires, at most TOKEN_DAYS; 0: never.")
def token(email: str, name: str, days: int | None) -> None:
    """Create an API token for a user and print it (40 hex digits). It cannot be shown again."""
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
    """Make a user owner, manager or member of ORGANIZATION (name or uuid); `none` removes the role."""
    with reported_errors():
        accounts.set_role(SYSTEM, email, organization, None if role == "none" else role)


@groups.command("group")
@click.argument("organization")
@click.argument("group")
@click.option("--remove", is_flag=True, help="Remove it from the group instead.")
def group(organization: str, group: str, remove: bool) -> None:
    """Add ORGANIZATION (name or uuid) to GROUP (name or uuid)."""
    with reported_errors():
        organizations.set_group(SYSTEM, organization, group, member=not remove)
