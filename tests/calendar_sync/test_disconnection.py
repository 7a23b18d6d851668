"""Disconnecting: the chosen clean-up at Google, retries while it is unreachable, and nothing else is deleted."""

from dataclasses import replace
from datetime import timedelta

import pytest

from portal.calendar_sync import consent, disconnection
from portal.calendar_sync.disconnection import CalendarCleanup
from portal.calendar_sync.engine import RunOutcome
from portal.calendar_sync.errors import (
    CalendarAccessLost,
    ConsentLost,
    ProviderUnreachable,
    RequestRejected,
    SyncTokenExpired,
)
from portal.calendar_sync.provider import AccessToken, ConsentGrant, ProviderAccount
from portal.calendar_sync.providers.google.scopes import SCOPES
from portal.extensions import db, disconnection_due
from portal.models import CalendarChannel, GoogleCalendar, GoogleConnection, Offering
from portal.models.base import utcnow
from portal.policies import SYSTEM
from tests.documents.test_store import assert_fresh
from tests.support import builders

HOOK = "https://portal.example/google/notifications"


class Revoked:
    """The consent of the application: what was taken back. Any refresh token is a good one."""

    def __init__(self):
        self.tokens = []

    def revoke(self, token):
        self.tokens.append(token)

    def refresh(self, token):
        return ConsentGrant("", AccessToken("ya29.new", utcnow() + timedelta(hours=1)), SCOPES)

    def account(self, token):
        return ProviderAccount("1", "facility@lab.example")


@pytest.fixture
def revoked(app, monkeypatch):
    found = Revoked()
    settings = replace(app.extensions["portal.settings"], google_client_id="id", google_client_secret="secret")
    monkeypatch.setitem(app.extensions, "portal.settings", settings)
    monkeypatch.setitem(app.extensions, "portal.consent", found)
    return found


def organization_of(stage):
    offering = db.session.get(Offering, stage.offering_id)
    db.session.commit()
    return offering.organization.uuid


def disconnect(stage, cleanup):
    done = disconnection.disconnect(SYSTEM, organization_of(stage), cleanup, now=stage.now)
    db.session.expire_all()
    return done


def end(stage):
    opened = stage.engine().open_provider
    found = disconnection.run_disconnections(opened, lambda: stage.now)
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
    enqueued = []
    with disconnection_due.connected_to(enqueued.append):
        assert disconnect(stage, CalendarCleanup.DELETE) is False
    assert len(enqueued) == 1
    stage.later(hours=1)
    assert stage.run() is RunOutcome.NOT_TAKEN, "nothing is synced from now on"
    assert end(stage) == 1
    assert calendar not in stage.google.calendars
    assert (count(GoogleCalendar), count(GoogleConnection)) == (0, 0)
    assert revoked.tokens == ["1//refresh"]
    assert_fresh(db.session)
    db.session.commit()
    assert end(stage) == 0


def test_kept_calendars_stay_and_channels_are_stopped(stage, revoked):
    stage.notification_address = HOOK
    stage.google.now = lambda: stage.now
    stage.synced()
    stage.later(minutes=2)
    stage.run()
    assert count(CalendarChannel) == 1
    assert disconnect(stage, CalendarCleanup.KEEP) is False
    assert end(stage) == 1
    assert stage.google.calls[-1] == "stop_channel"
    assert stage.google.calendars[stage.calendar_id].channels == {}
    assert (count(CalendarChannel), count(GoogleConnection), count(GoogleCalendar)) == (0, 0, 1)
    assert revoked.tokens == ["1//refresh"]


def test_without_channels_kept_calendars_need_no_worker(stage, revoked):
    stage.synced()
    assert disconnect(stage, CalendarCleanup.KEEP) is True
    assert count(GoogleConnection) == 0
    assert revoked.tokens == ["1//refresh"]


def test_while_google_is_unreachable_it_is_retried(stage, revoked):
    stage.synced()
    calendar = stage.calendar_id
    disconnect(stage, CalendarCleanup.DELETE)

    def down(_method):
        raise ProviderUnreachable("down")

    stage.google.before = down
    assert end(stage) == 0
    assert stage.connection().disconnecting == "delete"
    assert end(stage) == 0
    assert len(stage.google.calls) == 1, "not at once"
    stage.google.before = lambda _method: None
    stage.later(seconds=disconnection.RETRY_AFTER.total_seconds())
    assert end(stage) == 1
    assert calendar not in stage.google.calendars


def test_after_a_day_without_google_the_tokens_are_deleted_anyway(stage, revoked):
    stage.synced()
    disconnect(stage, CalendarCleanup.DELETE)

    def down(_method):
        raise ProviderUnreachable("down")

    stage.google.before = down
    stage.later(days=1, minutes=1)
    assert end(stage) == 1
    assert count(GoogleConnection) == 0
    assert stage.row().error.startswith("Google was disconnected")


@pytest.mark.parametrize("applied", [True, False])
def test_another_worker_continues_after_a_worker_died(stage, revoked, applied):
    class Killed(BaseException):
        pass

    def die(method):
        if method == "delete_calendar":
            raise Killed

    stage.synced()
    calendar = stage.calendar_id
    disconnect(stage, CalendarCleanup.DELETE)
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


def test_a_calendar_that_cannot_be_deleted_remains_with_an_error(stage, revoked):
    stage.synced()
    calendar = stage.calendar_id
    disconnect(stage, CalendarCleanup.DELETE)

    def refuse(method):
        if method == "delete_calendar":
            raise CalendarAccessLost("another account's")

    stage.google.before = refuse
    assert end(stage) == 1
    assert calendar in stage.google.calendars
    assert stage.row().error.startswith("Google was disconnected")


def test_a_consent_withdrawn_already_completes_the_disconnection(stage, revoked):
    stage.synced()
    disconnect(stage, CalendarCleanup.DELETE)

    def gone(_connection):
        raise ConsentLost("invalid_grant")

    stage.open_provider = gone
    assert end(stage) == 1
    assert count(GoogleConnection) == 0


def test_a_running_sync_is_waited_for(stage, revoked):
    stage.synced()
    disconnect(stage, CalendarCleanup.DELETE)
    row = stage.row()
    row.lease_owner, row.lease_until = "another", stage.now + timedelta(minutes=1)
    db.session.commit()
    assert end(stage) == 0
    assert stage.google.calls == []
    stage.later(minutes=2)
    assert end(stage) == 1


def test_an_imported_calendar_that_is_not_in_use_is_not_deleted(stage, revoked):
    organization = db.session.get(Offering, stage.offering_id).organization
    imported = builders.offering("Imported", of=organization)
    builders.add(GoogleCalendar(offering_id=imported.id, backend_id="theirs@group", state="OK"))
    db.session.commit()
    stage.synced()
    disconnect(stage, CalendarCleanup.DELETE)
    assert end(stage) == 1
    assert stage.google.calls == ["delete_calendar"]
    assert db.session.query(GoogleCalendar).one().backend_id == "theirs@group"
    db.session.commit()


def watched(stage):
    """Synced, and Google tells of changes."""
    stage.notification_address = HOOK
    stage.google.now = lambda: stage.now
    stage.synced()
    stage.later(minutes=2)
    stage.run()
    stage.google.calls.clear()


def meanwhile(stage, method, act):
    """Have something done once, right after a call of the worker's to Google."""

    def once(called):
        if called == method:
            stage.google.after = lambda _method: None
            act()

    stage.google.after = once


def connect_anew(stage):
    consent.connect_with_refresh_token(SYSTEM, organization_of(stage), "1//new", now=stage.now)


def test_connecting_again_meanwhile_keeps_the_connection_and_the_remaining_calendars(stage, revoked):
    stage.synced()
    organization = db.session.get(Offering, stage.offering_id).organization
    other = builders.offering("Another", of=organization)
    builders.add(GoogleCalendar(offering_id=other.id, backend_id="other@memory", state="OK", wanted=1, done=1))
    db.session.commit()
    disconnect(stage, CalendarCleanup.DELETE)
    meanwhile(stage, "delete_calendar", lambda: connect_anew(stage))
    assert end(stage) == 0
    assert stage.google.calls == ["delete_calendar"]
    assert (stage.connection().disconnecting, revoked.tokens) == ("", [])
    assert db.session.query(GoogleCalendar).filter_by(offering_id=other.id).count() == 1
    db.session.commit()


def test_the_later_of_two_choices_counts(stage, revoked):
    watched(stage)
    calendar = stage.calendar_id
    disconnect(stage, CalendarCleanup.KEEP)
    meanwhile(stage, "stop_channel", lambda: disconnect(stage, CalendarCleanup.DELETE))
    assert end(stage) == 1
    assert count(GoogleConnection) == 0
    assert calendar not in stage.google.calendars
    assert revoked.tokens == ["1//refresh"]


def test_choosing_to_keep_the_calendars_later_keeps_the_remaining_ones(stage, revoked):
    watched(stage)
    calendar = stage.calendar_id
    disconnect(stage, CalendarCleanup.DELETE)
    meanwhile(stage, "stop_channel", lambda: disconnect(stage, CalendarCleanup.KEEP))
    end(stage)
    assert count(GoogleConnection) == 0
    assert calendar in stage.google.calendars


@pytest.mark.parametrize(
    "answer", [RequestRejected("400"), CalendarAccessLost("403 forbidden"), SyncTokenExpired("410 deleted")]
)
def test_no_error_of_one_channel_or_calendar_prevents_the_disconnection(stage, revoked, answer):
    watched(stage)
    disconnect(stage, CalendarCleanup.DELETE)

    def refuse(_method):
        raise answer

    stage.google.before = refuse
    assert end(stage) == 1
    assert stage.google.calls == ["stop_channel", "delete_calendar"]
    assert count(GoogleConnection) == 0
