"""`make run`: the whole portal with demo data, as one tree of processes that ends as a whole.

    .venv/bin/python -m tools.run

Prepares the instance folder and the database, then runs the stand-in for Google, the web server and the worker
until Ctrl-C, SIGTERM, the end of make, or the death of one of them; then everything stops. Each runs in a process
group of its own, and tools/guardian.py stops these groups should this process be killed without a chance to.
"""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from portal.config import STAND_IN_PORT, Settings, load_settings
from portal.domain.standin import DEFAULT_PORT, google_settings
from portal.errors import ConfigError
from tools.guardian import stop
from tools.prepare import ROOT
from tools.server import metrics_environ, port_problem, server_command

WEB_WORKERS = 2
START_SECONDS = 60.0
STOP_SECONDS = 10.0


class CannotStart(Exception):
    """The portal cannot be started; the text is one line for a person."""


class Stopped(Exception):
    """Somebody wants the portal to end."""


def main() -> None:
    tree = None
    try:
        environ = {**os.environ, "PORTAL_DEMO": "1"}
        settings = settle(environ)
        tree = Tree(environ)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, tree.want_stop)
        if not settings.google_client_id:
            start_stand_in(tree, settings)
        tree.run_once("The database cannot be prepared", "-m", "tools.demo_database")
        start_portal(tree, settings)
        tree.wait()
    except (CannotStart, ConfigError) as failure:
        sys.exit(str(failure))
    except Stopped:
        print("\nStopping ...", flush=True)
    finally:
        if tree:
            tree.stop()


def settle(environ: dict[str, str]) -> Settings:
    """Prepare the instance folder and the secret key, and read the settings (CannotStart, ConfigError)."""
    instance = Path(environ.get("INSTANCE_PATH", "").strip() or "instance").expanduser()
    instance = instance if instance.is_absolute() else ROOT / instance
    try:
        instance.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=instance):
            pass
        if not environ.get("SECRET_KEY", "").strip():
            keep_secret_key(instance / "secret_key")
    except OSError as error:
        raise CannotStart(f"The folder {instance} is not writable ({error.strerror}).") from None
    settings = load_settings(environ)
    problem = port_problem(settings.host, settings.port)
    if problem:
        raise CannotStart(f"{problem} Name another port: PORT=8080 make run")
    return settings


def keep_secret_key(path: Path) -> None:
    """Make a secret key on the first start; only its owner may read it."""
    if path.is_file() and path.stat().st_size:
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")


def start_stand_in(tree: "Tree", settings: Settings) -> None:
    """Start the stand-in for Google and point the portal to it. It keeps its port: calendar links hold it."""
    kept = settings.instance_path / STAND_IN_PORT
    port = int(kept.read_text()) if kept.is_file() and kept.read_text().strip().isdigit() else 0
    if port and port_problem("127.0.0.1", port):
        print(f"Port {port} of the stand-in for Google is in use: links to shared calendars change.", flush=True)
        port = 0
    if not port:
        port = DEFAULT_PORT if not port_problem("127.0.0.1", DEFAULT_PORT) else free_port()
        kept.write_text(f"{port}\n", encoding="ascii")
    root = f"http://127.0.0.1:{port}"
    data = str(settings.instance_path / "standin.db")
    tree.start(
        "the stand-in for Google", "-m", "portal.standin", "--host", "127.0.0.1", "--port", str(port), "--data", data
    )
    tree.environ.update(google_settings(root))
    tree.expect("127.0.0.1", port)


def start_portal(tree: "Tree", settings: Settings) -> None:
    tree.environ.update(metrics_environ(settings.instance_path.absolute()))
    tree.start("the web server", *server_command(settings.host, settings.port, WEB_WORKERS))
    tree.start("the worker", "-m", "flask", "--app", "wsgi", "worker")
    tree.expect(settings.host, settings.port)
    tree.wait_until_up()
    print(f"\nThe portal is at {settings.public_url} (Ctrl-C stops it).", flush=True)


class Tree:
    """The children of this process: started, watched and stopped together. All get the same environment."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ
        self.children: list[tuple[str, subprocess.Popen[bytes]]] = []
        self.expected: list[tuple[str, int]] = []
        self.stop_wanted = False
        self.started_by_make = "MAKELEVEL" in environ
        self.parent = os.getppid()
        command = [sys.executable, "-I", str(ROOT / "tools" / "guardian.py")]
        self.guardian = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a Python process in a session of its own: a Ctrl-C in the terminal reaches this process alone."""
        child = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.children.append((name, child))
        self.tell_guardian("+", child.pid)
        return child

    def run_once(self, complaint: str, *arguments: str) -> None:
        """Run a Python process to its end; CannotStart if it fails (it has said why)."""
        child = self.start("preparation", *arguments)
        self.children.pop()
        try:
            while child.poll() is None:
                self.check()
                time.sleep(0.02)
        except (CannotStart, Stopped):
            stop({child.pid}, STOP_SECONDS, child.poll)
            child.wait()
            raise
        self.tell_guardian("-", child.pid)
        if child.returncode:
            raise CannotStart(f"{complaint} (see above).")

    def expect(self, host: str, port: int) -> None:
        """Remember that wait_until_up() waits for this address."""
        self.expected.append((host, port))

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        for host, port in self.expected:
            while not answers(host, port):
                self.check()
                if time.monotonic() > deadline:
                    raise CannotStart(f"Nothing answers on port {port} after {START_SECONDS:.0f} seconds.")
                time.sleep(0.05)

    def wait(self) -> None:
        """Watch until a child dies (CannotStart) or make is gone (Stopped)."""
        while True:
            self.check()
            time.sleep(0.25)

    def want_stop(self, _number: int, _frame: FrameType | None) -> None:
        """Handles signals. Only notes the wish: a process that is just being started must not be forgotten."""
        self.stop_wanted = True

    def check(self) -> None:
        """Raise Stopped if somebody wants the end, CannotStart if a child has met its own."""
        if self.stop_wanted or (self.started_by_make and os.getppid() != self.parent):
            raise Stopped
        for name, child in self.children:
            status = child.poll()
            if status is not None:
                raise CannotStart(
                    f"{name[0].upper()}{name[1:]} ended by itself ({ending(status)}), so everything stops."
                )

    def stop(self) -> None:
        children = [child for _name, child in self.children]
        stop({child.pid for child in children}, STOP_SECONDS, lambda: [child.poll() for child in children])
        for child in children:
            child.wait()
        with contextlib.suppress(OSError):
            if self.guardian.stdin:
                self.guardian.stdin.close()
        self.guardian.wait()

    def tell_guardian(self, sign: str, group: int) -> None:
        if self.guardian.stdin:
            self.guardian.stdin.write(f"{sign}{group}\n".encode("ascii"))
            self.guardian.stdin.flush()


def ending(status: int) -> str:
    return f"killed by signal {-status}" if status < 0 else f"exit status {status}"


def answers(host: str, port: int) -> bool:
    """Whether something accepts connections there. A server for all addresses is asked on loopback."""
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared with, not bound
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
