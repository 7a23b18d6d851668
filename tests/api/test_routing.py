"""Redirects, 405, 406, defects, and other origins (docs/api.md, Refusals and Other origins)."""

import pytest

from portal.api import catalogue
from portal.api.negotiation import accepts
from tests.support import builders as make

pytestmark = pytest.mark.sqlite_only  # no statement is sent, or the one that tests/api/test_list.py sends on both

LIST = "/api/booking-offerings/"
SOME = f"{LIST}8514ba4b-7855-4eee-bd7e-5e794bf9056e/"
EXPOSED = "Link, X-Result-Count, ETag, Last-Modified, Retry-After, WWW-Authenticate"


@pytest.mark.parametrize(
    ("method", "path", "location"),
    [
        ("GET", "/api/booking-offerings", "/api/booking-offerings/"),
        ("HEAD", "/api/booking-offerings", "/api/booking-offerings/"),
        ("POST", "/api/booking-offerings", "/api/booking-offerings/"),
        ("GET", "/api/booking-offerings?page=2&field=a,b%20c", "/api/booking-offerings/?page=2&field=a,b%20c"),
        ("GET", SOME.rstrip("/"), SOME),
        ("POST", f"{SOME}share_google_calendar", f"{SOME}share_google_calendar/"),
        ("GET", f"{SOME}share_google_calendar", f"{SOME}share_google_calendar/"),
        ("POST", "/api-auth/password", "/api-auth/password/"),
        ("GET", "/api", "/api/"),
        ("GET", "/api/schema", "/api/schema/"),
    ],
)
def test_a_missing_slash_is_a_301(client, app, method, path, location):
    answer = client.open(path, method=method)
    assert (answer.status_code, answer.data) == (301, b"")
    assert answer.headers["Location"] == location
    assert answer.headers.get("Access-Control-Allow-Origin") == (None if "-auth" in path else "*")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", LIST, "GET, HEAD, OPTIONS"),
        ("PUT", LIST, "GET, HEAD, OPTIONS"),
        ("DELETE", LIST, "GET, HEAD, OPTIONS"),
        ("FOO", LIST, "GET, HEAD, OPTIONS"),
        ("POST", SOME, "GET, HEAD, OPTIONS"),
        ("PUT", SOME, "GET, HEAD, OPTIONS"),
        ("PATCH", SOME, "GET, HEAD, OPTIONS"),
        ("DELETE", SOME, "GET, HEAD, OPTIONS"),
        ("DELETE", f"{LIST}nonsense/", "GET, HEAD, OPTIONS"),
    ],
)
def test_405_says_what_is_allowed(client, who, method, path, allow):
    answer = client.open(path, method=method, headers=who["stranger"])
    assert answer.status_code == 405
    assert answer.data == f'{{"detail":"Method \\"{method}\\" not allowed."}}'.encode()
    assert answer.headers["Allow"] == allow


@pytest.mark.parametrize("path", [LIST, SOME])
def test_the_allow_header_is_true(client, who, offering, path):
    allow = client.put(path, headers=who["stranger"]).headers["Allow"].split(", ")
    for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"):
        refused = client.open(path, method=method, headers=who["stranger"]).status_code == 405
        assert refused is (method not in allow)


@pytest.mark.parametrize(
    ("accept", "fine"),
    [
        (None, True),
        ("", True),
        ("*/*", True),
        ("application/*", True),
        ("application/json", True),
        ("APPLICATION/JSON", True),
        ("application/json; indent=2", True),
        ("application/json;q=0.1", True),
        ("text/html, application/xhtml+xml, */*;q=0.8", True),
        ("text/html, image/gif, *; q=.2", True),
        ("*/*;q=0, application/json", True),
        ("application/xml", False),
        ("text/html", False),
        ("application/json;q=0", False),
        ("application/json;q=0, */*", False),
        ("nonsense", False),
    ],
)
def test_accept(client, who, accept, fine):
    headers = who["stranger"] if accept is None else {**who["stranger"], "Accept": accept}
    answer = client.get(LIST, headers=headers)
    assert answer.status_code == (200 if fine else 406)
    if not fine:
        assert answer.data == b'{"detail":"Could not satisfy the request Accept header."}'
    assert accepts(accept or "", "application/json") is fine


def test_a_defect_is_told_in_json_and_not_explained(client, app, who, monkeypatch):
    def broken(*_):
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr(catalogue, "visible_ids", broken)
    app.testing = False
    try:
        answer = client.get(LIST, headers=who["stranger"])
    finally:
        app.testing = True
    assert (answer.status_code, answer.mimetype) == (500, "application/json")
    assert set(answer.json) == {"detail"}
    assert b"swordfish" not in answer.data
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("path", [LIST, SOME, f"{SOME}share_google_calendar/", "/api/nothing/"])
def test_a_preflight_is_answered_to_everybody(client, app, path):
    asked = {
        "Origin": "https://elsewhere.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    answer = client.options(path, headers=asked)
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert {"GET", "HEAD", "POST", "OPTIONS"} == set(answer.headers["Access-Control-Allow-Methods"].split(", "))
    assert {"Authorization", "Content-Type"} <= set(answer.headers["Access-Control-Allow-Headers"].split(", "))
    assert int(answer.headers["Access-Control-Max-Age"]) > 0


def test_pages_of_other_origins_are_not_told_whether_a_password_is_right(client, db_session):
    make.user("somebody@example.org", password="a long enough password")
    origin = {"Origin": "https://elsewhere.example"}
    for password, status in (("a long enough password", 200), ("wrong", 401)):
        sent = {"username": "somebody@example.org", "password": password}
        answer = client.post("/api-auth/password/", json=sent, headers=origin)
        assert answer.status_code == status
        assert [name for name, _ in answer.headers if name.startswith("Access-Control-")] == []
    asked = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    preflight = client.options("/api-auth/password/", headers=asked)
    assert preflight.headers["Allow"] == "POST, OPTIONS"
    assert [name for name, _ in preflight.headers if name.startswith("Access-Control-")] == []


def test_options_says_what_is_allowed(client, app):
    answer = client.options(LIST)
    assert (answer.status_code, answer.data, answer.headers["Allow"]) == (200, b"", "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", LIST, 200),
        ("HEAD", LIST, 200),
        ("GET", f"{LIST}?page=9", 404),
        ("GET", SOME, 404),
        ("DELETE", LIST, 405),
        ("POST", f"{SOME}share_google_calendar/", 404),
        ("GET", "/api/schema/", 200),
        ("GET", "/api/nothing/", 404),
    ],
)
def test_every_answer_may_be_read_by_pages_of_other_origins(client, who, method, path, status):
    for headers in (who["stranger"], {}):
        answer = client.open(path, method=method, headers={**headers, "Origin": "https://elsewhere.example"})
        assert answer.status_code in (status, 401)
        assert answer.headers.get_all("Access-Control-Allow-Origin") == ["*"]
        assert answer.headers["Access-Control-Expose-Headers"] == EXPOSED
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_the_root_leads_on(client, app):
    answer = client.get("/api/")
    assert answer.status_code == 200
    for address in answer.json.values():
        path = address.removeprefix("http://localhost")
        assert client.get(path).status_code in (200, 401, 405)
