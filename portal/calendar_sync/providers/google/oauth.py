"""OAuth at Google: the flow for web servers, refreshing and revoking tokens, and the account of a token."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from google.auth.transport.requests import Request
from google.oauth2.reauth import refresh_grant
from google_auth_oauthlib.flow import Flow

from portal.calendar_sync.errors import ConsentLost, ProviderUnreachable, RequestRejected
from portal.calendar_sync.provider import AccessToken, ConsentAddress, ConsentGrant, Permission, ProviderAccount
from portal.calendar_sync.providers.google.errors import Subject, translated
from portal.calendar_sync.providers.google.scopes import SCOPES, scopes_for
from portal.config import Settings, is_loopback
from portal.domain.messages import N_

TIMEOUT_SECONDS = 20
_INSECURE = "OAUTHLIB_INSECURE_TRANSPORT"
_environment = threading.Lock()


class GoogleConsent:
    """Implements portal.calendar_sync.provider.Consent with the addresses in the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def address(
        self, *, redirect_uri: str, state: str, permissions: Collection[Permission] = tuple(Permission)
    ) -> ConsentAddress:
        flow = self._flow(redirect_uri, scopes=scopes_for(permissions))
        with translated(Subject.CALENDAR), self._plain_http_on_loopback():
            # Without "consent" only the first consent returns a refresh token.
            url, _state = flow.authorization_url(
                state=state, access_type="offline", prompt="consent", include_granted_scopes="true"
            )
        return ConsentAddress(url=url, code_verifier=str(flow.code_verifier))

    def exchange(self, *, redirect_uri: str, code: str, code_verifier: str) -> ConsentGrant:
        flow = self._flow(redirect_uri, code_verifier=code_verifier)
        try:
            with translated(Subject.CALENDAR), self._plain_http_on_loopback():
                token = _fetch(flow, code)
        except ConsentLost as problem:
            raise RequestRejected(
                problem.detail, sentence=N_("The answer from Google is used up or too old.")
            ) from problem
        return _grant(token)

    def refresh(self, refresh_token: str) -> ConsentGrant:
        settings = self._settings
        with translated(Subject.CALENDAR), requests.Session() as session:
            # Not Credentials.refresh(): it does not return the granted scopes.
            access, rotated, expiry, answer, _proof = refresh_grant(
                _TimedRequest(session),
                settings.google_token_uri,
                refresh_token,
                settings.google_client_id,
                settings.google_client_secret,
            )
        if not access or expiry is None:
            raise ProviderUnreachable("the response has no access token")
        return ConsentGrant(
            refresh_token="" if rotated in (None, refresh_token) else str(rotated),
            access=AccessToken(str(access), expiry.replace(tzinfo=UTC)),
            scopes=tuple(str(answer.get("scope", "")).split()),
        )

    def account(self, access_token: str) -> ProviderAccount:
        address = f"{self._settings.google_api_root}/oauth2/v3/userinfo"
        with translated(Subject.CALENDAR):
            answer = requests.get(address, headers={"Authorization": f"Bearer {access_token}"}, timeout=TIMEOUT_SECONDS)
            if answer.status_code in (401, 403):
                return ProviderAccount("", "")
            if answer.status_code != 200:
                raise ProviderUnreachable(f"the account of the token is unknown: {answer.status_code}")
            body = answer.json()
        return ProviderAccount(sub=str(body.get("sub", "")), email=str(body.get("email", "")))

    def revoke(self, token: str) -> None:
        with translated(Subject.CALENDAR):
            answer = requests.post(self._settings.google_revoke_uri, data={"token": token}, timeout=TIMEOUT_SECONDS)
        # 400: the token is invalid already.
        if answer.status_code not in (200, 400):
            raise ProviderUnreachable(f"revoking ended with {answer.status_code}")

    def _flow(self, redirect_uri: str, *, scopes: Sequence[str] = SCOPES, code_verifier: str | None = None) -> Flow:
        settings = self._settings
        client = {
            "client_id": settings.google_client_id,
            "client_secret": settings.google_client_secret,
            "auth_uri": settings.google_auth_uri,
            "token_uri": settings.google_token_uri,
        }
        return Flow.from_client_config(
            {"web": client}, scopes=list(scopes), redirect_uri=redirect_uri, code_verifier=code_verifier
        )

    @contextmanager
    def _plain_http_on_loopback(self) -> Iterator[None]:
        """Let oauthlib use http if the token address is on this machine (the emulator), and only then.

        An environment variable is oauthlib's only switch, so it is set during the call. The settings reject http for
        all other addresses, so no other call can be unencrypted meanwhile.
        """
        address = urlsplit(self._settings.google_token_uri)
        if address.scheme != "http" or not is_loopback(address.hostname or ""):
            yield
            return
        with _environment:
            before = os.environ.get(_INSECURE)
            os.environ[_INSECURE] = "1"
            try:
                yield
            finally:
                if before is None:
                    del os.environ[_INSECURE]
                else:
                    os.environ[_INSECURE] = before


class _TimedRequest(Request):
    """Adds a timeout: google-auth would wait two minutes."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["timeout"] = TIMEOUT_SECONDS
        return super().__call__(*args, **kwargs)


def _fetch(flow: Flow, code: str) -> Mapping[str, Any]:
    try:
        token: Mapping[str, Any] = flow.fetch_token(code=code, timeout=TIMEOUT_SECONDS)
        return token
    except Warning as changed:
        # oauthlib raises this if the user did not grant every scope; the granted scopes are checked later.
        granted: Mapping[str, Any] = changed.token  # type: ignore[attr-defined]
        return granted


def _grant(token: Mapping[str, Any]) -> ConsentGrant:
    scope = token.get("scope", "")
    scopes = scope.split() if isinstance(scope, str) else list(scope)
    access = str(token.get("access_token", ""))
    if not access:
        raise ProviderUnreachable("the response has no access token")
    expires = datetime.now(UTC) + timedelta(seconds=float(token.get("expires_in", 0)))
    return ConsentGrant(str(token.get("refresh_token", "")), AccessToken(access, expires), tuple(scopes))
