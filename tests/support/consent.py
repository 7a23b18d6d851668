"""A consent provider for tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from portal.calendar_sync.provider import AccessToken, ConsentAddress, ConsentGrant, ProviderAccount
from portal.calendar_sync.providers.google.scopes import SCOPES


class FakeConsent:
    """Returns what Google would and records the calls; raises `error` if it is set."""

    def __init__(self) -> None:
        self.scopes = SCOPES
        self.refresh_token = "1//refresh"
        self.error = None
        self.states = []
        self.exchanged = []
        self.refreshed = []
        self.revoked = []
        self.sub = "sub-1"

    def _grant(self, refresh_token: str) -> ConsentGrant:
        number = len(self.exchanged) + len(self.refreshed)
        token = AccessToken(f"ya29.{number}", datetime.now(UTC) + timedelta(hours=1))
        return ConsentGrant(refresh_token, token, tuple(self.scopes))

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error

    def address(self, *, redirect_uri: str, state: str, permissions: Any) -> ConsentAddress:
        self.asked = permissions
        self.states.append(state)
        return ConsentAddress(f"https://google.example/consent?state={state}&back={redirect_uri}", "the verifier")

    def exchange(self, *, redirect_uri: str, code: str, code_verifier: str) -> ConsentGrant:
        self._fail()
        self.exchanged.append((redirect_uri, code, code_verifier))
        return self._grant(self.refresh_token)

    def refresh(self, refresh_token: str) -> ConsentGrant:
        self._fail()
        self.refreshed.append(refresh_token)
        return self._grant("")

    def account(self, access_token: str) -> ProviderAccount:
        return ProviderAccount(self.sub, "facility@lab.example")

    def revoke(self, token: str) -> None:
        self._fail()
        self.revoked.append(token)
