"""Asks one address over and over on a few connections, with as little work as can be."""

from __future__ import annotations

import re
import socket
import threading
import time
from dataclasses import dataclass

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CONNECTIONS = 4


@dataclass(frozen=True)
class Figures:
    """What came of it: requests a second, and how long they took (milliseconds)."""

    rate: float
    p50: float
    p95: float
    p99: float
    size: int
    status: int


def ask(port: int, path: str, headers: dict[str, str], seconds: float, connections: int = CONNECTIONS) -> Figures:
    """Ask for so many seconds."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    times: list[float] = []
    last = [0, 0]
    begin = time.perf_counter()

    def connection() -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while time.perf_counter() - begin < seconds:
                start = time.perf_counter()
                line.sendall(request)
                last[:] = _answer(line)
                times.append(time.perf_counter() - start)

    threads = [threading.Thread(target=connection) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - begin
    times.sort()
    p50, p95, p99 = (times[min(len(times) - 1, len(times) * share // 100)] * 1000 for share in (50, 95, 99))
    return Figures(len(times) / elapsed, p50, p95, p99, last[1], last[0])


def fetch(port: int, path: str, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
    """One answer: status, body, headers."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        line.sendall(("\r\n".join(lines) + "\r\nConnection: close\r\n\r\n").encode())
        received = b""
        while part := line.recv(1 << 20):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    found = {name.lower(): value.strip() for name, _, value in (it.partition(":") for it in rest)}
    return int(first.split()[1]), body, found


def _answer(line: socket.socket) -> tuple[int, int]:
    received = line.recv(1 << 20)
    while b"\r\n\r\n" not in received:
        received += line.recv(1 << 20)
    head, _, body = received.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    found = _LENGTH.search(head)
    length = int(found[1]) if found and status != 304 else 0
    left = length - len(body)
    while left > 0:
        part = line.recv(min(left, 1 << 20))
        if not part:
            raise OSError("the server closed the connection")
        left -= len(part)
    return status, length
