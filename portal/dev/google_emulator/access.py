"""The caller, the granted scopes, and what a calendar's sharing rules allow."""

import ipaddress
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from werkzeug.datastructures import Headers, MultiDict
from werkzeug.http import parse_etags

from portal.dev.google_emulator.clock import to_ms
from portal.dev.google_emulator.errors import (
    ApiError,
    Json,
    bad_request,
    insufficient_scope,
    not_found,
    precondition_failed,
    unauthenticated,
)
from portal.dev.google_emulator.scopes import METHOD_SCOPES, PREFIX

if TYPE_CHECKING:
    from portal.dev.google_emulator.channels import Delivery
    from portal.dev.google_emulator.state import EmulatorState

ROLES = ("none", "freeBusyReader", "reader", "writerWithoutPrivateAccess", "writer", "owner")


@dataclass(frozen=True)
class Caller:
    """The account and the OAuth client behind an access token, and the calendar scopes it carries."""

    account: str
    client_id: str
    scopes: frozenset[str]


@dataclass
class Call:
    """One call of one API method, inside its transaction."""

    method: str
    state: "EmulatorState"
    db: sqlite3.Connection
    caller: Caller
    path: dict[str, str]
    query: MultiDict[str, str]
    headers: Headers
    body: Json
    base_url: str
    scopes: frozenset[str] = frozenset()
    deliveries: list["Delivery"] = field(default_factory=list)

    def flag(self, name: str, default: bool = False) -> bool:
        """A yes/no parameter."""
        value = self.query.get(name)
        if value is None:
            return default
        if value not in ("true", "false"):
            raise bad_request(f"Invalid boolean value: '{value}'.", "invalidParameter", name)
        return value == "true"

    def page_size(self, default: int, most: int) -> int:
        """maxResults: at least 1; more than `most` is reduced to it, as at Google."""
        value = self.query.get("maxResults", str(default))
        if not value.isdecimal() or int(value) < 1:
            raise bad_request(f"Invalid integer value: '{value}'.", "invalidParameter", "maxResults")
        return min(int(value), most)

    def instant(self, name: str) -> int | None:
        """A moment in milliseconds; it must carry an offset."""
        value = self.query.get(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise bad_request("Bad Request", "badRequest", name) from None
        if moment.tzinfo is None or "T" not in value.upper():
            raise bad_request("Bad Request", "badRequest", name)
        return to_ms(moment.replace(microsecond=0))

    def zone(self, calendar: sqlite3.Row) -> ZoneInfo:
        """The time zone of the response: the parameter's, else the calendar's."""
        return parse_zone(self.query.get("timeZone") or calendar["time_zone"], "timeZone")

    def require_match(self, current: str) -> None:
        """Raise 412 where If-Match names another etag than the current one."""
        wanted = parse_etags(self.headers.get("If-Match"))
        if wanted and not wanted.contains_raw(current):
            raise precondition_failed()


def parse_zone(name: Any, what: str) -> ZoneInfo:
    """The zone of an IANA name; 400 for anything else."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, TypeError, OSError):
        raise bad_request(f"Invalid time zone definition for {what}.", "invalid") from None


def authenticate(db: sqlite3.Connection, authorization: str | None, now_ms: int) -> Caller:
    """The caller behind an Authorization header.

    Raises:
        ApiError: 401 where there is no token, or one unknown, expired or revoked.
    """
    if not authorization:
        raise unauthenticated("required", "Login Required.")
    scheme, _, token = authorization.partition(" ")
    row = None
    if scheme.lower() == "bearer":
        row = db.execute(
            "SELECT * FROM access_tokens WHERE token = ? AND expires > ?", (token.strip(), now_ms)
        ).fetchone()
    if row is None:
        raise unauthenticated()
    names = {scope.removeprefix(PREFIX) for scope in row["scopes"].split() if scope.startswith(PREFIX)}
    return Caller(row["account"], row["client_id"], frozenset(names))


def authorise(method: str, caller: Caller) -> frozenset[str]:
    """The granted scopes that allow this method; 403 where there is none."""
    allowing = caller.scopes & METHOD_SCOPES[method]
    if not allowing:
        raise insufficient_scope(method)
    return allowing


def role_of(db: sqlite3.Connection, calendar_id: str, account: str) -> str:
    """The best role that the sharing rules give an account."""
    rules = db.execute(
        "SELECT role FROM acl WHERE calendar_id = ? AND (scope_type = 'default' OR (scope_type = 'user' AND"
        " scope_value = ?) OR (scope_type = 'domain' AND scope_value = ?))",
        (calendar_id, account, account.rpartition("@")[2]),
    ).fetchall()
    return max((rule["role"] for rule in rules), key=ROLES.index, default="none")


def public_role(db: sqlite3.Connection, calendar_id: str) -> str:
    """The public's role: "none" where the calendar is private."""
    row = db.execute("SELECT role FROM acl WHERE calendar_id = ? AND id = 'default'", (calendar_id,)).fetchone()
    return "none" if row is None else str(row["role"])


def at_least(role: str, needed: str) -> bool:
    """Whether a role includes another."""
    return ROLES.index(role) >= ROLES.index(needed)


def calendar_for(call: Call, needed: str, calendar_id: str | None = None) -> sqlite3.Row:
    """The calendar that the call is about.

    Raises:
        ApiError: 404 where it does not exist or is hidden from the caller, 403 where the role is too low.
    """
    wanted = calendar_id if calendar_id is not None else call.path["calendarId"]
    if wanted == "primary":
        wanted = call.caller.account
    row: sqlite3.Row | None = call.db.execute(
        "SELECT * FROM calendars WHERE id = ? AND NOT deleted", (wanted,)
    ).fetchone()
    role = "none" if row is None else role_of(call.db, wanted, call.caller.account)
    if row is None or role == "none" or not any(_reaches(call, scope, row, role) for scope in call.scopes):
        raise not_found()
    if not at_least(role, needed):
        if needed == "owner":
            raise ApiError(403, "forbidden")
        raise ApiError(403, "requiredAccessLevel", f"You need to have {needed} access to this calendar.")
    return row


def _reaches(call: Call, scope: str, calendar: sqlite3.Row, role: str) -> bool:
    if scope == "calendar.app.created":
        return not calendar["is_primary"] and bool(calendar["client_id"] == call.caller.client_id)
    if scope.startswith("calendar.events.owned"):
        return role == "owner"
    if scope == "calendar.events.public.readonly":
        return at_least(public_role(call.db, calendar["id"]), "freeBusyReader")
    return True


def is_loopback_name(host: str | None) -> bool:
    """Whether a host name or address can only mean this machine."""
    if not host:
        return False
    host = host.strip("[]").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
