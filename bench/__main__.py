"""`make bench`: how fast the hot reads are on this machine, beside the same bytes with nothing around them.

On SQLite and on PostgreSQL, for each size, it fills a database of its own, serves it like `make serve` with two
processes, and asks each address on four connections, and on one ("alone ms"). Ratios compare with a bare Flask view and
a bare WSGI callable on the same server in the same run; rates alone depend on the machine. The first request after the
start is listed apart ("first ms"). A second table compares the hot reads with themselves while people book and an owner
edits (bench/mixed.py), and says how many bookings a second are accepted. At the end an import is timed.

BENCH_OFFERINGS (100,1000,10000,100000: a size each), BENCH_BOOKINGS (of all offerings: as many numbers, or one),
BENCH_SECONDS (3, for each address), BENCH_MIXED (5, for each row of the second table; 0: none), BENCH_IMPORT (5000
records; 0: none), BENCH_ON (sqlite,postgresql). DATABASE_URL: a PostgreSQL server on which databases may be made;
without it one is started as for the tests, beside everything else.
"""

from __future__ import annotations

import os
import platform
import resource
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from flask import Flask
from sqlalchemy import Engine, create_engine, event, make_url, text

from bench import mixed
from bench.client import Figures, ask, fetch
from bench.data import fill
from portal.app import create_app
from portal.config import load_settings
from portal.extensions import raw_select_sent
from tools import postgresql
from tools.prepare import ROOT
from tools.run import free_port
from tools.server import server_command, server_environ
from tools.tree import answers

API = "/api/booking-offerings/"
BOOKINGS = "/api/booking-resources/"
PORTAL = "wsgi:asgi"
WORKERS = 2
BUSIEST = 20_000
BARE = ("flask_app", "wsgi_app")
ROUNDS = 5
TICKS = os.sysconf("SC_CLK_TCK")
# Offerings, and bookings of them all.
SIZES = {100: 20_000, 1_000: 200_000, 10_000: 400_000, 100_000: 1_000_000}


def main() -> None:
    seconds = float(os.environ.get("BENCH_SECONDS", "3"))
    sizes = [int(it) for it in os.environ.get("BENCH_OFFERINGS", ",".join(map(str, SIZES))).split(",")]
    given = os.environ.get("BENCH_BOOKINGS", "")
    bookings = [int(it) for it in given.split(",")] if given else [SIZES.get(it, it * 20) for it in sizes]
    bookings = bookings * len(sizes) if len(bookings) == 1 else bookings
    print(machine(), flush=True)
    wanted = os.environ.get("BENCH_ON", "sqlite,postgresql").split(",")
    if "sqlite" in wanted:
        measure("", dict(zip(sizes, bookings, strict=True)), seconds)
    if "postgresql" in wanted:
        with a_server() as server:
            if server:
                measure(server, dict(zip(sizes, bookings, strict=True)), seconds)
            else:
                print("\nPostgreSQL is not measured: there is none. Set DATABASE_URL to a server.")


@contextmanager
def a_server() -> Iterator[str]:
    """The PostgreSQL server that DATABASE_URL names, or one of our own for a while; "" where there is none."""
    given = os.environ.get("DATABASE_URL", "")
    # Somebody's portal on SQLite is no server.
    given = given if given.startswith("postgresql") else ""
    own = None if given else postgresql.start()
    try:
        yield given or (own.url if own else "")
    finally:
        if own:
            subprocess.run(own.stop, cwd="/", stdout=subprocess.DEVNULL, check=False)
            shutil.rmtree(own.folder, ignore_errors=True)


def measure(server: str, sizes: dict[int, int], seconds: float) -> None:
    """Everything on one kind of database: a table for each size (offerings: bookings), and the import."""
    for offerings, number in sizes.items():
        with a_database(server) as environ:
            app = create_app(load_settings(environ))
            begin = time.perf_counter()
            with app.app_context():
                key, busiest = fill(offerings, number, min(BUSIEST, number // 2))
            took = time.perf_counter() - begin
            kind = environ["DATABASE_URL"].partition(":")[0]
            print(f"\n{kind}: {offerings:,} offerings, {number:,} bookings, made in {took:.0f} s\n", flush=True)
            table(app, environ, key, busiest, seconds)
            if mixed_seconds := float(os.environ.get("BENCH_MIXED", "5")):
                with serving({**environ, "PORT": str(free_port())}, PORTAL) as (port, _server):
                    mixed.measure(app, port, key, busiest, mixed_seconds)
    if records := int(os.environ.get("BENCH_IMPORT", "5000")):
        time_import(server, records)


@contextmanager
def a_database(server: str) -> Iterator[dict[str, str]]:
    """An empty, migrated database (on SQLite where there is no server), as the environment of those who use it."""
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        environ = {
            **{name: value for name, value in os.environ.items() if name != "QUEUE_URL"},
            "HOST": "127.0.0.1",
            "PORT": str(free_port()),
            "INSTANCE_PATH": folder,
            "SECRET_KEY": secrets.token_hex(32),
            "LOG_LEVEL": "warning",
            "BENCH_BODIES": folder,
        }
        name = f"portal_bench_{secrets.token_hex(4)}"
        if server:
            _order(server, f"CREATE DATABASE {name}")
            environ["DATABASE_URL"] = make_url(server).set(database=name).render_as_string(hide_password=False)
        else:
            environ["DATABASE_URL"] = f"sqlite:///{folder}/portal.db"
        try:
            flask(environ, "db", "upgrade")
            yield environ
        finally:
            if server:
                _order(server, f"DROP DATABASE {name} WITH (FORCE)")


def _order(server: str, statement: str) -> None:
    engine = create_engine(make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def flask(environ: dict[str, str], *words: str) -> None:
    """Run a command of the portal."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
    subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def time_import(server: str, records: int) -> None:
    """How many offerings a second the importer takes, and how much memory its process has at most."""
    with a_database(server) as environ, tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        source = Path(folder) / "offerings.json"
        with a_database("") as other:
            app = create_app(load_settings(other))
            with app.app_context():
                fill(records, 0, 0)
            flask(other, "offerings", "export", str(source))
        size = source.stat().st_size / records / 1000
        begin, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        flask(environ, "offerings", "import", str(source))
        took = time.perf_counter() - begin
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_used = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    print(
        f"\nImport of {records:,} offerings ({size:.0f} kB each): {records / took:.0f} a second, the start of Python "
        f"included; {cpu_used * 1000 / records:.2f} ms CPU each"
    )


def machine() -> str:
    """What this runs on, in a line."""
    model = next((it.partition(":")[2].strip() for it in _lines("/proc/cpuinfo") if it.startswith("model name")), "")
    name = model or platform.processor()
    return f"{os.cpu_count()} cores {name}, {platform.system()}, Python {platform.python_version()}"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


@dataclass(frozen=True)
class Row:
    """What is asked; `bare` is what a bare server is asked beside it ("" for nothing)."""

    name: str
    path: str
    headers: dict[str, str]
    bare: str = ""


@dataclass
class Measured:
    """What came of a row."""

    figures: Figures
    cpu: float
    first: float
    alone: float
    ratios: dict[str, float]


def rows_of(key: str, busiest: str, tag: str) -> list[Row]:
    """Everything that is asked."""
    signed = {"Authorization": f"Token {key}"}
    day = (datetime.now(UTC) + timedelta(days=6)).date().isoformat()
    return [
        Row("list of 10", f"{API}?page_size=10", signed, "/0.body"),
        Row("list of 100", f"{API}?page_size=100", signed, "/1.body"),
        Row("list, the last page", f"{API}?page_size=10&page=last", signed, "/2.body"),
        Row("field=uuid&field=name", f"{API}?page_size=100&field=uuid&field=name", signed, "/3.body"),
        Row("retrieve", f"{API}{busiest}/", signed, "/4.body"),
        Row("304 of a list", f"{API}?page_size=10", {**signed, "If-None-Match": tag}, "/304/x"),
        Row("catalogue", "/", {}),
        Row("search", "/?q=microscope", {}),
        Row("facets", "/?country=EE&state=Active", {}),
        Row("free on a day, 3 hours", f"/?date={day}&hours=3", {}),
        Row("detail", f"/offerings/{busiest}/", {}),
        Row("availability of a week", f"{API}{busiest}/availability/", signed),
        Row("day view", f"/timeline/?day={day}", {}),
        Row("feed of an offering", f"/offerings/{busiest}/calendar.ics", {}),
        Row("bookings", BOOKINGS, signed),
        Row("bookings, the last page", f"{BOOKINGS}?o=-created&page=last", signed),
    ]


def table(app: Flask, environ: dict[str, str], key: str, busiest: str, seconds: float) -> None:
    """Ask everything and print a line for each.

    Ours and the bare servers stand side by side and are asked in turn, so that a neighbour on the machine slows all of
    them; a ratio is the median of the rounds'.
    """
    with serving(environ, PORTAL) as (port, server):
        tag = fetch(port, f"{API}?page_size=10", {"Authorization": f"Token {key}"})[2]["etag"]
        rows = rows_of(key, busiest, tag)
        firsts = []
        for row in rows:
            begin = time.perf_counter()
            body = fetch(port, row.path, row.headers)[1]
            firsts.append((time.perf_counter() - begin) * 1000)
            if row.bare.endswith(".body"):
                (Path(environ["BENCH_BODIES"]) / row.bare.strip("/")).write_bytes(body)
        with ExitStack() as stack:
            bare = {
                kind: stack.enter_context(serving({**environ, "PORT": str(free_port())}, f"bench.bare:{kind}"))[0]
                for kind in BARE
            }
            found = [measured(port, server, bare, row, first, seconds) for row, first in zip(rows, firsts, strict=True)]
        memory = [(resident(it), proportional(it)) for it in processes(server)]
    heads = ("requests/s", "p50 ms", "p95 ms", "p99 ms", "alone ms", "CPU ms", "first ms", "SQL", "bytes")
    print(f"{'':26}" + "".join(f"{head:>11}" for head in (*heads, "/ Flask", "/ WSGI")))
    for row, it in zip(rows, found, strict=True):
        cells = [f"{it.figures.rate:.0f}"]
        cells += [f"{value:.1f}" for value in (it.figures.p50, it.figures.p95, it.figures.p99, it.alone)]
        cells += [f"{it.cpu:.2f}", f"{it.first:.0f}", str(statements(app, row.path, row.headers)), str(it.figures.size)]
        cells += [f"{it.ratios[kind]:.2f}" if kind in it.ratios else "" for kind in BARE]
        print(f"{row.name:26}" + "".join(f"{cell:>11}" for cell in cells), flush=True)
    told = ", ".join(f"{whole:.0f} MB ({share:.0f} MB with what is shared divided)" for whole, share in memory)
    print(f"\nMemory of the web processes: {told}", flush=True)


def measured(port: int, server: int, bare: dict[str, int], row: Row, first: float, seconds: float) -> Measured:
    """One row, with the bare servers in turn."""
    ask(port, row.path, row.headers, 0.3)
    before = cpu(server)
    figures = ask(port, row.path, row.headers, seconds)
    spent = (cpu(server) - before) / max(1.0, figures.rate * seconds) * 1000
    alone = ask(port, row.path, row.headers, seconds / 3, connections=1).p50
    ratios: dict[str, list[float]] = {}
    for _round in range(ROUNDS if row.bare else 0):
        rate = ask(port, row.path, row.headers, seconds / ROUNDS).rate
        for kind, other in bare.items():
            if kind == "wsgi_app" and row.bare.startswith("/304"):
                continue
            headers = {"If-None-Match": '"x"'} if row.bare.startswith("/304") else {}
            ratios.setdefault(kind, []).append(rate / ask(other, row.bare, headers, seconds / ROUNDS).rate)
    return Measured(figures, spent, first, alone, {kind: median(it) for kind, it in ratios.items()})


@contextmanager
def serving(environ: dict[str, str], target: str) -> Iterator[tuple[int, int]]:
    """The production server with an application, its port and process id."""
    port = int(environ["PORT"])
    command = [sys.executable, *server_command("127.0.0.1", port, WORKERS)[:-1], target]
    if target == PORTAL:
        environ = {**environ, **server_environ(Path(environ["INSTANCE_PATH"]))}
    server = subprocess.Popen(command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        while not answers("127.0.0.1", port):
            if server.poll() is not None:
                sys.exit("The web server ended by itself (see above).")
            time.sleep(0.05)
        yield port, server.pid
    finally:
        # The parent alone: processes that are told twice wait until they are killed.
        server.terminate()
        server.wait()


def processes(parent: int) -> list[int]:
    """The web server's processes."""
    children = _lines(f"/proc/{parent}/task/{parent}/children")
    return [int(it) for it in (children[0].split() if children else [])] or [parent]


def cpu(parent: int) -> float:
    """Seconds of CPU that the server's processes have used."""
    used = 0.0
    for process in processes(parent):
        fields = "".join(_lines(f"/proc/{process}/stat")).rpartition(")")[2].split()
        used += (int(fields[11]) + int(fields[12])) / TICKS if fields else 0
    return used


def resident(process: int) -> float:
    """Megabytes of memory that a process has."""
    return next((int(it.split()[1]) / 1024 for it in _lines(f"/proc/{process}/status") if it.startswith("VmRSS")), 0.0)


def proportional(process: int) -> float:
    """The same, with memory that several processes share divided among them."""
    lines = _lines(f"/proc/{process}/smaps_rollup")
    return next((int(it.split()[1]) / 1024 for it in lines if it.startswith("Pss:")), 0.0)


def statements(app: Flask, path: str, headers: dict[str, str]) -> int:
    """How many SQL statements a request takes."""
    counted: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        counted.append(statement)

    client = app.test_client()
    client.get(path, headers=headers)
    event.listen(Engine, "before_cursor_execute", note)
    try:
        with raw_select_sent.connected_to(counted.append):
            client.get(path, headers=headers)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return sum(not it.startswith("BEGIN") for it in counted)


if __name__ == "__main__":
    main()
