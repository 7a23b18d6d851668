"""Controls for tests and demonstrations, as JSON under /standin/: look, count, break, mend, move time."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request

from portal.domain.standin import CLIENT_ID
from portal.standin import acl
from portal.standin.accounts import ensure_account, ensure_first_accounts
from portal.standin.clock import stamp
from portal.standin.counters import Quota
from portal.standin.errors import Json, bad_request
from portal.standin.scopes import PREFIX, canonical
from portal.standin.tokens import new_access_token, new_refresh_token, withdraw
from portal.standin.world import World, world

blueprint = Blueprint("controls", __name__, url_prefix="/standin")


def _body() -> Json:
    body = request.get_json(silent=True) if request.get_data() else {}
    if not isinstance(body, dict):
        raise bad_request("A JSON object is expected.", "parseError")
    return body


@blueprint.get("/calls")
def calls() -> Response:
    """All counts, and with ?log=true the latest calls one by one."""
    counters = world().counters
    report = counters.report()
    return jsonify(report | {"log": counters.log()} if request.args.get("log") == "true" else report)


@blueprint.delete("/calls")
def forget_calls() -> Response:
    """Count from nothing."""
    world().counters.reset()
    return jsonify({})


@blueprint.post("/reset")
def reset() -> Response:
    """As on the first start: no calendars, grants, faults, quota or counts; the machine's time."""
    reset_world(world())
    return jsonify({})


def reset_world(here: World) -> None:
    """Forget everything and make the first accounts again."""
    here.store.clear()
    here.clock.real()
    here.faults.clear()
    here.counters.quota = Quota()
    here.counters.reset()
    with here.store.write() as db:
        ensure_first_accounts(db, here.clock.ms())


@blueprint.get("/faults")
def faults() -> Response:
    """What is still ordered, and how often something went wrong on order."""
    return jsonify(pending=world().faults.pending(), injected=world().faults.injected)


@blueprint.post("/faults")
def add_faults() -> Response:
    """Order one fault, or several under `faults`; the fields are those of `faults.Fault`."""
    body = _body()
    orders = body.get("faults", [body])
    try:
        for order in orders:
            world().faults.add(**order)
    except (TypeError, ValueError) as error:
        raise bad_request(str(error)) from None
    return jsonify(pending=world().faults.pending())


@blueprint.delete("/faults")
def clear_faults() -> Response:
    """Nothing goes wrong any more."""
    world().faults.clear()
    return jsonify({})


@blueprint.post("/quota")
def quota() -> Response:
    """`per_minute` units an account (null: no limit), and how the refusal reads: `status`, `reason`, `retry_after`."""
    try:
        world().counters.quota = Quota(**_body())
    except TypeError as error:
        raise bad_request(str(error)) from None
    return jsonify(asdict(world().counters.quota))


@blueprint.post("/batch-limit")
def batch_limit() -> Response:
    """`limit`: how many calls one batch may have."""
    limit = _body().get("limit")
    if not isinstance(limit, int) or limit < 1:
        raise bad_request("limit is a whole number from 1.")
    world().batch_limit = limit
    return jsonify(limit=limit)


@blueprint.post("/now")
def now() -> Response:
    """`now` stops the clock at a moment (null: the machine's time), `advance` moves it by seconds."""
    clock, body = world().clock, _body()
    if "advance" in body:
        clock.advance(float(body["advance"]))
    elif body.get("now") is None:
        clock.real()
    else:
        moment = datetime.fromisoformat(body["now"])
        clock.freeze(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    return jsonify(now=clock.now().isoformat())


@blueprint.post("/token")
def token() -> Response:
    """Tokens without a consent page: `account`, `scopes` (short names do), `client_id`; made as consent makes them."""
    body = _body()
    names = body.get("scopes", ["openid", "email", "calendar"])
    granted, unknown = canonical(" ".join(_long(name) for name in names))
    if unknown:
        raise bad_request(f"Unknown scopes: {' '.join(unknown)}")
    return jsonify(grant(world(), body["account"], " ".join(granted), body.get("client_id", CLIENT_ID)))


def _long(name: str) -> str:
    return PREFIX + name if name == "calendar" or name.startswith("calendar.") else name


def grant(here: World, account: str, scopes: str, client_id: str = CLIENT_ID) -> dict[str, str]:
    """A grant with its tokens: `access_token`, `refresh_token`, `scope`."""
    with here.store.write() as db:
        at = here.clock.ms()
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
    """Every access token (of `account`) is dead from now on; refresh tokens live."""
    account = _body().get("account")
    with world().store.write() as db:
        db.execute("DELETE FROM access_tokens WHERE ? IS NULL OR account = ?", (account, account))
    return jsonify({})


@blueprint.post("/revoke-grant")
def revoke_grant() -> Response:
    """As if the person of `account` (everybody, without one) had withdrawn the access: invalid_grant from now on."""
    account = _body().get("account")
    with world().store.write() as db:
        rows = db.execute("SELECT account, client_id FROM grants WHERE ? IS NULL OR account = ?", (account, account))
        for row in rows.fetchall():
            withdraw(db, row["account"], row["client_id"])
    return jsonify({})


@blueprint.post("/expire-sync-tokens")
def expire_sync_tokens() -> Response:
    """Sync tokens of the events of `calendar` (of all, without one) are answered 410 from now on."""
    calendar = _body().get("calendar")
    with world().store.write() as db:
        db.execute("UPDATE calendars SET epoch = epoch + 1 WHERE ? IS NULL OR id = ?", (calendar, calendar))
    return jsonify({})


@blueprint.post("/purge-deleted")
def purge_deleted() -> Response:
    """Tombstones of `calendar` vanish, as they do some day; with `burnt` their ids can still not be used again."""
    body = _body()
    calendar = body.get("calendar")
    with world().store.write() as db:
        where = "WHERE status = 'cancelled' AND master_id IS NULL AND (? IS NULL OR calendar_id = ?)"
        if body.get("burnt"):
            db.execute(
                f"INSERT OR IGNORE INTO burnt SELECT calendar_id, id FROM events {where}",  # noqa: S608
                (calendar, calendar),
            )
        db.execute(f"DELETE FROM events {where}", (calendar, calendar))  # noqa: S608
        db.execute("UPDATE calendars SET epoch = epoch + 1 WHERE ? IS NULL OR id = ?", (calendar, calendar))
    return jsonify({})


@blueprint.get("/mails")
def mails() -> Response:
    """The mails that Google would have sent to guests and to people a calendar was shared with."""
    with world().store.read() as db:
        rows = db.execute("SELECT * FROM mails ORDER BY id").fetchall()
    return jsonify(
        mails=[
            {
                "at": stamp(row["at"]),
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
    """The latest push notifications and how their delivery went."""
    return jsonify(notifications=[asdict(result) for result in world().notifier.results])


@blueprint.get("/state")
def state() -> Response:
    """Accounts, grants, calendars with their rules and events (tombstones too), and channels."""
    with world().store.read() as db:
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
