"""Consent over HTTP against the emulator, as in a browser."""

import os
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from portal.calendar_sync.errors import ConsentLost, ProviderMisconfigured, ProviderUnreachable, RequestRejected
from portal.calendar_sync.providers.google.oauth import GoogleConsent
from portal.calendar_sync.providers.google.scopes import SCOPE_SHARING, SCOPES
from portal.config import load_settings
from portal.dev.google_emulator.settings import google_settings

REDIRECT = "http://127.0.0.1:8000/manage/google/callback"


@pytest.fixture
def consent(google_settings_of):
    return GoogleConsent(google_settings_of)


def agree(url):
    """Follow the consent address; what Google sends back to the portal."""
    answer = requests.get(url, allow_redirects=False, timeout=10)
    for _step in range(5):
        target = answer.headers.get("Location", "")
        if target.startswith(REDIRECT):
            return {key: values[0] for key, values in parse_qs(urlsplit(target).query).items()}
        answer = requests.get(requests.compat.urljoin(url, target), allow_redirects=False, timeout=10)
    raise AssertionError(answer.text)


def test_the_address_requests_the_necessary_scopes_only(consent):
    address = consent.address(redirect_uri=REDIRECT, state="s" * 43)
    query = {key: values[0] for key, values in parse_qs(urlsplit(address.url).query).items()}
    assert query["scope"].split() == list(SCOPES)
    assert (query["access_type"], query["prompt"], query["state"]) == ("offline", "consent", "s" * 43)
    assert (query["code_challenge_method"], query["redirect_uri"]) == ("S256", REDIRECT)
    assert 43 <= len(address.code_verifier) <= 128
    assert address.code_verifier not in address.url


def test_a_consent_gives_tokens_the_account_and_can_be_refreshed_and_revoked(consent):
    address = consent.address(redirect_uri=REDIRECT, state="one")
    back = agree(address.url)
    assert back["state"] == "one"
    grant = consent.exchange(redirect_uri=REDIRECT, code=back["code"], code_verifier=address.code_verifier)
    assert grant.refresh_token
    assert set(SCOPES) - {"email"} <= set(grant.scopes)
    account = consent.account(grant.access.token)
    assert "@" in account.email
    assert account.sub
    just_created = consent.refresh(grant.refresh_token)
    assert just_created.access.token != grant.access.token
    assert set(just_created.scopes) == set(grant.scopes)
    consent.revoke(grant.refresh_token)
    consent.revoke(grant.refresh_token)  # dead already
    with pytest.raises(ConsentLost):
        consent.refresh(grant.refresh_token)


def test_a_code_works_once_and_only_with_its_verifier(consent):
    address = consent.address(redirect_uri=REDIRECT, state="one")
    code = agree(address.url)["code"]
    with pytest.raises(RequestRejected):
        consent.exchange(redirect_uri=REDIRECT, code=code, code_verifier="x" * 64)
    again = consent.address(redirect_uri=REDIRECT, state="two")
    code = agree(again.url)["code"]
    consent.exchange(redirect_uri=REDIRECT, code=code, code_verifier=again.code_verifier)
    with pytest.raises(RequestRejected):
        consent.exchange(redirect_uri=REDIRECT, code=code, code_verifier=again.code_verifier)


def test_a_scope_that_was_not_granted_is_no_error(emulator, consent):
    token = emulator.grant("alice@lab.example", "openid", "calendar.app.created")
    grant = consent.refresh(token["refresh_token"])
    assert SCOPE_SHARING not in grant.scopes
    assert consent.account(grant.access.token).email == ""


def test_errors_of_the_token_address(emulator, consent):
    token = emulator.grant("alice@lab.example", "openid")["refresh_token"]
    emulator.state.faults.add("reset", path="/token", times=None)
    with pytest.raises(ProviderUnreachable):
        consent.refresh(token)
    emulator.state.faults._queue.clear()


def test_a_client_that_google_does_not_know(emulator, tmp_path):
    environ = {**google_settings(emulator.base_url), "GOOGLE_CLIENT_SECRET": "wrong"}
    settings = load_settings({"SECRET_KEY": "a secret for the tests", "INSTANCE_PATH": str(tmp_path), **environ})
    token = emulator.grant("alice@lab.example", "openid")["refresh_token"]
    with pytest.raises(ProviderMisconfigured):
        GoogleConsent(settings).refresh(token)


def test_plain_http_is_allowed_during_the_call_only(consent, monkeypatch):
    monkeypatch.delenv("OAUTHLIB_INSECURE_TRANSPORT", raising=False)
    consent.address(redirect_uri=REDIRECT, state="x")
    assert "OAUTHLIB_INSECURE_TRANSPORT" not in os.environ


def test_plain_http_is_never_allowed_off_loopback(tmp_path, monkeypatch):
    monkeypatch.delenv("OAUTHLIB_INSECURE_TRANSPORT", raising=False)
    environ = {"SECRET_KEY": "a secret for the tests", "INSTANCE_PATH": str(tmp_path)}
    settings = load_settings({**environ, "GOOGLE_CLIENT_ID": "id", "GOOGLE_CLIENT_SECRET": "secret"})
    with GoogleConsent(settings)._plain_http_on_loopback():
        assert "OAUTHLIB_INSECURE_TRANSPORT" not in os.environ
