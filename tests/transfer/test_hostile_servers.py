"""Servers that mean harm: slow, endless, packed, lying, pointing elsewhere. The import ends with a sentence, soon."""

import gzip
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from portal.transfer import importer, remote, remote_response
from portal.transfer.importer import Report, import_offerings
from portal.transfer.json_records import MAX_SKIPPED
from portal.transfer.remote import RemoteOfferings
from tests.support.samples import bare

TOKEN = "ab" * 20
# Sends the answer to a request whose head it is given; stops where the client is gone.
Answer = Callable[["Connection"], None]
JSON = "Content-Type: application/json"


@dataclass
class Connection:
    """One request, and the bytes that were sent to answer it."""

    socket: socket.socket
    head: str
    sent: int = 0

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)
        self.sent += len(data)

    def start(self, *headers: str, status: str = "200 OK") -> None:
        self.send("\r\n".join([f"HTTP/1.1 {status}", "Connection: close", *headers, "", ""]).encode("latin-1"))

    def chunks(self, pieces: Iterator[bytes]) -> None:
        for piece in pieces:
            self.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")


@dataclass
class Server:
    """A server on loopback that speaks bytes, and what it was asked."""

    url: str
    port: int
    answer: Answer = lambda connection: connection.start(JSON)
    asked: list[Connection] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{self.url}/api/booking-offerings/"

    @property
    def tokens(self) -> list[str]:
        return [it.head for it in self.asked if TOKEN in it.head]


@contextmanager
def serving() -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        server = Server(f"http://127.0.0.1:{port}", port)

        def handle(client: socket.socket) -> None:
            with client:
                head = b""
                while b"\r\n\r\n" not in head and (piece := client.recv(65536)):
                    head += piece
                connection = Connection(client, head.decode("latin-1"))
                server.asked.append(connection)
                with suppress(OSError):  # The client leaves.
                    server.answer(connection)

        def accept() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=handle, args=(client,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


@pytest.fixture
def elsewhere() -> Iterator[Server]:
    with serving() as started:
        yield started


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it would have waited before it asked again."""
    waited: list[float] = []
    monkeypatch.setattr(remote.time, "sleep", waited.append)
    return waited


def fetch(server: Server, patience: float = 5.0) -> Report:
    return import_offerings(RemoteOfferings(server.address, TOKEN, backoff=0, patience=patience))


def reason(report: Report) -> str:
    assert len(report.failed) == 1
    return report.failed[0].reason


def whole(body: bytes, *headers: str) -> Answer:
    def answer(connection: Connection) -> None:
        connection.start(JSON, f"Content-Length: {len(body)}", *headers)
        connection.send(body)

    return answer


def records(*more: str) -> Answer:
    return whole(json.dumps([bare()]).encode(), *more)


@pytest.mark.sqlite_only
@pytest.mark.parametrize("how", ["link", "redirect"])
@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:{there}\\@127.0.0.1:{here}/api/",
        "http://127.0.0.1:{here}@127.0.0.1:{there}/api/",
        "http://127.0.0.1:{there}#@127.0.0.1:{here}/api/",
        "//127.0.0.1:{there}/api/",
        "\\\\127.0.0.1:{there}/api/",
        "http:\\\\127.0.0.1:{there}/api/",
        "https://127.0.0.1:{here}/api/",
        "file:///etc/passwd",
    ],
)
def test_the_token_goes_nowhere_else(
    db_session: Any, server: Server, elsewhere: Server, address: str, how: str
) -> None:
    target = address.format(here=server.port, there=elsewhere.port)
    elsewhere.answer = records()

    def answer(connection: Connection) -> None:
        if len(server.asked) > 2:
            records()(connection)
        elif how == "link" or len(server.asked) > 1:
            records(f'Link: <{target}>; rel="next"')(connection)
        else:
            connection.start(f"Location: {target}", "Content-Length: 0", status="302 Found")

    server.answer = answer
    fetch(server)
    assert elsewhere.asked == []
    assert all("127.0.0.1" in it.head.partition("Host:")[2] for it in server.asked)


@pytest.mark.sqlite_only
def test_a_body_that_drips_is_not_waited_for(db_session: Any, server: Server) -> None:
    def drip(connection: Connection) -> None:
        connection.start(JSON, "Content-Length: 1000000")
        while True:
            connection.send(b" ")
            time.sleep(0.01)

    server.answer = drip
    assert "did not arrive within 0.3 seconds: ask for smaller pages" in reason(fetch(server, 0.3))
    assert server.asked[0].sent < 1000


@pytest.mark.sqlite_only
def test_headers_that_drip_are_not_waited_for(db_session: Any, server: Server) -> None:
    def drip(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\n")
        for number in itertools.count():
            connection.send(f"X-{number}: 1\r\n".encode())
            time.sleep(0.02)

    server.answer = drip
    assert "did not answer within 0.3 seconds" in reason(fetch(server, 0.3))


@pytest.mark.sqlite_only
def test_an_error_that_drips_is_not_waited_for(
    db_session: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "ERROR_SECONDS", 0.2)

    def drip(connection: Connection) -> None:
        connection.start("Transfer-Encoding: chunked", status="418 Odd")
        while True:
            connection.chunks(iter([b"x"]))
            time.sleep(0.02)

    server.answer = drip
    assert "answered with 418." in reason(fetch(server))


def endless(piece: bytes) -> Answer:
    def answer(connection: Connection) -> None:
        connection.start(JSON, "Transfer-Encoding: chunked")
        connection.chunks(itertools.chain([b"["], itertools.repeat(piece)))

    return answer


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("piece", "words"),
    [
        (b" " * 65536, "is larger than 4 MB"),
        (b"[" * 65536, "is nested deeper than 100 levels"),
        (b'"' + b"x" * 65536, "is larger than 4 MB"),
        (b"1" * 65536, "is larger than 4 MB"),
    ],
)
def test_endless_bodies_end(db_session: Any, server: Server, piece: bytes, words: str) -> None:
    server.answer = endless(piece)
    assert words in reason(fetch(server, 60))
    # What is under way in the machine's own buffers is not read.
    assert server.asked[0].sent < 64 * 1024 * 1024


@pytest.mark.sqlite_only
def test_an_answer_has_a_largest_size_and_failures_a_largest_number(
    db_session: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_response, "MAX_BYTES", 8 * 1024 * 1024)
    server.answer = endless(b'{"text": "' + b"x" * 65000 + b'"},')
    report = fetch(server)
    assert "The answer is larger than 8 MB: ask for smaller pages" in report.failed[-1].reason
    assert {it.field for it in report.failed[:-1]} == {"uuid"}
    monkeypatch.setattr(importer, "MAX_FAILED", 20)
    report = fetch(server)
    assert (len(report.failed), report.failed[-1].position) == (21, 21)
    assert "20 records have failed, so the rest was not read" in report.failed[-1].reason


@pytest.mark.sqlite_only
@pytest.mark.parametrize("status", ["302 Found", "503 Busy", "403 No"])
def test_bodies_that_say_nothing_are_not_read(
    db_session: Any, server: Server, status: str, pauses: list[float]
) -> None:
    def answer(connection: Connection) -> None:
        connection.start("Transfer-Encoding: chunked", "Location: /elsewhere/", JSON, status=status)
        connection.chunks(itertools.repeat(b"x" * 65536))

    server.answer = answer
    assert reason(fetch(server))
    assert max(it.sent for it in server.asked) < 16 * 1024 * 1024


def bomb(size: int) -> bytes:
    """So many bytes of one string, a thousand times smaller."""
    megabyte = 1024 * 1024
    return gzip.compress(b'["') + gzip.compress(b"x" * megabyte) * (size // megabyte)


@pytest.mark.sqlite_only
def test_what_is_unpacked_is_what_counts(db_session: Any, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked = 0
    original = remote_response.ResponseStream.read

    def counting(body: remote_response.ResponseStream, size: int) -> bytes:
        nonlocal unpacked
        piece = original(body, size)
        assert len(piece) <= size
        unpacked += len(piece)
        return piece

    monkeypatch.setattr(remote_response.ResponseStream, "read", counting)
    server.answer = whole(bomb(100 * 1024 * 1024), "Content-Encoding: gzip")
    assert "is larger than 4 MB" in reason(fetch(server))
    assert unpacked <= MAX_SKIPPED + 65536


@pytest.mark.sqlite_only
def test_gzip_is_read_in_one_part_or_several(db_session: Any, server: Server) -> None:
    text = json.dumps([bare()]).encode()
    server.answer = whole(gzip.compress(text[:50]) + gzip.compress(text[50:]), "Content-Encoding: gzip")
    assert fetch(server).created == 1
    assert "Accept-Encoding: gzip\r\n" in server.asked[0].head
    # A part without anything in it, without end.
    empty = gzip.compress(b"")

    def hollow(connection: Connection) -> None:
        connection.start(JSON, "Content-Encoding: gzip", "Transfer-Encoding: chunked")
        connection.chunks(itertools.repeat(empty * 50))

    server.answer = hollow
    assert "did not arrive within" in reason(fetch(server, 0.3))


@pytest.mark.sqlite_only
@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "zstd", "deflate", "gzip, br"])
def test_other_compressions_are_refused(db_session: Any, server: Server, encoding: str) -> None:
    server.answer = whole(bomb(1024), f"Content-Encoding: {encoding}")
    assert "compressed in a way that was not asked for" in reason(fetch(server))


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("length", "headers", "words"),
    [
        (10_000_000, (), "stopped answering"),
        (5, (), "ends too early"),
        (None, ("Content-Encoding: gzip",), "compressed with gzip, and is not"),
        (None, ("X-Result-Count: " + "9" * 5000,), ""),
        (None, ('Link: <http://127.0.0.1/\x1b[2J>; rel="next"',), "http://127.0.0.1/?[2J"),
        (None, (f'Link: </{"a" * 60_000}>; rel="next"',), "an address of 60,0"),
        (None, ('Link: <http://[>; rel="next"',), ""),
    ],
)
def test_lies_in_headers(
    db_session: Any, server: Server, length: int | None, headers: tuple[str, ...], words: str
) -> None:
    body = json.dumps([bare()]).encode()

    def answer(connection: Connection) -> None:
        connection.start(JSON, f"Content-Length: {length or len(body)}", *headers)
        connection.send(body)

    server.answer = answer
    report = fetch(server)
    assert len(report.failed) == (1 if words or "[>" in headers[0] else 0)
    if words:
        assert words in reason(report)
        assert "\x1b" not in reason(report)


@pytest.mark.sqlite_only
def test_a_busy_server_decides_on_a_minute_at_most(db_session: Any, server: Server, pauses: list[float]) -> None:
    def busy(after: str) -> Answer:
        return lambda it: it.start(f"Retry-After: {after}", "Content-Length: 0", status="503 Busy")

    for after, expected in (("999999999", 60), ("7", 7), ("9" * 5000, 0), ("-1", 0), ("soon", 0)):
        server.asked.clear()
        pauses.clear()
        server.answer = busy(after)
        assert "answered with 503" in reason(fetch(server))
        assert pauses == [expected] * 4
        assert len(server.asked) == 5


@pytest.mark.sqlite_only
def test_pages_without_end_end(db_session: Any, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def next_page(body: bytes) -> Answer:
        return lambda it: whole(body, f'Link: <{server.address}?page={len(server.asked)}>; rel="next"')(it)

    server.answer = next_page(b"[]")
    assert "An empty page names another one" in reason(fetch(server))
    assert len(server.asked) == 1
    monkeypatch.setattr(remote, "MAX_PAGES", 5)
    server.asked.clear()
    server.answer = next_page(json.dumps([bare()]).encode())
    assert "There are too many pages" in reason(fetch(server))
    assert len(server.asked) == 5


@pytest.mark.sqlite_only
def test_what_another_portal_says_is_safe_to_print(db_session: Any, server: Server) -> None:
    body = json.dumps({"detail": "\x1b]0;owned\x07" + "x" * 300}).encode()

    def answer(connection: Connection) -> None:
        connection.start(JSON, f"Content-Length: {len(body)}", status="403 No")
        connection.send(body)

    server.answer = answer
    assert "(403: ?]0;owned?xxx" in reason(fetch(server))
    server.answer = whole(json.dumps([{"uuid": "x", "name": "\x1b[31m\ud800"}, {"uuid": "y"}]).encode())
    told = [str(it) for it in fetch(server).failed]
    assert told[0].startswith("record 1 (?[31m?): uuid: must be a UUID")
    assert all(it.isprintable() for it in told)
