"""The tasks of the worker, one step at a time, without threads."""

from datetime import timedelta

import pytest
from huey import MemoryHuey

from portal.calendar_sync.connections import refresh_token_place
from portal.calendar_sync.engine import RunOutcome
from portal.calendar_sync.plan import app_mark
from portal.calendar_sync.provider import OPEN_PROVIDER
from portal.calendar_sync.providers.google.scopes import SCOPES
from portal.extensions import db, secret_box, settings, transaction
from portal.models import GoogleCalendar, GoogleConnection, WorkerHeartbeat
from portal.models.base import utcnow
from portal.policies import SYSTEM
from portal.queries.calendars import calendar_of
from portal.queries.offerings import get_visible_offering
from portal.services import calendars
from portal.worker import tasks
from portal.worker.run import run_until_idle
from tests.support import builders
from tests.support.memory_calendars import MemoryCalendars, MemoryGoogle


@pytest.fixture
def google(app, db_session, monkeypatch):
    found = MemoryGoogle()
    mark = app_mark(settings().public_url)
    monkeypatch.setitem(app.extensions, OPEN_PROVIDER, lambda _id: MemoryCalendars(found, mark))
    return found


@pytest.fixture
def shared(google):
    """Offerings with a share that waits for the worker."""
    organization = builders.organization()
    uuid = builders.unknown()
    token = secret_box().encrypt("1//refresh", refresh_token_place(uuid))
    builders.add(GoogleConnection(uuid=uuid, organization_id=organization.id, scopes=list(SCOPES), refresh_token=token))
    found = [builders.offering(f"Room {number}", of=organization) for number in range(3)]
    for offering in found:
        calendars.share_google_calendar(SYSTEM, offering.uuid)
    return found


def rows():
    db.session.expire_all()
    found = list(db.session.query(GoogleCalendar).order_by(GoogleCalendar.id))
    db.session.commit()
    return found


def test_a_step_does_one_calendar(app, shared):
    assert tasks.step(app) is RunOutcome.DONE
    assert sorted(row.state for row in rows()) == ["CREATION_SCHEDULED", "CREATION_SCHEDULED", "OK"]


def test_without_work_a_step_does_nothing(app, google):
    assert tasks.step(app) is None
    assert google.calls == []


def test_everything_due_can_be_done_at_once(app, shared):
    assert run_until_idle(app) == 3
    assert all(row.public and row.state == "OK" for row in rows())
    assert run_until_idle(app) == 0


def test_requested_actions_come_before_regular_reads(app, shared, google):
    run_until_idle(app)
    for row in db.session.query(GoogleCalendar):
        row.next_read = utcnow() - timedelta(hours=1)
    db.session.commit()
    calendars.unshare_google_calendar(SYSTEM, shared[2].uuid)
    tasks.step(app)
    assert [row.public for row in rows()] == [True, True, False]


def test_the_sweep_queues_what_is_due_and_nothing_else(app, shared):
    queued = []
    assert tasks.sweep(MemoryHuey(), queued.append) == 3
    assert queued == [row.id for row in rows()]
    run_until_idle(app)
    queued.clear()
    assert tasks.sweep(MemoryHuey(), queued.append) == 0
    later = utcnow() + timedelta(hours=1)
    assert tasks.sweep(MemoryHuey(), queued.append, later) == 3


def test_the_sweep_skips_leased_calendars(app, shared):
    now = utcnow()
    first = rows()[0]
    first.lease_owner, first.lease_until = "another", now + timedelta(seconds=60)
    db.session.commit()
    queued = []
    tasks.sweep(MemoryHuey(), queued.append, now)
    assert first.id not in queued
    queued.clear()
    tasks.sweep(MemoryHuey(), queued.append, now + timedelta(seconds=61))
    assert first.id in queued


def test_the_sweep_adds_nothing_to_a_long_queue(app, shared, monkeypatch):
    monkeypatch.setattr(tasks, "LONGEST_QUEUE", 2)
    huey = MemoryHuey()
    task = huey.task()(lambda _calendar_id: None)
    for number in range(3):
        task(number)
    assert tasks.sweep(huey, task) == 0


def test_the_sweep_ends_actions_without_a_connection(app, shared):
    db.session.query(GoogleConnection).delete()
    db.session.commit()
    tasks.sweep(MemoryHuey(), lambda _id: pytest.fail("there is nothing to do it with"))
    assert {(row.state, row.error) for row in rows()} == {("ERRED", tasks.NO_CONNECTION)}


def test_a_lost_message_costs_only_time(app, shared, google):
    # Nothing was taken from the queue at all.
    huey = MemoryHuey()
    registered = tasks.register(huey, app)
    assert tasks.sweep(huey, registered.sync_calendar) == 3
    while (task := huey.dequeue()) is not None:
        huey.execute(task)
    assert all(row.public for row in rows())


def test_changes_during_a_run_are_synced_in_the_same_task(app, shared, google):
    run_until_idle(app)
    struck = []

    def change(method):
        if method == "read_events" and not struck:
            struck.append(method)
            with transaction() as session:
                calendars.offerings_changed(session, [shared[1].id])

    google.before = change
    calendars.sync_google_calendar(SYSTEM, shared[1].uuid)
    wanted = next(row.id for row in rows() if row.offering_id == shared[1].id)
    google.calls.clear()
    assert tasks.run_calendar(tasks.engine_of(app), wanted) is RunOutcome.DONE
    assert google.calls == ["read_events", "read_events"]
    row = next(row for row in rows() if row.id == wanted)
    assert row.changes == row.changes_done == 1


def is_seen(shared, now):
    """Whether the card takes some worker for alive."""
    return calendar_of(get_visible_offering(SYSTEM, shared[0].uuid), now).worker_alive


def test_heartbeats_of_workers(app, shared):
    now = utcnow()
    assert not is_seen(shared, now)
    tasks.record_heartbeat("one", now)
    tasks.record_heartbeat("one", now + timedelta(minutes=1))
    assert is_seen(shared, now + timedelta(minutes=3))
    assert not is_seen(shared, now + timedelta(minutes=10))
    assert db.session.query(WorkerHeartbeat).count() == 1
    tasks.record_heartbeat("two", now + timedelta(days=2))
    assert [heartbeat.name for heartbeat in db.session.query(WorkerHeartbeat)] == ["two"]
    tasks.remove_heartbeat("two")
    assert not is_seen(shared, now + timedelta(days=2))


def test_the_card_shows_that_no_worker_is_running(app, shared):
    assert not is_seen(shared, utcnow())
    db.session.commit()
    tasks.record_heartbeat("one", utcnow())
    assert is_seen(shared, utcnow())
