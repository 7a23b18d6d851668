"""Clients that ask for much and never read, against the server as it is shipped: their connections are closed."""

import http.client
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.server import server_command

pytestmark = [
    pytest.mark.sqlite_only,
    pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux closes connections that are not read"),
]
ROOT = Path(__file__).resolve().parents[2]
SIZE = 4_000_000
SERVED = f"""
from portal import asgi

asgi.UNREAD_SECONDS = 1.0


def answer(environ, start_response):
    body = b"x" * ({SIZE} if environ["PATH_INFO"] == "/big" else 50_000)
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


served = asgi.AsgiApplication(answer, answer, threads=2, most_bytes=0)
"""


def open_connections(port):
    """How many connections of the server have a client."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    found = [line.split() for line in lines]
    return sum(local == f"0100007F:{port:04X}" and state == "01" for _, local, _, state, *_ in found)


def silent_client(port, path):
    client = socket.socket()
    # What the client's own machine would take for it.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.settimeout(30)
    client.connect(("127.0.0.1", port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return client


def received(client):
    """How much of the answer reached a client that reads at last."""
    length = 0
    try:
        while data := client.recv(65536):
            length += len(data)
    except ConnectionError:
        pass
    return length


def ask(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        return len(connection.getresponse().read())
    finally:
        connection.close()


def wait_for(condition):
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen within a minute")


def is_served(port):
    try:
        return ask(port, "/") == 50_000
    except OSError:
        return False


def test_who_never_reads_is_cut_off_and_holds_little(tmp_path):
    (tmp_path / "hoard.py").write_text(SERVED)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, *server_command("127.0.0.1", port, 1)[:-1], "hoard:served"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{tmp_path}"},
        start_new_session=True,
    )
    clients = []
    try:
        wait_for(lambda: is_served(port))
        # Large answers, of which most is still in the process; and small ones, which the machine has taken whole.
        clients = [silent_client(port, path) for path in ("/big", "/") for _ in range(20)]
        wait_for(lambda: open_connections(port) == 0)
        assert max(received(client) for client in clients) < 50_000
        assert ask(port, "/big") == SIZE
        assert server.poll() is None
    finally:
        for client in clients:
            client.close()
        server.terminate()
        server.wait(20)
