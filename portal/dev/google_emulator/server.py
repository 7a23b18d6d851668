"""The HTTP server: keep-alive like Google's, loopback only, and able to break a connection for a fault.

Written on the standard library because the faults need the socket itself, and because werkzeug's server closes every
connection after one response, which would hide how a client behaves when a kept-alive connection dies.
"""

import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any, cast
from urllib.parse import unquote_to_bytes

from portal.dev.google_emulator.access import is_loopback_name
from portal.dev.google_emulator.gateway import BufferedResponse, ConnectionFault, Gateway

MAX_BODY = 64 * 1024 * 1024


class NotLoopback(Exception):
    """The server was to listen where other machines could reach it."""


class ConnectionHandler(BaseHTTPRequestHandler):
    """Serves the requests of one connection."""

    protocol_version = "HTTP/1.1"
    server_version = "GoogleCalendarEmulator"
    sys_version = ""
    disable_nagle_algorithm = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Log nothing: the control API lists the calls."""

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal() or int(length) > MAX_BODY:
            self.send_error(411 if "Transfer-Encoding" in self.headers else 413)
            return
        body = self.rfile.read(int(length))
        try:
            self._send(cast("EmulatorServer", self.server).gateway.handle(self._environ(body)))
        except ConnectionFault as fault:
            self.close_connection = True
            if fault.kind == "reset":
                # Closing with a linger time of 0 sends RST instead of FIN.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            elif fault.response is not None:
                self._send(fault.response, cut=len(fault.response.body) // 2)
        except ConnectionError:
            self.close_connection = True

    def _send(self, answer: BufferedResponse, cut: int | None = None) -> None:
        self.send_response_only(int(answer.status.split()[0]), answer.status.partition(" ")[2])
        self.send_header("Date", self.date_time_string())
        for name, value in answer.headers:
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name, _ in answer.headers} and answer.status[:3] != "204":
            self.send_header("Content-Length", str(len(answer.body)))
        self._send_with_headers(b"" if self.command == "HEAD" else answer.body[:cut])

    def _send_with_headers(self, body: bytes) -> None:
        """Headers and body in one write, so that no response waits for an acknowledgement of its headers."""
        self._headers_buffer: list[bytes]
        self._headers_buffer += [b"\r\n", body]
        self.flush_headers()

    def _environ(self, body: bytes) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        host, port = cast("EmulatorServer", self.server).address
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": str(host),
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body),
            "wsgi.errors": BytesIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            key = "HTTP_" + name.upper().replace("-", "_")
            if key not in ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"):
                environ[key] = f"{environ[key]},{value}" if key in environ else value
        return environ


class EmulatorServer(ThreadingHTTPServer):
    """One thread per connection; closing it ends the open connections."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def __init__(self, gateway: Gateway, host: str, port: int) -> None:
        if not is_loopback_name(host):
            raise NotLoopback(host)
        self.gateway = gateway
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), ConnectionHandler)

    @property
    def base_url(self) -> str:
        """The URL of the server."""
        host, port = self.address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def address(self) -> tuple[str, int]:
        """Address and port."""
        name = self.socket.getsockname()
        return str(name[0]), int(name[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Track the connection while it is served."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Stop tracking the connection and close it."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print unexpected errors; a client that disconnects is none."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        """Stop listening, close every open connection and wait for their threads."""
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
        super().server_close()


@contextmanager
def in_background(server: EmulatorServer) -> Iterator[str]:
    """Serve from a thread of this process and yield the URL; stopped at the end of the block."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="emulator-server")
    thread.start()
    try:
        yield server.base_url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
