"""Below /api/ and /api-auth/ every error is JSON: any path, any method, with or without a token."""

import json

import pytest
from sqlalchemy.exc import OperationalError

from portal.app import LONGEST_ADDRESS, MAX_BODY_BYTES
from portal.asgi import REFUSED
from portal.early_refusals import early_refusals

NOTHING = b'{"detail":"Not found."}'
UNKNOWN = (
    "/api/nothing/",
    "/api/nothing",
    "/api/nothing/8514ba4b-7855-4eee-bd7e-5e794bf9056e/share/",
    "/api/booking-offerings/a/b/c/",
    "/api/booking-offerings/a/unknown_action/",
    "/api/media/",
    "/api/..%2fhealthz/",
    "/api/%00/",
    "/api/%ff/%F0%9F%94%AC/",
    "/api/<script>/",
    "/api-auth/",
    "/api-auth/login/",
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO")


def test_unknown_paths(client, who):
    for path in UNKNOWN:
        for method in METHODS:
            for headers in ({}, who["staff"], {"Authorization": "Token nonsense"}, {"Accept": "text/html"}):
                answer = client.open(path, method=method, headers=headers)
                assert (answer.status_code, answer.mimetype) == (404, "application/json"), (method, path)
                assert answer.data == (b"" if method == "HEAD" else NOTHING), (method, path)


def rules(app):
    return sorted(rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith(("/api/", "/api-auth/")))


def test_every_path_with_every_method(client, app, who):
    paths = [rule.replace("<segment>", "8514ba4b-7855-4eee-bd7e-5e794bf9056e") for rule in rules(app)]
    assert len(paths) > 15
    for path in paths:
        for method in METHODS:
            for headers in ({}, who["staff"], {"Accept": "application/xml"}):
                answer = client.open(path, method=method, headers=headers)
                assert answer.status_code < 500, (method, path)
                if answer.status_code >= 400:
                    assert answer.mimetype == "application/json", (method, path)
                    assert method == "HEAD" or answer.json, (method, path)


@pytest.mark.parametrize("path", ["/api/booking-resources/", "/api-auth/password/"])
def test_bodies_that_are_not_read(client, who, path):
    for body, kind, status in (
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"x", "application/xml", 415),
        (b"[" * MAX_BODY_BYTES, "application/json", 400),
        (b" " * (MAX_BODY_BYTES + 1), "application/json", 413),
    ):
        answer = client.post(path, data=body, content_type=kind, headers=who["staff"])
        assert (answer.status_code, answer.mimetype, list(answer.json)) == (status, "application/json", ["detail"])


@pytest.mark.parametrize("path", ["/api/booking-offerings/", "/api/nothing/", "/api"])
def test_refusals_before_routing(client, who, path):
    too_long = client.get(f"{path}?{'x' * LONGEST_ADDRESS}", headers=who["staff"])
    assert (too_long.status_code, too_long.mimetype) == (414, "application/json")
    for host in ("my_host..x", "a" * 300):
        answer = client.get(path, headers={**who["staff"], "Host": host})
        assert (answer.status_code, answer.mimetype) == (400, "application/json"), host
        assert answer.json == {"detail": "Invalid Host header."}


def test_a_database_that_does_not_answer(client, app, who, monkeypatch):
    def broken(*_arguments):
        raise OperationalError("SELECT", {}, Exception("the password is swordfish"))

    monkeypatch.setattr("portal.api.auth.token_holder", broken)
    app.testing = False
    try:
        answer = client.get("/api/booking-offerings/", headers=who["staff"])
    finally:
        app.testing = True
    assert (answer.status_code, answer.mimetype, list(answer.json)) == (500, "application/json", ["detail"])
    assert b"swordfish" not in answer.data


@pytest.mark.parametrize("path", ["/api/booking-resources/", "/api-auth/password/", "/sign-in"])
def test_refusals_of_the_server(app, path):
    refuse = early_refusals()
    for status in (400, 408, 413, 503):
        sent = {}

        def start_response(line, headers, sent=sent):
            sent.update(status=line, **dict(headers))

        [body] = refuse({REFUSED: status, "PATH_INFO": path, "wsgi.url_scheme": "http"}, start_response)
        assert sent["status"].startswith(str(status))
        assert sent["Content-Length"] == str(len(body))
        if path.startswith("/api"):
            assert sent["Content-Type"] == "application/json"
            assert list(json.loads(body)) == ["detail"]
        else:
            assert sent["Content-Type"] == "text/plain; charset=utf-8"


def test_pages_stay_pages(client, app):
    for path in ("/nothing", "/apix/", "/catalogue/nothing/"):
        answer = client.get(path)
        assert (answer.status_code, answer.mimetype) == (404, "text/html")
