"""`make bench`: how many requests a second the hot reads answer on this machine.

Fills a database of its own (in a temporary folder) with the demo data, serves it like `make serve` with two
processes, and asks each address from four connections for a few seconds. Rates depend on the machine: compare two
runs on the same one. BENCH_SECONDS sets how long each address is asked (default 5).
"""

import http.client
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time

from tools.guardian import stop
from tools.prepare import ROOT
from tools.run import free_port
from tools.server import server_command
from tools.tree import answers

CONNECTIONS = 4
API = "/api/booking-offerings/"


def main() -> None:
    seconds = float(os.environ.get("BENCH_SECONDS", "5"))
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        port = free_port()
        kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "QUEUE_URL")}
        environ = {
            **kept,
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "PORTAL_DEMO": "1",
            "INSTANCE_PATH": folder,
            "SECRET_KEY": secrets.token_hex(32),
            "LOG_LEVEL": "warning",
        }
        print("Loading the demo data ...", flush=True)
        key = load_demo(environ)
        command = [sys.executable, *server_command("127.0.0.1", port, 2)]
        server = subprocess.Popen(command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            wait_for(port, server)
            measure(port, key, seconds)
        finally:
            stop({server.pid}, 10.0, server.poll)
            server.wait()


def load_demo(environ: dict[str, str]) -> str:
    """Load the demo data and answer the staff API token that this prints."""
    command = [sys.executable, "-m", "tools.demo_database"]
    done = subprocess.run(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True, check=False)
    found = [word for word in done.stdout.split() if len(word) == 40 and not set(word) - set("0123456789abcdef")]
    if done.returncode or not found:
        sys.exit("The demo data cannot be loaded (see above).")
    return found[0]


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    while not answers("127.0.0.1", port):
        if server.poll() is not None:
            sys.exit("The web server ended by itself (see above).")
        time.sleep(0.05)


def measure(port: int, key: str, seconds: float) -> None:
    signed = {"Authorization": f"Token {key}"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", f"{API}?page_size=1", headers=signed)
    [first] = json.loads(connection.getresponse().read())
    connection.close()
    print(f"{'':32}{'requests/s':>12}{'median ms':>12}{'99 % ms':>10}{'bytes':>10}")
    for path, headers in (
        (f"{API}?page_size=10", signed),
        (f"{API}?page_size=100", signed),
        (f"{API}{first['uuid']}/", signed),
        ("/", {}),
        ("/static/css/base.css", {}),
    ):
        times, size, elapsed = ask(port, path, headers, seconds)
        times.sort()
        shown = path if len(path) <= 30 else f"{path[:27]}..."
        rate, median, slow = len(times) / elapsed, times[len(times) // 2], times[len(times) * 99 // 100]
        print(f"{shown:32}{rate:12.0f}{median * 1000:12.2f}{slow * 1000:10.2f}{size:10}", flush=True)


def ask(port: int, path: str, headers: dict[str, str], seconds: float) -> tuple[list[float], int, float]:
    """Ask one address from several connections: the times of all answers, the size of one, the seconds it took."""
    times: list[float] = []
    sizes: set[int] = set()
    failures: list[str] = []
    begin = time.perf_counter()

    def one_connection() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.perf_counter() - begin < seconds and not failures:
            start = time.perf_counter()
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            sizes.add(len(answer.read()))
            times.append(time.perf_counter() - start)
            if answer.status != 200:
                failures.append(f"{path} answers {answer.status}")
        connection.close()

    threads = [threading.Thread(target=one_connection) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        sys.exit(failures[0])
    return times, max(sizes), time.perf_counter() - begin


if __name__ == "__main__":
    main()
