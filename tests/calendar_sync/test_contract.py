"""One contract, two providers: the one in memory, and Google's client library over HTTP with the emulator.

The engine is tested over the first; this is why that says something about the second.
"""

import http.server
import queue
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from portal.calendar_sync.errors import (
    CalendarNotFound,
    EventChanged,
    EventIdTaken,
    EventNotFound,
    PermissionMissing,
    RequestRejected,
    SyncTokenExpired,
)
from portal.calendar_sync.plan import EventContent, RemoteEvent, app_mark, calendar_mark, digest_of, event_id
from portal.calendar_sync.provider import MAX_BATCH, AccessToken, CalendarProvider, EventWrite, WriteKind
from portal.calendar_sync.providers.google.client import GoogleCalendarProvider, GoogleClient
from portal.calendar_sync.providers.google.scopes import SCOPES
from portal.dev.google_emulator.testing import RunningEmulator, running_emulator
from tests.support.memory_calendars import MemoryCalendars, MemoryGoogle

APP = app_mark("https://portal.example")
START = datetime(2026, 3, 2, 8, tzinfo=UTC)
ALICE = "alice@lab.example"


def slot(number: int, hour: float = 0, length: float = 1) -> EventContent:
    start = START + timedelta(hours=hour)
    return EventContent(uuid.UUID(int=number), start, start + timedelta(hours=length))


def insert(what: EventContent) -> EventWrite:
    return EventWrite(WriteKind.INSERT, event_id(what.slot_uuid), what)


def overwrite(what: EventContent, etag: str = "") -> EventWrite:
    return EventWrite(WriteKind.UPDATE, event_id(what.slot_uuid), what, etag)


def remove(what: EventContent) -> EventWrite:
    return EventWrite(WriteKind.DELETE, event_id(what.slot_uuid))


class ProviderUnderTest:
    """A provider, and what a person does in the same calendars."""

    def provider(self, *, may_share: bool = True, may_list: bool = True) -> CalendarProvider:
        raise NotImplementedError

    def enter(self, calendar_id: str, name: str, hour: int, **values: Any) -> None:
        raise NotImplementedError

    def erase(self, calendar_id: str, name: str) -> None:
        raise NotImplementedError

    def expire_tokens(self, calendar_id: str) -> None:
        raise NotImplementedError


class InMemory(ProviderUnderTest):
    def __init__(self) -> None:
        self.google = MemoryGoogle()

    def provider(self, *, may_share: bool = True, may_list: bool = True) -> CalendarProvider:
        return MemoryCalendars(self.google, APP, may_share=may_share, may_list=may_list)

    def enter(self, calendar_id: str, name: str, hour: int, **values: Any) -> None:
        start = START + timedelta(hours=hour)
        self.google.put(calendar_id, RemoteEvent(name, "", start=start, end=start + timedelta(hours=1), **values))

    def erase(self, calendar_id: str, name: str) -> None:
        self.google.delete(calendar_id, name)

    def expire_tokens(self, calendar_id: str) -> None:
        self.google.forget_tokens(calendar_id)


class OverHttp(ProviderUnderTest):
    def __init__(self, emulator: RunningEmulator) -> None:
        self.emulator = emulator
        self.clients: list[GoogleClient] = []
        self.hands = self._client()
        self.person = GoogleCalendarProvider(self.hands, self._tokens("calendar"), "a person")

    def _client(self) -> GoogleClient:
        self.clients.append(GoogleClient(self.emulator.base_url))
        return self.clients[-1]

    def _tokens(self, *scopes: str) -> Callable[[str | None], AccessToken]:
        token = self.emulator.grant(ALICE, *scopes)["access_token"]
        return lambda _stale: AccessToken(token, datetime.fromtimestamp(time.time() + 3000, UTC))

    def provider(self, *, may_share: bool = True, may_list: bool = True) -> CalendarProvider:
        scopes = [scope.rpartition("/")[2] for scope in SCOPES]
        if not may_share:
            scopes.remove("calendar.acls")
        if not may_list:
            scopes.remove("calendar.calendarlist.readonly")
        return GoogleCalendarProvider(self._client(), self._tokens(*scopes), APP)

    def _execute(self, request: Any) -> None:
        request.execute(http=self.person._http)

    def enter(self, calendar_id: str, name: str, hour: int, **values: Any) -> None:
        start = START + timedelta(hours=hour)
        body = {
            "id": name,
            "summary": values.pop("title", ""),
            "start": {"dateTime": start.isoformat()},
            "end": {"dateTime": (start + timedelta(hours=1)).isoformat()},
        }
        if values.pop("transparent", False):
            body["transparency"] = "transparent"
        assert not values
        self._execute(self.hands.events.insert(calendarId=calendar_id, body=body))

    def erase(self, calendar_id: str, name: str) -> None:
        self._execute(self.hands.events.delete(calendarId=calendar_id, eventId=name))

    def expire_tokens(self, calendar_id: str) -> None:
        url = f"{self.emulator.base_url}/emulator/expire-sync-tokens"
        order = urllib.request.Request(url, data=b"{}", headers={"Content-Type": "application/json"}, method="POST")
        with urllib.request.urlopen(order):
            return

    def close(self) -> None:
        for client in self.clients:
            client.http.close()


@pytest.fixture(scope="module")
def shared_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder: Path = tmp_path_factory.mktemp("emulator")
    with running_emulator(folder / "emulator.db") as running:
        yield running


@pytest.fixture(params=["memory", "google"])
def google(request: pytest.FixtureRequest) -> Iterator[ProviderUnderTest]:
    if request.param == "memory":
        yield InMemory()
        return
    emulator: RunningEmulator = request.getfixturevalue("shared_emulator")
    emulator.reset()
    over = OverHttp(emulator)
    yield over
    over.close()


@pytest.fixture
def provider(google: ProviderUnderTest) -> CalendarProvider:
    return google.provider()


@pytest.fixture
def calendar(provider: CalendarProvider) -> str:
    return provider.create_calendar("Microscope", "Kept by a portal", "Europe/Tallinn").id


def read_all(provider: CalendarProvider, calendar: str, token: str = "") -> tuple[dict[str, RemoteEvent], str]:
    events: dict[str, RemoteEvent] = {}
    page_token = ""
    while True:
        page = provider.read_events(calendar, sync_token=token, page=page_token)
        assert bool(page.next_page) != bool(page.sync_token)
        events |= {event.id: event for event in page.events}
        if not page.next_page:
            return events, page.sync_token
        page_token = page.next_page


class TestCalendars:
    def test_a_calendar_is_created_and_found_again(self, provider):
        mark = calendar_mark("https://portal.example", uuid.UUID(int=7))
        made = provider.create_calendar("Microscope", f"Bookings.\n\n{mark}", "Europe/Tallinn")
        assert provider.get_calendar(made.id) == made
        assert (made.summary, made.time_zone) == ("Microscope", "Europe/Tallinn")
        assert provider.find_calendar(mark).id == made.id
        assert provider.find_calendar(calendar_mark("https://portal.example", uuid.UUID(int=8))) is None

    def test_a_rename_leaves_the_rest_alone(self, provider, calendar):
        before = provider.get_calendar(calendar)
        provider.rename_calendar(calendar, "Light sheet")
        assert provider.get_calendar(calendar) == replace(before, summary="Light sheet")

    def test_a_deleted_calendar_is_missing_everywhere(self, provider, calendar):
        provider.delete_calendar(calendar)
        with pytest.raises(CalendarNotFound):
            provider.get_calendar(calendar)
        with pytest.raises(CalendarNotFound):
            provider.read_events(calendar)
        with pytest.raises(CalendarNotFound):
            provider.rename_calendar(calendar, "x")
        [result] = provider.write_events(calendar, [insert(slot(1))])
        assert isinstance(result, CalendarNotFound)
        assert not provider.is_shared(calendar)

    def test_two_calendars_may_have_one_name(self, provider, calendar):
        assert provider.create_calendar("Microscope", "", "UTC").id != calendar

    def test_without_the_permission_the_list_cannot_be_searched(self, google):
        with pytest.raises(PermissionMissing):
            google.provider(may_list=False).find_calendar("x")


class TestEvents:
    def test_what_is_written_can_be_read(self, provider, calendar):
        what = slot(1)
        [written] = provider.write_events(calendar, [insert(what)])
        assert digest_of(written, APP) == what.digest
        events, _token = read_all(provider, calendar)
        assert events == {written.id: written}
        assert provider.get_event(calendar, written.id) == written

    def test_an_incremental_read_returns_each_change_once(self, provider, calendar):
        first, token = read_all(provider, calendar)
        assert first == {}
        [written] = provider.write_events(calendar, [insert(slot(1))])
        changed, token = read_all(provider, calendar, token)
        assert changed == {written.id: written}
        again, token = read_all(provider, calendar, token)
        assert again == {}
        provider.write_events(calendar, [remove(slot(1))])
        gone, _token = read_all(provider, calendar, token)
        assert [event.cancelled for event in gone.values()] == [True]
        assert read_all(provider, calendar)[0] == {}

    def test_an_insert_with_an_id_in_use_fails(self, provider, calendar):
        [written] = provider.write_events(calendar, [insert(slot(1))])
        [again] = provider.write_events(calendar, [insert(slot(1, hour=5))])
        assert isinstance(again, EventIdTaken)
        assert provider.get_event(calendar, written.id) == written

    def test_the_id_of_a_deleted_event_stays_in_use_and_an_update_restores_it(self, provider, calendar):
        what = slot(1)
        provider.write_events(calendar, [insert(what)])
        provider.write_events(calendar, [remove(what)])
        [taken] = provider.write_events(calendar, [insert(what)])
        assert isinstance(taken, EventIdTaken)
        tombstone = provider.get_event(calendar, event_id(what.slot_uuid))
        assert tombstone.cancelled
        [revived] = provider.write_events(calendar, [overwrite(slot(1, hour=3), tombstone.etag)])
        assert digest_of(revived, APP) == slot(1, hour=3).digest

    def test_an_update_replaces_what_was_there(self, provider, calendar):
        [first] = provider.write_events(calendar, [insert(slot(1))])
        [second] = provider.write_events(calendar, [overwrite(slot(1, hour=2), first.etag)])
        assert second.etag != first.etag
        assert digest_of(second, APP) == slot(1, hour=2).digest

    def test_an_update_of_a_changed_event_fails_unless_forced(self, provider, calendar):
        [first] = provider.write_events(calendar, [insert(slot(1))])
        provider.write_events(calendar, [overwrite(slot(1, hour=2))])
        [late] = provider.write_events(calendar, [overwrite(slot(1, hour=4), first.etag)])
        assert isinstance(late, EventChanged)
        [forced] = provider.write_events(calendar, [overwrite(slot(1, hour=4))])
        assert digest_of(forced, APP) == slot(1, hour=4).digest

    def test_events_that_do_not_exist_are_not_found(self, provider, calendar):
        what = slot(1)
        assert [type(result) for result in provider.write_events(calendar, [overwrite(what)])] == [EventNotFound]
        assert [type(result) for result in provider.write_events(calendar, [remove(what)])] == [EventNotFound]
        with pytest.raises(EventNotFound):
            provider.get_event(calendar, event_id(what.slot_uuid))
        provider.write_events(calendar, [insert(what)])
        assert provider.write_events(calendar, [remove(what)]) == [None]
        assert [type(result) for result in provider.write_events(calendar, [remove(what)])] == [EventNotFound]

    def test_an_event_that_ends_before_it_starts_is_rejected(self, provider, calendar):
        [result] = provider.write_events(calendar, [insert(slot(1, length=-1))])
        assert isinstance(result, RequestRejected)

    def test_the_results_of_a_batch_are_in_order_and_independent(self, provider, calendar):
        provider.write_events(calendar, [insert(slot(10)), insert(slot(11))])
        results = provider.write_events(
            calendar,
            [
                insert(slot(1)),
                insert(slot(2, length=-1)),
                remove(slot(10)),
                overwrite(slot(12)),
                overwrite(slot(11, hour=7)),
            ],
        )
        assert isinstance(results[0], RemoteEvent)
        assert isinstance(results[1], RequestRejected)
        assert results[2] is None
        assert isinstance(results[3], EventNotFound)
        assert isinstance(results[4], RemoteEvent)
        assert set(read_all(provider, calendar)[0]) == {event_id(uuid.UUID(int=number)) for number in (1, 11)}

    def test_a_full_batch(self, provider, calendar):
        results = provider.write_events(
            calendar, [insert(slot(number + 1, hour=number)) for number in range(MAX_BATCH)]
        )
        assert all(isinstance(result, RemoteEvent) for result in results)
        assert len(read_all(provider, calendar)[0]) == MAX_BATCH
        with pytest.raises(ValueError, match="at most"):
            provider.write_events(calendar, [insert(slot(number)) for number in range(MAX_BATCH + 1)])

    def test_events_of_users_are_read(self, google, provider, calendar):
        google.enter(calendar, "service1", 3, title="Service")
        google.enter(calendar, "free1", 4, transparent=True)
        events, token = read_all(provider, calendar)
        service, free = events["service1"], events["free1"]
        assert (service.title, service.transparent, free.transparent) == ("Service", False, True)
        assert service.start.astimezone(UTC) == START + timedelta(hours=3)
        google.erase(calendar, "service1")
        changed, _token = read_all(provider, calendar, token)
        assert list(changed) == ["service1"]
        assert changed["service1"].cancelled

    def test_an_expired_sync_token_requires_a_full_read(self, google, provider, calendar):
        provider.write_events(calendar, [insert(slot(1))])
        _events, token = read_all(provider, calendar)
        google.expire_tokens(calendar)
        with pytest.raises(SyncTokenExpired):
            provider.read_events(calendar, sync_token=token)
        events, token = read_all(provider, calendar)
        assert len(events) == 1
        assert read_all(provider, calendar, token)[0] == {}

    def test_all_pages_of_many_events(self, provider, calendar, monkeypatch):
        monkeypatch.setattr("portal.calendar_sync.providers.google.client.EVENTS_PER_PAGE", 40)
        monkeypatch.setattr("tests.support.memory_calendars.PAGE", 40)
        for start in (0, 50):
            provider.write_events(calendar, [insert(slot(start + number + 1, hour=number)) for number in range(50)])
        assert len(read_all(provider, calendar)[0]) == 100


class TestSharing:
    def test_sharing_and_unsharing_are_idempotent(self, provider, calendar):
        assert not provider.is_shared(calendar)
        for _time in range(2):
            provider.share(calendar)
            assert provider.is_shared(calendar)
        for _time in range(2):
            provider.unshare(calendar)
            assert not provider.is_shared(calendar)

    def test_without_the_permission_nothing_is_shared(self, google, calendar):
        limited = google.provider(may_share=False)
        for call in (limited.share, limited.unshare, limited.is_shared):
            with pytest.raises(PermissionMissing):
                call(calendar)
        assert not google.provider().is_shared(calendar)


class Listener:
    """A receiver of notifications."""

    def __init__(self) -> None:
        self.received: queue.Queue[dict[str, str]] = queue.Queue()
        received = self.received

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                received.put({name.lower(): value for name, value in self.headers.items()})
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                return

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/received"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    yield found
    found.close()


class TestChannels:
    def test_a_channel_has_an_expiry_and_can_be_stopped_twice(self, provider, calendar, listener):
        channel = provider.watch(calendar, str(uuid.uuid4()), "a secret", listener.address)
        assert channel.resource_id
        assert timedelta(days=6) < channel.expires - datetime.now(UTC) < timedelta(days=8)
        provider.stop_channel(channel.id, channel.resource_id)
        provider.stop_channel(channel.id, channel.resource_id)

    def test_an_address_that_is_not_https_is_rejected(self, provider, calendar):
        with pytest.raises(RequestRejected):
            provider.watch(calendar, str(uuid.uuid4()), "a secret", "http://portal.example/received")

    def test_a_deleted_calendar_cannot_be_watched(self, provider, calendar, listener):
        provider.delete_calendar(calendar)
        with pytest.raises(CalendarNotFound):
            provider.watch(calendar, str(uuid.uuid4()), "a secret", listener.address)

    @pytest.mark.parametrize("google", ["google"], indirect=True)
    def test_notifications_of_changes_have_the_token(self, google, listener):
        provider = google.provider()
        calendar = provider.create_calendar("Microscope", "", "UTC").id
        channel = provider.watch(calendar, str(uuid.uuid4()), "a secret", listener.address)
        first = listener.received.get(timeout=10)
        assert (first["x-goog-resource-state"], first["x-goog-channel-token"]) == ("sync", "a secret")
        provider.write_events(calendar, [insert(slot(1))])
        second = listener.received.get(timeout=10)
        assert (second["x-goog-resource-state"], second["x-goog-channel-id"]) == ("exists", channel.id)
