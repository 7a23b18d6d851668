"""calendars.insert, get, patch, update and delete."""

import secrets
import sqlite3
from typing import Any

from portal.dev.google_emulator.access import Call, at_least, calendar_for, parse_zone, role_of
from portal.dev.google_emulator.accounts import create_calendar
from portal.dev.google_emulator.errors import ApiError, Json, bad_request
from portal.dev.google_emulator.event_store import refresh_all_day
from portal.dev.google_emulator.store import etag, next_seq

DOMAIN = "@group.calendar.emulator.example"
CONFERENCES = {"allowedConferenceSolutionTypes": ["hangoutsMeet"]}


def show(row: sqlite3.Row) -> Json:
    """A Calendar resource: empty texts are left out."""
    answer: Json = {"kind": "calendar#calendar", "etag": etag(row["seq"]), "id": row["id"], "summary": row["summary"]}
    for name in ("description", "location"):
        if row[name]:
            answer[name] = row[name]
    answer |= {"timeZone": row["time_zone"], "conferenceProperties": CONFERENCES}
    return answer if row["is_primary"] else answer | {"dataOwner": row["owner"]}


def _text(value: Any, name: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise bad_request(f"Invalid value for: {name}", "parseError")
    return value


def _title(body: Json) -> str:
    title = _text(body.get("summary"), "summary")
    if not title or not title.strip():
        raise bad_request("Missing title.", "required")
    return title


def insert(call: Call) -> Json:
    """calendars.insert: the server chooses the id, so a repeated call creates a second calendar, as at Google."""
    body = call.body
    zone = body.get("timeZone")
    row = create_calendar(
        call.db,
        calendar_id=secrets.token_hex(32) + DOMAIN,
        owner=call.caller.account,
        client_id=call.caller.client_id,
        summary=_title(body),
        description=_text(body.get("description"), "description"),
        location=_text(body.get("location"), "location"),
        time_zone="UTC" if zone is None else parse_zone(zone, "timeZone").key,
        now_ms=call.state.clock.ms(),
    )
    return show(row)


def get(call: Call) -> Json:
    """calendars.get."""
    row = calendar_for(call, "freeBusyReader")
    if not at_least(role_of(call.db, row["id"], call.caller.account), "reader"):
        return {name: value for name, value in show(row).items() if name not in ("description", "location")}
    return show(row)


def change(call: Call) -> Json:
    """calendars.update replaces every text (the zone stays where none is sent), calendars.patch only those sent."""
    row = calendar_for(call, "owner")
    call.require_match(etag(row["seq"]))
    body = call.body if call.method == "calendars.update" else {**show(row), **call.body}
    zone = body.get("timeZone") or row["time_zone"]
    zone = parse_zone(zone, "timeZone").key
    call.db.execute(
        "UPDATE calendars SET summary = ?, description = ?, location = ?, time_zone = ?, seq = ?, updated = ?"
        " WHERE id = ?",
        (
            _title(body),
            _text(body.get("description"), "description"),
            _text(body.get("location"), "location"),
            zone,
            next_seq(call.db),
            call.state.clock.ms(),
            row["id"],
        ),
    )
    changed = call.db.execute("SELECT * FROM calendars WHERE id = ?", (row["id"],)).fetchone()
    if zone != row["time_zone"]:
        refresh_all_day(call.db, changed)
    return show(changed)


def delete(call: Call) -> None:
    """calendars.delete: removes the calendar with its events, rules and channels."""
    row = calendar_for(call, "owner")
    call.require_match(etag(row["seq"]))
    if row["is_primary"]:
        raise ApiError(403, "forbidden", "The primary calendar cannot be deleted.")
    remove(call.db, row["id"])


def remove(db: sqlite3.Connection, calendar_id: str) -> None:
    """Delete a calendar; its list entries stay as deleted ones, for incremental sync of the list."""
    db.execute("UPDATE calendars SET deleted = 1, seq = ? WHERE id = ?", (next_seq(db), calendar_id))
    db.execute("UPDATE list_entries SET deleted = 1, seq = ? WHERE calendar_id = ?", (next_seq(db), calendar_id))
    for table in ("events", "removed_occurrences", "reserved_ids", "acl", "channels"):
        db.execute(f"DELETE FROM {table} WHERE calendar_id = ?", (calendar_id,))  # noqa: S608 - fixed names
