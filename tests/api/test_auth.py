"""Authorization: which forms are taken, and the published words of every refusal (docs/api.md, Signing in)."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.api import auth
from portal.extensions import db
from portal.models import ApiToken, User
from portal.models.base import utcnow
from portal.services import accounts, sessions
from tests.support import builders as make

LIST = "/api/booking-offerings/"


@pytest.fixture
def person(db_session):
    return make.user("ada@example.org")


@pytest.fixture
def token(person):
    return accounts.create_token(make.actor(person), person.id, "test")


@pytest.mark.parametrize(
    "form",
    ["Token {}", "token {}", "TOKEN {}", "Bearer {}", "bearer {}", "Bearer Token {}", "bearer token {}", "Token  {} "],
)
def test_every_form_of_the_header_is_taken(client, token, form):
    assert client.get(LIST, headers={"Authorization": form.format(token.key)}).status_code == 200


NOT_PROVIDED = "Authentication credentials were not provided."


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (None, NOT_PROVIDED),
        ("", NOT_PROVIDED),
        ("Basic YTpi", NOT_PROVIDED),
        ("{}", NOT_PROVIDED),
        ("Token", "Invalid token. No credentials provided."),
        ("Bearer", "Invalid token. No credentials provided."),
        ("Bearer Token", "Invalid token. No credentials provided."),
        ("Token a b", "Invalid token. Token string should not contain spaces."),
        ("Token {} {}", "Invalid token. Token string should not contain spaces."),
        ("Token \xff", "Invalid token header. Token string should not contain invalid characters."),
        ("Token \xc3\xa4", "Invalid token."),
        ("Token nonsense", "Invalid token."),
        ("Token " + "0" * 40, "Invalid token."),
        ("Bearer " + "0" * 40, "Invalid token."),
    ],
)
def test_refusals_are_worded_as_published(client, token, header, detail):
    headers = {} if header is None else {"Authorization": header.format(token.key, token.key)}
    answer = client.get(LIST, headers=headers)
    assert answer.status_code == 401
    assert answer.data == f'{{"detail":"{detail}"}}'.encode()
    assert answer.headers["WWW-Authenticate"] == "Token"
    assert answer.headers["Content-Type"] == "application/json"


def test_an_inactive_person_is_refused(client, person, token):
    db.session.get(User, person.id).is_active = False
    db.session.commit()
    answer = client.get(LIST, headers={"Authorization": f"Token {token.key}"})
    assert (answer.status_code, answer.data) == (401, b'{"detail":"User inactive or deleted."}')


def test_an_expired_token_is_refused(client, person):
    token = accounts.create_token(make.actor(person), person.id, "short", expires=utcnow() + timedelta(hours=1))
    headers = {"Authorization": f"Token {token.key}"}
    assert client.get(LIST, headers=headers).status_code == 200
    db.session.query(ApiToken).one().expires = utcnow() - timedelta(seconds=1)
    db.session.commit()
    answer = client.get(LIST, headers=headers)
    assert (answer.status_code, answer.data) == (401, b'{"detail":"Token has expired."}')


def test_a_revoked_token_is_refused_at_once(client, person, token):
    headers = {"Authorization": f"Token {token.key}"}
    assert client.get(LIST, headers=headers).status_code == 200
    accounts.revoke_token(make.actor(person), token.uuid)
    assert client.get(LIST, headers=headers).data == b'{"detail":"Invalid token."}'


@pytest.mark.parametrize("path", [f"{LIST}?token=%s", f"{LIST}?x-auth-token=%s"])
def test_a_token_in_the_address_is_no_token(client, token, path):
    assert client.get(path % token.key).data == b'{"detail":"Authentication credentials were not provided."}'


def test_a_session_is_no_token(client, person):
    with client.session_transaction() as session:
        session["_user_id"] = sessions.open_session(person)
        session["_fresh"] = True
    answer = client.get(LIST)
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers["Vary"]


def test_impersonation_is_not_known(client, person, owned, who):
    headers = {**who["staff"], "X-Impersonated-User-Uuid": person.uuid.hex}
    make.offering("Hidden", of=owned[0], state="Draft")
    assert client.get(LIST, headers=headers).headers["X-Result-Count"] == "1"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{LIST}00000000-0000-0000-0000-000000000000/"),
        ("GET", f"{LIST}nonsense/"),
        ("GET", f"{LIST}a.b/"),
        ("GET", f"{LIST}?page=0"),
        ("DELETE", LIST),
        ("PUT", f"{LIST}nonsense/"),
        ("FOO", LIST),
        ("GET", f"{LIST}nonsense/share_google_calendar/"),
        ("POST", f"{LIST}nonsense/share_google_calendar/"),
    ],
)
def test_401_comes_before_everything_else(client, app, method, path):
    assert client.open(path, method=method).status_code == 401


def last_used():
    db.session.expire_all()
    return db.session.execute(select(ApiToken.last_used)).scalar_one()


def ask(client, token):
    # Closed as a server closes it: the use of the token is recorded after the answer.
    client.get(LIST, headers={"Authorization": f"Token {token.key}"}).close()


def test_last_use_is_recorded_once_an_hour(client, token):
    assert last_used() is None
    ask(client, token)
    first = last_used()
    assert first is not None
    ask(client, token)
    assert last_used() == first
    db.session.query(ApiToken).one().last_used = first - timedelta(minutes=61)
    db.session.commit()
    ask(client, token)
    assert last_used() > first


def test_a_read_does_not_fail_because_its_token_could_not_be_noted(client, token, monkeypatch):
    def broken(*_):
        raise RuntimeError("read-only database")

    monkeypatch.setattr(auth, "record_token_use", broken)
    answer = client.get(LIST, headers={"Authorization": f"Token {token.key}"})
    answer.close()
    assert answer.status_code == 200
    assert last_used() is None


def test_the_key_is_not_looked_up_unless_it_could_be_one(client, app, query_counter):
    with query_counter() as counted:
        client.get(LIST, headers={"Authorization": "Token nonsense"})
    assert counted.number == 0
