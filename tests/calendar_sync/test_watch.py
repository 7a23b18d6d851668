"""Notification channels: opened, replaced, accepted with their token only; the limits of an account."""

from datetime import timedelta

import pytest

from portal.calendar_sync import pace, watch
from portal.calendar_sync.engine import RunOutcome
from portal.calendar_sync.errors import ProviderUnreachable, RateLimited, RequestRejected
from portal.calendar_sync.notifications import calendar_notified, notification_address
from portal.calendar_sync.plan import RemoteEvent
from portal.calendar_sync.run import READ_EVERY, WATCH_SOON
from portal.errors import NotFound
from portal.extensions import calendar_due, db
from portal.models import CalendarChannel, GoogleConnection
from tests.calendar_sync.conftest import NOW
from tests.support import builders

HOOK = "https://portal.example/google/notifications"


@pytest.fixture
def watched(stage):
    """A synced calendar that Google tells about."""
    stage.notification_address = HOOK
    stage.google.now = lambda: stage.now
    stage.sync()
    assert stage.run() is RunOutcome.DONE
    stage.later(minutes=2)
    assert stage.run() is RunOutcome.DONE
    stage.google.calls.clear()
    return stage


def channels():
    rows = db.session.query(CalendarChannel).all()
    db.session.commit()
    return rows


def open_channel(stage):
    """The channel that Google has: its id and token."""
    [(channel, (token, address))] = stage.google.calendars[stage.calendar_id].channels.items()
    assert address == HOOK
    return channel, token


def test_a_channel_is_opened_soon_but_not_during_an_action(stage):
    stage.notification_address = HOOK
    stage.google.now = lambda: stage.now
    stage.book()
    stage.sync()
    stage.run()
    assert stage.google.calls == ["create_calendar", "read_events", "write_events"]
    assert stage.row().next_read == stage.now + WATCH_SOON
    stage.later(minutes=1)
    stage.google.calls.clear()
    assert stage.run() is RunOutcome.DONE
    assert stage.google.calls == ["read_events", "watch"]
    assert stage.row().next_read == stage.now + READ_EVERY
    [row] = channels()
    assert (row.channel_id, row.resource_id != "") == (open_channel(stage)[0], True)
    stage.google.calls.clear()
    stage.later(minutes=30)
    stage.run()
    assert stage.google.calls == ["read_events"], "a quiet read costs one call"


def test_without_a_public_address_nothing_is_watched(stage):
    stage.synced()
    stage.later(hours=1)
    stage.run()
    assert "watch" not in stage.google.calls
    assert channels() == []


@pytest.mark.parametrize(
    ("public_url", "expected"),
    [
        ("https://portal.example", HOOK),
        ("http://portal.example", ""),
        ("https://localhost:8000", ""),
        ("https://127.0.0.1", ""),
    ],
)
def test_google_reaches_public_https_only(public_url, expected):
    assert notification_address(public_url) == expected


def test_a_notification_causes_a_read(watched):
    enqueued = []

    def note(_app, *, calendar_id):
        enqueued.append(calendar_id)

    channel, token = open_channel(watched)
    start = NOW + timedelta(hours=5)
    event = RemoteEvent("person", "", start=start, end=start + timedelta(hours=1))
    watched.google.put(watched.calendar_id, event)
    assert watched.run() is RunOutcome.NOT_TAKEN, "it would not be read for a quarter of an hour"
    with calendar_due.connected_to(note):
        for _often in range(3):
            calendar_notified(channel, token, "exists", now=watched.now)
    assert enqueued == [watched.row().id], "many notifications cause one message"
    assert watched.run() is RunOutcome.DONE
    assert watched.google.calls == ["read_events"]
    assert watched.busy() == {"person": (event.start, event.end)}


def test_the_confirmation_of_a_channel_changes_nothing(watched):
    before = watched.row().next_read
    calendar_notified(*open_channel(watched), "sync", now=watched.now)
    assert watched.row().next_read == before


@pytest.mark.parametrize("wrong", ["channel", "token", "empty"])
def test_a_notification_without_the_token_enqueues_nothing(watched, wrong):
    channel, token = open_channel(watched)
    said = {"channel": ("x" + channel[1:], token), "token": (channel, token[:-1]), "empty": (channel, "")}[wrong]
    before = watched.row().next_read
    with pytest.raises(NotFound):
        calendar_notified(*said, "exists", now=watched.now)
    assert watched.row().next_read == before


def test_a_notification_during_a_run_causes_a_read_after_it(watched):
    channel, token = open_channel(watched)
    watched.later(minutes=20)

    row = watched.row()
    row.next_read = watched.now + timedelta(minutes=10)
    db.session.commit()
    watched.book(3)

    def tell(method):
        if method == "write_events":
            calendar_notified(channel, token, "exists", now=watched.now)

    watched.google.before = tell
    assert watched.run() is RunOutcome.AGAIN
    watched.google.calls.clear()
    assert watched.run() is RunOutcome.DONE
    assert watched.google.calls == ["read_events"]


def test_a_channel_is_replaced_a_day_before_it_expires_and_the_old_one_stopped(watched):
    first, _token = open_channel(watched)
    watched.later(days=5, hours=23)
    watched.run()
    assert "watch" not in watched.google.calls
    watched.later(hours=2)
    watched.google.calls.clear()
    watched.run()
    assert watched.google.calls == ["read_events", "watch", "stop_channel"]
    second, _token = open_channel(watched)
    assert second != first
    assert [row.channel_id for row in channels()] == [second]


@pytest.mark.parametrize("problem", [RequestRejected("no https"), ProviderUnreachable("reset"), RateLimited("slow")])
def test_without_a_channel_calendars_are_read_as_before(stage, problem):
    stage.notification_address = HOOK

    def before(method):
        if method == "watch":
            raise problem

    stage.google.before = before
    stage.sync()
    stage.run()
    stage.later(minutes=2)
    assert stage.run() is RunOutcome.DONE
    assert stage.row().error == ""
    [note] = stage.last_run().notes
    assert note.startswith("Google will not tell")
    for _often in range(3):
        stage.later(minutes=30)
        assert stage.run() is RunOutcome.DONE
    assert stage.google.calls.count("watch") == 1, "it is not asked at each read"
    stage.later(seconds=watch.TRY_AGAIN_AFTER.total_seconds())
    stage.run()
    assert stage.google.calls.count("watch") == 2


def test_a_calendar_that_is_created_again_gets_a_new_channel(watched):
    first, _token = open_channel(watched)
    del watched.google.calendars[watched.calendar_id]
    watched.later(minutes=20)
    assert watched.run() is RunOutcome.DONE
    assert channels() == []
    watched.later(minutes=2)
    watched.run()
    assert open_channel(watched)[0] != first


def other_connection(account_sub):
    organization = builders.offering("Elsewhere").organization
    return builders.add(
        GoogleConnection(organization_id=organization.id, account_sub=account_sub, refresh_token="x", scopes=[])
    )


def test_a_rate_limit_pauses_the_whole_account(stage):
    same, another = other_connection("1"), other_connection("2")
    stage.synced()
    db.session.commit()

    def limited(_method):
        raise RateLimited("slow", retry_after=40)

    stage.google.before = limited
    stage.book()
    assert stage.run() is RunOutcome.FAILED
    db.session.expire_all()
    quiet = stage.connection().paused_until
    assert quiet is not None
    assert stage.now + timedelta(seconds=30) <= quiet <= stage.now + timedelta(minutes=1)
    assert same.paused_until == quiet
    assert another.paused_until is None
    row = stage.row()
    row.next_attempt = None
    db.session.commit()
    stage.google.before = lambda _method: None
    assert stage.run() is RunOutcome.NOT_TAKEN
    stage.later(minutes=1, seconds=1)
    assert stage.run() is RunOutcome.DONE


def test_regular_reads_stay_below_the_limit(stage, monkeypatch):
    # Half a minute's worth at another scale: three at once, and one every two seconds.
    monkeypatch.setattr(pace, "READS_AT_ONCE", 3)
    monkeypatch.setattr(pace, "READ_INTERVAL", timedelta(seconds=2))
    stage.synced()
    reads = 0
    begun = stage.now = stage.now + timedelta(hours=1)
    while stage.now < begun + timedelta(seconds=30):
        row = stage.row()
        row.next_read = stage.now
        db.session.commit()
        reads += stage.run() is RunOutcome.DONE
        stage.later(milliseconds=500)
    assert 15 <= reads <= 19
    assert stage.row().next_read > stage.now - timedelta(milliseconds=500), "it waits its turn, and is not lost"
    stage.sync()
    assert stage.run() is RunOutcome.DONE, "what somebody asked for is not counted"
