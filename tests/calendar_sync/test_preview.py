"""A preview shows the changes that a sync would make, and makes none."""

from datetime import timedelta

import pytest

from portal.calendar_sync.errors import ProviderUnreachable
from portal.calendar_sync.plan import RemoteEvent
from portal.calendar_sync.preview import preview_sync
from portal.errors import Conflict, Forbidden
from portal.extensions import db, settings
from portal.models import GoogleConnection
from portal.policies import SYSTEM
from tests.calendar_sync.conftest import NOW
from tests.support import builders
from tests.support.memory_calendars import MemoryCalendars


@pytest.fixture
def look(stage, monkeypatch):
    monkeypatch.setattr("portal.calendar_sync.preview.app_mark", lambda _address: stage.app)

    def look(actor=SYSTEM):
        return preview_sync(actor, stage.offering_uuid, lambda _id: MemoryCalendars(stage.google, stage.app), stage.now)

    return look


def test_it_shows_the_changes_and_makes_none(stage, look):
    first, second = stage.book(1), stage.book(3)
    before = look()
    assert (before.missing, len(before.added), before.removed) == (True, 2, 0)
    stage.synced()
    quiet = look()
    assert (quiet.missing, quiet.added, quiet.changed, quiet.removed, quiet.busy_new) == (False, [], [], 0, [])
    assert [it.title for it in quiet.shown] == ["Booked", "Booked"]
    stage.cancel(first)
    stage.change(second, start=NOW + timedelta(hours=5), end=NOW + timedelta(hours=6))
    stage.book(8)
    entered = RemoteEvent("person1", "", start=NOW + timedelta(hours=9), end=NOW + timedelta(hours=10), title="Mine")
    stage.google.put(stage.calendar_id, entered)
    rows, mirror, live = stage.row().sync_token, stage.mirror(), stage.google.live(stage.calendar_id)
    for _twice in range(2):
        preview = look()
        assert (len(preview.added), len(preview.changed), preview.removed) == (1, 1, 1)
        assert [(it.title, it.period.start) for it in preview.busy_new] == [("Mine", NOW + timedelta(hours=9))]
    assert (stage.row().sync_token, stage.mirror(), stage.google.live(stage.calendar_id)) == (rows, mirror, live)
    assert "write_events" not in stage.google.calls
    stage.run()
    assert look().added == []


def test_errors_of_google_are_reported(stage, look):
    stage.synced()

    def fail(_method):
        raise ProviderUnreachable("no route")

    stage.google.before = fail
    with pytest.raises(Conflict, match="could not be reached"):
        look()
    del stage.google.calendars[stage.calendar_id]
    stage.google.before = lambda _method: None
    assert look().missing


def test_it_is_for_owners_of_connected_organizations(stage, look, db_session):
    with pytest.raises(Forbidden):
        look(builders.actor(builders.user()))
    db.session.query(GoogleConnection).delete()
    db.session.commit()
    with pytest.raises(Conflict, match="not connected"):
        look()
    assert settings().public_url
