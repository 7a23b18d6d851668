"""`offerings import`, `offerings export`, and that memory does not grow with the input."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.samples import another, bare, sample

ROOT = Path(__file__).parent.parent.parent

# Runs an import as the command does and prints the most memory of its own that it had, in MiB. (Not its resident
# set: pages of the database's file, which SQLite maps, are in there too, and the system takes them back at will.)
MEASURED = """
import re, sys
from pathlib import Path
from portal.app import create_app
from portal.transfer.importer import import_offerings

peak = 0

def look(_count):
    global peak
    status = Path("/proc/self/status").read_text()
    peak = max(peak, int(re.search(r"RssAnon:\\s+(\\d+)", status)[1]) // 1024)

with create_app().app_context():
    with open(sys.argv[1], "rb") as stream:
        report = import_offerings(stream, on_progress=look)
print(report.created, len(report.failed), peak)
"""


def run(live: Any, *words: str, code: int = 0, stdin: str = "") -> tuple[str, str]:
    """The command in this process: starting Python anew for each takes two seconds."""
    done = live.app.test_cli_runner().invoke(args=["offerings", *words], input=stdin)
    assert done.exit_code == code, done.output
    return done.stdout, done.stderr


def run_alone(live: Any, *words: str, code: int = 0, stdin: str = "") -> tuple[str, str]:
    """The command as a person starts it."""
    call = [sys.executable, "-m", "flask", "--app", "wsgi", "offerings", *words]
    done = subprocess.run(call, cwd=ROOT, env=live.environ, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


def test_import_and_export_from_the_command_line(live_database: Any, tmp_path: Path) -> None:
    given, written = tmp_path / "given.json", tmp_path / "written.json"
    given.write_text(
        json.dumps([sample() | {"country": "XK"}, bare() | {"shared": "nonsense"}, bare()]), encoding="utf-8"
    )
    out, _ = run_alone(live_database, "import", str(given), "--dry-run", code=1)
    assert "would be created: 2" in out
    assert "Nothing was written" in out
    out, err = run(live_database, "import", str(given), code=1)
    assert out.strip() == "created: 2, updated: 0, unchanged: 0, failed: 1"
    assert "record 2 (Bare): shared: must be true or false, and is a text" in err
    assert f"warning: record 1 ({sample()['name']}): country: must be a two-letter country code" in err
    assert "Values with a warning were left out or changed" in err
    out, _ = run(live_database, "export", str(written))
    assert out.strip() == f"2 offerings written to {written}."
    assert run_alone(live_database, "export")[0] == written.read_text(encoding="utf-8")
    assert "unchanged: 2" in run(live_database, "import", "-", stdin=written.read_text(encoding="utf-8"))[0]
    assert run(live_database, "refresh")[0] == "0 documents changed.\n"
    assert [it.name for it in tmp_path.iterdir() if it.name.startswith(".written")] == []


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("import", "no-such-file.json"), 1, "cannot be read: No such file"),
        (("import", "http://127.0.0.1:1/"), 1, "could not be reached"),
        (("import", "some.json", "--token", "x"), 2, "can only be used with a URL"),
        (("import", "-", "--token-stdin"), 2, "needs a URL"),
        (("export", "/no/such/folder/file.json"), 1, "cannot be written"),
    ],
)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_what_cannot_work_is_said_in_a_line(live_database: Any, words: tuple[str, ...], code: int, reason: str) -> None:
    _, err = run(live_database, *words, code=code)
    assert reason in err
    assert "Traceback" not in err


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_memory_does_not_grow_with_the_input(live_database: Any, tmp_path: Path) -> None:
    peaks = []
    for count in (400, 4_000):
        file = tmp_path / f"{count}.json"
        with file.open("w", encoding="utf-8") as stream:
            for number in range(count):
                stream.write("[" if number == 0 else ",")
                # Every fiftieth has everything; the rest are long enough that 4,000 do not fit into the bound.
                record = another(number) if number % 50 == 0 else bare(full_description="x" * 10_000)
                stream.write(json.dumps(record))
            stream.write("]")
        call = [sys.executable, "-c", MEASURED, str(file)]
        done = subprocess.run(call, cwd=ROOT, env=live_database.environ, capture_output=True, text=True, check=True)
        created, failed, peak = map(int, done.stdout.split()[-3:])
        assert failed == 0
        assert created in (count, count - 8)  # the full ones of the first run are there already
        peaks.append(peak)
    # The second file holds 40 MB of text.
    assert peaks[1] - peaks[0] < 25, peaks
