"""Sharing rules: acl.insert, get, list, update, patch and delete."""

import json
import sqlite3
from typing import Any

from portal.dev.google_emulator.access import ROLES, Call, calendar_for
from portal.dev.google_emulator.errors import ApiError, Json, bad_request, full_sync_required, not_found
from portal.dev.google_emulator.paging import InvalidToken, decode_token, encode_token
from portal.dev.google_emulator.store import etag, last_seq, next_seq

SCOPE_TYPES = ("default", "user", "group", "domain")


def rule_id(scope_type: str, value: str) -> str:
    """`default`, or the type and the value: `user:somebody@example.org`."""
    return scope_type if scope_type == "default" else f"{scope_type}:{value}"


def show(row: sqlite3.Row) -> Json:
    """An AclRule resource."""
    scope = {"type": row["scope_type"]}
    if row["scope_type"] != "default":
        scope["value"] = row["scope_value"]
    return {
        "kind": "calendar#aclRule",
        "etag": etag(row["seq"]),
        "id": row["id"],
        "scope": scope,
        "role": row["role"],
    }


def write_rule(db: sqlite3.Connection, calendar_id: str, role: str, scope_type: str, value: str) -> sqlite3.Row:
    """Write one rule. A real change invalidates the calendar's sync tokens, as changes of sharing do at Google."""
    rule = rule_id(scope_type, value)
    old = db.execute("SELECT * FROM acl WHERE calendar_id = ? AND id = ?", (calendar_id, rule)).fetchone()
    if old is None or old["role"] != role:
        db.execute(
            "INSERT OR REPLACE INTO acl (calendar_id, id, role, scope_type, scope_value, seq)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (calendar_id, rule, role, scope_type, value, next_seq(db)),
        )
        db.execute("UPDATE calendars SET epoch = epoch + 1 WHERE id = ?", (calendar_id,))
    return _rule(db, calendar_id, rule)


def _rule(db: sqlite3.Connection, calendar_id: str, rule: str) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM acl WHERE calendar_id = ? AND id = ?", (calendar_id, rule)
    ).fetchone()
    if row is None:
        raise not_found()
    return row


def _role(value: Any, scope_type: str) -> str:
    if value is None:
        raise bad_request("Missing role.", "required")
    if value not in ROLES:
        raise bad_request(f"Invalid role: {value}")
    if scope_type == "default" and value not in ("none", "freeBusyReader", "reader"):
        raise bad_request("Invalid role for the public scope.")
    return str(value)


def _guard_owner(call: Call, calendar: sqlite3.Row, rule: str, role: str) -> None:
    if rule == f"user:{calendar['owner']}" and role != "owner":
        raise ApiError(403, "cannotChangeOwnAcl", "Cannot change your own access level.", domain="calendar")
    if rule == f"user:{call.caller.account}" and role != "owner":
        raise ApiError(403, "cannotChangeOwnAcl", "Cannot change your own access level.", domain="calendar")


def insert(call: Call) -> Json:
    """acl.insert: a second call for the same scope replaces the rule."""
    calendar = calendar_for(call, "owner")
    scope = call.body.get("scope")
    if not isinstance(scope, dict) or scope.get("type", "default") not in SCOPE_TYPES:
        raise bad_request("Invalid scope type." if scope else "Missing scope.", "invalid" if scope else "required")
    scope_type = scope.get("type", "default")
    value = "" if scope_type == "default" else scope.get("value")
    if not isinstance(value, str) or (scope_type != "default" and not value):
        raise bad_request("Invalid scope value.")
    role = _role(call.body.get("role"), scope_type)
    _guard_owner(call, calendar, rule_id(scope_type, value.lower()), role)
    row = write_rule(call.db, calendar["id"], role, scope_type, value.lower())
    if scope_type in ("user", "group") and call.flag("sendNotifications", True):
        call.db.execute(
            "INSERT INTO mails (at, calendar_id, subject, kind, recipients) VALUES (?, ?, ?, 'sharing', ?)",
            (call.state.clock.ms(), calendar["id"], calendar["summary"], json.dumps([value.lower()])),
        )
    return show(row)


def get(call: Call) -> Json:
    """acl.get."""
    calendar = calendar_for(call, "owner")
    return show(_rule(call.db, calendar["id"], call.path["ruleId"]))


def change(call: Call) -> Json:
    """acl.update and acl.patch: the role is all that can change."""
    calendar = calendar_for(call, "owner")
    row = _rule(call.db, calendar["id"], call.path["ruleId"])
    call.require_match(etag(row["seq"]))
    role = _role(call.body.get("role", row["role"] if call.method == "acl.patch" else None), row["scope_type"])
    _guard_owner(call, calendar, row["id"], role)
    return show(write_rule(call.db, calendar["id"], role, row["scope_type"], row["scope_value"]))


def delete(call: Call) -> None:
    """acl.delete: 404 for a rule with role none."""
    calendar = calendar_for(call, "owner")
    row = _rule(call.db, calendar["id"], call.path["ruleId"])
    if row["role"] == "none":
        raise not_found()
    call.require_match(etag(row["seq"]))
    _guard_owner(call, calendar, row["id"], "none")
    write_rule(call.db, calendar["id"], "none", row["scope_type"], row["scope_value"])


def listing(call: Call) -> Json:
    """acl.list: rules with role none are shown with showDeleted or a sync token only."""
    calendar = calendar_for(call, "owner")
    since = -1
    if token := call.query.get("syncToken"):
        try:
            kept = decode_token(token, "acl")
        except InvalidToken:
            raise bad_request("Invalid sync token value.", location="syncToken") from None
        if kept["c"] != calendar["id"]:
            raise full_sync_required()
        since = kept["s"]
    rows = call.db.execute(
        "SELECT * FROM acl WHERE calendar_id = ? AND seq > ? AND id > ? AND (role <> 'none' OR ?) ORDER BY id LIMIT ?",
        (
            calendar["id"],
            since,
            call.query.get("pageToken", ""),
            since >= 0 or call.flag("showDeleted"),
            (size := call.page_size(100, 250)) + 1,
        ),
    ).fetchall()
    answer: Json = {
        "kind": "calendar#acl",
        "etag": etag(last_seq(call.db)),
        "items": [show(row) for row in rows[:size]],
    }
    if len(rows) > size:
        return answer | {"nextPageToken": rows[size - 1]["id"]}
    return answer | {"nextSyncToken": encode_token("acl", {"c": calendar["id"], "s": last_seq(call.db)})}
