"""Stored events: finding, writing and rendering them, series and single events alike.

A series is one row; its occurrences are computed when they are read. An occurrence that was moved, changed or
cancelled has a row of its own. `removed_occurrences` holds those that a change of their series removed, so that an
incremental sync can report them.
"""

import json
import re
import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from portal.dev.google_emulator.access import at_least
from portal.dev.google_emulator.clock import from_ms, local_timestamp, timestamp, to_ms
from portal.dev.google_emulator.errors import Json
from portal.dev.google_emulator.recurrence import HORIZON, Occurrence, occurrences, span_ms
from portal.dev.google_emulator.store import etag, next_seq

ENDLESS = 2**53
INSTANCE_ID = re.compile(r"(.+)_(\d{8}(?:T\d{6}Z)?)")
SERVER_FIELDS = ("recurringEventId", "originalStartTime")


@dataclass(frozen=True)
class SavedEvent:
    """One event, series or occurrence. `stored` is false for an occurrence without a row of its own."""

    calendar_id: str
    id: str
    body: Json
    status: str
    start_ms: int
    end_ms: int
    is_series: bool
    master_id: str | None
    seq: int
    created: int
    updated: int
    stored: bool = True

    @property
    def etag(self) -> str:
        """Changes with every change of the event (of the series, for an occurrence without a row)."""
        return etag(self.seq)

    @property
    def cancelled(self) -> bool:
        """Whether it is a tombstone."""
        return self.status == "cancelled"


def from_row(row: sqlite3.Row) -> SavedEvent:
    """The event of a row of `events`."""
    return SavedEvent(
        row["calendar_id"],
        row["id"],
        json.loads(row["body"]),
        row["status"],
        row["start"],
        row["finish"],
        bool(row["is_series"]),
        row["master_id"],
        row["seq"],
        row["created"],
        row["updated"],
    )


def occurrence_event(master: SavedEvent, occurrence: Occurrence) -> SavedEvent:
    """An occurrence of a series as an event."""
    body = {name: value for name, value in master.body.items() if name != "recurrence"}
    body |= {
        "start": occurrence.start,
        "end": occurrence.end,
        "recurringEventId": master.id,
        "originalStartTime": occurrence.start,
    }
    return replace(
        master,
        id=f"{master.id}_{occurrence.suffix}",
        body=body,
        start_ms=occurrence.start_ms,
        end_ms=occurrence.end_ms,
        is_series=False,
        master_id=master.id,
        stored=False,
    )


def find(db: sqlite3.Connection, calendar: sqlite3.Row, event_id: str) -> SavedEvent | None:
    """An event by id, tombstones and occurrences included."""
    row = db.execute("SELECT * FROM events WHERE calendar_id = ? AND id = ?", (calendar["id"], event_id)).fetchone()
    if row is not None:
        return from_row(row)
    match = INSTANCE_ID.fullmatch(event_id)
    if match is None:
        return None
    master = find(db, calendar, match[1])
    if master is None or master.cancelled or not master.is_series:
        return None
    try:
        until = datetime.strptime(match[2][:8] + "+0000", "%Y%m%d%z") + timedelta(days=3)
    except ValueError:
        return None
    for occurrence in occurrences(master.body, ZoneInfo(calendar["time_zone"]), to_ms(until)):
        if occurrence.suffix == match[2]:
            return occurrence_event(master, occurrence)
    return None


def save(
    db: sqlite3.Connection,
    now_ms: int,
    calendar: sqlite3.Row,
    event_id: str,
    body: Json,
    previous: SavedEvent | None = None,
) -> SavedEvent:
    """Write an event (normalised, with its status in the body) as the newest change of its calendar."""
    zone = ZoneInfo(calendar["time_zone"])
    master_id = previous.master_id if previous else None
    is_series = bool(body.get("recurrence")) and master_id is None
    start, finish = span_ms(body, zone)
    event = SavedEvent(
        calendar["id"],
        event_id,
        body,
        body.get("status", "confirmed"),
        start,
        finish,
        is_series,
        master_id,
        next_seq(db),
        previous.created if previous else now_ms,
        now_ms,
    )
    if is_series or (previous is not None and previous.is_series):
        event = _track_occurrences(db, zone, now_ms, event, previous)
    db.execute(
        "INSERT OR REPLACE INTO events (calendar_id, id, body, status, start, finish, is_series, master_id, seq,"
        " created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            event.calendar_id,
            event.id,
            json.dumps(event.body),
            event.status,
            event.start_ms,
            event.end_ms,
            event.is_series,
            event.master_id,
            event.seq,
            event.created,
            event.updated,
        ),
    )
    return event


def _track_occurrences(
    db: sqlite3.Connection, zone: ZoneInfo, now_ms: int, event: SavedEvent, previous: SavedEvent | None
) -> SavedEvent:
    """Record the occurrences that a change of a series removes; returns the event with the end of its last one."""
    horizon = to_ms(from_ms(now_ms) + HORIZON)
    before = _visible(previous, zone, horizon) if previous else {}
    after = _visible(event, zone, horizon)
    exceptions = db.execute(
        "SELECT id FROM events WHERE calendar_id = ? AND master_id = ?", (event.calendar_id, event.id)
    ).fetchall()
    removed = (set(before) | {row["id"] for row in exceptions}) - set(after)
    calendar_id = event.calendar_id
    db.executemany(
        "DELETE FROM removed_occurrences WHERE calendar_id = ? AND id = ?", [(calendar_id, name) for name in after]
    )
    db.executemany(
        "INSERT OR REPLACE INTO removed_occurrences (calendar_id, id, master_id, seq) VALUES (?, ?, ?, ?)",
        [(calendar_id, name, event.id, event.seq) for name in removed],
    )
    db.executemany(
        "DELETE FROM events WHERE calendar_id = ? AND id = ? AND master_id = ?",
        [(calendar_id, row["id"], event.id) for row in exceptions if row["id"] in removed],
    )
    if not event.is_series:
        return event
    last = occurrences(event.body, zone, horizon)[-1:]
    more = len(occurrences(event.body, zone, ENDLESS)) > len(occurrences(event.body, zone, horizon))
    finish = ENDLESS if more else max([event.end_ms, *(occurrence.end_ms for occurrence in last)])
    return replace(event, end_ms=finish)


def _visible(event: SavedEvent, zone: ZoneInfo, horizon: int) -> dict[str, int]:
    """The ids that a list with singleEvents contains for it, with their starts."""
    if event.cancelled:
        return {}
    if not event.is_series:
        return {event.id: event.start_ms}
    return {f"{event.id}_{found.suffix}": found.start_ms for found in occurrences(event.body, zone, horizon)}


def refresh_all_day(db: sqlite3.Connection, calendar: sqlite3.Row) -> None:
    """After a change of the calendar's time zone: move all-day events to its midnights."""
    zone = ZoneInfo(calendar["time_zone"])
    for row in db.execute("SELECT * FROM events WHERE calendar_id = ? AND NOT is_series", (calendar["id"],)).fetchall():
        start, finish = span_ms(json.loads(row["body"]), zone)
        db.execute(
            "UPDATE events SET start = ?, finish = ? WHERE calendar_id = ? AND id = ?",
            (start, finish, calendar["id"], row["id"]),
        )


def stub(event_id: str, seq: int, master_id: str | None, zone: ZoneInfo) -> Json:
    """What an incremental sync reports of a deleted event."""
    answer: Json = {"kind": "calendar#event", "etag": etag(seq), "id": event_id, "status": "cancelled"}
    match = INSTANCE_ID.fullmatch(event_id)
    if master_id is None or master_id == event_id or match is None:
        return answer
    if len(match[2]) == len("yyyymmdd"):
        original = {"date": f"{match[2][:4]}-{match[2][4:6]}-{match[2][6:]}"}
    else:
        moment = datetime.strptime(match[2], "%Y%m%dT%H%M%S%z")
        original = {"dateTime": local_timestamp(to_ms(moment), zone), "timeZone": zone.key}
    return answer | {"recurringEventId": master_id, "originalStartTime": original}


def show(event: SavedEvent, calendar: sqlite3.Row, zone: ZoneInfo, role: str, base_url: str) -> Json:
    """A stored event resource with times in `zone`, as a caller of this role sees it."""
    body = dict(event.body)
    for name in ("start", "end", "originalStartTime"):
        if "dateTime" in body.get(name, {}):
            moment = to_ms(datetime.fromisoformat(body[name]["dateTime"]))
            body[name] = {**body[name], "dateTime": local_timestamp(moment, zone)}
    answer: Json = {
        "kind": "calendar#event",
        "etag": event.etag,
        "id": event.id,
        "status": event.status,
        "htmlLink": f"{base_url}/calendars/{calendar['id']}/events/{event.id}",
        "created": timestamp(event.created),
        "updated": timestamp(event.updated),
    }
    hidden = not at_least(role, "reader") or (
        body.get("visibility") in ("private", "confidential") and not at_least(role, "writer")
    )
    if hidden:
        shown = ("start", "end", "transparency", *SERVER_FIELDS)
        return answer | {name: body[name] for name in shown if name in body} | {"visibility": "private"}
    if body.get("transparency") == "opaque":
        del body["transparency"]
    if body.get("visibility") == "default":
        del body["visibility"]
    person = {"email": calendar["id"], "displayName": calendar["summary"], "self": True}
    return (
        answer
        | {
            "creator": {"email": calendar["owner"]},
            "organizer": person,
            "iCalUID": f"{event.master_id or event.id}@emulator.example",
            "sequence": 0,
            "reminders": {"useDefault": True},
            "eventType": "default",
        }
        | body
        | {"status": event.status}
    )
