"""The list of an account's calendars: calendarList.list, get, insert, patch, update and delete."""

import json
import sqlite3
from typing import Any

from portal.dev.google_emulator import calendars
from portal.dev.google_emulator.access import ROLES, Call, at_least, calendar_for, role_of
from portal.dev.google_emulator.errors import Json, bad_request, full_sync_required, not_found
from portal.dev.google_emulator.paging import InvalidToken, decode_token, encode_token
from portal.dev.google_emulator.store import etag, last_seq, next_seq

OWN_FIELDS = {
    "summaryOverride": str,
    "colorId": str,
    "backgroundColor": str,
    "foregroundColor": str,
    "hidden": bool,
    "selected": bool,
    "defaultReminders": list,
    "notificationSettings": dict,
}
JOINED = (
    "SELECT e.account, e.calendar_id, e.body AS entry, e.deleted AS entry_deleted, max(e.seq, c.seq) AS entry_seq, c.*"
    " FROM list_entries e JOIN calendars c ON c.id = e.calendar_id WHERE e.account = ?"
)


def _show(db: sqlite3.Connection, row: sqlite3.Row) -> Json:
    if row["entry_deleted"] or row["deleted"]:
        return {
            "kind": "calendar#calendarListEntry",
            "etag": etag(row["entry_seq"]),
            "id": row["id"],
            "deleted": True,
        }
    answer = calendars.show(row) | {"kind": "calendar#calendarListEntry", "etag": etag(row["entry_seq"])}
    answer |= {
        "colorId": "14",
        "backgroundColor": "#9fe1e7",
        "foregroundColor": "#000000",
        "selected": True,
        "accessRole": role_of(db, row["id"], row["account"]),
        "defaultReminders": [],
    }
    if row["is_primary"]:
        answer["primary"] = True
    changed: dict[str, Any] = json.loads(row["entry"])
    return answer | changed


def _entry(call: Call) -> sqlite3.Row:
    calendar = calendar_for(call, "freeBusyReader")
    row: sqlite3.Row | None = call.db.execute(
        JOINED + " AND e.calendar_id = ? AND NOT e.deleted", (call.caller.account, calendar["id"])
    ).fetchone()
    if row is None:
        raise not_found()
    return row


def _own(body: Json) -> Json:
    kept: dict[str, Any] = {}
    for name, kind in OWN_FIELDS.items():
        value = body.get(name)
        if value is not None:
            if not isinstance(value, kind):
                raise bad_request(f"Invalid value for: {name}", "parseError")
            kept[name] = value
    return kept


def get(call: Call) -> Json:
    """calendarList.get."""
    return _show(call.db, _entry(call))


def insert(call: Call) -> Json:
    """calendarList.insert: adds a calendar that is shared with the account to its list."""
    wanted = call.body.get("id")
    if not isinstance(wanted, str):
        raise bad_request("Missing calendar id.", "required")
    calendar = calendar_for(call, "freeBusyReader", wanted)
    call.db.execute(
        "INSERT OR REPLACE INTO list_entries (account, calendar_id, body, deleted, seq) VALUES (?, ?, ?, 0, ?)",
        (call.caller.account, calendar["id"], json.dumps(_own(call.body)), next_seq(call.db)),
    )
    call.path["calendarId"] = calendar["id"]
    return get(call)


def change(call: Call) -> Json:
    """calendarList.update replaces the account's own settings of the entry; calendarList.patch changes some."""
    row = _entry(call)
    call.require_match(etag(row["entry_seq"]))
    kept = json.loads(row["entry"]) if call.method == "calendarList.patch" else {}
    kept = {name: value for name, value in kept.items() if call.body.get(name, "") is not None}
    call.db.execute(
        "UPDATE list_entries SET body = ?, seq = ? WHERE account = ? AND calendar_id = ?",
        (json.dumps(kept | _own(call.body)), next_seq(call.db), call.caller.account, row["id"]),
    )
    return get(call)


def delete(call: Call) -> None:
    """calendarList.delete: removes the entry; the calendar itself stays."""
    row = _entry(call)
    call.db.execute(
        "UPDATE list_entries SET deleted = 1, seq = ? WHERE account = ? AND calendar_id = ?",
        (next_seq(call.db), call.caller.account, row["id"]),
    )


def listing(call: Call) -> Json:
    """calendarList.list: 100 a page (250 at most), with a sync token of its own."""
    size = call.page_size(100, 250)
    since, deleted = -1, call.flag("showDeleted")
    if token := call.query.get("syncToken"):
        if call.query.get("minAccessRole"):
            raise bad_request("Sync token cannot be used with minAccessRole.", location="syncToken")
        try:
            kept = decode_token(token, "list")
        except InvalidToken:
            raise bad_request("Invalid sync token value.", location="syncToken") from None
        if kept["a"] != call.caller.account:
            raise full_sync_required()
        since, deleted = kept["s"], True
    least = call.query.get("minAccessRole", "freeBusyReader")
    if least not in ROLES:
        raise bad_request(f"Invalid value '{least}'.", "invalidParameter", "minAccessRole")
    rows = call.db.execute(
        f"SELECT * FROM ({JOINED}) WHERE entry_seq > ? AND id > ? AND (? OR NOT (entry_deleted OR deleted))"  # noqa: S608
        " ORDER BY id",
        (call.caller.account, since, call.query.get("pageToken", ""), deleted),
    ).fetchall()
    hidden = call.flag("showHidden") or since >= 0
    items = [_show(call.db, row) for row in rows]
    items = [
        item
        for item in items
        if item.get("deleted")
        or (at_least(item["accessRole"], least) and item["accessRole"] != "none" and (hidden or not item.get("hidden")))
    ]
    answer: Json = {"kind": "calendar#calendarList", "etag": etag(last_seq(call.db)), "items": items[:size]}
    if len(items) > size:
        return answer | {"nextPageToken": items[size - 1]["id"]}
    return answer | {"nextSyncToken": encode_token("list", {"a": call.caller.account, "s": last_seq(call.db)})}
