"""POST /api-auth/password/: a token for a password."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import ApiToken
from portal.services import accounts, throttle, tokens
from tests.support import builders as make

PATH = "/api-auth/password/"
WRONG = b'{"detail":"Invalid username/password."}'


@pytest.fixture
def ada(db_session):
    return make.user("ada@example.org", password=make.PASSWORD)


def credentials(username="ada@example.org", password=make.PASSWORD):
    return {"username": username, "password": password}


@pytest.mark.parametrize("how", ["json", "data"])
def test_a_token_that_works(client, ada, how):
    answer = client.post(PATH, **{how: credentials("  Ada@Example.ORG ")})
    assert answer.status_code == 200
    assert set(answer.json) == {"token"}
    assert len(answer.json["token"]) == 40
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    listed = client.get("/api/booking-offerings/", headers={"Authorization": f"Token {answer.json['token']}"})
    assert listed.status_code == 200
    token = db.session.execute(select(ApiToken)).scalar_one()
    assert (token.name, token.user_id) == ("API sign-in", ada.id)
    assert token.expires is not None
    assert token.expires - token.created - timedelta(days=365) < timedelta(seconds=1)


def test_one_text_whatever_the_reason(client, ada):
    make.user("gone@example.org", password=make.PASSWORD, active=False)
    make.user("none@example.org")
    for given in (
        credentials(password="wrong password"),
        credentials("nobody@example.org"),
        credentials("gone@example.org"),
        credentials("none@example.org"),
        credentials("no address"),
        credentials(password="x" * 100_000),
        credentials("x" * 100_000),
    ):
        answer = client.post(PATH, json=given)
        assert (answer.status_code, answer.data) == (401, WRONG)


def test_failures_slow_down_and_say_so(client, ada):
    for _ in range(throttle.ACCOUNT_AND_NETWORK.burst):
        answer = client.post(PATH, json=credentials(password="wrong password"))
        assert answer.status_code == 401
    answer = client.post(PATH, json=credentials())
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert set(answer.json) == {"detail"}
    # The same for an address that nobody has: it tells nothing.
    for _ in range(throttle.ACCOUNT_AND_NETWORK.burst):
        assert client.post(PATH, json=credentials("nobody@example.org")).status_code == 401
    assert client.post(PATH, json=credentials("nobody@example.org")).status_code == 429


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ({}, {"username": ["This field is required."], "password": ["This field is required."]}),
        ({"username": "a"}, {"password": ["This field is required."]}),
        ({"username": "", "password": " "}, {n: ["This field may not be blank."] for n in ("username", "password")}),
        ({"username": None, "password": "x"}, {"username": ["This field may not be null."]}),
        ({"username": ["a"], "password": True}, {n: ["Not a valid string."] for n in ("username", "password")}),
        ({"username": "a\0", "password": "x"}, {"username": ["Null characters are not allowed."]}),
        ([], {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}),
    ],
)
def test_what_is_missing_is_named(client, ada, body, problems):
    answer = client.post(PATH, json=body)
    assert (answer.status_code, answer.json) == (400, problems)
    assert db.session.execute(select(ApiToken)).first() is None


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b'{"username": NaN}', b"[" * 100_000])
def test_malformed_json(client, ada, body):
    answer = client.post(PATH, data=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json["detail"].startswith("JSON parse error - ")


def test_the_text_of_a_parse_error(client, ada):
    answer = client.post(PATH, data=b"{x", content_type="application/json")
    problem = "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
    assert answer.data == f'{{"detail":"JSON parse error - {problem}"}}'.encode()


def test_a_wrong_media_type(client, ada):
    answer = client.post(PATH, data=json.dumps(credentials()), content_type="text/plain")
    assert (answer.status_code, answer.data) == (
        415,
        b'{"detail":"Unsupported media type \\"text/plain\\" in request."}',
    )


def test_only_post(client, ada):
    answer = client.get(PATH)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST, OPTIONS")


def test_tokens_do_not_pile_up(client, ada, monkeypatch):
    monkeypatch.setattr(tokens, "SIGN_IN_TOKENS_KEPT", 3)
    own = accounts.create_token(make.actor(ada), ada.id, "mine").key
    keys = [own] + [client.post(PATH, json=credentials()).json["token"] for _ in range(5)]
    statuses = [
        client.get("/api/booking-offerings/", headers={"Authorization": f"Token {key}"}).status_code for key in keys
    ]
    assert statuses == [200, 401, 401, 200, 200, 200]
