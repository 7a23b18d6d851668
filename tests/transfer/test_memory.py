"""The import command in half a gigabyte of address space (`ulimit -v`), with everything hostile that there is."""

import json
import resource
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.samples import bare, sample
from tests.transfer.test_hostile_servers import Server, bomb, endless, server, whole  # noqa: F401

ROOT = Path(__file__).parent.parent.parent
ADDRESS_SPACE = 512 * 1024 * 1024
MEGABYTE = 1024 * 1024

# The command as `flask offerings import` runs it, once for each source: starting Python takes longer than the import.
COMMAND = """
import json, sys
from portal.app import create_app
from portal.cli.register import register

app = create_app()
register(app)
for source in sys.argv[1:]:
    done = app.test_cli_runner().invoke(args=["offerings", "import", source])
    print(json.dumps([done.exit_code, repr(done.exception), done.stdout, done.stderr]), flush=True)
"""


def record(**attributes: Any) -> dict[str, Any]:
    found = bare()
    found["uuid"] = str(uuid.uuid4())
    return {**found, "attributes": {"schedules": [], **attributes}}


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def schedules(number: int) -> list[dict[str, Any]]:
    entry = {"start": "2031-09-01T05:00:00Z", "end": "2031-09-01T06:00:00Z", "title": "x" * 50}
    return [{"id": str(it), **entry} for it in range(number)]


def components(number: int) -> list[dict[str, Any]]:
    return [{"type": f"kind_{it}", "billing_type": "fixed", "name": "x" * 50} for it in range(number)]


def plans(number: int, of_each: int) -> list[dict[str, Any]]:
    parts = [{"type": f"kind_{it}", "price": "1"} for it in range(of_each)]
    return [{"uuid": str(uuid.uuid4()), "unit": "month", "components": parts} for _ in range(number)]


# What the file holds, how many come in, and what is said of the first one that does not.
FILES: dict[str, tuple[Callable[[], bytes], int, str]] = {
    "deep": (lambda: nested(MEGABYTE), 0, "record 1: is nested deeper than 100 levels"),
    "deep inside": (lambda: b'[{"attributes":' + nested(20_000) + b"}]", 0, "record 1: is nested deeper than 100"),
    "wide": (lambda: b"[[" + b"[]," * 200_000 + b"1]]", 0, "record 1: has more than 100,000 objects and lists"),
    "keys": (
        lambda: b"[{" + b",".join(b'"%x":0' % it for it in range(600_000)) + b"}]",
        0,
        "record 1: is larger than 4 MB",
    ),
    "string": (lambda: b'["' + b"x" * (100 * MEGABYTE), 0, "record 1: is larger than 4 MB"),
    "number": (lambda: b'[{"uuid":' + b"9" * 4301 + b"}]", 0, "record 1: holds a number of 4,301 digits"),
    "numbers": (lambda: b"[" + b"9" * (20 * MEGABYTE), 0, "record 1: is larger than 4 MB"),
    "empty": (lambda: b" " * (20 * MEGABYTE), 0, "The input is empty."),
    "schedules": (
        lambda: json.dumps([record(schedules=schedules(20_000)), record()]).encode(),
        1,
        "attributes.schedules: has 20,000 entries: at most 2,000 are accepted",
    ),
    "components": (
        lambda: json.dumps([record() | {"components": components(10_000)}, record()]).encode(),
        1,
        "components: has 10,000 entries: at most 2,000 are accepted",
    ),
    "plans": (
        lambda: json.dumps([record() | {"components": components(500), "plans": plans(30, 500)}]).encode(),
        0,
        "its lists have 15,530 entries together: at most 10,000 are accepted",
    ),
    "questions": (
        lambda: json.dumps([record() | {"options": {"options": questions(501)}}]).encode(),
        0,
        "options.options: has 501 questions: at most 500 are accepted",
    ),
    "choices": (
        lambda: json.dumps([record() | {"options": {"options": questions(2, 2501)}}]).encode(),
        0,
        "options.options: has more than 5,000 choices in all its questions",
    ),
    "large": (lambda: b"[" + b",".join(large(it) for it in range(4)) + b"]", 4, ""),
    "rows": (lambda: json.dumps([record() | {"components": components(2000)} for _ in range(2)]).encode(), 2, ""),
    "good": (lambda: json.dumps([sample()]).encode(), 1, ""),
}


def questions(number: int, choices: int = 0) -> dict[str, Any]:
    return {f"q{it}": {"type": "string", "label": "?", "choices": ["x"] * choices} for it in range(number)}


def large(number: int) -> bytes:
    return json.dumps(record(text=f"{number}" + "x" * (4 * MEGABYTE - 2000))).encode()


SERVERS = {
    "bomb": (lambda: whole(bomb(600 * MEGABYTE), "Content-Encoding: gzip"), "is larger than 4 MB"),
    "brackets": (lambda: endless(b"[" * 65536), "is nested deeper than 100 levels"),
    "some-brackets": (lambda: whole(b"[" * 100_000), "is nested deeper than 100 levels"),
    "endless": (lambda: endless(b'"' + b"x" * 65536), "is larger than 4 MB"),
}


def import_all(environ: dict[str, str], sources: list[str]) -> list[tuple[int, str, str, str]]:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *sources],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE)),
    )
    assert done.returncode == 0, done.stderr
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space")
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_hostile_files_are_refused_in_little_memory(live_database: Any, tmp_path: Path) -> None:
    for name, (make, _, _) in FILES.items():
        (tmp_path / name).write_bytes(make())
    results = import_all(live_database.environ, [str(tmp_path / name) for name in FILES])
    assert len(results) == len(FILES)
    for (name, (_, created, words)), (code, error, out, err) in zip(FILES.items(), results, strict=True):
        assert code == (1 if words else 0), (name, error, err)
        assert out.startswith(f"created: {created}, updated: 0, unchanged: 0, failed: {1 if words else 0}"), (name, out)
        assert words in err, (name, err)


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space")
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_hostile_servers_are_left_in_little_memory(live_database: Any, server: Server) -> None:  # noqa: F811
    answers = {f"/{name}/": make() for name, (make, _) in SERVERS.items()}
    server.answer = lambda connection: answers[connection.head.split()[1].partition("?")[0]](connection)
    results = import_all(live_database.environ, [f"{server.url}/{name}/" for name in SERVERS])
    assert len(results) == len(SERVERS)
    for (name, (_, words)), (code, error, out, err) in zip(SERVERS.items(), results, strict=True):
        assert (code, out.startswith("created: 0")) == (1, True), (name, error, err)
        assert words in err, (name, err)
