"""Push notifications."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

DAY = {"start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}}


@pytest.fixture
def inbox() -> Iterator[Any]:
    """A receiver of notifications; `received` are their headers."""
    received: list[dict[str, str]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.received = received
    server.url = f"http://127.0.0.1:{server.server_address[1]}/push?x=1"
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _watch(google, calendar, **more: Any) -> Any:
    body = {"id": "channel-1", "type": "web_hook", "token": "secret", **more}
    return google.events().watch(calendarId=calendar, body=body)


def test_whoever_watches_is_told(emulator, google, calendar, events, inbox) -> None:
    channel = _watch(google, calendar, address=inbox.url, params={"ttl": "3600"}).execute()
    assert channel["kind"] == "api#channel"
    left = int(channel["expiration"]) - emulator.state.clock.ms()
    assert 3_590_000 < left <= 3_600_000
    assert emulator.state.notifier.wait_idle()
    events.insert(**DAY).execute()
    assert emulator.state.notifier.wait_idle()
    first, second = inbox.received
    assert [item["x-goog-resource-state"] for item in inbox.received] == ["sync", "exists"]
    assert first["x-goog-message-number"] == "1"
    assert int(second["x-goog-message-number"]) > 1
    assert second["x-goog-channel-id"] == "channel-1"
    assert second["x-goog-channel-token"] == "secret"
    assert second["x-goog-resource-id"] == channel["resourceId"]
    assert second["x-goog-resource-uri"] == channel["resourceUri"]
    assert second["x-goog-channel-expiration"].endswith("GMT")
    assert second["content-length"] == "0"


def test_a_stopped_or_expired_channel_is_silent(
    emulator, google, calendar, events, inbox, service_for, refused
) -> None:
    channel = _watch(google, calendar, address=inbox.url).execute()
    stop = {"id": channel["id"], "resourceId": channel["resourceId"]}
    other = service_for("calendar", account="bob@other.example")
    refused(other.channels().stop(body=stop), 404, "notFound")
    google.channels().stop(body=stop).execute()
    refused(google.channels().stop(body=stop), 404, "notFound")
    _watch(google, calendar, id="channel-2", address=inbox.url, params={"ttl": "60"}).execute()
    emulator.state.clock.advance(61)
    events.insert(**DAY).execute()
    assert emulator.state.notifier.wait_idle()
    assert {item["x-goog-resource-state"] for item in inbox.received} == {"sync"}


def test_a_receiver_that_is_not_there_harms_nobody(emulator, google, calendar, events) -> None:
    _watch(google, calendar, address="http://127.0.0.1:1/").execute()
    events.insert(**DAY).execute()
    assert emulator.state.notifier.wait_idle()
    assert emulator.state.notifier.results[-1].status == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"address": "http://portal.example/push"}, "webhookUrlNotHttps"),
        ({"address": "ftp://127.0.0.1/"}, "required"),
        ({"id": None}, "required"),
        ({"id": "x" * 65}, "required"),
        ({"type": "pigeon"}, "channelUnknownType"),
        ({"token": "x" * 257}, "invalid"),
        ({"params": {"ttl": "long"}}, "invalid"),
    ],
)
def test_bad_channels_are_refused(google, calendar, refused, change, reason: str) -> None:
    refused(_watch(google, calendar, **({"address": "http://127.0.0.1:1/"} | change)), 400, reason)


def test_a_channel_id_is_used_once(google, calendar, refused) -> None:
    _watch(google, calendar, address="http://127.0.0.1:1/").execute()
    refused(_watch(google, calendar, address="http://127.0.0.1:1/"), 400, "channelIdNotUnique")
