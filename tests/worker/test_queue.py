"""Messages reach each of the three queues after the commit, and contain only the id of a calendar."""

import json

import pytest
from huey.registry import Message

from portal.app import create_app
from portal.config import load_settings
from portal.extensions import db, enqueue_calendar, transaction
from portal.worker.enqueue import queue_of
from portal.worker.queue import JsonSerializer


@pytest.fixture(params=["sqlite", "postgresql", "redis"])
def queue_url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'elsewhere' / 'queue.db'}"
    if request.param == "redis":
        return request.getfixturevalue("redis_url")
    database = request.getfixturevalue("live_database")
    if not database.url.startswith("postgresql"):
        pytest.skip("the other backend's turn")
    return database.url


@pytest.fixture
def queued(queue_url, live_database):
    """An application with this queue."""
    app = create_app(load_settings({**live_database.environ, "QUEUE_URL": queue_url}))
    yield app
    huey = queue_of(app).huey
    huey.flush()
    close = getattr(huey.storage, "close", None)
    if close is not None:
        close()
    with app.app_context():
        db.engine.dispose()


def waiting(app):
    huey = queue_of(app).huey
    return [huey.deserialize_task(message).args for message in huey.storage.enqueued_items()]


def test_a_commit_enqueues_and_a_rollback_does_not(queued):
    with queued.app_context():
        with transaction():
            enqueue_calendar(7)
            assert waiting(queued) == []
        assert waiting(queued) == [(7,)]

        def fail():
            with transaction():
                enqueue_calendar(8)
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        assert waiting(queued) == [(7,)]


def test_a_message_holds_the_number_of_a_calendar_and_no_code(queued):
    with queued.app_context(), transaction():
        enqueue_calendar(7)
    [message] = queue_of(queued).huey.storage.enqueued_items()
    found = json.loads(bytes(message))
    assert found["args"] == [7]
    assert found["name"].endswith("sync_calendar")


def test_a_message_comes_out_as_it_went_in(queued):
    with queued.app_context(), transaction():
        enqueue_calendar(7)
    task = queue_of(queued).huey.dequeue()
    assert (task.name, task.args) == ("sync_calendar", (7,))
    assert queue_of(queued).huey.dequeue() is None


def test_the_serializer_keeps_every_field():
    serializer = JsonSerializer()
    message = Message(id="1", name="m.sync_calendar", retries=2, retry_delay=5, args=(7,), kwargs={"a": 1})
    assert serializer.deserialize(serializer.serialize(message)) == message
    assert serializer.deserialize(serializer.serialize([1, "x"])) == [1, "x"]


def test_an_unreachable_queue_does_not_fail_the_action(live_database):
    app = create_app(load_settings({**live_database.environ, "QUEUE_URL": "redis://127.0.0.1:1/0"}))
    done = []
    with app.app_context():
        with transaction():
            enqueue_calendar(7)
            done.append("written")
        db.engine.dispose()
    assert done == ["written"]


def test_each_application_has_its_own_queue(live_database, tmp_path):
    first = live_database.app
    other = create_app(load_settings({**live_database.environ, "QUEUE_URL": f"sqlite:///{tmp_path / 'other.db'}"}))
    with other.app_context():
        with transaction():
            enqueue_calendar(7)
        db.engine.dispose()
    assert waiting(other) == [(7,)]
    assert waiting(first) == []
    for app in (first, other):
        queue_of(app).huey.storage.close()
