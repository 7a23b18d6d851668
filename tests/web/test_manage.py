"""Who may act on calendars and connections, from the pages."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from portal.calendar_sync.providers.google.oauth import GoogleConsent
from portal.calendar_sync.providers.google.scopes import SCOPE_CALENDARS, SCOPE_SHARING
from portal.extensions import db
from portal.models import GoogleCalendar, GoogleConnection
from portal.policies import SYSTEM
from portal.services.accounts import create_user
from tests.web.conftest import PASSWORD, connect_google

ACTS = ("sync", "share", "unshare")


@pytest.mark.parametrize(("who", "code"), [("stranger", 403), ("manager", 403), ("owner", 303), ("staff", 303)])
def test_who_may_act(visitor, world, who, code):
    connect_google(world.lab)
    path = f"/manage/offerings/{world.scope}/calendar/share"
    assert visitor(who).post(path, page="/account/").status_code == code
    db.session.expire_all()
    calendar = db.session.query(GoogleCalendar).one_or_none()
    assert (calendar is not None and calendar.want_public) is (code == 303)


def test_nobody_is_sent_to_sign_in_and_nothing_happens(visitor, world):
    connect_google(world.lab)
    path = f"/manage/offerings/{world.scope}/calendar/sync"
    assert visitor().get(path).headers["Location"].startswith("/login")
    assert visitor().post(path, page="/login").headers["Location"].startswith("/login")
    assert db.session.query(GoogleCalendar).count() == 0


def test_a_get_never_acts(visitor, world):
    connect_google(world.lab)
    for act in ACTS:
        visitor("owner").get(f"/manage/offerings/{world.scope}/calendar/{act}")
    assert db.session.query(GoogleCalendar).count() == 0


@pytest.fixture
def configured(app, monkeypatch):
    """The portal knows a Google client."""
    known = replace(app.extensions["portal.settings"], google_client_id="id", google_client_secret="secret")
    monkeypatch.setitem(app.extensions, "portal.settings", known)
    monkeypatch.setitem(app.extensions, "portal.consent", GoogleConsent(known))


def test_the_card_tells_that_it_is_queued_and_refuses_a_second_act_in_words(visitor, world, configured):
    connect_google(world.lab)
    owner, path = visitor("owner"), f"/manage/offerings/{world.scope}/calendar/sync"
    page = owner.client.get(owner.post(path, page="/account/").headers["Location"].split("#")[0]).text
    assert "The sync is queued." in page
    assert 'class="chip chip-busy">Queued' in page
    assert 'hx-trigger="every 2s"' in page
    assert 'vendor/htmx.min.js" defer' in page
    assert "htmx" not in owner.get("/").text
    assert "/calendar/share" not in page
    owner.post(path, page="/account/")
    assert "is not finished yet" in owner.get(f"/offerings/{world.scope}/").text


def test_without_a_connection_the_act_is_refused_in_words(visitor, world):
    owner = visitor("owner")
    owner.post(f"/manage/offerings/{world.scope}/calendar/sync", page="/account/")
    assert "Google is not connected" in owner.get(f"/offerings/{world.scope}/").text


def test_the_card_alone(visitor, world):
    card = visitor("owner").get(f"/manage/offerings/{world.scope}/calendar/card")
    assert card.status_code == 200
    assert card.text.strip().startswith('<div class="panel calendar-card"')
    assert visitor("stranger").get(f"/manage/offerings/{world.scope}/calendar/card").status_code == 403
    assert visitor("owner").get(f"/manage/offerings/{world.lab}/calendar/card").status_code == 404


def test_the_connection_page_says_what_is_missing(visitor, world):
    page = visitor("owner").get(f"/manage/organizations/{world.lab}/google/").text
    assert "GOOGLE_CLIENT_ID" in page
    assert "/manage/google/callback" in page


def test_connecting_without_a_client_is_refused_in_words(visitor, world):
    answer = visitor("owner").post(f"/manage/organizations/{world.lab}/google/connect/", page="/account/")
    assert answer.status_code == 409
    assert "GOOGLE_CLIENT_ID" in answer.text


def test_a_callback_nobody_began_connects_nothing(visitor, world):
    owner = visitor("owner")
    answer = owner.get("/manage/google/callback?state=guessed&code=stolen")
    assert answer.status_code == 303
    assert "not started here" in owner.get("/manage/").text


def test_a_refused_consent_leads_back_to_the_button(visitor, world, configured):
    owner, page = visitor("owner"), f"/manage/organizations/{world.lab}/google/"
    asked = owner.post(f"{page}connect/", page=page)
    state = parse_qs(urlsplit(asked.location).query)["state"][0]
    answer = owner.get(f"/manage/google/callback?state={state}&error=access_denied")
    assert (answer.status_code, answer.location) == (303, page)
    assert "declined" in owner.get(page).text


def connect(world, broken=""):
    """Connected without the right to share."""
    connect_google(world.lab)
    found = db.session.query(GoogleConnection).one()
    found.scopes, found.broken = [SCOPE_CALENDARS], broken
    db.session.commit()
    return found


def test_consent_can_be_asked_for_without_the_right_to_share(visitor, world, configured):
    owner, page = visitor("owner"), f"/manage/organizations/{world.lab}/google/"
    asked = parse_qs(urlsplit(owner.post(f"{page}connect/", page=page).location).query)["scope"][0].split()
    assert {SCOPE_CALENDARS, SCOPE_SHARING} <= set(asked)
    less = owner.post(f"{page}connect/", {"without_sharing": "yes"}, page=page)
    asked = parse_qs(urlsplit(less.location).query)["scope"][0].split()
    assert SCOPE_CALENDARS in asked
    assert SCOPE_SHARING not in asked
    connect(world)
    assert "Allow sharing" in owner.get(page).text


@pytest.mark.parametrize("wish", ["keep", "delete"])
def test_who_disconnects_chooses_what_becomes_of_the_calendars(visitor, world, configured, wish):
    found = connect(world).id
    owner, page = visitor("owner"), f"/manage/organizations/{world.lab}/google/"
    assert 'value="delete"' in owner.get(f"{page}disconnect/").text
    answer = owner.post(f"{page}disconnect/", {"calendars": wish}, page=f"{page}disconnect/")
    assert answer.status_code == 303
    db.session.expire_all()
    left = db.session.get(GoogleConnection, found)
    assert (left is None) is (wish == "keep")
    assert ("Disconnecting" in owner.get(page).text) is (wish == "delete")
    assert ("Disconnecting" in owner.get("/manage/").text) is (wish == "delete")


def test_calendars_out_of_reach_are_not_offered_for_deletion(visitor, world, configured):
    connect(world, broken="Consent was withdrawn.")
    page = visitor("owner").get(f"/manage/organizations/{world.lab}/google/disconnect/").text
    assert "Disconnect" in page
    assert 'value="delete"' not in page


def test_the_overview_shows_what_one_manages(visitor, world):
    page = visitor("manager").get("/manage/").text
    assert "Secret draft" in page
    assert "Other House" not in page
    assert "Nothing to manage" in visitor("stranger").get("/manage/").text
    assert "Other House" in visitor("staff").get("/manage/").text


def test_staff_of_an_empty_portal_are_told_how_to_begin(visitor, db_session):
    create_user(SYSTEM, "staff@example.org", password=PASSWORD, is_staff=True)
    create_user(SYSTEM, "visitor@example.org", password=PASSWORD)
    staff, other = visitor("staff"), visitor("visitor")
    assert "No offerings yet" in visitor().get("/").text
    for path, hint in (("/", "offerings import"), ("/manage/", "offerings create")):
        assert hint in staff.get(path).text
        assert hint not in other.get(path).text


def test_the_calendar_has_a_page_of_its_own(visitor, world):
    page = visitor("owner").get(f"/manage/offerings/{world.scope}/calendar/").text
    assert 'id="calendar"' in page
    assert 'aria-current="page">Calendar</a>' in page
    acted = visitor("owner").post(f"/manage/offerings/{world.scope}/calendar/sync", page="/account/")
    assert acted.location == f"/manage/offerings/{world.scope}/calendar/"
