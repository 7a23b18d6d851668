"""Nothing secret gets into the log: no password, token, link, cookie or feed address, whatever people do."""

import logging
import re
from dataclasses import replace

import pytest

from portal import logs
from portal.mail.deliver import deliver_due
from tests.support.consent import FakeConsent
from tests.web.conftest import PASSWORD
from tests.web.test_accounts import in_a_week
from tests.web.test_registration import last_link

pytestmark = pytest.mark.sqlite_only
NEW, NEWER, GUESS = "walrus lamp of Tallinn", "forty-two purple kettles", "my other secret, typed by mistake"


@pytest.fixture
def everything_logged(app, monkeypatch, caplog):
    settings = replace(
        app.extensions["portal.settings"], sign_up="open", google_client_id="id", google_client_secret="client secret"
    )
    monkeypatch.setitem(app.extensions, "portal.settings", settings)
    monkeypatch.setitem(app.extensions, "portal.consent", FakeConsent())
    logs.configure("debug")
    caplog.set_level(logging.DEBUG)
    yield settings
    logs.configure(settings.log_level)


def found(pattern, answer):
    return re.search(pattern, answer.text)[1]


def cookies(person):
    return [it.value for it in person.client._cookies.values()]


def test_no_secret_is_logged(everything_logged, app, visitor, world, capsys, caplog):
    secrets = [PASSWORD, NEW, NEWER, GUESS, "1//refresh", "sealed", "client secret", "ya29."]

    # Sign-in, also with a password typed into the wrong field.
    stranger = visitor()
    for email, password in (("owner@example.org", GUESS), (GUESS, "owner@example.org")):
        stranger.post("/login", {"email": email, "password": password}, page="/login")
        app.test_client().post("/api-auth/password/", json={"username": email, "password": password})
    key = app.test_client().post("/api-auth/password/", json={"username": "owner@example.org", "password": PASSWORD})
    secrets.append(key.json["token"])
    app.test_client().get("/api/booking-offerings/", headers={"Authorization": f"Token {key.json['token']}"})
    app.test_client().get("/api/booking-offerings/", headers={"Authorization": "Token " + "f00d" * 10})
    secrets.append("f00d" * 10)

    # Registration, a forgotten password, an invitation.
    person = visitor()
    person.post("/register/", {"email": "new@example.org"}, page="/register/")
    link = last_link("register")
    person.post(link, {"full_name": "Nora", "new": NEW, "again": NEW}, page=link)
    secrets += [link.split("/")[2], *cookies(person)]
    person.post("/password/", {"email": "member@example.org"}, page="/password/")
    link = last_link("password")
    person.post(link, {"new": NEWER, "again": GUESS}, page=link)
    person.post(link, {"new": NEWER, "again": NEWER}, page=link)
    person.get(link)
    secrets += [link.split("/")[2], *cookies(person)]
    staff = visitor("staff")
    staff.post("/manage/people/", {"email": "guest@example.org"}, page="/manage/people/")
    secrets += [last_link("invitation").split("/")[2], *cookies(staff)]

    # The account page, feeds, Google.
    owner = visitor("owner")
    answer = owner.post("/account/tokens/", {"name": "laptop", "expires": in_a_week()}, page="/account/")
    secrets.append(found(r'<code id="new-token">(\w+)<', answer))
    for path in ("/bookings/feed/", f"/manage/organizations/{world.lab}/feed/"):
        address = found(
            r'<code id="feed-address">[^<]*/feeds/([^.]+)\.ics<', owner.post(path, {"make": "1"}, page=path)
        )
        owner.get(f"/feeds/{address}.ics")
        secrets.append(address)
    owner.post("/account/email/", {"email": "owner@new.example.org"}, page="/account/email/")
    link = last_link("new_email")
    owner.post(link, page=link)
    secrets.append(link.split("/")[2])
    owner.post("/confirm/", {"confirm_password": GUESS}, page="/account/")
    google = f"/manage/organizations/{world.lab}/google/"
    answer = owner.post(google + "connect/", page=google)
    state = re.search(r"state=([^&]+)", answer.headers["Location"])[1]
    owner.get(f"/manage/google/callback?state={state}&code=4/the-code")
    secrets += [state, "4/the-code", "the verifier"]
    owner.post(google + "disconnect/", page=google)
    fields = {"current": PASSWORD, "new": NEW, "again": NEW}
    owner.post("/account/password/", {**fields, "current": GUESS}, page="/account/")
    secrets += cookies(owner)
    owner.post("/account/password/", fields, page="/account/")
    secrets += cookies(owner)

    # Commands, and mail that goes out.
    made = app.test_cli_runner().invoke(args=["users", "token", "owner@new.example.org"])
    secrets.append(made.stdout.strip())
    stdin = NEWER + "\n"
    app.test_cli_runner().invoke(args=["users", "create", "cli@example.org", "--password-stdin"], input=stdin)
    with app.app_context():
        deliver_due(everything_logged)

    logged = "".join(capsys.readouterr()) + caplog.text + made.stderr
    for event in (
        "sign_in_failed",
        "account_created",
        "token_created",
        "feed_created",
        "email_changed",
        "google_connected",
    ):
        assert event in logged
    assert all(len(secret) > 4 for secret in secrets)
    assert [secret for secret in secrets if secret in logged] == []
