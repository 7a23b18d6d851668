"""How the web server is started, for `make run` and `make serve` alike."""

import errno
import resource
import shutil
import socket
from pathlib import Path

from tools.tree import CannotStart

# Connections that one process holds open, most of them idle browsers; each costs a few kilobytes and a descriptor.
CONNECTIONS = 10_000
# Milliseconds in which a client has to send the headers of a request, counted from the connection or the last answer.
HEADER_TIMEOUT = 15_000
# Bytes of headers, and of an answer, that the server holds for one connection.
BUFFER = 65_536
# What Python and its libraries ask of glibc (one pool: only one thread at a time runs Python), and granian of the
# allocator that it brings.
MEMORY = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_TRIM_THRESHOLD_": str(1024 * 1024),
    "_RJEM_MALLOC_CONF": "narenas:1,dirty_decay_ms:500,muzzy_decay_ms:0",
}


def server_command(host: str, port: int, workers: int) -> list[str]:
    """The arguments after `python` that serve wsgi:app. Static files are the application's: with ETags and headers."""
    return [
        *("-m", "granian", "--interface", "asgi", "--http", "1", "--host", host.strip("[]"), "--port", str(port)),
        *("--workers", str(workers), "--backpressure", str(CONNECTIONS), "--backlog", "2048"),
        *(
            "--http1-header-read-timeout",
            str(HEADER_TIMEOUT),
            "--http1-buffer-size",
            str(BUFFER),
            "--no-ws",
            "--log-level",
            "warning",
        ),
        *("--respawn-failed-workers", "--workers-kill-timeout", "8", "wsgi:asgi"),
    ]


def raise_file_limit() -> None:
    """Let this process and those it starts open as many files as the machine allows: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def server_environ(instance: Path) -> dict[str, str]:
    """What the server's processes need in their environment.

    A folder to add their numbers up in for /metrics, from 0 again; and memory that goes back to the machine once a
    large answer is out, from few pools: one for each thread would be kept and not used.
    """
    raise_file_limit()
    folder = instance / "metrics"
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(f"The folder {folder} is not writable ({error.strerror}).") from None
    return {"PROMETHEUS_MULTIPROC_DIR": str(folder), **MEMORY}


def port_problem(host: str, port: int) -> str:
    """Why a server cannot listen there, as a sentence; empty where it can."""
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        return f"HOST={host} is no address of this machine ({error.strerror})."
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except PermissionError:
            return f"Port {port} is not free for ordinary users."
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"Port {port} on {host} is in use."
            return f"HOST={host} cannot be listened on ({error.strerror})."
    return ""
