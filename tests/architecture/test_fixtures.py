"""The fixtures work as documented; all other tests rely on that."""

import socket
import threading
import urllib.request

import pytest
from flask import Flask, g
from redis import Redis
from sqlalchemy import func, select, text

from portal.extensions import db, transaction
from portal.models import Organization
from tests.support.portal import rolled_back
from tests.support.redis import url_for

INSERTED = "Rolled Back Laboratories"


def organizations(session) -> int:
    return session.scalar(select(func.count()).select_from(Organization))


def test_commits_are_rolled_back_after_the_test(worker_app):
    # What two tests do one after the other.
    for _test in range(2):
        with rolled_back(worker_app), worker_app.app_context():
            assert organizations(db.session) == 0
            with transaction() as session:
                session.add(Organization(name=INSERTED))
            assert organizations(db.session) == 1


def test_a_rollback_inside_loses_only_what_was_not_committed(db_session):
    db_session.add(Organization(name=INSERTED))
    db_session.commit()
    db_session.add(Organization(name="Second"))
    db_session.flush()
    db_session.rollback()
    assert organizations(db_session) == 1


def test_requests_do_not_share_contexts_with_the_test(app: Flask, db_session, client):
    seen = []
    session_of_test = db_session()

    def look() -> str:
        seen.append((g.get("mark"), db.session() is session_of_test, organizations(db.session)))
        g.mark = "left by a request"
        return ""

    db_session.add(Organization(name=INSERTED))
    db_session.commit()
    g.mark = "left by the test"
    with_route(app, "/fixture-test/", look, client)
    assert seen == [(None, False, 1), (None, False, 1)]


def with_route(app: Flask, path: str, view, client) -> None:
    """Call a view twice through the whole stack without leaving a route in the shared application."""
    app.view_functions["static"], kept = lambda filename: view(), app.view_functions["static"]
    try:
        for _ in range(2):
            assert client.get(f"/static{path}x").status_code == 200
    finally:
        app.view_functions["static"] = kept


def test_settings_changed_by_a_test_do_not_last(worker_app):
    for _test in range(2):
        with rolled_back(worker_app):
            assert worker_app.config["SERVER_NAME"] is None
            worker_app.config["SERVER_NAME"] = "changed.example"
    assert worker_app.config["SERVER_NAME"] is None


def test_query_counter_counts_statements_and_not_savepoints(db_session, query_counter):
    with query_counter() as counted:
        organizations(db_session)
        db_session.commit()
        organizations(db_session)
    assert counted.number == 2, counted.statements


def test_live_database_commits_for_other_threads(live_database, backend):
    with live_database.app.app_context(), transaction() as session:
        session.add(Organization(name=INSERTED))
    found = []

    def read() -> None:
        with live_database.app.app_context():
            found.append(organizations(db.session))

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert found == [1]
    assert live_database.url.startswith(backend)


def test_live_database_is_empty_and_migrated(live_database):
    with live_database.app.app_context():
        assert organizations(db.session) == 0
        assert db.session.scalar(text("SELECT count(*) FROM alembic_version")) == 1


def test_live_portal_serves_over_http(live_portal):
    with urllib.request.urlopen(f"{live_portal.url}/static/vendor/htmx.min.js") as answer:
        assert answer.status == 200
        # Whole: an answer that is cut off leaves the server with a file it cannot finish.
        assert answer.read()
    assert live_portal.database.environ["PORT"] in live_portal.url


def test_other_hosts_cannot_be_reached():
    # pytest-socket warns before it raises, and warnings are errors.
    with socket.socket() as outside, pytest.raises(UserWarning, match=r"192\.0\.2\.1"):
        outside.connect(("192.0.2.1", 80))


def test_redis_is_available_and_empty_for_each_test(redis_server, worker_id):
    for _test in range(2):
        with Redis.from_url(url_for(redis_server, worker_id)) as redis:
            assert redis.dbsize() == 0
            redis.set("left", "behind")


@pytest.mark.browser
def test_the_browser_shows_pages_and_axe_finds_violations(browser_page, axe):
    browser_page.set_content("<html lang=en><title>t</title><main><h1>Hello</h1><img src='data:,'></main>")
    assert browser_page.inner_text("h1") == "Hello"
    assert [violation["rule"] for violation in axe(browser_page)] == ["image-alt"]


def test_published_clients_are_installed_separately(waldur_client_dirs):
    found = {}
    for version, folder in waldur_client_dirs.items():
        [metadata] = folder.glob("waldur_api_client-*.dist-info")
        found[version] = metadata.name
    assert found == {version: f"waldur_api_client-{version}.dist-info" for version in found}
