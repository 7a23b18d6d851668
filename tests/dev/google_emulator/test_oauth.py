"""Consent and tokens, through google-auth-oauthlib and by hand."""

import base64
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import google.auth.transport.requests
import google.oauth2.credentials
import pytest
import requests
from google.auth.exceptions import RefreshError
from google_auth_oauthlib.flow import Flow

from portal.dev.google_emulator.scopes import PREFIX
from portal.dev.google_emulator.settings import CLIENT_ID, CLIENT_SECRET

REDIRECT = "http://127.0.0.1:5999/callback"
CREATED, ACLS = PREFIX + "calendar.app.created", PREFIX + "calendar.acls"
SCOPES = ["openid", PREFIX + "userinfo.email", CREATED, ACLS]


@pytest.fixture
def flow_for(emulator, monkeypatch):
    """Make a flow of the application; sessions are closed at the end."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    flows = []

    def make(scopes=SCOPES, **more: Any) -> Flow:
        web = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "auth_uri": emulator.base_url + "/o/oauth2/v2/auth",
            "token_uri": emulator.base_url + "/token",
        }
        flows.append(Flow.from_client_config({"web": web}, scopes, redirect_uri=REDIRECT, **more))
        return flows[-1]

    yield make
    for flow in flows:
        flow.oauth2session.close()


def _consent(flow: Flow, **query: str) -> dict[str, str]:
    """What comes back to the application."""
    url, state = flow.authorization_url(**query)
    answer = requests.get(url, allow_redirects=False, timeout=5)
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith(REDIRECT + "?")
    back = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
    assert back["state"] == state
    return back


def test_the_whole_flow_gives_working_tokens(emulator, flow_for) -> None:
    flow = flow_for()
    back = _consent(flow, prompt="consent", login_hint="alice@lab.example")
    token = flow.fetch_token(code=back["code"])
    assert token["expires_in"] == 3599
    assert token["scope"] == SCOPES
    assert flow.credentials.refresh_token.startswith("1//")
    payload = token["id_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert claims["email"] == "alice@lab.example"
    assert claims["aud"] == CLIENT_ID
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    person = requests.get(emulator.base_url + "/oauth2/v3/userinfo", headers=headers, timeout=5).json()
    assert person == {"sub": claims["sub"], "email": "alice@lab.example", "email_verified": True}
    info = requests.get(
        emulator.base_url + "/tokeninfo", params={"access_token": token["access_token"]}, timeout=5
    ).json()
    assert info["scope"] == " ".join(SCOPES)


def test_a_second_consent_gives_no_refresh_token_unless_asked(flow_for) -> None:
    seen = []
    for query in ({}, {}, {"prompt": "consent"}, {"access_type": "online", "prompt": "consent"}):
        flow = flow_for()
        token = flow.fetch_token(code=_consent(flow, **query)["code"])
        seen.append("refresh_token" in token)
    assert seen == [True, False, True, False]


def test_scopes_that_come_back_changed_make_oauthlib_warn(flow_for) -> None:
    flow = flow_for(["openid", "email", CREATED])
    with pytest.raises(Warning, match="Scope has changed"):
        flow.fetch_token(code=_consent(flow)["code"])


def test_include_granted_scopes_gives_the_union(flow_for, monkeypatch) -> None:
    monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")
    first = flow_for(["openid", CREATED])
    first.fetch_token(code=_consent(first)["code"])
    apart = flow_for([ACLS])
    assert apart.fetch_token(code=_consent(apart)["code"])["scope"] == [ACLS]
    union = flow_for([ACLS])
    code = _consent(union, include_granted_scopes="true")["code"]
    assert set(union.fetch_token(code=code)["scope"]) == {ACLS, "openid", CREATED}


def _token(emulator, **form: str) -> tuple[int, dict[str, str]]:
    form = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uri": REDIRECT} | form
    answer = requests.post(emulator.base_url + "/token", data=form, timeout=5)
    return answer.status_code, answer.json()


def test_a_code_is_used_once_by_whoever_asked_for_it(emulator, flow_for) -> None:
    flow = flow_for()
    code = _consent(flow)["code"]
    exchange = {"grant_type": "authorization_code", "code": code}

    def refusal(**form: str) -> tuple[int, str, str]:
        status, body = _token(emulator, **(exchange | form))
        return status, body["error"], body["error_description"]

    assert refusal() == (400, "invalid_grant", "Missing code verifier.")
    assert refusal(code_verifier="x" * 43) == (400, "invalid_grant", "Invalid code verifier.")
    assert refusal(redirect_uri=REDIRECT + "/") == (400, "redirect_uri_mismatch", "Bad Request")
    assert refusal(client_secret="wrong")[:2] == (401, "invalid_client")
    assert refusal(client_id="nobody")[:2] == (401, "invalid_client")
    assert refusal(code="4/0nonsense")[:2] == (400, "invalid_grant")
    assert refusal(code="nonsense")[2] == "Malformed auth code."
    assert refusal(grant_type="password")[1] == "unsupported_grant_type"
    assert _token(emulator, **exchange, code_verifier=flow.code_verifier)[0] == 200
    assert refusal(code_verifier=flow.code_verifier) == (400, "invalid_grant", "Bad Request")


def test_a_code_dies_after_ten_minutes(emulator, flow_for) -> None:
    flow = flow_for()
    code = _consent(flow)["code"]
    emulator.state.clock.advance(601)
    status, body = _token(emulator, grant_type="authorization_code", code=code, code_verifier=str(flow.code_verifier))
    assert (status, body["error"]) == (400, "invalid_grant")


def _credentials(emulator, token: dict[str, str]) -> google.oauth2.credentials.Credentials:
    return google.oauth2.credentials.Credentials(
        None,
        refresh_token=token["refresh_token"],
        token_uri=emulator.base_url + "/token",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
    )


def _refresh(emulator, token: dict[str, str]) -> google.oauth2.credentials.Credentials:
    credentials = _credentials(emulator, token)
    with requests.Session() as session:
        credentials.refresh(google.auth.transport.requests.Request(session))
    return credentials


@pytest.mark.parametrize("how", ["refresh", "access", "control"])
def test_a_revoked_grant_is_invalid_for_ever(emulator, how: str) -> None:
    token = emulator.grant("alice@lab.example")
    other = emulator.grant("bob@other.example")
    assert _refresh(emulator, token).token
    if how == "control":
        requests.post(emulator.base_url + "/emulator/revoke-grant", json={"account": "alice@lab.example"}, timeout=5)
    else:
        answer = requests.post(emulator.base_url + "/revoke", data={"token": token[f"{how}_token"]}, timeout=5)
        assert answer.status_code == 200
    with pytest.raises(RefreshError, match=r"invalid_grant: Token has been expired or revoked\.") as caught:
        _refresh(emulator, token)
    assert caught.value.retryable is False
    again = requests.post(emulator.base_url + "/revoke", data={"token": token["refresh_token"]}, timeout=5)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_token")
    assert _refresh(emulator, other).token


def test_only_the_newest_hundred_refresh_tokens_live(emulator) -> None:
    tokens = [emulator.grant("alice@lab.example") for _ in range(101)]
    with pytest.raises(RefreshError):
        _refresh(emulator, tokens[0])
    assert _refresh(emulator, tokens[1]).token


def _query(**more: str | None) -> dict[str, str]:
    query = {
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": "openid email " + CREATED + " " + ACLS,
        "state": "abc",
        "access_type": "offline",
    }
    return {name: value for name, value in (query | more).items() if value is not None}


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": None}, 400, "client_id"),
        ({"redirect_uri": "http://evil.example/"}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": "javascript:alert(1)"}, 400, "Invalid redirect_uri"),
        ({"response_type": "token"}, 400, "response_type"),
        ({"scope": None}, 400, "scope"),
        ({"scope": "openid nonsense"}, 400, "invalid_scope"),
        ({"code_challenge": "short"}, 400, "code_challenge"),
        ({"code_challenge_method": "S256"}, 400, "code_challenge"),
        ({"access_type": "never"}, 400, "access_type"),
    ],
)
def test_a_bad_request_never_goes_back_to_the_application(emulator, change, status: int, words: str) -> None:
    answer = requests.get(
        emulator.base_url + "/o/oauth2/v2/auth", params=_query(**change), allow_redirects=False, timeout=5
    )
    assert answer.status_code == status
    assert words in answer.text
    assert "not Google" in answer.text


def _press(emulator, answer: str, **fields: Any) -> requests.Response:
    """Fill in the consent page as a browser does, and press a button."""
    emulator.state.consent = "page"
    url = emulator.base_url + "/o/oauth2/v2/auth"
    page = requests.get(url, params=_query(), timeout=5).text
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))
    form = hidden | {"answer": answer, "account": "lab.manager@emulator.example"} | fields
    assert "<script" not in page
    return requests.post(url, data=form, allow_redirects=False, timeout=5)


def test_unticked_boxes_are_not_granted(emulator) -> None:
    answer = _press(emulator, "allow", granted=[CREATED], new_account="new.person@lab.example")
    back = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert back["scope"] == [f"openid {PREFIX}userinfo.email {CREATED}"]
    assert back["state"] == ["abc"]
    _, token = _token(emulator, grant_type="authorization_code", code=back["code"][0])
    assert ACLS not in token["scope"]
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    person = requests.get(emulator.base_url + "/oauth2/v3/userinfo", headers=headers, timeout=5).json()
    assert person["email"] == "new.person@lab.example"


def test_deny_sends_access_denied(emulator) -> None:
    back = parse_qs(urlsplit(_press(emulator, "deny").headers["Location"]).query)
    assert back == {"state": ["abc"], "error": ["access_denied"]}


def test_a_bad_account_keeps_what_was_typed(emulator) -> None:
    answer = _press(emulator, "allow", new_account="<not an address>")
    assert answer.status_code == 422
    assert "&lt;not an address&gt;" in answer.text


def test_a_form_sent_from_another_site_is_refused(emulator) -> None:
    url = emulator.base_url + "/o/oauth2/v2/auth"
    form = _query() | {"answer": "allow", "account": "lab.manager@emulator.example"}
    answer = requests.post(url, data=form, headers={"Origin": "http://evil.example"}, timeout=5)
    assert answer.status_code == 403
    answer = requests.get(emulator.base_url + "/", headers={"Host": "evil.example"}, timeout=5)
    assert answer.status_code == 403
