"""The production server in front of the API: what it might do to headers and empty answers, several processes."""

import http.client
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from portal.services import accounts
from tests.support import builders as make
from tests.support.portal import living
from tests.support.servers import processes_that_answered
from tools.server import server_command, server_environ

# The server does not depend on the database.
pytestmark = pytest.mark.sqlite_only
ROOT = Path(__file__).resolve().parents[2]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def served(copy_database, tmp_path_factory):
    """Port and token of a portal behind the production server, with two processes."""
    with living(copy_database, tmp_path_factory.mktemp("served")) as database:
        with database.app.app_context():
            organization = make.organization()
            category = make.category()
            for name in ("A", "B", "C"):
                make.offering(name, of=organization, category=category)
            staff = make.user(staff=True)
            key = accounts.create_token(make.actor(staff), staff.id, "test").key
        port = free_port()
        instance = Path(database.environ["INSTANCE_PATH"])
        environ = {**os.environ, **database.environ, **server_environ(instance)}
        server = subprocess.Popen(
            [sys.executable, *server_command("127.0.0.1", port, 2)], cwd=ROOT, env=environ, start_new_session=True
        )
        try:
            for _ in range(600):
                assert server.poll() is None, "the server ended"
                if len(processes_that_answered(port, instance, "/metrics")) == 2:
                    break
                time.sleep(0.05)
            yield port, key
        finally:
            # The parent alone: processes that are told twice wait until they are killed.
            server.terminate()
            server.wait(20)


def ask(port, method, path, headers=None, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        connection.close()


def test_answers_keep_their_form_behind_the_server(served):
    port, key = served
    authorized = {"Authorization": f"Bearer Token {key}"}
    path = "/api/booking-offerings/?page_size=2"
    status, get, body = ask(port, "GET", path, authorized)
    assert (status, dict(get)["x-result-count"]) == (200, "3")
    assert f'<http://127.0.0.1:{port}/api/booking-offerings/?page=2&page_size=2>; rel="next"' in dict(get)["link"]
    status, head, nothing = ask(port, "HEAD", path, authorized)
    assert (status, nothing) == (200, b"")
    assert sorted(name for name, _ in head if name != "date") == sorted(name for name, _ in get if name != "date")
    assert dict(head)["content-length"] == str(len(body))
    assert len({name for name, _ in get}) == len(get), "a header came twice"

    status, headers, body = ask(port, "OPTIONS", path, {"Access-Control-Request-Method": "GET"})
    assert (status, body, dict(headers)["content-length"]) == (200, b"", "0")
    status, headers, body = ask(port, "POST", "/api/booking-offerings", authorized)
    assert (status, body, dict(headers)["location"]) == (301, b"", "/api/booking-offerings/")
    unknown = "/api/booking-offerings/00000000-0000-0000-0000-000000000000/share_google_calendar/"
    status, _, body = ask(port, "POST", unknown, authorized, body=b"x" * 100_000)
    assert (status, body) == (404, b'{"detail":"No Offering matches the given query."}')
    etag = dict(get)["etag"]
    status, headers, body = ask(port, "GET", path, {**authorized, "If-None-Match": etag})
    assert (status, body, dict(headers)["etag"]) == (304, b"", etag)


def test_the_processes_count_together(served):
    port, _ = served
    for _ in range(20):
        assert ask(port, "GET", "/healthz")[0] == 200
    status, _, body = ask(port, "GET", "/metrics")
    assert status == 200
    lines = [line for line in body.decode().splitlines() if 'endpoint="/healthz"' in line and "requests_total" in line]
    assert [float(line.rsplit(" ", 1)[1]) for line in lines] == [20.0]
