"""Who disconnects gets what they chose at Google, also when it does not answer, and nothing that was not asked for."""

from datetime import timedelta

import pytest

from portal.domain.google import AccessLost, ReconnectNeeded, Unreachable
from portal.extensions import db, ending_wanted
from portal.models import CalendarChannel, GoogleCalendar, GoogleConnection, Offering
from portal.policies import SYSTEM
from portal.services import disconnection
from portal.services.disconnection import Calendars
from portal.sync import ending
from portal.sync.engine import Outcome
from tests.documents.test_store import assert_fresh
from tests.support import builders

HOOK = "https://portal.example/google/notifications"


class Revoked:
    """The consent of the application: what was taken back."""

    def __init__(self):
        self.tokens = []

    def revoke(self, token):
        self.tokens.append(token)


@pytest.fixture
def revoked(app, monkeypatch):
    found = Revoked()
    monkeypatch.setitem(app.extensions, "portal.consent", found)
    return found


def organization_of(stage):
    offering = db.session.get(Offering, stage.offering_id)
    db.session.commit()
    return offering.organization.uuid


def disconnect(stage, wish):
    done = disconnection.disconnect(SYSTEM, organization_of(stage), wish, now=stage.now)
    db.session.expire_all()
    return done


def end(stage):
    opened = stage.engine().open_provider
    found = ending.end_connections(opened, lambda: stage.now)
    db.session.expire_all()
    return found


def count(model):
    found = db.session.query(model).count()
    db.session.commit()
    return found


def test_calendars_are_deleted_by_choice_and_the_consent_goes_last(stage, revoked):
    stage.book()
    stage.synced()
    calendar = stage.calendar_id
    woken = []
    with ending_wanted.connected_to(woken.append):
        assert disconnect(stage, Calendars.DELETE) is False
    assert len(woken) == 1
    stage.later(hours=1)
    assert stage.run() is Outcome.NOT_MINE, "nothing is synced from now on"
    assert end(stage) == 1
    assert calendar not in stage.google.calendars
    assert (count(GoogleCalendar), count(GoogleConnection)) == (0, 0)
    assert revoked.tokens == ["1//refresh"]
    assert_fresh(db.session)
    db.session.commit()
    assert end(stage) == 0


def test_kept_calendars_stay_and_channels_are_stopped(stage, revoked):
    stage.hook = HOOK
    stage.google.now = lambda: stage.now
    stage.synced()
    stage.later(minutes=2)
    stage.run()
    assert count(CalendarChannel) == 1
    assert disconnect(stage, Calendars.KEEP) is False
    assert end(stage) == 1
    assert stage.google.calls[-1] == "stop_channel"
    assert stage.google.calendars[stage.calendar_id].channels == {}
    assert (count(CalendarChannel), count(GoogleConnection), count(GoogleCalendar)) == (0, 0, 1)
    assert revoked.tokens == ["1//refresh"]


def test_without_channels_kept_calendars_need_no_worker(stage, revoked):
    stage.synced()
    assert disconnect(stage, Calendars.KEEP) is True
    assert count(GoogleConnection) == 0
    assert revoked.tokens == ["1//refresh"]


def test_google_out_of_reach_is_asked_again_and_not_for_ever(stage, revoked):
    stage.synced()
    calendar = stage.calendar_id
    disconnect(stage, Calendars.DELETE)

    def down(_method):
        raise Unreachable("down")

    stage.google.before = down
    assert end(stage) == 0
    assert stage.connection().ending == "delete"
    assert end(stage) == 0
    assert len(stage.google.calls) == 1, "not at once"
    stage.google.before = lambda _method: None
    stage.later(seconds=ending.RETRY_AFTER.total_seconds())
    assert end(stage) == 1
    assert calendar not in stage.google.calendars


def test_a_day_without_google_ends_it_all_the_same(stage, revoked):
    stage.synced()
    disconnect(stage, Calendars.DELETE)

    def down(_method):
        raise Unreachable("down")

    stage.google.before = down
    stage.later(days=1, minutes=1)
    assert end(stage) == 1
    assert count(GoogleConnection) == 0
    assert stage.row().error.startswith("Google was disconnected")


@pytest.mark.parametrize("applied", [True, False])
def test_a_worker_that_dies_between_is_followed_by_another(stage, revoked, applied):
    class Killed(BaseException):
        pass

    def die(method):
        if method == "delete_calendar":
            raise Killed

    stage.synced()
    calendar = stage.calendar_id
    disconnect(stage, Calendars.DELETE)
    setattr(stage.google, "after" if applied else "before", die)
    with pytest.raises(Killed):
        end(stage)
    db.session.rollback()
    stage.google.before = stage.google.after = lambda _method: None
    assert end(stage) == 0, "the dead one's time is not over"
    stage.later(minutes=3)
    assert end(stage) == 1
    assert calendar not in stage.google.calendars
    assert count(GoogleCalendar) == 0


def test_what_google_does_not_let_go_stays_with_a_word(stage, revoked):
    stage.synced()
    calendar = stage.calendar_id
    disconnect(stage, Calendars.DELETE)

    def refuse(method):
        if method == "delete_calendar":
            raise AccessLost("another account's")

    stage.google.before = refuse
    assert end(stage) == 1
    assert calendar in stage.google.calendars
    assert stage.row().error.startswith("Google was disconnected")


def test_a_consent_that_is_gone_already_ends_here(stage, revoked):
    stage.synced()
    disconnect(stage, Calendars.DELETE)

    def gone(_connection):
        raise ReconnectNeeded("invalid_grant")

    stage.open_provider = gone
    assert end(stage) == 1
    assert count(GoogleConnection) == 0


def test_a_run_that_is_at_it_is_waited_for(stage, revoked):
    stage.synced()
    disconnect(stage, Calendars.DELETE)
    row = stage.row()
    row.lease_owner, row.lease_until = "another", stage.now + timedelta(minutes=1)
    db.session.commit()
    assert end(stage) == 0
    assert stage.google.calls == []
    stage.later(minutes=2)
    assert end(stage) == 1


def test_an_imported_calendar_that_nobody_acted_on_is_not_ours_to_delete(stage, revoked):
    organization = db.session.get(Offering, stage.offering_id).organization
    imported = builders.offering("Imported", of=organization)
    builders.add(GoogleCalendar(offering_id=imported.id, backend_id="theirs@group", state="OK"))
    db.session.commit()
    stage.synced()
    disconnect(stage, Calendars.DELETE)
    assert end(stage) == 1
    assert stage.google.calls == ["delete_calendar"]
    assert db.session.query(GoogleCalendar).one().backend_id == "theirs@group"
    db.session.commit()
