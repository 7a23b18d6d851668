"""The hot reads do little: counted in calls of functions beside a bare Flask view, because seconds say nothing here."""

import sys

import pytest
from flask import Flask, Response
from werkzeug.test import Client

from portal.policies import SYSTEM
from portal.services import accounts
from portal.transfer.importer import import_offerings
from tests.support import builders
from tests.support.samples import another

pytestmark = pytest.mark.sqlite_only

ONE = another(3)["uuid"]
# Of a bare view: what is remembered goes out past the framework.
MOST = {"/api/booking-offerings/?page_size=10": 1.0, f"/api/booking-offerings/{ONE}/": 1.0}


def calls(app, path, headers):
    """How many functions of Python a request calls, when the same was asked for before."""
    client = app.test_client()
    for _warm in range(3):
        client.get(path, headers=headers).close()
    counted = 0

    def note(_frame, kind, _argument):
        nonlocal counted
        counted += kind == "call"

    def wsgi(environ, start_response):
        sys.setprofile(note)
        try:
            return list(app.wsgi_app(environ, start_response))
        finally:
            sys.setprofile(None)

    answer = Client(wsgi, Response).get(path, headers=headers)
    assert answer.status_code in (200, 304)
    return counted


@pytest.fixture
def bare():
    made = Flask("bare")

    @made.get("/<path:_any>")
    def view(_any):
        return Response(b"[]", mimetype="application/json")

    return calls(made, "/anything", {})


@pytest.fixture
def signed(live_database):
    with live_database.app.app_context():
        assert import_offerings(another(number) for number in range(12)).created == 12
        person = builders.user(staff=True)
        return {"Authorization": f"Token {accounts.create_token(SYSTEM, person.id, 'lean').key}"}


@pytest.mark.parametrize("path", MOST)
def test_a_hot_read_calls_no_more_than_a_bare_view_does(live_database, signed, bare, path):
    first = live_database.app.test_client().get(path, headers=signed)
    assert calls(live_database.app, path, signed) <= MOST[path] * bare
    known = {**signed, "If-None-Match": first.headers["ETag"]}
    assert calls(live_database.app, path, known) <= MOST[path] * bare


def test_what_is_not_remembered_calls_more(live_database, signed, bare, monkeypatch):
    """The yardstick sees it when the memory is not used."""
    path = next(iter(MOST))
    monkeypatch.setattr(live_database.app.extensions["portal.memory"], "get", lambda *_asked: None)
    assert calls(live_database.app, path, signed) > MOST[path] * bare
