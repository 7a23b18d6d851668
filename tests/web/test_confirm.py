"""What gives lasting access asks for the password again, and nothing that was typed is lost."""

import html
import re
from datetime import timedelta

import pytest

from portal.extensions import db
from portal.models import ApiToken, BrowserSession, CalendarFeed, OutgoingMail
from portal.models.base import utcnow
from portal.services import sessions, throttle
from tests.web.conftest import PASSWORD
from tests.web.test_accounts import in_a_week
from tests.web.test_registration import last_link

pytestmark = pytest.mark.sqlite_only  # sessions, tokens and feeds are tested on both in tests/services

TOKENS = "/account/tokens/"


@pytest.fixture
def owner(visitor, world):
    """The owner, whose password was entered too long ago."""
    person = visitor("owner")
    enter_password(sessions.CONFIRMED_LASTS)
    return person


def enter_password(ago):
    db.session.query(BrowserSession).update({"confirmed": None if ago is None else utcnow() - ago})
    db.session.commit()


def tokens():
    db.session.expire_all()
    return [it.name for it in db.session.query(ApiToken)]


def without_footer(answer):
    """The page without the menu of languages, whose forms lead back to this page."""
    return answer.text.partition("<footer")[0]


def hidden(answer):
    """The fields that a page sends again."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', without_footer(answer))
    return {name: html.unescape(value) for name, value in found if name != "csrf_token"}


def test_a_session_alone_makes_no_token_and_nothing_is_lost(owner):
    typed = {"name": "my “script” & more", "expires": str(utcnow().date() + timedelta(30))}
    asked = owner.post(TOKENS, typed, page="/account/")
    assert (asked.status_code, tokens()) == (403, [])
    assert "Confirm your password" in asked.text
    assert "no-store" in asked.headers["Cache-Control"]
    assert hidden(asked) == typed
    assert 'action="/account/tokens/"' in asked.text
    wrong = owner.post(TOKENS, {**hidden(asked), "confirm_password": "a guess"}, page="/account/")
    assert (wrong.status_code, tokens(), hidden(wrong)) == (400, [], typed)
    assert "password is wrong" in wrong.text
    made = owner.post(TOKENS, {**hidden(wrong), "confirm_password": PASSWORD}, page="/account/")
    assert (made.status_code, tokens()) == (201, [typed["name"]])
    # For some minutes nothing is asked.
    assert owner.post(TOKENS, {"name": "another", "expires": in_a_week()}, page="/account/").status_code == 201


def feeds():
    db.session.expire_all()
    return db.session.query(CalendarFeed).count()


@pytest.mark.parametrize("path", ["/bookings/feed/", "/manage/organizations/{lab}/feed/"])
def test_a_calendar_link_is_made_with_the_password_and_ended_without(owner, world, path):
    path = path.format(lab=world.lab)
    asked = owner.post(path, {"make": "1"}, page=path)
    assert (asked.status_code, feeds(), hidden(asked)) == (403, 0, {"make": "1"})
    made = owner.post(path, {"make": "1", "confirm_password": PASSWORD}, page=path)
    assert (made.status_code, feeds()) == (201, 1)
    # A form without its button replaces no address.
    kept = db.session.query(CalendarFeed).one().digest
    assert owner.post(path, {}, page=path).status_code == 400
    assert db.session.query(CalendarFeed).one().digest == kept
    enter_password(sessions.CONFIRMED_LASTS)
    assert owner.post(path, {"revoke": "1"}, page=path).status_code == 303
    assert feeds() == 0


def test_the_address_is_changed_with_the_password(owner):
    asked = owner.get("/account/email/")
    assert (asked.status_code, asked.headers["Location"]) == (303, "/confirm/?next=/account/email/")
    assert owner.post("/account/email/", {"email": "new@example.org"}, page="/account/").status_code == 403
    back = owner.post(asked.headers["Location"], {"confirm_password": PASSWORD}, page="/confirm/")
    assert back.headers["Location"] == "/account/email/"
    sent = owner.post("/account/email/", {"email": "new@example.org"}, page="/account/email/")
    assert sent.status_code == 303
    link = last_link("new_email")
    stranger = owner.client.application.test_client()
    assert stranger.get(link).headers["Location"].startswith("/login?next=/email/")
    assert "Change your e-mail address to new@example.org?" in owner.get(link).text
    assert owner.post(link, page=link).status_code == 303
    assert "new@example.org" in owner.get("/account/").text
    assert owner.get(link).status_code == 400


@pytest.mark.parametrize(
    ("ago", "asked"),
    [(timedelta(0), False), (timedelta(minutes=9, seconds=50), False), (timedelta(minutes=10), True), (None, True)],
)
def test_how_long_a_password_counts(owner, ago, asked):
    enter_password(ago)
    answer = owner.post(TOKENS, {"name": "x", "expires": in_a_week()}, page="/account/")
    assert answer.status_code == (403 if asked else 201)


def test_the_page_leads_back(owner):
    page = "/confirm/?next=/account/%23tokens"
    assert owner.get(page).status_code == 200
    answer = owner.post(page, {"confirm_password": PASSWORD}, page=page)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/#tokens")
    assert owner.get(page).headers["Location"] == "/account/#tokens", "there is nothing to ask any more"


@pytest.mark.parametrize("onward", ["https://evil.example/", "//evil.example/", "/\\evil.example", ""])
def test_the_page_leads_within_the_portal_alone(owner, onward):
    answer = owner.client.get("/confirm/", query_string={"next": onward})
    assert "evil" not in without_footer(answer)
    answer = owner.post("/confirm/", {"confirm_password": PASSWORD}, page="/account/")
    assert answer.headers["Location"] == "/account/"


def test_guesses_have_to_wait(owner):
    for _ in range(throttle.KNOWN_BROWSER.burst):
        owner.post(TOKENS, {"name": "x", "confirm_password": "a guess"}, page="/account/")
    answer = owner.post(TOKENS, {"name": "kept", "confirm_password": PASSWORD}, page="/account/")
    assert (answer.status_code, hidden(answer), tokens()) == (429, {"name": "kept"}, [])
    assert "Try again in 5 minutes." in answer.text
    assert int(answer.headers["Retry-After"]) > 0


def test_a_form_without_its_token_confirms_nothing(owner):
    answer = owner.client.post("/confirm/", data={"confirm_password": PASSWORD})
    assert answer.status_code == 400
    assert owner.post(TOKENS, {"name": "x", "expires": in_a_week()}, page="/account/").status_code == 403


def test_who_is_signed_out_meanwhile_signs_in(owner):
    owner.post("/logout", page="/account/")
    assert owner.post(TOKENS, {"name": "x"}, page="/login").headers["Location"].startswith("/login")


def test_a_notice_too_many_refuses_the_change_with_a_sentence(visitor, world, limited):
    limited(max_mails_per_hour=2)
    manager, path = visitor("manager"), f"/manage/organizations/{world.lab}/feed/"
    for number in range(25):
        answer = manager.post(path, {"make": "1"}, page=path)
        assert answer.status_code == (201 if number < 2 else 429)
    assert "This change is announced by mail, and one person may cause 2 such messages an hour." in answer.text
    assert 0 < int(answer.headers["Retry-After"]) <= 1800
    assert db.session.query(OutgoingMail).filter_by(kind="feed_made").count() == 4
