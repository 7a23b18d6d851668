"""/healthz and /metrics."""

import os
import subprocess
import sys

import pytest
from sqlalchemy.exc import OperationalError

from portal import __version__
from portal.api import operations


def test_health(client, app):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok", "database": "ok", "version": __version__})
    assert answer.headers["Cache-Control"] == "no-store"


def test_no_health_without_a_database(client, app, monkeypatch):
    class Broken:
        def execute(self, *_):
            raise OperationalError("SELECT 1", {}, Exception("gone"))

    class Database:
        session = Broken()

    monkeypatch.setattr(operations, "db", Database)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json["status"], answer.json["version"]) == (503, "failing", __version__)
    assert b"gone" not in answer.data


def value(text, name, **labels):
    for line in text.splitlines():
        if line.startswith(f"{name}{{") and all(f'{key}="{given}"' in line for key, given in labels.items()):
            return float(line.rsplit(" ", 1)[1])
    return 0.0


def test_requests_are_counted_by_rule_and_status(client, who):
    labels = {"endpoint": "/api/booking-offerings/<segment>/", "method": "GET", "status": "404"}
    before = client.get("/metrics").get_data(as_text=True)
    for number in range(3):
        client.get(f"/api/booking-offerings/{number}/", headers=who["stranger"])
    after = client.get("/metrics").get_data(as_text=True)
    name = "portal_http_requests_total"
    assert value(after, name, **labels) - value(before, name, **labels) == 3
    name = "portal_http_request_duration_seconds_count"
    assert value(after, name, endpoint=labels["endpoint"]) - value(before, name, endpoint=labels["endpoint"]) == 3


def test_strangers_cannot_make_the_numbers_grow(client, app):
    for number in range(5):
        client.get(f"/nothing-{number}")
        client.open("/healthz", method=f"METHOD{number}")
    text = client.get("/metrics").get_data(as_text=True)
    assert "nothing-" not in text
    assert "METHOD" not in text


@pytest.mark.parametrize(
    ("address", "headers", "person", "status"),
    [
        ("127.0.0.1", {}, None, 200),
        ("::1", {}, None, 200),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.7"}, None, 401),
        ("127.0.0.1", {"Forwarded": "for=203.0.113.7"}, None, 401),
        ("203.0.113.7", {}, None, 401),
        ("203.0.113.7", {}, "owner", 403),
        ("203.0.113.7", {}, "staff", 200),
    ],
)
def test_metrics_are_for_those_who_run_the_portal(client, who, address, headers, person, status):
    given = {**headers, **(who[person] if person else {})}
    answer = client.get("/metrics", headers=given, environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *(("localhost", 200), ("127.0.0.1:8000", 200), ("[::1]:8000", 200), ("LOCALHOST:8000", 200)),
        # What a page of another site can make of this machine's address, and what is no host.
        *(("rebound.example:8000", 401), ("127.0.0.1.example", 401), ("localhost.example", 401)),
        *(("[::1", 400), ("", 400), ("127.0.0.1@rebound.example", 400)),
    ],
)
def test_metrics_are_asked_for_by_the_name_of_this_machine(client, db_session, host, status):
    assert client.get("/metrics", headers={"Host": host}).status_code == status


@pytest.mark.sqlite_only
def test_a_proxy_that_says_nothing_is_not_taken_for_this_machine(make_live_portal):
    # As a proxy on this machine passes it on that sets no header at all, not even the host.
    for public in ("https://booking.example.org", "http://192.0.2.7:8000", "http://booking.internal"):
        client = make_live_portal(PUBLIC_URL=public).app.test_client()
        answer = client.get("/metrics", headers={"Host": "127.0.0.1:8000"}, environ_base={"REMOTE_ADDR": "127.0.0.1"})
        assert answer.status_code == 401, public


@pytest.mark.sqlite_only
def test_behind_a_proxy_nothing_is_taken_for_local(make_live_portal):
    client = make_live_portal(PROXY_HOPS="1").app.test_client()
    for headers in ({}, {"X-Forwarded-For": "127.0.0.1"}, {"X-Forwarded-For": "127.0.0.1, 203.0.113.7"}):
        answer = client.get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": "127.0.0.1"})
        assert answer.status_code == 401, headers


@pytest.mark.sqlite_only
def test_processes_add_their_numbers_up(live_database, tmp_path):
    folder = tmp_path / "metrics"
    folder.mkdir()
    program = (
        "from wsgi import app\n"
        "client = app.test_client()\n"
        "client.get('/healthz')\n"
        "print(client.get('/metrics').get_data(as_text=True))\n"
    )
    environ = {**os.environ, **live_database.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    outputs = [
        subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    counted = [value(text, "portal_http_requests_total", endpoint="/healthz", status="200") for text in outputs]
    assert counted == [1, 2]
