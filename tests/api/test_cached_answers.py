"""Cached answers are what would be made anew, and never an old one or another reader's."""

import threading

import pytest
from sqlalchemy import delete, update

from portal.api import catalogue
from portal.app import create_app
from portal.config import load_settings
from portal.documents import store
from portal.extensions import db, transaction
from portal.models import ApiToken, Offering, User, offering_organization_groups
from portal.policies import SYSTEM
from portal.queries.catalogue_index import current_index
from portal.queries.counters import counters_version
from portal.services import accounts
from portal.transfer.importer import import_offerings
from tests.support import builders
from tests.support.portal import environ_for
from tests.support.samples import another

LIST = "/api/booking-offerings/?page_size=3"


@pytest.fixture
def portal(live_database):
    """An application with offerings, and a token of staff that was used a moment ago."""
    with live_database.app.app_context():
        assert import_offerings(another(number) for number in range(5)).created == 5
        person = builders.user(staff=True)
        key = accounts.create_token(SYSTEM, person.id, "test").key
    found = live_database.app.test_client()
    found.environ_base["HTTP_AUTHORIZATION"] = f"Token {key}"
    # The first request loads the catalogue index.
    found.get(LIST).close()
    return live_database.app, found


def twice(client, *asked, **more):
    """The answers of the first request and of one after it."""
    first, second = client.get(*asked, **more), client.get(*asked, **more)
    assert (first.status, first.data, headers_of(first)) == (second.status, second.data, headers_of(second))
    return second


def headers_of(answer):
    """The headers, but for those of the request itself."""
    return [it for it in answer.headers if it[0] not in ("X-Request-ID", "Date")]


def test_the_second_answer_is_the_first_and_reads_no_documents(portal, query_counter):
    _app, client = portal
    one = f"/api/booking-offerings/{another(1)['uuid']}/"
    for address in (LIST, one, f"{LIST}&field=name"):
        for headers in ({}, {"Accept-Encoding": "br"}, {"Accept-Encoding": "gzip"}, {"Accept": "application/json"}):
            # An answer of one offering is cached from the second time on.
            twice(client, address, headers=headers)
            with query_counter() as counted:
                twice(client, address, headers=headers)
            assert not [it for it in counted.statements if "offering_documents" in it], counted.statements


def test_answers_differ_by_host_encoding_and_conditions(portal):
    _app, client = portal
    plain = twice(client, LIST)
    assert twice(client, LIST, headers={"Accept-Encoding": "gzip"}).headers["Content-Encoding"] == "gzip"
    other = twice(client, LIST, base_url="https://other.example")
    assert other.json[0]["url"].startswith("https://other.example/")
    assert plain.json[0]["url"].startswith("http://localhost/")
    assert twice(client, LIST, headers={"If-None-Match": plain.headers["ETag"]}).status_code == 304
    assert twice(client, LIST, headers={"Accept": "text/plain"}).status_code == 406
    assert twice(client, LIST).data == plain.data


def test_a_change_is_seen_at_once(portal):
    app, client = portal
    before = twice(client, LIST)
    with app.app_context(), transaction() as session:
        offering = session.query(Offering).order_by(Offering.sort_key).first()
        offering.description = "Changed."
        store.refresh(session, [offering.id])
    after = client.get(LIST)
    assert after.json[0]["description"] == "Changed."
    assert after.headers["ETag"] != before.headers["ETag"]


def test_an_offering_hidden_by_sql_alone_is_not_shown_any_more(portal):
    app, client = portal
    with app.app_context():
        reader = accounts.create_token(SYSTEM, builders.user().id, "test").key
        db.session.execute(update(Offering).values(shared=True, state="Active"))
        db.session.execute(delete(offering_organization_groups))
        db.session.commit()
    headers = {"Authorization": f"Token {reader}"}
    client.get(LIST, headers=headers).close()
    assert len(twice(client, LIST, headers=headers).json) == 3
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(update(Offering).values(shared=False))
    assert client.get(LIST, headers=headers).json == []


@pytest.mark.parametrize("end", ["revoked", "inactive", "no longer staff"])
def test_readers_without_access_get_nothing_from_the_cache(portal, end):
    app, client = portal
    twice(client, LIST)
    with app.app_context(), transaction() as session:
        if end == "revoked":
            session.query(ApiToken).delete()
        elif end == "inactive":
            session.query(User).update({"is_active": False})
        else:
            session.query(User).update({"is_staff": False})
            session.query(Offering).update({"shared": False})
            session.flush()
            store.refresh_all(session)
    answer = client.get(LIST)
    if end == "no longer staff":
        assert (answer.status_code, answer.json) == (200, [])
    else:
        assert answer.status_code == 401


@pytest.mark.parametrize("path", [f"/api/booking-offerings/{another(1)['uuid']}/", LIST])
def test_what_is_hidden_while_an_answer_is_made_is_not_kept(portal, monkeypatch, path):
    """Another thread may bring the index up to date between the version of an answer and what it is made of."""
    app, client = portal
    with app.app_context():
        reader = accounts.create_token(SYSTEM, builders.user().id, "test").key
        db.session.execute(update(Offering).values(shared=True, state="Active"))
        db.session.execute(delete(offering_organization_groups))
        db.session.commit()
    headers = {"Authorization": f"Token {reader}"}
    for _again in range(2):
        assert client.get(path, headers=headers).status_code == 200

    def hide():
        with app.app_context():
            db.session.execute(update(Offering).values(state="Draft"))
            db.session.commit()
            current_index()

    def in_between(ids):
        found = counters_version(ids)
        monkeypatch.setattr(catalogue, "counters_version", counters_version)
        thread = threading.Thread(target=hide)
        thread.start()
        thread.join()
        return found

    with app.app_context():
        # The first answer is another one than those that are cached.
        builders.offering("Aardvark")
    monkeypatch.setattr(catalogue, "counters_version", in_between)
    client.get(f"{path}{'&' if '?' in path else '?'}field=name&field=order_count&field=plans", headers=headers)
    later = client.get(f"{path}{'&' if '?' in path else '?'}field=name&field=order_count&field=plans", headers=headers)
    assert (later.status_code, later.json) in ((404, {"detail": "No Offering matches the given query."}), (200, []))


def test_another_reader_gets_their_own(portal):
    app, client = portal
    with app.app_context():
        db.session.query(Offering).update({"shared": False})
        store.refresh_all(db.session())
        db.session.commit()
        stranger = accounts.create_token(SYSTEM, builders.user().id, "test").key
    assert len(twice(client, LIST).json) == 3
    assert twice(client, LIST, headers={"Authorization": f"Token {stranger}"}).json == []
    assert len(twice(client, LIST).json) == 3


def test_a_database_that_does_not_answer(portal, monkeypatch):
    app, client = portal
    app.testing = False
    with app.app_context():
        db.session.execute(db.text("ALTER TABLE api_tokens RENAME TO gone"))
        db.session.commit()
    answer = client.get(LIST)
    assert (answer.status_code, answer.mimetype) == (500, "application/json")


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/none", "sqlite:////nowhere/at/all.db"])
def test_a_database_out_of_reach(tmp_path, url):
    app = create_app(load_settings(environ_for(url, tmp_path)))
    answer = app.test_client().get(LIST, headers={"Authorization": f"Token {'a' * 40}"})
    assert (answer.status_code, answer.mimetype) == (500, "application/json")
