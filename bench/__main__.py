"""`make bench`: how fast the hot reads are on this machine, beside the same bytes with nothing around them.

Fills a database of its own (DATABASE_URL, which must be empty and migrated, or SQLite in a temporary folder), serves it
like `make serve` with two processes, and asks each address on four connections. Ratios compare with a bare Flask view
and a bare WSGI callable on the same server in the same run; rates alone depend on the machine. BENCH_OFFERINGS (1000),
BENCH_BOOKINGS (200000), BENCH_SECONDS (3, for each address).
"""

from __future__ import annotations

import os
import platform
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, event

from bench.client import ask, fetch
from bench.data import fill
from portal.app import create_app
from portal.config import load_settings
from tools.guardian import stop
from tools.prepare import ROOT
from tools.run import free_port
from tools.server import server_command
from tools.tree import answers

API = "/api/booking-offerings/"
WORKERS = 2
BUSIEST = 20_000
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    seconds = float(os.environ.get("BENCH_SECONDS", "3"))
    offerings, bookings = (int(os.environ.get(f"BENCH_{name}", given)) for name, given in (
        ("OFFERINGS", "1000"), ("BOOKINGS", "200000"),
    ))  # fmt: skip
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
        if not environ.get("DATABASE_URL"):
            environ["DATABASE_URL"] = f"sqlite:///{folder}/portal.db"
            upgrade = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
            subprocess.run(upgrade, cwd=ROOT, env=environ, check=True, capture_output=True)
        app = create_app(load_settings(environ))
        begin = time.perf_counter()
        with app.app_context():
            key, busiest = fill(offerings, bookings, min(BUSIEST, bookings // 2))
        print(f"{machine()}; {environ['DATABASE_URL'].partition(':')[0]}", flush=True)
        print(f"{offerings:,} offerings, {bookings:,} bookings, made in {time.perf_counter() - begin:.0f} s\n")
        table(app, environ, key, busiest, seconds)


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


def table(app: object, environ: dict[str, str], key: str, busiest: str, seconds: float) -> None:
    """Ask everything and print a line for each."""
    signed = {"Authorization": f"Token {key}"}
    day = (datetime.now(UTC) + timedelta(days=6)).date().isoformat()
    with serving(environ, "wsgi:app") as (port, server):
        tag = fetch(port, f"{API}?page_size=10", signed)[2]["etag"]
        wanted: list[tuple[str, str, dict[str, str], bool]] = [
            ("list of 10", f"{API}?page_size=10", signed, True),
            ("list of 100", f"{API}?page_size=100", signed, True),
            ("list, the last page", f"{API}?page_size=10&page=last", signed, True),
            ("field=uuid&field=name", f"{API}?page_size=100&field=uuid&field=name", signed, True),
            ("retrieve", f"{API}{busiest}/", signed, True),
            ("304 of a list", f"{API}?page_size=10", {**signed, "If-None-Match": tag}, False),
            ("catalogue", "/", {}, False),
            ("search", "/?q=microscope", {}, False),
            ("free on a day, 3 hours", f"/?date={day}&hours=3", {}, False),
            ("detail", f"/offerings/{busiest}/", {}, False),
            ("availability of a week", f"{API}{busiest}/availability/", signed, False),
            ("day view", f"/timeline/?day={day}", {}, False),
            ("feed of an offering", f"/offerings/{busiest}/calendar.ics", {}, False),
        ]
        found = []
        for number, (_name, path, headers, compare) in enumerate(wanted):
            if compare:
                (Path(environ["BENCH_BODIES"]) / f"{number}.body").write_bytes(fetch(port, path, headers)[1])
            ask(port, path, headers, 0.3)
            before = cpu(server)
            figures = ask(port, path, headers, seconds)
            spent = (cpu(server) - before) / max(1.0, figures.rate * seconds) * 1000
            found.append((figures, spent))
        memory = max(resident(it) for it in processes(server))
    bare = {}
    for kind in ("flask_app", "wsgi_app"):
        other = {**environ, "PORT": str(free_port())}
        with serving(other, f"bench.bare:{kind}") as (port, _server):
            for number, (_name, _path, _headers, compare) in enumerate(wanted):
                if compare:
                    bare[kind, number] = ask(port, f"/{number}.body", {}, seconds / 2).rate
            if kind == "flask_app":
                bare["304", 5] = ask(port, "/304/x", {"If-None-Match": '"x"'}, seconds / 2).rate
    heads = ("requests/s", "p50 ms", "p95 ms", "p99 ms", "CPU ms", "SQL", "bytes", "/ Flask", "/ WSGI")
    print(f"{'':26}" + "".join(f"{head:>11}" for head in heads))
    for number, ((name, path, headers, _compare), (figures, spent)) in enumerate(zip(wanted, found, strict=True)):
        flask, wsgi = (bare.get((kind, number)) for kind in ("flask_app", "wsgi_app"))
        flask = flask or bare.get(("304", number))
        cells = [
            f"{figures.rate:.0f}",
            *(f"{it:.1f}" for it in (figures.p50, figures.p95, figures.p99)),
            f"{spent:.2f}",
        ]
        cells += [str(statements(app, path, headers)), str(figures.size)]
        cells += [f"{figures.rate / it:.2f}" if it else "" for it in (flask, wsgi)]
        print(f"{name:26}" + "".join(f"{cell:>11}" for cell in cells), flush=True)
    print(f"\nMemory of the largest web process: {memory:.0f} MB")


@contextmanager
def serving(environ: dict[str, str], target: str) -> Iterator[tuple[int, int]]:
    """The production server with an application, its port and process id."""
    port = int(environ["PORT"])
    command = [sys.executable, *server_command("127.0.0.1", port, WORKERS)[:-1], target]
    server = subprocess.Popen(command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        while not answers("127.0.0.1", port):
            if server.poll() is not None:
                sys.exit("The web server ended by itself (see above).")
            time.sleep(0.05)
        yield port, server.pid
    finally:
        stop({server.pid}, 10.0, server.poll)
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


def statements(app: object, path: str, headers: dict[str, str]) -> int:
    """How many SQL statements a request takes."""
    counted: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        counted.append(statement)

    client = app.test_client()  # type: ignore[attr-defined]
    client.get(path, headers=headers)
    event.listen(Engine, "before_cursor_execute", note)
    try:
        client.get(path, headers=headers)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return sum(not it.startswith("BEGIN") for it in counted)


if __name__ == "__main__":
    main()
