"""A look takes one message to the database and back, and finds it again when it was away."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from portal.extensions import db
from portal.models import User
from portal.queries import raw_select
from portal.queries.raw_select import RawSelect
from tests.support import builders

LOOK = RawSelect(select(User.id, User.email).where(User.email == text(":email")))


@pytest.fixture
def site(live_database):
    with live_database.app.app_context():
        person = builders.user("anna@example.org")
        db.session.commit()
        yield person


def test_a_row_by_name_and_none(site):
    found = LOOK.first(email="anna@example.org")
    assert (found.id, found.email) == (site.id, "anna@example.org")
    assert LOOK.first(email="nobody@example.org") is None


def test_what_others_have_committed_is_seen_at_once(site):
    assert LOOK.first(email="anna@example.org")
    site.email = "anna@example.com"
    db.session.flush()
    assert LOOK.first(email="anna@example.org")
    db.session.commit()
    assert LOOK.first(email="anna@example.org") is None


@pytest.mark.postgresql_only
def test_connections_that_the_server_has_ended_are_made_anew(site):
    assert LOOK.first(email="anna@example.org")
    assert end_connections()
    assert LOOK.first(email="anna@example.org").id == site.id


@pytest.mark.postgresql_only
def test_how_many_are_in_use_is_known_after_that(site):
    in_use = [raw_select._pool_of(db.engine).connect() for _ in range(7)]
    in_use.pop().close()
    assert end_connections()
    assert LOOK.first(email="anna@example.org")
    for connection in in_use:
        connection.close()
    assert raw_select._pool_of(db.engine).checkedout() == 0
    db.engine.dispose()
    assert raw_select._pool_of(db.engine).checkedin() == 0


def end_connections():
    with db.engine.connect() as connection:
        return connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        ).all()


def test_what_the_database_refuses_is_reported_and_ends_nothing(site):
    wrong = RawSelect(select(User.id).where(text("nothing_of_that_name = 1")))
    for _again in range(2):
        with pytest.raises(OperationalError, match="nothing_of_that_name"):
            wrong.first()
    assert LOOK.first(email="anna@example.org")
