"""The command: what it refuses, and that nothing is lost by a restart or by many at once."""

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from portal.dev.google_emulator.gateway import Gateway
from portal.dev.google_emulator.server import EmulatorServer, NotLoopback
from portal.dev.google_emulator.settings import CLIENT_ID, google_settings
from portal.dev.google_emulator.testing import running_emulator

ROOT = Path(__file__).resolve().parents[3]


def _command(tmp_path: Path, *arguments: str) -> list[str]:
    data = str(tmp_path / "inner" / "emulator.db")
    return [sys.executable, "-m", "portal.dev.google_emulator", "--port", "0", "--data", data, *arguments]


@pytest.mark.parametrize(
    ("arguments", "client", "words"),
    [
        (["--host", "0.0.0.0"], "", "this machine only"),
        (["--host", "192.0.2.1"], "", "this machine only"),
        (["--host", "portal.example"], "", "this machine only"),
        ([], "123.apps.googleusercontent.com", "GOOGLE_CLIENT_ID is set"),
        (["--data", "/proc/nowhere/emulator.db"], "", "can't use /proc/nowhere/emulator.db"),
    ],
)
def test_it_refuses_in_one_line(tmp_path: Path, arguments: list[str], client: str, words: str) -> None:
    run = subprocess.run(
        _command(tmp_path, *arguments),
        cwd=ROOT,
        env=os.environ | {"GOOGLE_CLIENT_ID": client},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert run.returncode == 1
    assert words in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        run = subprocess.run(_command(tmp_path, "--port", port), cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert run.returncode == 1
    assert f"127.0.0.1:{port}" in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1


def test_it_starts_with_its_own_client_and_stops_when_told(tmp_path: Path) -> None:
    with subprocess.Popen(
        _command(tmp_path),
        cwd=ROOT,
        env=os.environ | {"GOOGLE_CLIENT_ID": CLIENT_ID},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        line = process.stdout.readline()
        assert "not Google" in line
        base_url = line.split()[-1]
        with requests.Session() as session:
            assert session.get(base_url, timeout=5).status_code == 200
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0


def test_the_server_itself_listens_on_loopback_only() -> None:
    with pytest.raises(NotLoopback):
        EmulatorServer(Gateway(None, None), "0.0.0.0", 0)


def test_a_restart_loses_nothing(tmp_path: Path) -> None:
    data = tmp_path / "emulator.db"
    with running_emulator(data) as first:
        token = first.grant("alice@lab.example")["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        calendars = first.base_url + "/calendar/v3/calendars"
        made = requests.post(calendars, json={"summary": "Kept"}, headers=headers, timeout=5).json()
        first.state.clock.advance(1000)
        moved = first.state.clock.now()
    with running_emulator(data) as second:
        path = f"{second.base_url}/calendar/v3/calendars/{made['id']}"
        assert requests.get(path, headers=headers, timeout=5).json() == made
        assert second.state.clock.now() >= moved


def test_many_at_once_are_all_kept_and_counted(emulator) -> None:
    token = emulator.grant("alice@lab.example")["access_token"]
    events = emulator.base_url + "/calendar/v3/calendars/primary/events"
    body = {"start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}}

    def worker(number: int) -> list[int]:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {token}"
            return [
                session.post(events, json=body | {"id": f"job{number:02}{n:02}"}, timeout=20).status_code
                for n in range(20)
            ]

    with ThreadPoolExecutor(8) as pool:
        statuses = [status for found in pool.map(worker, range(8)) for status in found]
    assert statuses == [200] * 160
    with emulator.state.store.read() as db:
        rows = db.execute("SELECT count(*), count(DISTINCT seq) FROM events").fetchone()
    assert tuple(rows) == (160, 160)
    assert emulator.state.counters.report()["calls"] == {"events.insert": 160}


def test_the_portals_settings_point_to_it() -> None:
    settings = google_settings("http://127.0.0.1:8099/")
    assert settings["GOOGLE_EMBED_URI"] == "http://127.0.0.1:8099/calendar/embed"
    assert settings["GOOGLE_CLIENT_ID"] == CLIENT_ID
