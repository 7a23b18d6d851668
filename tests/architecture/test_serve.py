"""`make serve`: a graceful shutdown on Ctrl-C, which reaches every process of the terminal, and refused starts."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.servers import processes_that_answered
from tools.run import free_port
from tools.tree import answers

# How the server is started and ended does not depend on the database.
pytestmark = pytest.mark.sqlite_only
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def environ(tmp_path):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GOOGLE_") and name != "MAKELEVEL"}
    kept.pop("DATABASE_URL", None)
    kept.pop("QUEUE_URL", None)
    made = {"SECRET_KEY": "0123456789abcdef", "INSTANCE_PATH": str(tmp_path / "instance"), "PORT": str(free_port())}
    return {**kept, **made}


def test_an_interrupt_of_the_whole_group_stops_it_gracefully(environ):
    upgrade = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
    subprocess.run(upgrade, cwd=ROOT, env=environ, check=True, capture_output=True)
    server = subprocess.Popen(
        [sys.executable, "-m", "tools.serve"],
        cwd=ROOT,
        env={**environ, "WEB_WORKERS": "2"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    port = int(environ["PORT"])
    try:
        for _ in range(600):
            assert server.poll() is None, server.communicate()[0]
            if answers("127.0.0.1", port) and len(processes_that_answered(port, Path(environ["INSTANCE_PATH"]))) == 2:
                break
            time.sleep(0.05)
        else:
            raise AssertionError("the two processes did not both answer")
    finally:
        os.killpg(server.pid, signal.SIGINT)
        said = server.communicate(timeout=60)[0]
    assert "Stopping" in said
    assert "refused to gracefully stop" not in said
    assert server.returncode == 0
    assert not answers("127.0.0.1", port)


def test_an_unreachable_database_is_reported_in_one_line(environ):
    done = subprocess.run(
        [sys.executable, "-m", "tools.serve"], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("The database is not up to date")
    assert done.stderr.count("\n") == 1


@pytest.fixture
def demo_instance(tmp_path):
    """An instance folder with the settings of an earlier `make run`."""
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "demo.env").write_text("SECRET_KEY=" + "f" * 64 + "\n")
    (tmp_path / "other.env").write_text("LOG_LEVEL=error\n")


@pytest.mark.usefixtures("demo_instance")
@pytest.mark.parametrize(
    "command",
    [
        "-m flask --app wsgi worker",
        "-m flask --app wsgi.py worker",
        "-m flask --app wsgi:app worker --until-idle",
        "-m flask --app wsgi --env-file {folder}/other.env worker",
        "-m flask --app wsgi run",
        "-m tools.serve",
    ],
)
def test_services_do_not_start_with_the_key_of_the_demo(environ, tmp_path, command):
    refused = subprocess.run(
        [sys.executable, *command.format(folder=tmp_path).split()],
        cwd=ROOT,
        env={**environ, "SECRET_KEY": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 1
    assert "SECRET_KEY is not set" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.usefixtures("demo_instance")
def test_commands_start_with_the_key_of_the_demo(environ):
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"],
        cwd=ROOT,
        env={**environ, "SECRET_KEY": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_web_server_does_not_load_deferred_libraries(tmp_path):
    """They would be a third of its memory."""
    code = (
        "import sys, wsgi;"
        "heavy = {'googleapiclient', 'google_auth_oauthlib', 'alembic', 'portal.cli', 'huey', 'redis', 'psycopg'};"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    environ = {
        "PATH": os.environ["PATH"],
        "SECRET_KEY": "x" * 40,
        "DATABASE_URL": f"sqlite:///{tmp_path}/portal.db",
        "INSTANCE_PATH": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
