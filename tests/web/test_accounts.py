"""Signing in and out, passwords and tokens, as a person meets them."""

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest

from portal.extensions import db
from portal.models import ApiToken, BrowserSession, User
from portal.models.base import utcnow
from portal.services import browsers, throttle
from portal.services.sign_in import SIGN_IN_FAILED
from portal.web.people import KNOWN_BROWSER
from tests.web.conftest import PASSWORD


@pytest.mark.parametrize("email", ["owner@example.org", "unknown@example.org", "not an address", "a\0b@example.org"])
def test_a_refused_sign_in_says_the_same_whatever_the_reason(visitor, world, email):
    answer = visitor().post("/login", {"email": email, "password": "wrong"}, page="/login")
    assert answer.status_code == 400
    assert SIGN_IN_FAILED in answer.text
    assert "wrong" not in re.sub(re.escape(SIGN_IN_FAILED), "", answer.text)


def test_repeated_failures_have_to_wait(visitor, world):
    somebody, wrong = visitor(), {"email": "owner@example.org", "password": "wrong"}
    answers = [somebody.post("/login", wrong, page="/login") for _ in range(throttle.ACCOUNT_AND_NETWORK.burst + 1)]
    assert [it.status_code for it in answers[-2:]] == [400, 429]
    assert 290 < int(answers[-1].headers["Retry-After"]) <= 300
    assert "Try again in 5 minutes." in answers[-1].text


def test_where_somebody_signed_in_before_strangers_keep_nobody_out(visitor, world):
    known, stranger = visitor("owner"), visitor()
    known.post("/logout", page="/account/")
    guess = {"email": "owner@example.org", "password": "a guess"}
    while stranger.post("/login", guess, page="/login").status_code != 429:
        pass
    assert stranger.post("/login", {**guess, "password": PASSWORD}, page="/login").status_code == 429
    assert known.post("/login", {**guess, "password": PASSWORD}, page="/login").status_code == 303
    # Nor is anybody else kept out behind the same address, in a browser that nobody knows.
    assert visitor("member").get("/account/").status_code == 200


def test_the_cookie_of_a_known_browser(app, visitor, world, monkeypatch):
    somebody = visitor("owner")
    cookie = somebody.client.get_cookie(f"{KNOWN_BROWSER}_8000")
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    assert cookie.max_age == 400 * 24 * 3600
    assert not cookie.secure
    # It lets nobody in.
    thief = app.test_client()
    thief.set_cookie(f"{KNOWN_BROWSER}_8000", cookie.value)
    assert thief.get("/account/").status_code == 303
    secured = replace(app.extensions["portal.settings"], public_url="https://booking.example.org")
    monkeypatch.setitem(app.extensions, "portal.settings", secured)
    assert visitor("owner").client.get_cookie(KNOWN_BROWSER).secure


def test_a_new_password_makes_other_browsers_unknown_and_keeps_this_one(visitor, world):
    here, there = visitor("owner"), visitor("owner")
    new = "another long password"
    here.post("/account/password/", {"current": PASSWORD, "new": new, "again": new}, page="/account/")
    user = db.session.query(User).filter_by(email="owner@example.org").one()
    known = [
        bool(browsers.recognize(it.client.get_cookie(f"{KNOWN_BROWSER}_8000").value, user)) for it in (here, there)
    ]
    assert known == [True, False]


def sign_out_buttons(answer):
    return re.findall(r'action="(/account/sessions/[0-9a-f]{64}/end/)"', answer.text)


def test_sessions_are_listed_and_ended(visitor, world):
    here = visitor("owner")
    there = visitor()
    there.client.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"
    there.client.environ_base["REMOTE_ADDR"] = "198.51.100.7"
    there.sign_in("owner")
    visitor("member")
    page = here.get("/account/")
    assert "Firefox on Linux" in page.text
    assert "198.51.100.7" in page.text
    assert page.text.count("This browser") == 1
    [button] = sign_out_buttons(page)
    assert here.post(button, page="/account/").status_code == 303
    assert there.get("/account/").status_code == 303
    assert sign_out_buttons(here.get("/account/")) == []
    assert "Sign out everywhere else" not in here.get("/account/").text


@pytest.mark.parametrize("digest", ["0" * 64, "nonsense", "0" * 63, "é" * 64])
def test_a_session_of_nobody_cannot_be_ended(visitor, world, digest):
    assert visitor("owner").post(f"/account/sessions/{digest}/end/", page="/account/").status_code == 404


def test_signing_out_everywhere_else(visitor, world):
    here, there, other = visitor("owner"), visitor("owner"), visitor("member")
    assert here.post("/account/sessions/end/", page="/account/").status_code == 303
    assert [it.get("/account/").status_code for it in (here, there, other)] == [200, 303, 200]
    user = db.session.query(User).filter_by(email="owner@example.org").one()
    known = [
        bool(browsers.recognize(it.client.get_cookie(f"{KNOWN_BROWSER}_8000").value, user)) for it in (here, there)
    ]
    assert known == [True, False]


def test_the_last_use_of_a_session_is_recorded_hourly(visitor, world):
    somebody = visitor("owner")

    def seen():
        db.session.expire_all()
        return db.session.query(BrowserSession).one().last_seen

    before = seen()
    somebody.get("/account/").close()
    assert seen() == before
    for earlier in (None, before - timedelta(hours=1, seconds=1)):
        db.session.query(BrowserSession).update({"last_seen": earlier})
        db.session.commit()
        somebody.get("/account/").close()
        assert seen() >= before


def test_guesses_at_the_present_password_have_to_wait(visitor, world):
    somebody, new = visitor("owner"), "another long password"
    for _ in range(throttle.KNOWN_BROWSER.burst):
        fields = {"current": "a guess", "new": new, "again": new}
        assert somebody.post("/account/password/", fields, page="/account/").status_code == 400
    answer = somebody.post("/account/password/", {**fields, "current": PASSWORD}, page="/account/")
    assert (answer.status_code, "Try again in 5 minutes." in answer.text) == (429, True)
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("asked", "lands"),
    [
        ("/manage/", "/manage/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("/%09/evil.example", "/%09/evil.example"),
        ("/\t/evil.example", "/"),
    ],
)
def test_signing_in_leads_on_within_the_portal_alone(visitor, world, asked, lands):
    somebody = visitor()
    page = somebody.client.get("/login", query_string={"next": asked}).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    data = {"email": "owner@example.org", "password": PASSWORD, "csrf_token": token[1]}
    answer = somebody.client.post("/login", query_string={"next": asked}, data=data)
    assert answer.status_code == 303
    assert answer.headers["Location"] == lands


@pytest.mark.parametrize("path", ["/account/", "/manage/"])
def test_pages_for_signed_in_people_lead_to_the_sign_in(visitor, world, path):
    answer = visitor().get(path)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/login?next=")


def test_signing_out_ends_the_session(visitor, world):
    somebody = visitor("owner")
    assert somebody.get("/account/").status_code == 200
    assert somebody.post("/logout", page="/account/").status_code == 303
    assert somebody.get("/account/").status_code == 303


def test_signing_out_ends_copies_of_the_cookie_and_no_other_session(app, visitor, world):
    somebody, elsewhere = visitor("owner"), visitor("owner")
    copied = somebody.client.get_cookie("portal_session_8000").value
    thief = app.test_client()
    thief.set_cookie("portal_session_8000", copied)
    assert thief.get("/account/").status_code == 200
    somebody.post("/logout", page="/account/")
    assert thief.get("/account/").status_code == 303
    assert elsewhere.get("/account/").status_code == 200


def test_signing_in_anew_ends_what_the_browser_had(app, visitor, world):
    somebody = visitor("owner")
    before = app.test_client()
    before.set_cookie("portal_session_8000", somebody.client.get_cookie("portal_session_8000").value)
    data = {"email": "member@example.org", "password": PASSWORD}
    assert somebody.post("/login", data, page="/account/").status_code == 303
    assert before.get("/account/").status_code == 303


def test_a_form_without_its_token_changes_nothing(visitor, world):
    somebody = visitor("owner")
    answer = somebody.client.post("/account/tokens/", data={"name": "unasked-for"})
    assert answer.status_code == 400
    assert "no longer valid" in answer.text
    assert "unasked-for" not in somebody.get("/account/").text


def test_a_token_is_shown_once(visitor, world):
    somebody = visitor("owner")
    answer = somebody.post("/account/tokens/", {"name": "my script", "expires": in_a_week()}, page="/account/")
    key = re.search(r'<code id="new-token">([0-9a-f]{40})</code>', answer.text)
    assert key
    assert answer.headers["Cache-Control"] == "no-store, no-transform"
    again = somebody.get("/account/").text
    assert "my script" in again
    assert key[1] not in again


def in_a_week():
    return str(utcnow().date() + timedelta(days=7))


def ends(name):
    db.session.expire_all()
    end = db.session.query(ApiToken).filter_by(name=name).one().expires
    return end and round((end - utcnow()) / timedelta(days=1), 1)


def test_the_form_offers_a_year_and_endless_tokens_only_by_the_setting(app, visitor, world, monkeypatch):
    somebody = visitor("owner")
    page = somebody.get("/account/").text
    offered = date.fromisoformat(re.search(r'name="expires"[^>]* value="([0-9-]+)"', page)[1])
    assert offered - utcnow().date() == timedelta(days=365)
    assert 'name="never"' not in page
    somebody.post("/account/tokens/", {"name": "usual", "expires": str(offered)}, page="/account/")
    assert 365 <= ends("usual") <= 366
    refused = somebody.post("/account/tokens/", {"name": "endless", "never": "y"}, page="/account/")
    assert (refused.status_code, "Choose the last day." in refused.text) == (400, True)

    settings = app.extensions["portal.settings"]
    monkeypatch.setitem(app.extensions, "portal.settings", replace(settings, token_days=0))
    assert 'name="never"' in somebody.get("/account/").text
    # A browser sends a date that it cannot read as an empty one.
    refused = somebody.post("/account/tokens/", {"name": "empty", "expires": ""}, page="/account/")
    assert (refused.status_code, "or select “Never expires”" in refused.text) == (400, True)
    somebody.post("/account/tokens/", {"name": "endless", "never": "y", "expires": str(offered)}, page="/account/")
    assert ends("endless") is None
    monkeypatch.setitem(app.extensions, "portal.settings", settings)
    assert "Tokens that never expire were created before this portal set a limit." in somebody.get("/account/").text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"name": ""}, "Enter a name for the token"),
        ({"name": "x"}, "Choose the last day."),
        ({"name": "x", "expires": ""}, "Choose the last day."),
        ({"name": "x", "expires": "soon"}, "Choose the last day."),
        ({"name": "x", "expires": "2001-01-01"}, "passed"),
        ({"name": "x", "expires": "9999-12-31"}, "Choose a day before"),
        ({"name": "x", "expires": "2190-12-30"}, "at most 365 days"),
    ],
)
def test_a_token_that_cannot_be_made_says_why(visitor, world, data, words):
    answer = visitor("owner").post("/account/tokens/", data, page="/account/")
    assert answer.status_code == 400
    assert words in answer.text
    assert "<code id=" not in answer.text


def revoke_link(page: str) -> str:
    found = re.search(r'href="(/account/tokens/[0-9a-f-]+/revoke/)"', page)
    assert found
    return found[1]


def test_revoking_asks_first_and_is_for_ones_own(visitor, world):
    somebody = visitor("owner")
    link = revoke_link(
        somebody.post("/account/tokens/", {"name": "mine", "expires": in_a_week()}, page="/account/").text
    )
    assert "Revoke the token “mine”?" in somebody.get(link).text
    assert "mine" in somebody.get("/account/").text
    other = visitor("stranger")
    assert other.get(link).status_code == 404
    assert other.post(link, page="/account/").status_code == 404
    assert somebody.post(link, page=link).status_code == 303
    assert "mine" not in somebody.get("/account/").text.replace("The token “mine” is revoked.", "")


def test_a_new_password_ends_the_other_sessions(visitor, world):
    here, there = visitor("owner"), visitor("owner")
    new = "another long password"
    answer = here.post("/account/password/", {"current": PASSWORD, "new": new, "again": new}, page="/account/")
    assert answer.status_code == 303
    assert here.get("/account/").status_code == 200
    assert there.get("/account/").status_code == 303


@pytest.mark.parametrize(
    ("current", "new", "again", "words"),
    [
        ("wrong", "another long password", "another long password", "current password is wrong"),
        (PASSWORD, "short", "short", "at least 12 characters"),
        (PASSWORD, "another long password", "yet another one", "not the same"),
    ],
)
def test_a_password_that_cannot_be_changed_says_why(visitor, world, current, new, again, words):
    answer = visitor("owner").post(
        "/account/password/", {"current": current, "new": new, "again": again}, page="/account/"
    )
    assert answer.status_code == 400
    assert words in answer.text
    assert visitor("owner").get("/account/").status_code == 200


def test_a_form_that_was_refused_can_be_loaded_again(visitor, world):
    member = visitor("member")
    for form in ("tokens", "password"):
        assert member.get(f"/account/{form}/").headers["Location"] == f"/account/#{form}"
