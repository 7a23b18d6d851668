"""Tokens: POST /token and /revoke, userinfo and tokeninfo."""

import base64
import hashlib
import hmac
import json
import secrets
import sqlite3
from typing import Any

from flask import Blueprint, Response, jsonify, request

from portal.dev.google_emulator.scopes import SIGN_IN_SCOPES
from portal.dev.google_emulator.state import EmulatorState, current_state

blueprint = Blueprint("tokens", __name__)
LIFETIME_SECONDS = 3599
LIVE_REFRESH_TOKENS = 100


class OAuthError(Exception):
    """An error of the token endpoint, with Google's texts."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.description, self.status = error, description, status


@blueprint.errorhandler(OAuthError)
def oauth_error(error: OAuthError) -> tuple[Response, int]:
    """The error as JSON."""
    return jsonify(error=error.error, error_description=error.description), error.status


@blueprint.post("/token")
def token() -> Response:
    """Exchange a code or a refresh token for an access token."""
    state = current_state()
    client_id = _client(state)
    kind = request.form.get("grant_type", "")
    with state.store.write() as db:
        if kind == "authorization_code":
            answer = _from_code(db, state, client_id)
        elif kind == "refresh_token":
            answer = _from_refresh_token(db, state, client_id)
        elif not kind:
            raise OAuthError("invalid_request", "Missing required parameter: grant_type")
        else:
            raise OAuthError("unsupported_grant_type", f"Invalid grant_type: {kind}")
    response = jsonify(answer)
    # The client library refreshes a batch's token over a connection that it does not close.
    response.headers["Connection"] = "close"
    response.headers["Cache-Control"] = "no-cache, no-store, max-age=0, must-revalidate"
    return response


def _client(state: EmulatorState) -> str:
    basic = request.authorization
    if basic is not None and basic.type == "basic":
        client_id, secret = basic.username or "", basic.password or ""
    else:
        client_id, secret = request.form.get("client_id", ""), request.form.get("client_secret", "")
    if not client_id:
        raise OAuthError("invalid_request", "Could not determine client ID from request.")
    if client_id not in state.clients:
        raise OAuthError("invalid_client", "The OAuth client was not found.", 401)
    if not secret:
        raise OAuthError("invalid_request", "client_secret is missing.")
    if not hmac.compare_digest(state.clients[client_id].encode(), secret.encode()):
        raise OAuthError("invalid_client", "The provided client secret is invalid.", 401)
    return client_id


def _from_code(db: sqlite3.Connection, state: EmulatorState, client_id: str) -> dict[str, Any]:
    code = request.form.get("code", "")
    if not code:
        raise OAuthError("invalid_request", "Missing required parameter: code")
    row = db.execute("SELECT * FROM codes WHERE code = ? AND client_id = ?", (code, client_id)).fetchone()
    if row is None or row["expires"] <= state.clock.ms():
        raise OAuthError("invalid_grant", "Bad Request" if code.startswith("4/") else "Malformed auth code.")
    if request.form.get("redirect_uri", "") != row["redirect_uri"]:
        raise OAuthError("redirect_uri_mismatch", "Bad Request")
    if row["challenge"]:
        verifier = request.form.get("code_verifier", "")
        if not verifier:
            raise OAuthError("invalid_grant", "Missing code verifier.")
        if not hmac.compare_digest(_challenge(verifier, row["challenge_method"]), row["challenge"]):
            raise OAuthError("invalid_grant", "Invalid code verifier.")
    db.execute("DELETE FROM codes WHERE code = ? OR expires <= ?", (code, state.clock.ms()))
    refresh = {}
    if row["give_refresh"]:
        refresh["refresh_token"] = new_refresh_token(db, row["account"], client_id, row["scopes"], state.clock.ms())
    return _access(db, state, row["account"], client_id, row["scopes"], row["nonce"]) | refresh


def _challenge(verifier: str, method: str) -> str:
    if method == "plain":
        return verifier
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def new_refresh_token(db: sqlite3.Connection, account: str, client_id: str, scopes: str, now_ms: int) -> str:
    """A refresh token. The newest 100 of an account and client are valid; older ones are revoked silently."""
    value = "1//0" + secrets.token_urlsafe(72)
    db.execute(
        "INSERT INTO refresh_tokens (token, account, client_id, scopes, created) VALUES (?, ?, ?, ?, ?)",
        (value, account, client_id, scopes, now_ms),
    )
    db.execute(
        "DELETE FROM refresh_tokens WHERE account = ? AND client_id = ? AND rowid NOT IN (SELECT rowid FROM"
        " refresh_tokens WHERE account = ? AND client_id = ? ORDER BY rowid DESC LIMIT ?)",
        (account, client_id, account, client_id, LIVE_REFRESH_TOKENS),
    )
    return value


def _from_refresh_token(db: sqlite3.Connection, state: EmulatorState, client_id: str) -> dict[str, Any]:
    value = request.form.get("refresh_token", "")
    if not value:
        raise OAuthError("invalid_request", "Missing required parameter: refresh_token")
    row = db.execute("SELECT * FROM refresh_tokens WHERE token = ? AND client_id = ?", (value, client_id)).fetchone()
    if row is None:
        known = value.startswith("1//")
        raise OAuthError("invalid_grant", "Token has been expired or revoked." if known else "Bad Request")
    scopes = row["scopes"]
    if wanted := request.form.get("scope"):
        if not set(wanted.split()) <= set(scopes.split()) | set(SIGN_IN_SCOPES):
            raise OAuthError("invalid_scope", "Bad Request")
        scopes = " ".join(scope for scope in scopes.split() if scope in wanted.split())
    return _access(db, state, row["account"], client_id, scopes, "")


def new_access_token(db: sqlite3.Connection, account: str, client_id: str, scopes: str, now_ms: int) -> str:
    """An access token, valid for an hour."""
    value = "ya29.emulator-" + secrets.token_urlsafe(96)
    db.execute("DELETE FROM access_tokens WHERE expires <= ?", (now_ms,))
    db.execute(
        "INSERT INTO access_tokens (token, account, client_id, scopes, expires) VALUES (?, ?, ?, ?, ?)",
        (value, account, client_id, scopes, now_ms + LIFETIME_SECONDS * 1000),
    )
    return value


def _access(
    db: sqlite3.Connection, state: EmulatorState, account: str, client_id: str, scopes: str, nonce: str
) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "access_token": new_access_token(db, account, client_id, scopes, state.clock.ms()),
        "expires_in": LIFETIME_SECONDS,
        "scope": scopes,
        "token_type": "Bearer",
    }
    if "openid" in scopes.split():
        claims = {
            "iss": request.host_url.rstrip("/"),
            "aud": client_id,
            "azp": client_id,
            **_person(db, account, scopes),
            "iat": state.clock.ms() // 1000,
            "exp": state.clock.ms() // 1000 + LIFETIME_SECONDS,
        }
        answer["id_token"] = _sign({**claims, "nonce": nonce} if nonce else claims, state.clients[client_id])
    return answer


def _person(db: sqlite3.Connection, account: str, scopes: str) -> dict[str, Any]:
    row = db.execute("SELECT * FROM accounts WHERE email = ?", (account,)).fetchone()
    claims: dict[str, Any] = {"sub": row["sub"]}
    if SIGN_IN_SCOPES["email"] in scopes.split():
        claims |= {"email": row["email"], "email_verified": True}
    if SIGN_IN_SCOPES["profile"] in scopes.split():
        claims["name"] = row["name"]
    return claims


def _sign(claims: dict[str, Any], key: str) -> str:
    """A JWT signed with the client's secret (HS256): it parses like Google's, but cannot be mistaken for one."""

    def encode(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    head = encode(json.dumps({"alg": "HS256", "kid": "emulator", "typ": "JWT"}).encode())
    signed = f"{head}.{encode(json.dumps(claims).encode())}"
    return f"{signed}.{encode(hmac.digest(key.encode(), signed.encode(), 'sha256'))}"


@blueprint.post("/revoke")
def revoke() -> Response:
    """Revoke a grant by any of its tokens, and all of them with it."""
    state, value = current_state(), request.values.get("token", "")
    with state.store.write() as db:
        row = db.execute(
            "SELECT account, client_id FROM refresh_tokens WHERE token = ? UNION"
            " SELECT account, client_id FROM access_tokens WHERE token = ? AND expires > ?",
            (value, value, state.clock.ms()),
        ).fetchone()
        if row is None:
            raise OAuthError("invalid_token", "Token expired or revoked")
        revoke_grant(db, row["account"], row["client_id"])
    return jsonify({})


def revoke_grant(db: sqlite3.Connection, account: str, client_id: str) -> None:
    """Delete a grant with every token and code issued for it."""
    for table in ("grants", "refresh_tokens", "access_tokens", "codes"):
        db.execute(f"DELETE FROM {table} WHERE account = ? AND client_id = ?", (account, client_id))  # noqa: S608


@blueprint.route("/oauth2/v3/userinfo", methods=["GET", "POST"])
def userinfo() -> Response:
    """The person behind an access token."""
    state = current_state()
    with state.store.read() as db:
        row = _valid_token(db, state, request.headers.get("Authorization", "").removeprefix("Bearer ").strip())
        if row is None or not set(row["scopes"].split()) & set(SIGN_IN_SCOPES.values()):
            raise OAuthError("invalid_request", "Invalid Credentials", 401)
        return jsonify(_person(db, row["account"], row["scopes"]))


@blueprint.route("/oauth2/v3/tokeninfo", methods=["GET", "POST"])
@blueprint.route("/tokeninfo", methods=["GET", "POST"], endpoint="tokeninfo_short")
def tokeninfo() -> Response:
    """An access token's scopes and lifetime."""
    state = current_state()
    with state.store.read() as db:
        row = _valid_token(db, state, request.values.get("access_token", ""))
        if row is None:
            raise OAuthError("invalid_token", "Invalid Value")
        left = (row["expires"] - state.clock.ms()) // 1000
        claims = _person(db, row["account"], row["scopes"])
    claims |= {"azp": row["client_id"], "aud": row["client_id"], "scope": row["scopes"], "expires_in": str(left)}
    return jsonify(claims | {"exp": str(row["expires"] // 1000), "access_type": "offline"})


def _valid_token(db: sqlite3.Connection, state: EmulatorState, value: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM access_tokens WHERE token = ? AND expires > ?", (value, state.clock.ms())
    ).fetchone()
    return row
