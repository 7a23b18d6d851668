"""`offerings …`: make one, bring them in, take them out, write their prepared documents anew."""

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
@click.option("--organization", required=True, help="Name or uuid; made where there is none of this name.")
@click.option("--category", default="Facilities", show_default=True, help="Name; made where there is none of it.")
@click.option("--description", default="", help="One or two sentences.")
@click.option("--zone", default="", help="IANA time zone, such as Europe/Tallinn.  [default: TIMEZONE]")
@click.option("--opens", default="09:00", show_default=True, help="HH:MM by the clocks of the zone.")
@click.option("--closes", default="17:00", show_default=True, help="HH:MM by the clocks of the zone.")
@click.option(
    "--minutes", default=60, show_default=True, type=click.IntRange(1, 1440), help="Steps in which it is booked."
)
@click.option("--weekends", is_flag=True, help="Open on Saturdays and Sundays too.")
def create(name: str, zone: str, **said: Any) -> None:
    """Make an offering that can be booked at once; prints its uuid. The rest is edited on pages, or imported."""
    with reported_errors():
        record = new_offering_record(NewOffering(name=name, zone=zone or settings().timezone, **said), utcnow())
        report = import_offerings([record])
        for problem in report.failed:
            raise Invalid(f"{problem.field.rpartition('.')[2]}: {problem.reason}.", problem.field)
    click.echo(record["uuid"])


@offerings.command("import")
@click.argument("source", metavar="FILE|URL")
@click.option("--token", default="", help="API token of the portal at URL; it is sent nowhere else.")
@click.option("--token-stdin", is_flag=True, help="Read the token from standard input instead.")
@click.option("--dry-run", is_flag=True, help="Say what would happen, and change nothing.")
def import_(source: str, token: str, token_stdin: bool, dry_run: bool) -> None:
    """Create or update offerings, in the shape in which GET /api/booking-offerings/ answers them.

    FILE may be - for standard input. From a URL every page is fetched. Offerings are recognised by their uuid; each
    goes in whole or not at all. Exit status 1 if any could not be taken.
    """
    if token_stdin:
        if token or source == "-":
            raise click.UsageError("--token-stdin goes with a URL, and without --token.")
        token = sys.stdin.readline().strip()
    if token and not is_url(source):
        raise click.UsageError("A token is only of use with a URL.")
    with reported_errors(), _seldom_collecting():
        report = _from_url(source, token, dry_run) if is_url(source) else _from_file(source, dry_run)
    _tell(report, dry_run)
    if report.failed:
        sys.exit(1)


@offerings.command("export")
@click.argument("file", default="-", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True))
def export(file: Path) -> None:
    """Write all offerings as a JSON array to FILE (standard output without one), whole and in order.

    A FILE appears, or is replaced, only when it is complete. It holds what only providers see, so nobody else may
    read it.
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
    """Write all stored documents anew and count bookings again. Needed only after an upgrade whose notes say so."""
    with reported_errors(), transaction() as session:
        store.recount(session)
        changed = store.refresh_all(session)
    click.echo(f"{changed} documents changed.")


def _from_url(url: str, token: str, dry_run: bool) -> Report:
    remote = RemoteOfferings(url, token)
    with _bar() as show:
        return import_offerings(remote, dry_run=dry_run, on_progress=lambda done: show(done, remote.total))


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
def _seldom_collecting() -> Iterator[None]:
    """Collect garbage less often: an import makes millions of objects that no cycle holds (a third of its time)."""
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
    """A progress bar on a terminal (standard error); nothing elsewhere."""
    bar: Any
    with click.progressbar(length=1, label="Importing", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

        def show(done: int, total: int | None) -> None:
            bar.length = max(total or 0, done, 1)
            bar.update(done - bar.pos)

        yield show


def _tell(report: Report, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    click.echo(
        f"{would}created: {report.created}, {would}updated: {report.updated}, "
        f"unchanged: {report.unchanged}, failed: {len(report.failed)}"
    )
    for problem in report.failed[:SHOWN_PROBLEMS]:
        click.echo(str(problem), err=True)
    if len(report.failed) > SHOWN_PROBLEMS:
        click.echo(f"… and {len(report.failed) - SHOWN_PROBLEMS} more.", err=True)
    if dry_run:
        click.echo("Nothing was written.")
