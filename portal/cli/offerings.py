"""`offerings …`: create, import and export offerings; rebuild their stored documents."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import click
from flask import Flask
from flask.cli import AppGroup

from portal.cli.errors import reported_errors
from portal.documents import store
from portal.errors import Invalid
from portal.extensions import settings, transaction
from portal.models.base import utcnow
from portal.transfer.exporter import export_offerings
from portal.transfer.importer import Report, import_offerings
from portal.transfer.new_offering import NewOffering, new_offering_record
from portal.transfer.remote import RemoteOfferings, is_url

offerings = AppGroup("offerings", help="Import and export of offerings.")

SHOWN_PROBLEMS = 100


def register(app: Flask) -> None:
    """Add the group of commands."""
    app.cli.add_command(offerings)


@offerings.command("create")
@click.argument("name")
@click.option("--organization", required=True, help="Name or uuid; created if there is none of this name.")
@click.option("--category", default="Facilities", show_default=True, help="Name; created if it does not exist.")
@click.option("--description", default="", help="One or two sentences.")
@click.option("--zone", default="", help="IANA time zone, such as Europe/Tallinn.  [default: TIMEZONE]")
@click.option("--opens", default="09:00", show_default=True, help="HH:MM in the time zone.")
@click.option("--closes", default="17:00", show_default=True, help="HH:MM; on the next day if not after --opens.")
@click.option("--minutes", default=60, show_default=True, type=click.IntRange(1, 1440), help="Slot length.")
@click.option("--weekends", is_flag=True, help="Open on Saturdays and Sundays, too.")
def create(name: str, zone: str, **values: Any) -> None:
    """Create an offering that can be booked at once and print its uuid. Edit or import the rest later."""
    with reported_errors():
        record = new_offering_record(NewOffering(name=name, zone=zone or settings().timezone, **values), utcnow())
        report = import_offerings([record])
        for problem in report.failed:
            raise Invalid(f"{problem.field.rpartition('.')[2]}: {problem.reason}.", problem.field)
    click.echo(record["uuid"])


@offerings.command("import")
@click.argument("source", metavar="FILE|URL")
@click.option("--token", default="", help="API token of the portal at URL; sent nowhere else.")
@click.option("--token-stdin", is_flag=True, help="Read the token from standard input.")
@click.option("--dry-run", is_flag=True, help="Report what would happen, and change nothing.")
def import_(source: str, token: str, token_stdin: bool, dry_run: bool) -> None:
    """Create or update offerings from JSON as GET /api/booking-offerings/ returns it.

    FILE may be - for standard input. From a URL, all pages are fetched. Offerings are matched by uuid; each is imported
    completely or not at all. Exit status 1 if any failed, or if a server sent fewer than it counts.
    """
    if token_stdin:
        if token or source == "-":
            raise click.UsageError("--token-stdin needs a URL, and cannot be combined with --token.")
        token = sys.stdin.readline().strip()
    if token and not is_url(source):
        raise click.UsageError("A token can only be used with a URL.")
    missing = ""
    with reported_errors(), _rare_garbage_collection():
        if is_url(source):
            report, missing = _from_url(source, token, dry_run)
        else:
            report = _from_file(source, dry_run)
    _print_report(report, dry_run)
    if missing:
        click.echo(f"warning: {missing}", err=True)
    if report.failed or missing:
        sys.exit(1)


@offerings.command("export")
@click.argument("file", default="-", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True))
def export(file: Path) -> None:
    """Write all offerings as a JSON array to FILE (default: standard output), sorted by name.

    FILE is created or replaced only when it is complete, readable by its owner only: it has fields that only providers
    may see.
    """
    with reported_errors():
        if str(file) == "-":
            export_offerings(sys.stdout.buffer)
            return
        try:
            handle, beside = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        except OSError as error:
            raise click.ClickException(f"{file} cannot be written: {error.strerror}.") from error
        try:
            with os.fdopen(handle, "wb") as stream:
                count = export_offerings(stream)
                stream.flush()
                os.fsync(stream.fileno())
            Path(beside).replace(file)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
    click.echo(f"{count} offerings written to {file}.")


@offerings.command("refresh")
def refresh() -> None:
    """Rebuild all stored documents and counters. Only needed after an upgrade whose notes say so."""
    with reported_errors(), transaction() as session:
        store.recount(session)
        changed = store.refresh_all(session)
    click.echo(f"{changed} documents changed.")


def _from_url(url: str, token: str, dry_run: bool) -> tuple[Report, str]:
    """The report, and what the server counted and did not send."""
    remote = RemoteOfferings(url, token)
    remote.before_wait.append(lambda sentence: click.echo(sentence, err=True))
    with _bar() as show:
        report = import_offerings(remote, dry_run=dry_run, on_progress=lambda done: show(done, remote.total))
    return report, remote.missing


def _from_file(name: str, dry_run: bool) -> Report:
    if name == "-":
        return import_offerings(sys.stdin.buffer, dry_run=dry_run)
    try:
        with Path(name).open("rb") as stream, _bar() as show:
            size = os.fstat(stream.fileno()).st_size
            return import_offerings(
                cast(IO[bytes], stream),
                dry_run=dry_run,
                on_progress=lambda _done: show(stream.tell(), size),
            )
    except OSError as error:
        raise click.ClickException(f"{name} cannot be read: {error.strerror}.") from error


@contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    """Collect garbage less often, which saves a third of an import's time: its objects have no cycles."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def _bar() -> Iterator[Callable[[int, int | None], None]]:
    """A progress bar on standard error, if that is a terminal."""
    bar: Any
    with click.progressbar(length=1, label="Importing", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

        def show(done: int, total: int | None) -> None:
            bar.length = max(total or 0, done, 1)
            bar.update(done - bar.pos)

        yield show


def _print_report(report: Report, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    click.echo(
        f"{would}created: {report.created}, {would}updated: {report.updated}, "
        f"unchanged: {report.unchanged}, failed: {len(report.failed)}"
    )
    for problem in report.failed[:SHOWN_PROBLEMS]:
        click.echo(str(problem), err=True)
    if len(report.failed) > SHOWN_PROBLEMS:
        click.echo(f"… and {len(report.failed) - SHOWN_PROBLEMS} more.", err=True)
    for warning in report.warnings[:SHOWN_PROBLEMS]:
        click.echo(f"warning: {warning}", err=True)
    if len(report.warnings) > SHOWN_PROBLEMS:
        click.echo("… and more warnings.", err=True)
    if report.warnings:
        click.echo("Values with a warning were left out or changed, since API clients cannot read them.", err=True)
    if dry_run:
        click.echo("Nothing was written.")
