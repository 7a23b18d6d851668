"""`calendars …`: connect an organization to Google, show the status of calendars."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime

import click
from flask import Flask
from flask.cli import AppGroup

from portal.calendar_sync import consent
from portal.cli.errors import reported_errors
from portal.domain.instants import format_instant
from portal.policies import SYSTEM
from portal.queries.calendars import CalendarStatus, RunView, status_rows
from portal.services.accounts import find_organization

calendars = AppGroup("calendars", help="Google Calendar: connections and status.")


def register(app: Flask) -> None:
    """Add the group of commands."""
    app.cli.add_command(calendars)


@calendars.command("connect")
@click.argument("organization")
@click.option("--refresh-token-stdin", is_flag=True, help="Read the refresh token from standard input, not a terminal.")
def connect(organization: str, refresh_token_stdin: bool) -> None:
    """Connect ORGANIZATION (name or uuid) with a refresh token of this portal's OAuth client. Checks it with Google."""
    if refresh_token_stdin:
        token = sys.stdin.readline()
    elif sys.stdin.isatty():
        token = click.prompt("Refresh token", hide_input=True, err=True)
    else:
        raise click.UsageError("Give the token on standard input with --refresh-token-stdin.")
    with reported_errors():
        connected = consent.connect_with_refresh_token(SYSTEM, find_organization(organization).uuid, token)
    click.echo(f"Connected{f' as {connected.account_email}' if connected.account_email else ''}.")
    if not connected.can_share:
        click.echo("This token does not allow sharing calendars.", err=True)


@calendars.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array, one object per calendar.")
def status(as_json: bool) -> None:
    """List every calendar: offering, name, state, public or private, last sync, error, last run."""
    with reported_errors():
        rows = status_rows(SYSTEM)
    if as_json:
        click.echo(json.dumps([_as_json(row) for row in rows], default=_plain, ensure_ascii=False, indent=2))
        return
    for row in rows:
        when = row.last_synced.isoformat(timespec="seconds") if row.last_synced else "never"
        shown = "public" if row.public else "private"
        click.echo(
            f"{row.offering}\t{row.name}\t{row.state}\t{shown}\t{when}\t{row.error}\t{_run_summary(row.last_run)}"
        )


def _run_summary(run: RunView | None) -> str:
    """The result of the last run, or its progress."""
    if run is None:
        return ""
    if run.ended is None:
        return f"{run.reason}: {run.done:,} of {run.planned:,} events"
    done = f"{run.added:,} added, {run.changed:,} changed, {run.removed:,} removed, {run.busy_read:,} busy read"
    left_out = f", {len(run.skipped):,} left out" if run.skipped else ""
    return f"{run.reason}: {done}{left_out}, {run.calls:,} calls, {run.seconds} s"


def _as_json(row: CalendarStatus) -> dict[str, object]:
    """The keys that scripts rely on."""
    return {key: value for key, value in asdict(row).items() if key not in ("name", "last_run")}


def _plain(value: object) -> str:
    return format_instant(value) if isinstance(value, datetime) else str(value)
