"""Runs the WSGI application under an ASGI server, so that slow clients occupy a connection but never a thread.

WSGI servers give a request to a thread before its body has arrived, so a few clients that never send their bodies
block all threads. Here the event loop reads the body, with a deadline, before a thread starts, and sends the complete
response after the thread has finished.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

# Seconds without a byte of the body, after which the request is refused.
IDLE_SECONDS = 15.0
# Seconds for a body, plus one for each SLOWEST_BYTES_PER_SECOND received. Clients with 2 kB/s have enough time.
GRACE_SECONDS = 30.0
SLOWEST_BYTES_PER_SECOND = 500
# Larger bodies are written to a file, so that slow uploads do not fill the memory.
IN_MEMORY = 16 * 1024
# Complete requests that wait for a thread; further ones get a 503.
MAX_WAITING = 500
# Seconds in which a client has to receive the next piece of its response; else the connection is closed.
UNREAD_SECONDS = 30.0
PIECE = 32 * 1024
# Bytes of responses in one process that clients have not received yet. Beyond that, the connection that has been idle
# for the longest is closed.
MAX_UNREAD = 64 * 1024 * 1024
# Bytes of the kernel's send buffer for a connection (Linux doubles it). By default it grows to megabytes.
SEND_BUFFER = 64 * 1024
# Key in the WSGI environment of a refused request, for its status.
REFUSED = "portal.refused"

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Wsgi = Callable[..., Iterable[bytes]]
Headers = list[tuple[bytes, bytes]]
# Status, headers and body.
RawResponse = tuple[int, Headers, bytes]


class RequestRefused(Exception):
    """The request is refused with this status."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status)
        self.status = status


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


class UnsentResponses:
    """Limits the total bytes of responses that clients have not received yet.

    Beyond `most`, the responses that have been idle for the longest are cancelled.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._bytes = 0
        # By the time of the last received piece.
        self._waiting: dict[asyncio.Timeout, int] = {}

    @contextmanager
    def waiting(self, size: int, deadline: asyncio.Timeout) -> Iterator[None]:
        """Count `size` bytes that wait inside the block, which has `deadline`."""
        self._waiting[deadline] = size
        self._bytes += size
        while self._bytes > self._most and len(self._waiting) > 1:
            oldest = next(iter(self._waiting))
            self._bytes -= self._waiting.pop(oldest)
            oldest.reschedule(asyncio.get_running_loop().time())
        try:
            yield
        finally:
            self._bytes -= self._waiting.pop(deadline, 0)


class AsgiApplication:
    """Runs a WSGI application on `threads` threads. The application itself refuses bodies of more than `most_bytes`.

    `refusals` is a WSGI application for requests that are refused here. It runs in the event loop, with the status in
    its environment (REFUSED).
    """

    def __init__(self, application: Wsgi, refusals: Wsgi, *, threads: int, most_bytes: int) -> None:
        self._application = application
        self._refusals = refusals
        self._most_bytes = most_bytes
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._waiting = 0
        self._unread = UnsentResponses(MAX_UNREAD)
        self._is_ready = False

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            if not self._is_ready:
                # By now the server has opened its sockets.
                self._is_ready = True
                limit_connections()
            environ = environ_of(scope)
            try:
                answer = await self._answer(environ, receive)
            except RequestRefused as refused:
                answer = _run(self._refusals, {**environ, REFUSED: refused.status})
            except ClientGone:
                return
            await self._send(answer, send)

    async def _send(self, answer: RawResponse, send: Send) -> None:
        """Send a response piece by piece. Returns, which closes the connection, if the client does not receive one."""
        status, headers, body = answer
        await send({"type": "http.response.start", "status": status, "headers": headers})
        try:
            for begin in range(0, max(len(body), 1), PIECE):
                piece, left = body[begin : begin + PIECE], len(body) - begin
                message = {"type": "http.response.body", "body": piece, "more_body": left > PIECE}
                async with asyncio.timeout(UNREAD_SECONDS) as deadline:
                    with self._unread.waiting(left, deadline):
                        await send(message)
        except TimeoutError:
            return

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                # Current requests are completed.
                await asyncio.to_thread(self._threads.shutdown)
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _answer(self, environ: dict[str, Any], receive: Receive) -> RawResponse:
        if environ.get("CONTENT_LENGTH", "0") == "0" and "HTTP_TRANSFER_ENCODING" not in environ:
            return await self._in_a_thread(environ)
        with SpooledTemporaryFile(IN_MEMORY) as body:
            received = await self._read_body(receive, body)
            body.seek(0)
            environ["wsgi.input"] = body
            # A chunked body has no Content-Length. One that is too long keeps it and is refused for that.
            if "CONTENT_LENGTH" not in environ or received <= self._most_bytes:
                environ["CONTENT_LENGTH"] = str(received)
            environ.pop("HTTP_TRANSFER_ENCODING", None)
            return await self._in_a_thread(environ)

    async def _in_a_thread(self, environ: dict[str, Any]) -> RawResponse:
        if self._waiting >= MAX_WAITING:
            raise RequestRefused(HTTPStatus.SERVICE_UNAVAILABLE)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, _run, self._application, environ)
        finally:
            self._waiting -= 1

    async def _read_body(self, receive: Receive, body: IO[bytes]) -> int:
        """Write the body into a file until it is too long. Returns the number of bytes."""
        loop = asyncio.get_running_loop()
        begun, received, more = loop.time(), 0, True
        while more and received <= self._most_bytes:
            deadline = begun + GRACE_SECONDS + received / SLOWEST_BYTES_PER_SECOND
            try:
                async with asyncio.timeout_at(min(deadline, loop.time() + IDLE_SECONDS)):
                    message = await receive()
            except TimeoutError:
                raise RequestRefused(HTTPStatus.REQUEST_TIMEOUT) from None
            if message["type"] == "http.disconnect":
                raise ClientGone
            part = message.get("body", b"")
            received += len(part)
            body.write(part)
            more = message.get("more_body", False)
        return received


def limit_connections() -> None:
    """Limit the size and age of data in the kernel's send buffers, which it keeps for clients that do not read.

    The server has no option for this. Connections inherit the values of the listening sockets, which are set here.
    """
    milliseconds = int(UNREAD_SECONDS * 1000)
    for file in Path("/dev/fd").iterdir():
        if not file.is_socket():
            continue
        try:
            found = socket.socket(fileno=os.dup(int(file.name)))
        except OSError:
            continue
        with found:
            is_tcp = found.family in (socket.AF_INET, socket.AF_INET6) and found.type == socket.SOCK_STREAM
            if is_tcp and found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
                if hasattr(socket, "TCP_USER_TIMEOUT"):
                    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)


def environ_of(scope: Message) -> dict[str, Any]:
    """The WSGI environment (PEP 3333) of an ASGI request, without a body."""
    # Split before decoding, since %3F belongs to the path.
    raw_path = (scope.get("raw_path") or quote_from_bytes(scope["path"].encode()).encode()).partition(b"?")[0]
    server, client = scope.get("server") or ("localhost", 80), scope.get("client") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(raw_path).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        # Otherwise it could pass for a header that a proxy sets.
        if b"_" in name:
            continue
        text = value.decode("latin-1")
        key = name.decode("latin-1").upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        if key in environ:
            text = f"{environ[key]}{';' if key == 'HTTP_COOKIE' else ','}{text}"
        environ[key] = text
    return environ


def _run(application: Wsgi, environ: dict[str, Any]) -> RawResponse:
    answer: list[RawResponse] = []

    def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Any:
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        answer[:] = [(int(status[:3]), encoded, b"")]
        return _refuse_write

    parts = application(environ, start_response)
    try:
        body = b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    status, headers, _ = answer[0]
    return status, headers, body


def _refuse_write(_data: bytes) -> object:
    raise NotImplementedError("The application returns its body; it does not write it.")
