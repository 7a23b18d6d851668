"""Push notifications: an empty POST to each channel of a calendar, sent by a background thread."""

import http.client
import json
import secrets
import sqlite3
import ssl
import threading
from collections import OrderedDict
from dataclasses import dataclass
from email.utils import formatdate
from typing import NamedTuple
from urllib.parse import urlsplit

from portal.dev.google_emulator.access import Call, calendar_for, is_loopback_name
from portal.dev.google_emulator.errors import ApiError, Json, bad_request, not_found

DEFAULT_TTL = 604_800
TIMEOUT_SECONDS = 5
MAX_WAITING = 1_000


class Delivery(NamedTuple):
    """One notification: where to, and its headers."""

    channel: str
    address: str
    headers: dict[str, str]


@dataclass
class Result:
    """The outcome of a delivery: the status of the response, or 0 and the error."""

    channel: str
    state: str
    number: int
    status: int
    error: str = ""


class Notifier:
    """Delivers one at a time. Its queue is bounded: a newer notification of a channel replaces its older one."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, Delivery] = OrderedDict()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._busy = False
        self.results: list[Result] = []

    def send(self, deliveries: list[Delivery]) -> None:
        """Queue notifications; the `sync` message of a new channel is never replaced."""
        with self._wake:
            for delivery in deliveries:
                state = delivery.headers["X-Goog-Resource-State"]
                key = f"{delivery.channel} {state}"
                self._waiting.pop(key, None)
                if len(self._waiting) < MAX_WAITING:
                    self._waiting[key] = delivery
            if self._waiting and self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="emulator-notifier", daemon=True)
                self._thread.start()
            self._wake.notify_all()

    def wait_idle(self, timeout: float = 10) -> bool:
        """Wait until every queued notification was delivered or failed."""
        with self._wake:
            return self._wake.wait_for(lambda: not self._waiting and not self._busy, timeout)

    def close(self) -> None:
        """Stop after the current delivery; drop the queue."""
        with self._wake:
            self._closed = True
            self._waiting.clear()
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join(TIMEOUT_SECONDS + 1)

    def _run(self) -> None:
        while True:
            with self._wake:
                self._busy = False
                self._wake.notify_all()
                self._wake.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                _, delivery = self._waiting.popitem(last=False)
                self._busy = True
            result = _deliver(delivery)
            with self._wake:
                self.results = [*self.results[-999:], result]


def _deliver(delivery: Delivery) -> Result:
    parts = urlsplit(delivery.address)
    host, state = parts.hostname or "", delivery.headers["X-Goog-Resource-State"]
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(host, parts.port, timeout=TIMEOUT_SECONDS, context=context)
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=TIMEOUT_SECONDS)
    number = int(delivery.headers["X-Goog-Message-Number"])
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body=b"", headers=delivery.headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        return Result(delivery.channel, state, number, 0, str(error))
    finally:
        connection.close()
    return Result(delivery.channel, state, number, answer.status)


def calendar_changed(db: sqlite3.Connection, calendar_id: str, now_ms: int) -> list[Delivery]:
    """The notifications of a change of this calendar's events; to be sent after the commit."""
    rows = db.execute(
        "UPDATE channels SET number = number + 1 WHERE calendar_id = ? AND expires > ? RETURNING *",
        (calendar_id, now_ms),
    ).fetchall()
    return [_delivery(row, "exists") for row in rows]


def _delivery(row: sqlite3.Row, state: str) -> Delivery:
    headers = {
        "X-Goog-Channel-ID": row["id"],
        "X-Goog-Channel-Expiration": formatdate(row["expires"] / 1000, usegmt=True),
        "X-Goog-Resource-ID": row["resource_id"],
        "X-Goog-Resource-URI": row["uri"],
        "X-Goog-Resource-State": state,
        "X-Goog-Message-Number": str(row["number"]),
        "X-Emulator": "portal",
        "Content-Type": "application/json; charset=UTF-8",
    }
    if row["token"]:
        headers["X-Goog-Channel-Token"] = row["token"]
    return Delivery(row["id"], row["address"], headers)


def watch(call: Call) -> Json:
    """events.watch: opens a channel that is notified of changes of the calendar's events."""
    calendar = calendar_for(call, "freeBusyReader")
    body = call.body
    channel_id, address, token = body.get("id"), body.get("address"), body.get("token")
    if not isinstance(channel_id, str) or not 1 <= len(channel_id) <= 64:
        raise bad_request("Channel id is required and has at most 64 characters.", "required")
    if body.get("type") not in ("web_hook", "webhook"):
        raise bad_request(f"Unknown channel type: {body.get('type')}", "channelUnknownType")
    if token is not None and (not isinstance(token, str) or len(token) > 256):
        raise bad_request("Channel token has at most 256 characters.", "invalid")
    parts = urlsplit(address if isinstance(address, str) else "")
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise bad_request("Missing or malformed WebHook address.", "required")
    if parts.scheme == "http" and not is_loopback_name(parts.hostname):
        raise bad_request(f"WebHook callback must be HTTPS: {address}", "webhookUrlNotHttps")
    now = call.state.clock.ms()
    if call.db.execute("SELECT 1 FROM channels WHERE id = ? AND expires > ?", (channel_id, now)).fetchone():
        raise bad_request(f"Channel id {channel_id} not unique", "channelIdNotUnique")
    uri = f"{call.base_url}/calendar/v3/calendars/{calendar['id']}/events?alt=json"
    row = call.db.execute(
        "INSERT OR REPLACE INTO channels (id, resource_id, account, client_id, calendar_id, address, token, uri,"
        " expires, number) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1) RETURNING *",
        (
            channel_id,
            secrets.token_urlsafe(20),
            call.caller.account,
            call.caller.client_id,
            calendar["id"],
            address,
            token,
            uri,
            _expiry(body, now),
        ),
    ).fetchone()
    call.deliveries.append(_delivery(row, "sync"))
    answer: Json = {
        "kind": "api#channel",
        "id": channel_id,
        "resourceId": row["resource_id"],
        "resourceUri": uri,
        "expiration": str(row["expires"]),
    }
    return {**answer, "token": token} if token else answer


def _expiry(body: Json, now: int) -> int:
    params = body.get("params") or {}
    try:
        ttl = int(params.get("ttl", DEFAULT_TTL))
        expires = int(body["expiration"]) if body.get("expiration") else now + ttl * 1000
    except (AttributeError, TypeError, ValueError):
        raise bad_request(f"Invalid channel parameters: {json.dumps(params)}") from None
    return min(expires, now + 2_592_000_000)


def stop(call: Call) -> None:
    """channels.stop: 404 for any account or client but those that opened the channel."""
    stopped = call.db.execute(
        "DELETE FROM channels WHERE id = ? AND resource_id = ? AND account = ? AND client_id = ?",
        (call.body.get("id"), call.body.get("resourceId"), call.caller.account, call.caller.client_id),
    )
    if not stopped.rowcount:
        raise ApiError(404, "notFound", f"Channel '{call.body.get('id')}' not found") if call.body else not_found()
