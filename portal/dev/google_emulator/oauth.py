"""The consent page: choose an account and scopes, then allow or deny. It works without JavaScript."""

import re
import secrets
import sqlite3
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import urlencode, urlsplit, urlunsplit

from flask import Blueprint, redirect, render_template, request
from werkzeug import Response
from werkzeug.datastructures import MultiDict

from portal.dev.google_emulator.access import is_loopback_name
from portal.dev.google_emulator.accounts import DEFAULT_ACCOUNTS, ensure_account
from portal.dev.google_emulator.scopes import canonical, describe, is_optional
from portal.dev.google_emulator.state import EmulatorState, current_state

blueprint = Blueprint("oauth", __name__)
CODE_LIFETIME_MS = 600_000
PARAMETERS = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "access_type",
    "prompt",
    "include_granted_scopes",
    "login_hint",
    "nonce",
)
_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class InvalidAuthorization(Exception):
    """An invalid authorization request: shown to the person and not redirected, as its redirect_uri is not trusted."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class AuthorizationRequest:
    """A valid authorization request."""

    values: dict[str, str]
    scopes: list[str]

    @property
    def prompts(self) -> list[str]:
        """The values of the prompt parameter."""
        return self.values.get("prompt", "").split()


def parse_authorization(values: MultiDict[str, str], state: EmulatorState) -> AuthorizationRequest:
    """Validate an authorization request.

    Raises:
        InvalidAuthorization: with the status and error code that Google shows.
    """
    given = {name: values[name] for name in PARAMETERS if values.get(name)}

    def refuse(code: str, message: str, status: int = 400) -> NoReturn:
        raise InvalidAuthorization(status, code, message)

    for name in ("client_id", "redirect_uri", "response_type", "scope"):
        if name not in given:
            refuse("invalid_request", f"Missing required parameter: {name}")
    if given["client_id"] not in state.clients:
        refuse("invalid_client", "The OAuth client was not found.", 401)
    target = urlsplit(given["redirect_uri"])
    if target.scheme not in ("http", "https") or not target.hostname or target.fragment:
        refuse("invalid_request", "Invalid redirect_uri: an http or https address without a fragment is needed.")
    if target.scheme == "http" and not is_loopback_name(target.hostname):
        refuse("redirect_uri_mismatch", "Plain http is allowed for this machine only (localhost, 127.0.0.1, ::1).")
    if given["response_type"] != "code":
        refuse("unsupported_response_type", f"Invalid response_type: {given['response_type']}")
    scopes, unknown = canonical(given["scope"])
    if unknown:
        refuse("invalid_scope", f"Some requested scopes were invalid: {' '.join(unknown)}")
    if given.get("access_type", "online") not in ("online", "offline"):
        refuse("invalid_request", f"Invalid access_type: {given['access_type']}")
    if given.get("code_challenge_method", "plain") not in ("plain", "S256"):
        refuse("invalid_request", "Invalid code_challenge_method: S256 or plain.")
    if "code_challenge_method" in given and "code_challenge" not in given:
        refuse("invalid_request", "code_challenge_method without code_challenge.")
    if "code_challenge" in given and not _CHALLENGE.fullmatch(given["code_challenge"]):
        refuse("invalid_request", "Invalid code_challenge.")
    return AuthorizationRequest(given, scopes)


@blueprint.errorhandler(InvalidAuthorization)
def refused(error: InvalidAuthorization) -> tuple[str, int]:
    """The error page for an invalid request."""
    return render_template("refused.html", error=error), error.status


@blueprint.get("/o/oauth2/v2/auth")
def ask() -> Response | str:
    """The consent page; with automatic consent, the redirect."""
    state = current_state()
    authorization = parse_authorization(request.args, state)
    if state.consent == "auto":
        return _grant(
            state,
            authorization,
            authorization.values.get("login_hint") or next(iter(DEFAULT_ACCOUNTS)),
            authorization.scopes,
        )
    if authorization.prompts == ["none"]:
        return _back(authorization, {"error": "interaction_required"})
    return _page(state, authorization)


def _page(state: EmulatorState, authorization: AuthorizationRequest, problem: str = "", typed: str = "") -> str:
    with state.store.read() as db:
        accounts = db.execute("SELECT email, name FROM accounts ORDER BY email").fetchall()
    return render_template(
        "consent.html",
        authorization=authorization,
        accounts=accounts,
        problem=problem,
        typed=typed,
        chosen=authorization.values.get("login_hint") or (accounts[0]["email"] if accounts else ""),
        host=urlsplit(authorization.values["redirect_uri"]).netloc,
        required=[scope for scope in authorization.scopes if not is_optional(scope)],
        optional=[(scope, describe(scope)) for scope in authorization.scopes if is_optional(scope)],
    )


@blueprint.post("/o/oauth2/v2/auth")
def answer() -> Response | str | tuple[str, int]:
    """The submitted consent page: allow or deny."""
    state = current_state()
    authorization = parse_authorization(request.form, state)
    if request.form.get("answer") != "allow":
        return _back(authorization, {"error": "access_denied"})
    typed = request.form.get("new_account", "").strip()
    email = typed or request.form.get("account", "")
    ticked = request.form.getlist("granted")
    granted = [scope for scope in authorization.scopes if scope in ticked or not is_optional(scope)]
    if not granted:
        return _back(authorization, {"error": "access_denied"})
    try:
        return _grant(state, authorization, email, granted)
    except ValueError:
        return _page(state, authorization, "Please choose an account, or type an e-mail address.", typed), 422


def _grant(state: EmulatorState, authorization: AuthorizationRequest, email: str, granted: list[str]) -> Response:
    with state.store.write() as db:
        now = state.clock.ms()
        account = ensure_account(db, email, now)
        code, scopes = _new_code(db, authorization, account, granted, now)
    return _back(authorization, {"code": code, "scope": scopes, "authuser": "0", "prompt": "consent"})


def _new_code(
    db: sqlite3.Connection, authorization: AuthorizationRequest, account: str, granted: list[str], now: int
) -> tuple[str, str]:
    """A single-use code. A refresh token comes with the first one only, or with prompt=consent."""
    values = authorization.values
    before = db.execute(
        "SELECT scopes FROM grants WHERE account = ? AND client_id = ?", (account, values["client_id"])
    ).fetchone()
    kept = before["scopes"].split() if before else []
    scopes = granted
    if values.get("include_granted_scopes") == "true":
        scopes = [*granted, *(scope for scope in kept if scope not in granted)]
    db.execute(
        "INSERT OR REPLACE INTO grants (account, client_id, scopes) VALUES (?, ?, ?)",
        (account, values["client_id"], " ".join(dict.fromkeys([*kept, *granted]))),
    )
    code = "4/0" + secrets.token_urlsafe(48)
    give_refresh = values.get("access_type") == "offline" and (before is None or "consent" in authorization.prompts)
    db.execute(
        "INSERT INTO codes (code, client_id, redirect_uri, account, scopes, challenge, challenge_method,"
        " give_refresh, nonce, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            code,
            values["client_id"],
            values["redirect_uri"],
            account,
            " ".join(scopes),
            values.get("code_challenge", ""),
            values.get("code_challenge_method", "plain"),
            give_refresh,
            values.get("nonce", ""),
            now + CODE_LIFETIME_MS,
        ),
    )
    return code, " ".join(scopes)


def _back(authorization: AuthorizationRequest, answer: dict[str, str]) -> Response:
    """Redirect to the application, with its state."""
    target = urlsplit(authorization.values["redirect_uri"])
    if "state" in authorization.values:
        answer = {"state": authorization.values["state"], **answer}
    query = "&".join(filter(None, (target.query, urlencode(answer))))
    return redirect(urlunsplit(target._replace(query=query)))
