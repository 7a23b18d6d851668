"""Processes that are started, watched and ended together, for `make run` and `make serve`.

Each runs in a process group of its own, so that a Ctrl-C in the terminal reaches this process alone: a web server
whose workers get it as well, beside what their parent tells them, waits until they are killed. tools/guardian.py
ends these groups should this process be killed without a chance to.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from types import FrameType

from tools.guardian import stop
from tools.prepare import ROOT

START_SECONDS = 60.0
STOP_SECONDS = 10.0


class CannotStart(Exception):
    """The portal cannot be started; the text is one line for a person."""


class Stopped(Exception):
    """Somebody wants the portal to end."""


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
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.want_stop)

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
        """End all children: each is asked by itself and ends its own; groups are ended where that does not help."""
        children = [child for _name, child in self.children]
        for child in children:
            child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and any(child.poll() is None for child in children):
            time.sleep(0.02)
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
