"""events.insert, import, get, update, patch and delete."""

import json
import secrets
import sqlite3
from zoneinfo import ZoneInfo

from portal.dev.google_emulator.access import Call, calendar_for, role_of
from portal.dev.google_emulator.channels import calendar_changed
from portal.dev.google_emulator.errors import ApiError, Json, bad_request, not_found
from portal.dev.google_emulator.event_body import check_id, merge, normalise
from portal.dev.google_emulator.event_store import SERVER_FIELDS, SavedEvent, find, save, show

ID_LETTERS = "0123456789abcdefghijklmnopqrstuv"


def new_id() -> str:
    """An id as Google chooses them."""
    return "".join(secrets.choice(ID_LETTERS) for _ in range(26))


def _answer(call: Call, calendar: sqlite3.Row, event: SavedEvent) -> Json:
    role = role_of(call.db, calendar["id"], call.caller.account)
    if call.scopes == {"calendar.events.freebusy"}:
        role = "freeBusyReader"
    return show(event, calendar, call.zone(calendar), role, call.base_url)


def _written(call: Call, calendar: sqlite3.Row, event: SavedEvent, kind: str) -> Json:
    """After a write: mail to the guests where the caller asked for it, notifications to channels."""
    now = call.state.clock.ms()
    wanted = call.query.get("sendUpdates", "all" if call.flag("sendNotifications") else "none")
    if wanted not in ("all", "externalOnly", "none"):
        raise bad_request(f"Invalid value '{wanted}'.", "invalidParameter", "sendUpdates")
    guests = [guest["email"] for guest in event.body.get("attendees", ())]
    if guests and wanted != "none":
        call.db.execute(
            "INSERT INTO mails (at, calendar_id, subject, kind, recipients) VALUES (?, ?, ?, ?, ?)",
            (now, calendar["id"], event.body.get("summary", ""), kind, json.dumps(guests)),
        )
    call.deliveries.extend(calendar_changed(call.db, calendar["id"], now))
    return _answer(call, calendar, event)


def _existing(call: Call, calendar: sqlite3.Row) -> SavedEvent:
    event = find(call.db, calendar, call.path["eventId"])
    if event is None:
        raise not_found()
    return event


def insert(call: Call) -> Json:
    """events.insert: 409 for an id that was ever used, also by a deleted event."""
    calendar = calendar_for(call, "writer")
    chosen = call.body.get("id")
    event_id = new_id() if chosen is None else check_id(chosen)
    reserved = call.db.execute(
        "SELECT 1 FROM reserved_ids WHERE calendar_id = ? AND id = ?", (calendar["id"], event_id)
    )
    if reserved.fetchone() or find(call.db, calendar, event_id):
        raise ApiError(409, "duplicate")
    body = normalise(call.body, ZoneInfo(calendar["time_zone"]))
    if call.method == "events.import" and "iCalUID" not in body:
        raise bad_request("Missing iCalUID.", "required")
    if body.get("status") == "cancelled":
        raise bad_request("Invalid value for: status")
    body["sequence"] = _sequence(call.body, None)
    return _written(call, calendar, save(call.db, call.state.clock.ms(), calendar, event_id, body), "invitation")


def get(call: Call) -> Json:
    """events.get: a deleted event is returned with status cancelled."""
    calendar = calendar_for(call, "freeBusyReader")
    return _answer(call, calendar, _existing(call, calendar))


def change(call: Call) -> Json:
    """events.update replaces the event, events.patch changes some of it.

    A deleted event is restored only where the request has status confirmed or tentative; 403 otherwise.
    """
    calendar = calendar_for(call, "writer")
    old = _existing(call, calendar)
    call.require_match(old.etag)
    if old.cancelled and call.body.get("status") in (None, "cancelled"):
        raise ApiError(403, "forbidden")
    body = merge(old.body, call.body) if call.method == "events.patch" else call.body
    event = replace_event(call.db, call.state.clock.ms(), calendar, old, body)
    return _written(call, calendar, event, "cancellation" if event.cancelled else "update")


def replace_event(
    db: sqlite3.Connection, now_ms: int, calendar: sqlite3.Row, old: SavedEvent, wanted: Json
) -> SavedEvent:
    """Write `wanted` in place of an event; an occurrence stays an occurrence of its series."""
    body = normalise(wanted, ZoneInfo(calendar["time_zone"]), instance=old.master_id is not None)
    body["sequence"] = _sequence(wanted if wanted.get("sequence") != old.body.get("sequence") else {}, old, body)
    for name in (*SERVER_FIELDS, "iCalUID"):
        if name in old.body:
            body[name] = old.body[name]
    return save(db, now_ms, calendar, old.id, body, old)


def _sequence(wanted: Json, old: SavedEvent | None, body: Json | None = None) -> int:
    """Grows when the time changes; a request may raise it, but not lower it."""
    current = old.body.get("sequence", 0) if old else 0
    given = wanted.get("sequence")
    if given is not None:
        if not isinstance(given, int) or given < current:
            raise bad_request(
                "Invalid sequence value. The specified sequence number is below the current sequence number of the"
                " resource. Re-fetch the resource and use its sequence number on the following request."
            )
        return given
    if old is None or body is None:
        return current
    moved = any(old.body.get(name) != body.get(name) for name in ("start", "end", "recurrence"))
    return int(current) + (1 if moved else 0)


def delete(call: Call) -> None:
    """events.delete: leaves a tombstone; 410 for a second call."""
    calendar = calendar_for(call, "writer")
    old = _existing(call, calendar)
    if old.cancelled:
        raise ApiError(410, "deleted")
    call.require_match(old.etag)
    _written(call, calendar, cancel_event(call.db, call.state.clock.ms(), calendar, old), "cancellation")


def cancel_event(db: sqlite3.Connection, now_ms: int, calendar: sqlite3.Row, old: SavedEvent) -> SavedEvent:
    """Turn an event, a series or one occurrence into a tombstone."""
    return save(db, now_ms, calendar, old.id, {**old.body, "status": "cancelled"}, old)
