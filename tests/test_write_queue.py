"""Writers on SQLite wait in the order in which they came, and not for ever."""

import sqlite3
import threading
import time
from contextvars import ContextVar

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from portal import extensions
from portal.extensions import db, transaction

pytestmark = pytest.mark.sqlite_only
WRITE = text("UPDATE organizations SET name = name")


def test_who_waits_comes_before_who_begins_again(live_database):
    app, order = live_database.app, []
    waiting = threading.Event()

    def wait():
        with app.app_context():
            waiting.set()
            with transaction() as session:
                session.execute(WRITE)
                order.append("waited")

    thread = threading.Thread(target=wait)
    with app.app_context():
        with transaction() as session:
            session.execute(WRITE)
            thread.start()
            assert waiting.wait(10)
            # It is in the queue as soon as it begins.
            while not extensions._write_queues[db.engine].locked():
                time.sleep(0.001)
            time.sleep(0.05)
        for _again in range(3):
            with transaction() as session:
                session.execute(WRITE)
                order.append("again")
    thread.join(10)
    assert order.index("waited") <= 1


def test_a_writer_gives_up_in_time_and_the_next_one_is_not_kept_waiting(live_database, monkeypatch):
    monkeypatch.setattr(extensions, "BUSY_MILLISECONDS", 60)
    app = live_database.app
    other = sqlite3.connect(live_database.url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with app.app_context():
        for _again in range(2):
            with pytest.raises(OperationalError, match="locked"), transaction() as session:
                session.execute(WRITE)
        other.execute("ROLLBACK")
        with transaction() as session:
            session.execute(WRITE)
    other.close()


def test_a_connection_that_begins_twice_does_not_wait_for_itself(live_database, monkeypatch):
    # As inside transaction(), which would not begin twice on one connection.
    monkeypatch.setattr(extensions, "_writing", ContextVar("writing", default=True))
    with live_database.app.app_context():
        with db.engine.connect() as connection:
            for _again in range(2):
                with connection.begin():
                    connection.execute(WRITE)
                # It would wait for its own lock, and then go on without one.
                assert connection.info.get(extensions._QUEUE) is extensions._write_queues[db.engine]
        assert not extensions._write_queues[db.engine].locked()
