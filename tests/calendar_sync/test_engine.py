"""The engine with the provider in memory: what is written, what is stored, the number of calls, the errors shown."""

import json
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import update

from portal.calendar_sync import connections, due, records, snapshot
from portal.calendar_sync.engine import RunOutcome
from portal.calendar_sync.errors import (
    CalendarAccessLost,
    CalendarNotFound,
    ConsentLost,
    EventIdTaken,
    EventNotFound,
    ProviderMisconfigured,
    ProviderUnreachable,
    QuotaExhausted,
    RateLimited,
    RequestRejected,
)
from portal.calendar_sync.plan import RemoteEvent, event_id
from portal.calendar_sync.run import FULL_EVERY, READ_EVERY
from portal.documents import store as documents
from portal.errors import CalendarRefusal, CalendarRefused
from portal.extensions import db, settings, transaction
from portal.models import Booking, GoogleCalendar, Offering, OfferingDocument, SyncRun
from portal.policies import SYSTEM
from portal.queries.calendars import calendar_of
from portal.queries.offerings import get_visible_offering
from portal.services import calendars
from tests.calendar_sync.conftest import NOW
from tests.support import builders
from tests.support.memory_calendars import MemoryCalendars


def test_the_first_sync_creates_the_calendar_and_pushes_every_booking(stage):
    slots = {stage.book(hour) for hour in range(0, 120, 2)}
    stage.sync()
    assert stage.row().state == "CREATION_SCHEDULED"
    assert stage.run() is RunOutcome.DONE
    assert set(stage.shown()) == slots
    stage.check()
    row = stage.row()
    assert (row.state, row.public, row.error, row.done, row.last_synced) == ("OK", False, "", row.wanted, NOW)
    run = stage.last_run()
    assert (run.reason, run.calls, run.planned, run.added, run.ended) == ("asked for", 2 + 60, 60, 60, NOW)
    assert stage.google.calls == ["create_calendar", "read_events", "write_events", "write_events"]
    properties = stage.google.calendars[stage.calendar_id].properties
    assert (properties.summary, properties.time_zone) == ("Confocal microscope", "Europe/Tallinn")


def test_google_does_not_learn_who_booked(stage):
    stage.book()
    stage.synced()
    [event] = stage.google.live(stage.calendar_id).values()
    assert (event.title, event.description, event.location) == ("Booked", "", "")


@pytest.mark.parametrize("bookings", [0, 10, 60])
def test_a_quiet_sync_is_one_call_whatever_the_number_of_bookings(stage, bookings):
    for hour in range(bookings):
        stage.book(hour)
    stage.synced()
    stage.sync()
    assert stage.run() is RunOutcome.DONE
    assert stage.google.calls == ["read_events"]
    assert stage.last_run().calls == 1


def test_changes_are_pushed_without_an_action_and_leave_the_state_alone(stage):
    kept, moved, cancelled = stage.book(0), stage.book(2), stage.book(4)
    stage.synced()
    stage.change(moved, start=NOW + timedelta(hours=8), end=NOW + timedelta(hours=9))
    stage.cancel(cancelled)
    new = stage.book(6)
    assert stage.row().state == "OK"
    assert stage.run() is RunOutcome.DONE
    assert set(stage.shown()) == {kept, moved, new}
    stage.check()
    run = stage.last_run()
    assert (run.reason, run.added, run.changed, run.removed) == ("bookings changed", 1, 1, 1)
    assert run.calls == 1 + 3
    assert stage.google.calls == ["read_events", "write_events"]


def test_titles_are_published_where_the_owner_chose_to(stage):
    slot = stage.book(1)
    with transaction() as session:
        booking = session.query(Booking).one()
        booking.name = " Ribosome\n run \x07"
    stage.synced()
    [calendar] = stage.google.calendars
    event = stage.google.live(calendar)[event_id(slot)]
    assert event.title == "Booked"
    with transaction() as session:
        offering = session.get(Offering, stage.offering_id)
        offering.attributes = {**offering.attributes, "booking_rules": {"publish": "titles"}}
        calendars.offerings_changed(session, [stage.offering_id])
    stage.run()
    assert stage.google.live(calendar)[event_id(slot)].title == "Ribosome run"
    stage.google.calls.clear()
    stage.sync()
    stage.run()
    assert len(stage.google.calls) == 1


def test_an_unchanged_calendar_is_not_due_until_its_next_read(stage):
    stage.synced()
    assert stage.run() is RunOutcome.NOT_TAKEN
    stage.later(minutes=READ_EVERY.total_seconds() / 60 * 1.3)
    assert due.due_calendars(stage.now) == [stage.row().id]
    assert stage.run() is RunOutcome.DONE
    assert stage.last_run().reason == "regular read"
    assert stage.google.calls == ["read_events"]


def test_busy_times_are_read_back(stage):
    stage.synced()
    start, end = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    stage.google.put(stage.calendar_id, RemoteEvent("service", "", start=start, end=end, title="Service"))
    stage.google.put(stage.calendar_id, RemoteEvent("free", "", start=start, end=end, transparent=True))
    stage.google.put(stage.calendar_id, RemoteEvent("day", "", start=date(2026, 3, 5), end=date(2026, 3, 6)))
    stage.sync()
    stage.run()
    tallinn_day = (datetime(2026, 3, 4, 22, tzinfo=UTC), datetime(2026, 3, 5, 22, tzinfo=UTC))
    assert stage.busy() == {"service": (start, end), "day": tallinn_day}
    stage.google.delete(stage.calendar_id, "service")
    stage.sync()
    stage.run()
    assert set(stage.busy()) == {"day"}


def test_one_bad_event_stops_nothing(stage):
    stage.synced()
    start, end = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    events = (
        RemoteEvent("first", "", start=date(1, 1, 1), end=date(1, 1, 2)),
        RemoteEvent("last", "", start=date(9999, 12, 31), end=date(9999, 12, 31)),
        RemoteEvent("half", "", start=start, end=end, title="cut \ud83d"),
        RemoteEvent("zero", "", start=start, end=end, title="a\x00b"),
        RemoteEvent("odd \ud83d", "", start=None, end=None),
        RemoteEvent("good", "", start=start, end=end, title="Service"),
    )
    for event in events:
        stage.google.put(stage.calendar_id, event)
    slot = stage.book(5)
    stage.sync()
    assert stage.run() is RunOutcome.DONE
    assert (stage.row().state, stage.row().error) == ("OK", "")
    assert stage.busy() == {"good": (start, end)}
    assert event_id(slot) in stage.google.live(stage.calendar_id)
    assert [len(stage.last_run().skipped), sum("left out" in it for it in stage.last_run().skipped)] == [5, 5]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "\ud83d", "a\x00b", "../../etc/passwd"])
def test_a_calendar_in_a_zone_that_does_not_exist_is_read_in_the_last_known_one(stage, zone):
    stage.synced()
    calendar = stage.google.calendars[stage.calendar_id]
    calendar.properties = replace(calendar.properties, time_zone=zone)
    stage.google.put(stage.calendar_id, RemoteEvent("day", "", start=date(2026, 3, 5), end=date(2026, 3, 6)))
    stage.sync()
    assert stage.run() is RunOutcome.DONE
    assert stage.row().time_zone == "Europe/Tallinn"
    assert stage.busy()["day"][0] == datetime(2026, 3, 4, 22, tzinfo=UTC)


def test_all_day_events_are_read_again_after_a_change_of_the_time_zone(stage):
    stage.synced()
    stage.google.put(stage.calendar_id, RemoteEvent("day", "", start=date(2026, 3, 5), end=date(2026, 3, 6)))
    stage.sync()
    stage.run()
    calendar = stage.google.calendars[stage.calendar_id]
    calendar.properties = replace(calendar.properties, time_zone="UTC")
    stage.sync()
    stage.run()
    assert stage.busy()["day"][0] == datetime(2026, 3, 5, tzinfo=UTC)


def test_more_events_than_a_page_holds_are_all_read(stage):
    stage.synced()
    for number in range(600):
        start = NOW + timedelta(hours=number)
        stage.google.put(
            stage.calendar_id, RemoteEvent(f"e{number}", "", start=start, end=start + timedelta(minutes=30))
        )
    stage.sync()
    stage.run()
    assert len(stage.busy()) == 600


def test_own_events_that_users_moved_or_deleted_are_restored(stage):
    first, second = stage.book(0), stage.book(2)
    stage.synced()
    moved = stage.google.live(stage.calendar_id)[event_id(first)]
    stage.google.put(stage.calendar_id, RemoteEvent(moved.id, "", moved.cancelled, NOW, NOW + timedelta(days=1)))
    stage.google.delete(stage.calendar_id, event_id(second))
    stage.sync()
    assert stage.run() is RunOutcome.DONE
    stage.check()


def test_an_expired_sync_token_leads_to_a_full_read_and_removes_deleted_events(stage):
    stage.book()
    stage.google.calendars.clear()
    stage.synced()
    end = NOW + timedelta(hours=1)
    for name in ("a", "b"):
        stage.google.put(stage.calendar_id, RemoteEvent(name, "", start=NOW, end=end))
    stage.sync()
    stage.run()
    stage.google.calendars[stage.calendar_id].events.pop("a")
    stage.google.calendars[stage.calendar_id].changed.pop("a")
    stage.google.forget_tokens(stage.calendar_id)
    stage.sync()
    assert stage.run() is RunOutcome.DONE
    assert set(stage.busy()) == {"b"}
    stage.check()


def test_once_a_day_everything_is_read(stage):
    stage.synced()
    first = stage.row().last_full
    stage.later(hours=FULL_EVERY.total_seconds() / 3600)
    stage.run()
    assert first < stage.row().last_full == stage.now


@pytest.mark.parametrize("shared", [True, False])
def test_once_a_day_changed_sharing_is_noticed_and_accepted(stage, shared):
    (stage.sync if shared else stage.share)()
    stage.run()
    stage.google.calendars[stage.calendar_id].shared = shared
    stage.sync()
    stage.run()
    assert stage.row().public is not shared, "a quiet sync does not ask"
    stage.later(hours=FULL_EVERY.total_seconds() / 3600)
    stage.google.calls.clear()
    assert stage.run() is RunOutcome.DONE
    assert stage.google.calls == ["is_shared", "read_events"]
    assert (stage.row().public, stage.row().want_public, stage.row().state) == (shared, shared, "OK")
    assert "at Google" in stage.last_run().notes[0]
    assert stage.google.calendars[stage.calendar_id].shared is shared


def test_a_renamed_offering_renames_its_calendar(stage):
    stage.synced()
    with transaction() as session:
        session.get_one(Offering, stage.offering_id).name = "Light sheet"
        calendars.offerings_changed(session, [stage.offering_id])
    assert stage.run() is RunOutcome.DONE
    assert stage.google.calendars[stage.calendar_id].properties.summary == "Light sheet"
    assert stage.google.calls == ["read_events", "rename_calendar"]


def test_sharing_is_done_verified_and_only_then_public(stage):
    stage.book()
    stage.share()
    assert (stage.row().public, stage.row().state) == (False, "CREATION_SCHEDULED")
    assert published(stage)["public"] is False
    assert stage.run() is RunOutcome.DONE
    assert stage.google.calendars[stage.calendar_id].shared
    assert (stage.row().public, stage.row().state) == (True, "OK")
    assert published(stage)["public"] is True
    assert stage.google.calls == ["create_calendar", "share", "is_shared", "read_events", "write_events"]
    stage.unshare()
    assert stage.row().public is True
    assert stage.run() is RunOutcome.DONE
    assert not stage.google.calendars[stage.calendar_id].shared
    assert (stage.row().public, stage.row().state) == (False, "OK")
    assert published(stage)["public"] is False


def published(stage):
    """The calendar in the offering's prepared document."""
    body = db.session.get_one(OfferingDocument, stage.offering_id, populate_existing=True).document
    db.session.commit()
    return json.loads(body.replace(b"\x01", b"").replace(b"\x02", b""))["googlecalendar"]


def test_documents_equal_newly_written_ones(stage):
    stage.share()
    stage.run()
    with transaction() as session:
        assert documents.refresh(session, [stage.offering_id]) == 0


def test_share_without_the_permission_is_reported_and_bookings_are_synced(stage):
    slot = stage.book()
    with transaction():
        stage.connection().scopes = ["openid", "email", "https://www.googleapis.com/auth/calendar.app.created"]
    db.session.commit()
    stage.share()
    assert stage.run() is RunOutcome.FAILED
    row = stage.row()
    assert (row.state, row.public, row.want_public) == ("ERRED", False, False)
    assert "tick every box" in row.error
    assert set(stage.shown()) == {slot}
    # The answer to what the person asked for stays, though a background run goes well.
    stage.book(5)
    assert stage.run() is RunOutcome.DONE
    assert "tick every box" in stage.row().error
    stage.check()


def test_a_rejected_booking_is_reported_and_does_not_hold_up_others(stage):
    good = stage.book(0)
    bad = stage.book(2, hours=0.0001)  # under a second: nothing that Google could show
    also = stage.book(4)
    stage.sync()
    assert stage.run() is RunOutcome.FAILED
    assert set(stage.shown()) == {good, also}
    row = stage.row()
    assert row.state == "ERRED"
    assert "2026-03-02 10:00 UTC could not be written" in row.error
    assert row.wanted == row.done
    assert len(stage.last_run().skipped) == 1
    stage.google.calls.clear()
    stage.book(6)
    stage.run()
    assert stage.google.calls == ["read_events", "write_events"], "what was refused is not sent again"
    stage.change(bad, end=NOW + timedelta(hours=3))
    assert stage.run() is RunOutcome.DONE
    assert stage.row().error == ""
    stage.check()


def failing(stage, method, error, *, times=1, applied=False):
    """Let the next calls of a method fail, before or after their effect."""
    left = [times]

    def strike(called):
        if called == method and left[0] > 0:
            left[0] -= 1
            raise error

    setattr(stage.google, "after" if applied else "before", strike)


METHODS = ["create_calendar", "read_events", "write_events", "share", "is_shared"]


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("times", [1, 7])
def test_the_result_is_exact_whichever_response_is_lost(stage, method, applied, times):
    for hour in range(0, 20, 2):
        stage.book(hour)
    failing(stage, method, ProviderUnreachable("reset"), times=times, applied=applied)
    stage.share()
    for _attempt in range(8):
        if stage.run() is RunOutcome.DONE:
            break
        assert stage.row().state == "ERRED", "a retry refuses nobody"
        stage.later(hours=1)
    assert stage.row().state == "OK"
    assert stage.row().public
    stage.check()
    assert len(stage.google.calendars) == 1, "no second calendar, and no orphan"


@pytest.mark.parametrize("method", [*METHODS, "get_event"])
def test_the_result_is_exact_if_the_worker_dies_in_a_call(stage, method):
    class Killed(BaseException):
        pass

    for hour in range(0, 20, 2):
        stage.book(hour)
    failing(stage, method, Killed(), applied=method in ("create_calendar", "write_events", "share"))
    stage.share()
    try:
        stage.run()
    except Killed:
        db.session.rollback()
        assert stage.row().state in ("CREATING", "UPDATING")
        assert stage.run("two") is RunOutcome.NOT_TAKEN, "the dead worker's lease still runs"
        stage.later(seconds=snapshot.LEASE.total_seconds() + 1)
        assert stage.run("two") is RunOutcome.DONE
        interrupted = db.session.query(SyncRun).order_by(SyncRun.id).first()
        assert interrupted.error == snapshot.INTERRUPTED
    stage.check()
    assert len(stage.google.calendars) == 1
    assert (stage.row().state, stage.row().public) == ("OK", True)


def test_short_failures_are_retried_in_the_run(stage):
    stage.book()
    failing(stage, "read_events", RateLimited("429", retry_after=3.0), times=2)
    stage.sync()
    assert stage.run() is RunOutcome.DONE
    assert stage.slept == [3.0, 3.0]


def test_an_exhausted_quota_is_retried_after_hours(stage):
    failing(stage, "read_events", QuotaExhausted("quota"), times=1)
    stage.sync()
    assert stage.run() is RunOutcome.FAILED
    row = stage.row()
    assert (row.state, row.wanted - row.done) == ("ERRED", 1)
    assert row.next_attempt - stage.now >= timedelta(minutes=45)
    assert stage.slept == []
    assert stage.run() is RunOutcome.NOT_TAKEN
    stage.later(hours=2)
    assert stage.run() is RunOutcome.DONE
    assert (stage.row().state, stage.row().attempts, stage.row().next_attempt) == ("OK", 0, None)


def test_repeated_failures_are_retried_less_and_less_often(stage):
    failing(stage, "read_events", ProviderUnreachable("down"), times=10_000)
    stage.sync()
    waits = []
    for _attempt in range(6):
        assert stage.run() is RunOutcome.FAILED
        waits.append(stage.row().next_attempt - stage.now)
        stage.now = stage.row().next_attempt
    assert waits == sorted(waits)
    assert waits[-1] > 20 * waits[0]


def test_while_a_failed_share_is_retried_it_can_be_taken_back(stage):
    failing(stage, "share", ProviderUnreachable("lost"), times=10_000, applied=True)
    stage.share()
    assert stage.run() is RunOutcome.FAILED
    assert stage.google.calendars[stage.calendar_id].shared, "done at Google, and we do not know it"
    assert not stage.row().public
    stage.unshare()
    assert stage.run() is RunOutcome.DONE
    assert not stage.google.calendars[stage.calendar_id].shared
    with pytest.raises(CalendarRefused) as refused:
        stage.unshare()
    assert refused.value.refusal is CalendarRefusal.ALREADY_PRIVATE


def test_withdrawn_access_stops_all_calls_and_says_what_to_do(stage):
    stage.book()
    stage.synced()
    stage.share()

    def withdrawn(_connection_id):
        raise ConsentLost("invalid_grant")

    stage.open_provider = withdrawn
    assert stage.run() is RunOutcome.FAILED
    row = stage.row()
    assert (row.state, row.wanted, row.want_public) == ("ERRED", row.done, False)
    assert "connect Google again" in row.error
    assert "connect Google again" in stage.connection().broken
    stage.book(5)
    stage.later(days=2)
    assert due.due_calendars(stage.now) == []
    view = calendar_of(get_visible_offering(SYSTEM, stage.offering_uuid), stage.now)
    assert not view.can_act
    with pytest.raises(CalendarRefused) as refused:
        stage.sync()
    assert refused.value.refusal is CalendarRefusal.NO_CREDENTIALS


def test_connecting_again_meanwhile_leaves_no_error(stage):
    stage.synced()
    stage.share()

    def withdrawn(_connection_id):
        stage.connection().refresh_token = "of the new connection"
        db.session.commit()
        raise ConsentLost("invalid_grant")

    stage.open_provider = withdrawn
    stage.run()
    assert stage.connection().broken == ""
    stage.open_provider = None
    stage.later(hours=1)
    assert stage.run() is RunOutcome.DONE
    assert stage.row().public


def test_a_share_ended_by_a_disconnect_is_not_undone_later(stage):
    stage.synced()
    stage.share()

    def disconnected_meanwhile(_connection_id):
        with transaction() as session:
            connections.fail_calendars(session, stage.connection().organization_id, "Google was disconnected.")
        return MemoryCalendars(stage.google, stage.app)

    stage.open_provider = disconnected_meanwhile
    stage.run()
    row = stage.row()
    assert row.want_public == row.public


def test_lost_access_is_reported_and_rarely_retried(stage):
    stage.synced()
    failing(stage, "read_events", CalendarAccessLost("forbidden"))
    stage.sync()
    assert stage.run() is RunOutcome.FAILED
    row = stage.row()
    assert (row.state, row.wanted) == ("ERRED", row.done)
    assert "no rights" in row.error
    assert row.next_read - stage.now >= timedelta(hours=5)


def test_a_misconfigured_client_is_retried_later(stage):
    stage.sync()
    failing(stage, "create_calendar", ProviderMisconfigured("accessNotConfigured"))
    assert stage.run() is RunOutcome.FAILED
    assert "An administrator needs to fix the Google configuration" in stage.row().error
    stage.later(hours=2)
    assert stage.run() is RunOutcome.DONE


def test_an_internal_error_is_logged_and_retried(stage):
    stage.sync()
    failing(stage, "read_events", KeyError("oops"))
    assert stage.run() is RunOutcome.FAILED
    assert "An internal error occurred" in stage.row().error
    stage.later(hours=2)
    assert stage.run() is RunOutcome.DONE


def test_a_calendar_deleted_at_google_is_created_again_with_all_events(stage):
    slot = stage.book()
    stage.share()
    stage.run()
    old = stage.calendar_id
    end = NOW + timedelta(hours=1)
    stage.google.put(old, RemoteEvent("service", "", start=NOW, end=end))
    stage.sync()
    stage.run()
    assert set(stage.busy()) == {"service"}
    del stage.google.calendars[old]
    stage.sync()
    assert stage.run() is RunOutcome.DONE
    assert stage.calendar_id != old
    assert set(stage.shown()) == {slot}
    assert stage.google.calendars[stage.calendar_id].shared
    assert (stage.row().public, stage.busy()) == (True, {})
    assert "a new one was created" in stage.last_run().notes[0]
    stage.check()


def test_a_new_calendar_that_google_does_not_find_yet_is_waited_for(stage):
    stage.book()
    failing(stage, "read_events", CalendarNotFound("lag"), times=2)
    stage.sync()
    assert stage.run() is RunOutcome.DONE
    assert len(stage.google.calendars) == 1


def test_a_calendar_whose_creation_was_not_confirmed_is_found_by_its_mark(stage):
    stage.sync()
    failing(stage, "create_calendar", ProviderUnreachable("lost"), applied=True)
    assert stage.run() is RunOutcome.FAILED
    stage.later(hours=1)
    assert stage.run() is RunOutcome.DONE
    assert "find_calendar" in stage.google.calls
    assert list(stage.google.calendars) == [stage.calendar_id]


def test_an_unusable_id_gets_the_next_generation(stage):
    slot = stage.book()
    burnt = event_id(slot)

    class Burnt(MemoryCalendars):
        def write_events(self, calendar_id, writes):
            found = super().write_events(calendar_id, [write for write in writes if write.event_id != burnt])
            results = iter(found)
            return [EventIdTaken("burnt") if write.event_id == burnt else next(results) for write in writes]

        def get_event(self, calendar_id, event_id):
            raise EventNotFound("burnt")

    stage.open_provider = lambda _id: Burnt(stage.google, stage.app)
    stage.sync()
    assert stage.run() is RunOutcome.DONE
    assert list(stage.google.live(stage.calendar_id)) == [event_id(slot, 1)]
    stage.google.calls.clear()
    stage.sync()
    stage.run()
    assert stage.google.calls == ["read_events"]


def test_a_deleted_event_is_restored(stage):
    slot = stage.book()
    stage.synced()
    stage.cancel(slot)
    stage.run()
    assert stage.shown() == {}
    stage.change(slot, holds=True)
    assert stage.run() is RunOutcome.DONE
    stage.check()


def test_an_action_requested_during_a_background_run_stays_pending(stage):
    stage.synced()
    stage.book()
    acted = []

    def act(method):
        if method == "read_events" and not acted:
            acted.append(method)
            stage.share()

    stage.google.after = lambda _method: None
    stage.google.before = act
    assert stage.run() is RunOutcome.AGAIN
    row = stage.row()
    assert (row.state, row.public, row.wanted - row.done) == ("UPDATE_SCHEDULED", False, 1)
    assert stage.run() is RunOutcome.DONE
    assert stage.row().public
    stage.check()


def test_a_booking_made_during_a_run_is_pushed_by_the_next(stage):
    stage.synced()
    added = []

    def book(method):
        if method == "read_events" and not added:
            added.append(stage.book(3))

    stage.google.before = book
    stage.sync()
    assert stage.run() is RunOutcome.AGAIN
    assert stage.run() is RunOutcome.DONE
    stage.check()


def test_two_workers_never_have_one_calendar(stage):
    stage.sync()
    row = stage.row()
    first = snapshot.take(row.id, "one", stage.now)
    assert first is not None
    assert snapshot.take(row.id, "two", stage.now) is None
    stage.later(seconds=snapshot.LEASE.total_seconds() + 1)
    second = snapshot.take(row.id, "two", stage.now)
    assert second is not None
    with pytest.raises(records.LeaseLost):
        records.save_calendar(first, stage.now, public=True)
    db.session.rollback()
    assert not stage.row().public
    records.save_calendar(second, stage.now)


def test_a_run_that_lost_its_lease_writes_nothing(stage):
    stage.book()
    stage.sync()

    def steal(method):
        if method == "write_events":
            with transaction() as session:
                session.execute(update(GoogleCalendar).values(lease_owner="another"))

    stage.google.after = steal
    assert stage.run() is RunOutcome.NOT_TAKEN
    assert stage.mirror() == {}
    assert stage.row().state == "CREATING"


def test_the_lease_is_renewed_during_a_long_run(stage):
    for hour in range(0, 400, 2):
        stage.book(hour)
    stage.sync()
    seen = []

    def slow(_method):
        stage.later(seconds=50)
        seen.append(stage.row().lease_until > stage.now)

    stage.google.before = slow
    assert stage.run() is RunOutcome.DONE
    assert len(seen) >= 6
    assert all(seen)


def test_progress_can_be_watched(stage):
    for hour in range(0, 240, 2):
        stage.book(hour)
    stage.sync()
    seen = []

    def look(method):
        if method == "write_events":
            [run] = calendar_of(get_visible_offering(SYSTEM, stage.offering_uuid), stage.now).runs
            seen.append((run.done, run.planned, run.ended))
            db.session.commit()

    stage.google.before = look
    stage.run()
    assert seen == [(0, 0, None), (50, 120, None), (100, 120, None)]


def test_bookings_of_an_offering_without_a_calendar_enqueue_nothing(stage):
    stage.book()
    assert db.session.query(GoogleCalendar).count() == 0


def test_an_imported_calendar_is_left_alone_until_an_action_is_requested(stage):
    with transaction() as session:
        session.add(
            GoogleCalendar(offering_id=stage.offering_id, backend_id="old@x", public=True, want_public=True, state="OK")
        )
    stage.book()
    stage.later(days=3)
    assert due.due_calendars(stage.now) == []
    assert stage.run() is RunOutcome.NOT_TAKEN


def test_an_action_without_a_connection_fails(stage):
    stage.share()
    db.session.delete(stage.connection())
    db.session.commit()
    assert due.fail_unconnected("Connect Google.") == 1
    row = stage.row()
    assert (row.state, row.error, row.want_public, row.done) == ("ERRED", "Connect Google.", False, row.wanted)


def test_a_rejected_calendar_is_reported(stage):
    stage.sync()
    failing(stage, "create_calendar", RequestRejected("400 invalid"))
    assert stage.run() is RunOutcome.FAILED
    assert stage.row().state == "ERRED"
    assert stage.row().error == RequestRejected.sentence


def test_only_the_last_runs_are_kept(stage, monkeypatch):
    monkeypatch.setattr(records, "RUNS_KEPT", 4)
    stage.synced()
    for _number in range(records.RUNS_KEPT + 5):
        stage.sync()
        stage.run()
        stage.later(minutes=1)
    assert db.session.query(SyncRun).count() == records.RUNS_KEPT


def test_slots_of_other_offerings_are_not_written(stage):
    other = builders.offering("Another one")
    with transaction():
        stage.book()
    mine = stage.offering_id
    stage.offering_id = other.id
    foreign = stage.book(9)
    stage.offering_id = mine
    stage.synced()
    assert foreign not in stage.shown()
    assert isinstance(foreign, uuid.UUID)


def test_a_calendar_is_made_in_the_offerings_zone_else_the_portals(stage):
    # All-day events of people are read in the calendar's zone: in another one they would block the wrong hours.
    offering = db.session.get(Offering, stage.offering_id)
    offering.attributes = {"booking_rules": {"time_zone": "no zone"}}
    db.session.commit()
    stage.synced()
    assert stage.google.calendars[stage.calendar_id].properties.time_zone == settings().timezone
