"""`worker`: runs the background worker."""

from __future__ import annotations

from typing import Any, cast

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from portal.cli.errors import reported_errors
from portal.worker.enqueue import Application
from portal.worker.run import THREADS, run_until_idle, run_worker


def register(app: Flask) -> None:
    """Add the command."""
    app.cli.add_command(worker)


@click.command("worker")
@click.option(
    "--threads",
    default=THREADS,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Calendars that are synced at once.",
)
@click.option("--until-idle", is_flag=True, help="Do the work that is due now, then exit.")
@with_appcontext
def worker(threads: int, until_idle: bool) -> None:
    """Sync calendars, send mail and run periodic tasks until Ctrl-C. Several workers may run at once."""
    app = cast(Application, cast(Any, current_app)._get_current_object())  # noqa: SLF001 - Flask documents it so
    with reported_errors():
        if until_idle:
            runs = run_until_idle(app)
            click.echo("1 run" if runs == 1 else f"{runs} runs")
        else:
            run_worker(app, threads=threads)
