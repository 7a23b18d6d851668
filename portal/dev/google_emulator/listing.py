"""events.list and events.instances: pages, time windows, filters and incremental sync."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

from portal.dev.google_emulator.access import Call, calendar_for, role_of
from portal.dev.google_emulator.clock import from_ms, timestamp, to_ms
from portal.dev.google_emulator.errors import ApiError, Json, bad_request, full_sync_required, not_found
from portal.dev.google_emulator.event_store import SavedEvent, find, from_row, occurrence_event, show, stub
from portal.dev.google_emulator.paging import InvalidToken, decode_token, encode_token
from portal.dev.google_emulator.recurrence import HORIZON, occurrences
from portal.dev.google_emulator.store import etag, last_seq

NOT_WITH_SYNC_TOKEN = (
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMin",
    "timeMax",
    "updatedMin",
)
NO_TOKEN_AFTER = ("iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "updatedMin")
SAME_AS_FIRST = ("singleEvents", "eventTypes", "showHiddenInvitations")
OLDEST_UPDATED_MIN = timedelta(days=28)


class ListedEvent(NamedTuple):
    """An event of a listing before it is rendered: its sort keys, and how to build it."""

    id: str
    start_ms: int
    updated: int
    make: Callable[[], SavedEvent | Json]


def listing(call: Call) -> Json:
    """events.list."""
    calendar = calendar_for(call, "freeBusyReader")
    size, single = call.page_size(250, 2500), call.flag("singleEvents")
    order = call.query.get("orderBy")
    if order not in (None, "startTime", "updated"):
        raise bad_request(f"Invalid value '{order}'.", "invalidParameter", "orderBy")
    if order == "startTime" and not single:
        raise bad_request("The requested ordering is not available for the particular query.")
    page = _page_token(call)
    if "syncToken" in call.query:
        found = list(_increment(call, calendar, _since(call, calendar), single))
    else:
        found = list(_full(call, calendar, single))
    found.sort(key=lambda item: _key(item, order))
    if page is not None:
        found = [item for item in found if _key(item, order) > tuple(page["k"])]
    zone, role = call.zone(calendar), _role(call, calendar)
    items = []
    for item in found[:size]:
        made = item.make()
        items.append(show(made, calendar, zone, role, call.base_url) if isinstance(made, SavedEvent) else made)
    seq = page["s"] if page is not None else last_seq(call.db)
    answer: Json = {
        "kind": "calendar#events",
        "etag": etag(last_seq(call.db)),
        "summary": calendar["summary"],
        "description": calendar["description"] or "",
        "updated": timestamp(calendar["updated"]),
        "timeZone": zone.key,
        "accessRole": role,
        "defaultReminders": [],
    }
    if len(found) > size:
        key = list(_key(found[size - 1], order))
        answer["nextPageToken"] = encode_token("page", {"k": key, "s": seq, "h": _shape(call, every=True)})
    elif not any(name in call.query for name in NO_TOKEN_AFTER):
        token = {"c": calendar["id"], "s": seq, "e": calendar["epoch"], "h": _shape(call, every=False)}
        answer["nextSyncToken"] = encode_token("events", token)
    return answer | {"items": items}


def _role(call: Call, calendar: sqlite3.Row) -> str:
    if call.scopes == {"calendar.events.freebusy"}:
        return "freeBusyReader"
    return role_of(call.db, calendar["id"], call.caller.account)


def _key(item: ListedEvent, order: str | None) -> tuple[int | str, ...]:
    if order is None:
        return (item.id,)
    return (item.start_ms if order == "startTime" else item.updated, item.id)


def _shape(call: Call, *, every: bool) -> str:
    """A digest of the parameters that must stay the same from page to page, or from sync to sync."""
    names = sorted(set(call.query) - {"pageToken", "maxResults", "timeZone", "prettyPrint", "alt", "fields", "key"})
    names = names if every else [name for name in names if name in SAME_AS_FIRST]
    values = [(name, sorted(call.query.getlist(name))) for name in names]
    values = [pair for pair in values if pair[1] != ["false"]]
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:12]


def _page_token(call: Call) -> Json | None:
    token = call.query.get("pageToken")
    if not token:
        return None
    try:
        page = decode_token(token, "page")
    except InvalidToken:
        raise bad_request("Invalid page token value.", location="pageToken") from None
    if page["h"] != _shape(call, every=True):
        raise bad_request("The page token belongs to another query.", location="pageToken")
    return page


def _since(call: Call, calendar: sqlite3.Row) -> int:
    """The number of the last change that the sync token covers."""
    for name in NOT_WITH_SYNC_TOKEN:
        if name in call.query:
            raise bad_request(f"Sync token cannot be used with {name} query restriction.", location="syncToken")
    if call.query.get("showDeleted") == "false":
        raise bad_request("Sync token cannot be used with showDeleted=false.", location="syncToken")
    try:
        kept = decode_token(call.query["syncToken"], "events")
    except InvalidToken:
        raise bad_request("Invalid sync token value.", location="syncToken") from None
    if kept["c"] != calendar["id"] or kept["h"] != _shape(call, every=False):
        raise bad_request("The sync token belongs to another query.", location="syncToken")
    if kept["e"] != calendar["epoch"]:
        raise full_sync_required()
    return int(kept["s"])


def _increment(call: Call, calendar: sqlite3.Row, since: int, single: bool) -> Iterator[ListedEvent]:
    """The events changed after change number `since`, deletions as stubs."""
    zone = ZoneInfo(calendar["time_zone"])
    rows = call.db.execute("SELECT * FROM events WHERE calendar_id = ? AND seq > ?", (calendar["id"], since)).fetchall()
    seen: set[str] = set()
    for row in rows:
        event = from_row(row)
        seen.add(event.id)
        if event.is_series and single:
            if not event.cancelled:
                yield from _expand(call.db, call.state.clock.ms(), calendar, event, None, None)
        elif event.cancelled:
            yield _stub(event.id, event.seq, event.master_id, zone)
        else:
            yield ListedEvent(event.id, event.start_ms, event.updated, partial(_itself, event))
    if single:
        for row in call.db.execute(
            "SELECT * FROM removed_occurrences WHERE calendar_id = ? AND seq > ?", (calendar["id"], since)
        ):
            if row["id"] not in seen or row["id"] == row["master_id"]:
                yield _stub(row["id"], row["seq"], row["master_id"], zone)


def _itself(event: SavedEvent) -> SavedEvent:
    return event


def _stub(event_id: str, seq: int, master_id: str | None, zone: ZoneInfo) -> ListedEvent:
    return ListedEvent(event_id, 0, 0, lambda: stub(event_id, seq, master_id, zone))


def _full(call: Call, calendar: sqlite3.Row, single: bool) -> Iterator[ListedEvent]:
    """The events that the parameters select."""
    low, high, updated_min = call.instant("timeMin"), call.instant("timeMax"), call.instant("updatedMin")
    if low is not None and high is not None and high <= low:
        raise ApiError(
            400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar", location="timeMax"
        )
    if updated_min is not None and updated_min < to_ms(call.state.clock.now() - OLDEST_UPDATED_MIN):
        message = "The requested minimum modification time lies too far in the past."
        raise ApiError(410, "updatedMinTooLongAgo", message, domain="calendar", location="updatedMin")
    deleted, now = call.flag("showDeleted") or updated_min is not None, call.state.clock.ms()
    for item in window(call.db, now, calendar, low, high, single=single, deleted=deleted):
        if updated_min is not None and item.updated < updated_min:
            continue
        if any(name in call.query for name in (*NO_TOKEN_AFTER, "eventTypes")):
            made = item.make()
            if not isinstance(made, SavedEvent) or not _passes(call, made):
                continue
        yield item


def window(
    db: sqlite3.Connection,
    now_ms: int,
    calendar: sqlite3.Row,
    low: int | None,
    high: int | None,
    *,
    single: bool = True,
    deleted: bool = False,
) -> Iterator[ListedEvent]:
    """The events that end after `low` and begin before `high` (milliseconds; None: no bound)."""
    zone = ZoneInfo(calendar["time_zone"])
    rows = db.execute(
        "SELECT * FROM events WHERE calendar_id = ? AND (? OR status <> 'cancelled' OR master_id IS NOT NULL)"
        " AND (? IS NULL OR finish > ?) AND (? IS NULL OR start < ?)",
        (calendar["id"], deleted, low, low, high, high),
    ).fetchall()
    for row in rows:
        if row["is_series"] and single:
            if row["status"] != "cancelled":
                yield from _expand(db, now_ms, calendar, from_row(row), low, high)
        elif row["status"] == "cancelled" and row["master_id"] is not None:
            if deleted or not single:
                yield _stub(row["id"], row["seq"], row["master_id"], zone)
        else:
            yield ListedEvent(row["id"], row["start"], row["updated"], partial(from_row, row))
    if single and deleted:
        for row in db.execute("SELECT * FROM removed_occurrences WHERE calendar_id = ?", (calendar["id"],)).fetchall():
            yield _stub(row["id"], row["seq"], row["master_id"], zone)


def _expand(
    db: sqlite3.Connection, now_ms: int, calendar: sqlite3.Row, master: SavedEvent, low: int | None, high: int | None
) -> Iterator[ListedEvent]:
    """The occurrences of a series that have no row of their own."""
    own = {
        row["id"]
        for row in db.execute(
            "SELECT id FROM events WHERE calendar_id = ? AND master_id = ?", (calendar["id"], master.id)
        )
    }
    until = high if high is not None else to_ms(from_ms(now_ms) + HORIZON)
    for occurrence in occurrences(master.body, ZoneInfo(calendar["time_zone"]), until):
        event_id = f"{master.id}_{occurrence.suffix}"
        if event_id not in own and (low is None or occurrence.end_ms > low):
            yield ListedEvent(
                event_id,
                occurrence.start_ms,
                master.updated,
                partial(occurrence_event, master, occurrence),
            )


def _passes(call: Call, event: SavedEvent) -> bool:
    body = event.body
    if (uid := call.query.get("iCalUID")) and uid not in (
        body.get("iCalUID"),
        f"{event.master_id or event.id}@emulator.example",
    ):
        return False
    if (types := call.query.getlist("eventTypes")) and body.get("eventType", "default") not in types:
        return False
    if text := call.query.get("q", "").lower():
        searched = [body.get(name, "") for name in ("summary", "description", "location")]
        searched += [guest.get(name, "") for guest in body.get("attendees", ()) for name in ("email", "displayName")]
        if not any(text in value.lower() for value in searched):
            return False
    for kind in ("private", "shared"):
        pairs = body.get("extendedProperties", {}).get(kind, {})
        for wanted in call.query.getlist(f"{kind}ExtendedProperty"):
            name, equals, value = wanted.partition("=")
            if not equals:
                raise bad_request(f"Invalid value '{wanted}'.", "invalidParameter", f"{kind}ExtendedProperty")
            if pairs.get(name) != value:
                return False
    return True


def instances(call: Call) -> Json:
    """events.instances: the occurrences of one series, including moved and changed ones."""
    calendar = calendar_for(call, "freeBusyReader")
    master = find(call.db, calendar, call.path["eventId"])
    if master is None or not master.is_series:
        raise not_found()
    low, high, page = call.instant("timeMin"), call.instant("timeMax"), _page_token(call)
    found = [] if master.cancelled else list(_expand(call.db, call.state.clock.ms(), calendar, master, low, high))
    rows = call.db.execute(
        "SELECT * FROM events WHERE calendar_id = ? AND master_id = ? AND (? OR status <> 'cancelled')"
        " AND (? IS NULL OR finish > ?) AND (? IS NULL OR start < ?)",
        (calendar["id"], master.id, call.flag("showDeleted"), low, low, high, high),
    ).fetchall()
    found += [ListedEvent(row["id"], row["start"], row["updated"], partial(from_row, row)) for row in rows]
    found.sort(key=lambda item: (item.start_ms, item.id))
    if page is not None:
        found = [item for item in found if (item.start_ms, item.id) > tuple(page["k"])]
    zone, role, size = call.zone(calendar), _role(call, calendar), call.page_size(250, 2500)
    made = [item.make() for item in found[:size]]
    if original := call.query.get("originalStart"):
        made = [event for event in made if isinstance(event, SavedEvent) and _began(event, zone) == original]
    answer: Json = {
        "kind": "calendar#events",
        "etag": etag(last_seq(call.db)),
        "summary": calendar["summary"],
        "updated": timestamp(calendar["updated"]),
        "timeZone": zone.key,
        "accessRole": role,
        "defaultReminders": [],
        "items": [show(event, calendar, zone, role, call.base_url) for event in made if isinstance(event, SavedEvent)],
    }
    if len(found) > size:
        last = found[size - 1]
        token = {"k": [last.start_ms, last.id], "s": 0, "h": _shape(call, every=True)}
        answer["nextPageToken"] = encode_token("page", token)
    return answer


def _began(event: SavedEvent, zone: ZoneInfo) -> str:
    original = stub(event.id, event.seq, event.master_id, zone).get("originalStartTime", {})
    return str(original.get("dateTime") or original.get("date"))
