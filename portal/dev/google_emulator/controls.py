"""The control API for tests and the demo, as JSON under /emulator/: state, counts, faults, quota, clock."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request

from portal.dev.google_emulator import acl
from portal.dev.google_emulator.accounts import ensure_account, ensure_default_accounts
from portal.dev.google_emulator.clock import timestamp
from portal.dev.google_emulator.counters import CallQuota
from portal.dev.google_emulator.errors import Json, bad_request
from portal.dev.google_emulator.scopes import PREFIX, canonical
from portal.dev.google_emulator.settings import CLIENT_ID
from portal.dev.google_emulator.state import EmulatorState, current_state
from portal.dev.google_emulator.tokens import new_access_token, new_refresh_token, revoke_grant

blueprint = Blueprint("controls", __name__, url_prefix="/emulator")


def _body() -> Json:
    body = request.get_json(silent=True) if request.get_data() else {}
    if not isinstance(body, dict):
        raise bad_request("A JSON object is expected.", "parseError")
    return body


@blueprint.get("/calls")
def calls() -> Response:
    """All counts, and with ?log=true the latest calls."""
    counters = current_state().counters
    report = counters.report()
    return jsonify(report | {"log": counters.log()} if request.args.get("log") == "true" else report)


@blueprint.delete("/calls")
def reset_calls() -> Response:
    """Set all counts to 0."""
    current_state().counters.reset()
    return jsonify({})


@blueprint.post("/reset")
def reset() -> Response:
    """Back to the first start: no calendars, grants, faults, quota or counts; the system time."""
    reset_state(current_state())
    return jsonify({})


def reset_state(state: EmulatorState) -> None:
    """Delete everything and create the default accounts again."""
    state.store.clear()
    state.clock.use_system_time()
    state.faults.clear()
    state.counters.quota = CallQuota()
    state.counters.reset()
    with state.store.write() as db:
        ensure_default_accounts(db, state.clock.ms())


@blueprint.get("/faults")
def faults() -> Response:
    """The pending faults, and how many were injected."""
    return jsonify(pending=current_state().faults.pending(), injected=current_state().faults.injected)


@blueprint.post("/faults")
def add_faults() -> Response:
    """Request one fault, or several under `faults`; the fields are those of `faults.Fault`."""
    body = _body()
    try:
        for fields in body.get("faults", [body]):
            current_state().faults.add(**fields)
    except (TypeError, ValueError) as error:
        raise bad_request(str(error)) from None
    return jsonify(pending=current_state().faults.pending())


@blueprint.delete("/faults")
def clear_faults() -> Response:
    """Drop all pending faults."""
    current_state().faults.clear()
    return jsonify({})


@blueprint.post("/quota")
def quota() -> Response:
    """`per_minute` units per account (null: no limit), and the error: `status`, `reason`, `retry_after`."""
    try:
        current_state().counters.quota = CallQuota(**_body())
    except TypeError as error:
        raise bad_request(str(error)) from None
    return jsonify(asdict(current_state().counters.quota))


@blueprint.post("/batch-limit")
def batch_limit() -> Response:
    """`limit`: the number of calls that one batch may have."""
    limit = _body().get("limit")
    if not isinstance(limit, int) or limit < 1:
        raise bad_request("limit is a whole number from 1.")
    current_state().batch_limit = limit
    return jsonify(limit=limit)


@blueprint.post("/now")
def now() -> Response:
    """`now` freezes the clock at a moment (null: the system time), `advance` shifts it by seconds."""
    clock, body = current_state().clock, _body()
    if "advance" in body:
        clock.advance(float(body["advance"]))
    elif body.get("now") is None:
        clock.use_system_time()
    else:
        moment = datetime.fromisoformat(body["now"])
        clock.freeze(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    return jsonify(now=clock.now().isoformat())


@blueprint.post("/token")
def token() -> Response:
    """Tokens without the consent page: `account`, `scopes` (long or short names), `client_id`."""
    body = _body()
    names = body.get("scopes", ["openid", "email", "calendar"])
    granted, unknown = canonical(" ".join(_long(name) for name in names))
    if unknown:
        raise bad_request(f"Unknown scopes: {' '.join(unknown)}")
    return jsonify(grant(current_state(), body["account"], " ".join(granted), body.get("client_id", CLIENT_ID)))


def _long(name: str) -> str:
    return PREFIX + name if name == "calendar" or name.startswith("calendar.") else name


def grant(state: EmulatorState, account: str, scopes: str, client_id: str = CLIENT_ID) -> dict[str, str]:
    """A grant with its tokens: `access_token`, `refresh_token`, `scope`."""
    with state.store.write() as db:
        at = state.clock.ms()
        email = ensure_account(db, account, at)
        db.execute(
            "INSERT OR REPLACE INTO grants (account, client_id, scopes) VALUES (?, ?, ?)", (email, client_id, scopes)
        )
        return {
            "access_token": new_access_token(db, email, client_id, scopes, at),
            "refresh_token": new_refresh_token(db, email, client_id, scopes, at),
            "scope": scopes,
        }


@blueprint.post("/expire-access-tokens")
def expire_access_tokens() -> Response:
    """Expire every access token (of `account`); refresh tokens stay valid."""
    account = _body().get("account")
    with current_state().store.write() as db:
        db.execute("DELETE FROM access_tokens WHERE ? IS NULL OR account = ?", (account, account))
    return jsonify({})


@blueprint.post("/revoke-grant")
def revoke_grants() -> Response:
    """Revoke the grants of `account` (without one: all), as the person can at Google: invalid_grant from now on."""
    account = _body().get("account")
    with current_state().store.write() as db:
        rows = db.execute("SELECT account, client_id FROM grants WHERE ? IS NULL OR account = ?", (account, account))
        for row in rows.fetchall():
            revoke_grant(db, row["account"], row["client_id"])
    return jsonify({})


@blueprint.post("/expire-sync-tokens")
def expire_sync_tokens() -> Response:
    """Expire the sync tokens for the events of `calendar` (without one: of all): 410 from now on."""
    calendar = _body().get("calendar")
    with current_state().store.write() as db:
        db.execute("UPDATE calendars SET epoch = epoch + 1 WHERE ? IS NULL OR id = ?", (calendar, calendar))
    return jsonify({})


@blueprint.post("/purge-deleted")
def purge_deleted() -> Response:
    """Remove the tombstones of `calendar`, as Google does after a while; with `reserve_ids` their ids stay taken."""
    body = _body()
    calendar = body.get("calendar")
    with current_state().store.write() as db:
        where = "WHERE status = 'cancelled' AND master_id IS NULL AND (? IS NULL OR calendar_id = ?)"
        if body.get("reserve_ids"):
            db.execute(
                f"INSERT OR IGNORE INTO reserved_ids SELECT calendar_id, id FROM events {where}",  # noqa: S608
                (calendar, calendar),
            )
        db.execute(f"DELETE FROM events {where}", (calendar, calendar))  # noqa: S608
        db.execute("UPDATE calendars SET epoch = epoch + 1 WHERE ? IS NULL OR id = ?", (calendar, calendar))
    return jsonify({})


@blueprint.get("/mails")
def mails() -> Response:
    """The mails that Google would have sent: to guests, and to people a calendar was shared with."""
    with current_state().store.read() as db:
        rows = db.execute("SELECT * FROM mails ORDER BY id").fetchall()
    return jsonify(
        mails=[
            {
                "at": timestamp(row["at"]),
                "calendar": row["calendar_id"],
                "kind": row["kind"],
                "subject": row["subject"],
                "recipients": json.loads(row["recipients"]),
            }
            for row in rows
        ]
    )


@blueprint.get("/notifications")
def notifications() -> Response:
    """The latest push notifications and the outcome of their delivery."""
    return jsonify(notifications=[asdict(result) for result in current_state().notifier.results])


@blueprint.get("/state")
def show_state() -> Response:
    """Accounts, grants, calendars with their rules and events (tombstones too), and channels."""
    with current_state().store.read() as db:
        calendars: list[dict[str, Any]] = []
        for row in db.execute("SELECT * FROM calendars WHERE NOT deleted ORDER BY id").fetchall():
            rules = db.execute("SELECT * FROM acl WHERE calendar_id = ?", (row["id"],)).fetchall()
            events = db.execute("SELECT * FROM events WHERE calendar_id = ? ORDER BY id", (row["id"],)).fetchall()
            calendars.append(
                {
                    **dict(row),
                    "acl": [acl.show(rule) for rule in rules],
                    "events": [{**dict(event), "body": json.loads(event["body"])} for event in events],
                }
            )
        accounts = [dict(row) for row in db.execute("SELECT * FROM accounts ORDER BY email")]
        grants = [dict(row) for row in db.execute("SELECT * FROM grants ORDER BY account")]
        channels = [dict(row) for row in db.execute("SELECT * FROM channels ORDER BY id")]
    return jsonify(accounts=accounts, grants=grants, calendars=calendars, channels=channels)
