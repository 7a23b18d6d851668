"""Who × route, over every route there is: pages and API ask the same rules, and a new route has to be entered here.

A line says what nobody, a stranger, a member, a manager, an owner (all three of the offering's organization) and staff
get. `seen` is an offering that everybody sees, `draft` one that only its managers see; `lab` is its organization.
A status of 303 is the page that an act leads to, TO_SIGN_IN the way there for those who are not signed in.
"""

import re
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from portal.extensions import db
from portal.models import Booking, Offering, Slot, User
from portal.models.base import utcnow
from portal.policies import Actor
from portal.services.accounts import create_token
from tests.web.conftest import connect_google

PEOPLE = ("nobody", "stranger", "member", "manager", "owner", "staff")
TO_SIGN_IN = "sign in"
ALL = (200,) * 6
SIGNED_IN = (TO_SIGN_IN, *(200,) * 5)
TOKEN = (401, *(200,) * 5)
MANAGERS = (404, 404, 404, 200, 200, 200)
# What they see and may not do is 403, what they do not see is 404.
OWNERS_SEEN = (TO_SIGN_IN, 403, 403, 403)
OWNERS_DRAFT = (TO_SIGN_IN, 404, 404, 403)
OWNERS_LAB = (TO_SIGN_IN, 404, 404, 403)
OFFERING = "/offerings/{}/"
API = "/api/booking-offerings/{}/"
BOOKINGS = "/api/booking-resources/"
ACT = "/manage/offerings/{}/calendar/{}"
GOOGLE = "/manage/organizations/{lab}/google/"

# (endpoint, method, path) -> what each of PEOPLE gets.
EXPECTED: dict[tuple[str, str, str], tuple[object, ...]] = {
    ("catalogue.index", "GET", "/"): ALL,
    ("catalogue.offerings", "GET", "/offerings/"): ALL,
    ("catalogue.offering", "GET", OFFERING.format("{seen}")): ALL,
    ("catalogue.offering", "GET", OFFERING.format("{draft}")): MANAGERS,
    ("accounts.sign_in", "GET", "/login"): (200, *(303,) * 5),
    ("accounts.sign_in", "POST", "/login"): (400,) * 6,
    ("accounts.sign_out", "POST", "/logout"): (303,) * 6,
    ("accounts.account", "GET", "/account/"): SIGNED_IN,
    ("accounts.account_form", "GET", "/account/tokens/"): (TO_SIGN_IN, *(303,) * 5),
    ("accounts.change_password", "POST", "/account/password/"): (TO_SIGN_IN, *(400,) * 5),
    ("accounts.create_token", "POST", "/account/tokens/"): (TO_SIGN_IN, *(400,) * 5),
    # A token of somebody else's; staff may end it, though their page does not list it.
    ("accounts.revoke_token", "GET", "/account/tokens/{token}/revoke/"): (TO_SIGN_IN, *(404,) * 5),
    ("accounts.revoke_token", "POST", "/account/tokens/{token}/revoke/"): (TO_SIGN_IN, *(404,) * 4, 303),
    ("accounts.end_session_elsewhere", "POST", "/account/sessions/" + "0" * 64 + "/end/"): (TO_SIGN_IN, *(404,) * 5),
    ("accounts.end_other_sessions", "POST", "/account/sessions/end/"): (TO_SIGN_IN, *(303,) * 5),
    ("email_change.ask", "GET", "/account/email/"): SIGNED_IN,
    ("email_change.ask", "POST", "/account/email/"): (TO_SIGN_IN, *(400,) * 5),
    ("email_change.change", "GET", "/email/nonsense/"): (TO_SIGN_IN, *(400,) * 5),
    ("email_change.change", "POST", "/email/nonsense/"): (TO_SIGN_IN, *(400,) * 5),
    ("confirm.confirm", "GET", "/confirm/"): (TO_SIGN_IN, *(303,) * 5),
    ("confirm.confirm", "POST", "/confirm/"): (TO_SIGN_IN, *(400,) * 5),
    ("accounts.mail_wanted", "POST", "/account/mail/"): (TO_SIGN_IN, *(303,) * 5),
    ("registration.register", "GET", "/register/"): (403,) * 6,
    ("registration.register", "POST", "/register/"): (403,) * 6,
    ("registration.finish", "GET", "/register/nonsense/"): (400,) * 6,
    ("registration.finish", "POST", "/register/nonsense/"): (400,) * 6,
    ("registration.forgotten", "GET", "/password/"): ALL,
    ("registration.forgotten", "POST", "/password/"): (400,) * 6,
    ("registration.choose", "GET", "/password/nonsense/"): (400,) * 6,
    ("registration.choose", "POST", "/password/nonsense/"): (400,) * 6,
    ("registration.mail_off", "GET", "/mail/off/nonsense/"): (404,) * 6,
    ("registration.mail_off", "POST", "/mail/off/nonsense/"): (404,) * 6,
    ("staff.people", "GET", "/manage/people/"): (TO_SIGN_IN, *(403,) * 4, 200),
    ("staff.people", "POST", "/manage/people/"): (TO_SIGN_IN, *(403,) * 4, 400),
    ("staff.person", "GET", "/manage/people/{person}/"): (TO_SIGN_IN, *(403,) * 4, 200),
    ("staff.person", "POST", "/manage/people/{person}/"): (TO_SIGN_IN, *(403,) * 4, 400),
    ("manage.dashboard", "GET", "/manage/"): SIGNED_IN,
    ("manage.calendar_card", "GET", ACT.format("{seen}", "card")): (TO_SIGN_IN, 404, 404, 200, 200, 200),
    ("manage.calendar_card", "GET", ACT.format("{draft}", "card")): (TO_SIGN_IN, 404, 404, 200, 200, 200),
    **{
        ("manage.calendar_act", method, ACT.format(what, act)): (*refused, *(done,) * 2)
        for act in ("sync", "share", "unshare")
        for method, done in (("GET", 200), ("POST", 303))
        for what, refused in (("{seen}", OWNERS_SEEN), ("{draft}", OWNERS_DRAFT))
    },
    ("catalogue.offering_by_digits", "GET", "/offerings/" + "0" * 32 + "/"): (301,) * 6,
    ("timeline.day", "GET", "/timeline/"): ALL,
    ("bookings.book", "GET", OFFERING.format("{seen}") + "book/"): SIGNED_IN,
    ("bookings.book", "GET", OFFERING.format("{draft}") + "book/"): (TO_SIGN_IN, *MANAGERS[1:]),
    ("bookings.book", "POST", OFFERING.format("{seen}") + "book/"): (TO_SIGN_IN, *(400,) * 5),
    ("bookings.summary", "POST", OFFERING.format("{seen}") + "book/summary/"): SIGNED_IN,
    ("bookings.summary", "POST", OFFERING.format("{draft}") + "book/summary/"): (TO_SIGN_IN, *MANAGERS[1:]),
    ("bookings.mine", "GET", "/bookings/"): SIGNED_IN,
    ("bookings.booking", "GET", "/bookings/{booking}/"): (TO_SIGN_IN, *MANAGERS[1:]),
    ("bookings.cancel", "GET", "/bookings/{booking}/cancel/"): (TO_SIGN_IN, *MANAGERS[1:]),
    ("bookings.cancel", "POST", "/bookings/{booking}/cancel/"): (TO_SIGN_IN, 404, 404, 303, 303, 303),
    ("moving.move", "GET", "/bookings/{booking}/move/"): (TO_SIGN_IN, *MANAGERS[1:]),
    ("moving.move", "POST", "/bookings/{booking}/move/"): (TO_SIGN_IN, 404, 404, 400, 400, 400),
    ("feeds.offering", "GET", OFFERING.format("{seen}") + "calendar.ics"): ALL,
    ("feeds.offering", "GET", OFFERING.format("{draft}") + "calendar.ics"): (404,) * 6,
    ("feeds.secret", "GET", "/feeds/{token}.ics"): (404,) * 6,
    ("feeds.booking", "GET", "/bookings/{booking}/booking.ics"): (TO_SIGN_IN, *MANAGERS[1:]),
    ("feeds.mine", "GET", "/bookings/feed/"): SIGNED_IN,
    ("feeds.mine", "POST", "/bookings/feed/"): (TO_SIGN_IN, *(201,) * 5),
    ("feeds.organization", "GET", "/manage/organizations/{lab}/feed/"): (TO_SIGN_IN, *MANAGERS[1:]),
    ("feeds.organization", "POST", "/manage/organizations/{lab}/feed/"): (TO_SIGN_IN, 404, 404, 201, 201, 201),
    ("requests.pending", "GET", "/manage/requests/"): SIGNED_IN,
    ("requests.answer", "GET", "/manage/requests/{booking}/accept/"): (TO_SIGN_IN, *MANAGERS[1:]),
    ("requests.answer", "POST", "/manage/requests/{booking}/accept/"): (TO_SIGN_IN, 404, 404, 303, 303, 303),
    ("requests.answer", "POST", "/manage/requests/{booking}/reject/"): (TO_SIGN_IN, 404, 404, 400, 400, 400),
    ("rules.edit", "GET", "/manage/offerings/{seen}/rules/"): (TO_SIGN_IN, 403, 403, 200, 200, 200),
    ("rules.edit", "GET", "/manage/offerings/{draft}/rules/"): (TO_SIGN_IN, *MANAGERS[1:]),
    ("rules.edit", "POST", "/manage/offerings/{seen}/rules/"): (TO_SIGN_IN, 403, 403, 400, 400, 400),
    ("offerings.edit", "GET", "/manage/offerings/{seen}/edit/"): (TO_SIGN_IN, 403, 403, 200, 200, 200),
    ("offerings.edit", "GET", "/manage/offerings/{draft}/edit/"): (TO_SIGN_IN, *MANAGERS[1:]),
    ("offerings.edit", "POST", "/manage/offerings/{seen}/edit/"): (TO_SIGN_IN, 403, 403, 400, 400, 400),
    ("offerings.edit", "POST", "/manage/offerings/{draft}/edit/"): (TO_SIGN_IN, 404, 404, 400, 400, 400),
    ("hours.edit", "GET", "/manage/offerings/{seen}/hours/"): (TO_SIGN_IN, 403, 403, 200, 200, 200),
    ("hours.edit", "GET", "/manage/offerings/{draft}/hours/"): (TO_SIGN_IN, *MANAGERS[1:]),
    ("hours.edit", "POST", "/manage/offerings/{seen}/hours/"): (TO_SIGN_IN, 403, 403, 400, 400, 400),
    ("hours.edit", "POST", "/manage/offerings/{draft}/hours/"): (TO_SIGN_IN, 404, 404, 400, 400, 400),
    ("manage.calendar_preview", "GET", ACT.format("{draft}", "preview")): (*OWNERS_DRAFT, 200, 200),
    ("google.connection", "GET", GOOGLE): (*OWNERS_LAB, 200, 200),
    ("google.connect", "POST", GOOGLE + "connect/"): (*OWNERS_LAB, 303, 303),
    ("google.disconnect", "GET", GOOGLE + "disconnect/"): (*OWNERS_LAB, 200, 200),
    ("google.disconnect", "POST", GOOGLE + "disconnect/"): (*OWNERS_LAB, 303, 303),
    ("google.callback", "GET", "/manage/google/callback?state=x&code=y"): (TO_SIGN_IN, *(303,) * 5),
    ("notifications.notified", "POST", "/google/notifications"): (404,) * 6,
    ("static", "GET", "/static/mark.svg"): ALL,
    ("api.api_root", "GET", "/api/"): ALL,
    ("api.api_schema", "GET", "/api/schema/"): ALL,
    ("api.api_docs", "GET", "/api/docs/"): ALL,
    ("api.healthz", "GET", "/healthz"): ALL,
    ("api.metrics", "GET", "/metrics"): (401, 403, 403, 403, 403, 200),
    ("api.media_retrieve", "GET", "/api/media/{token}/"): (404,) * 6,
    ("api.api_auth_password", "POST", "/api-auth/password/"): (400,) * 6,
    ("api.booking_offerings_list", "GET", "/api/booking-offerings/"): TOKEN,
    ("api.booking_offerings_retrieve", "GET", API.format("{seen}")): TOKEN,
    ("api.booking_offerings_retrieve", "GET", API.format("{draft}")): (401, *MANAGERS[1:]),
    **{
        (f"api.booking_offerings_{act}", "POST", API.format(what) + act + "/"): (401, *refused, done, done)
        for act, done in (
            ("google_calendar_sync", 200),
            ("share_google_calendar", 200),
            ("unshare_google_calendar", 400),  # private already
        )
        for what, refused in (("{seen}", (403,) * 3), ("{draft}", (404, 404, 403)))
    },
    ("api.booking_offerings_availability", "GET", API.format("{seen}") + "availability/"): TOKEN,
    ("api.booking_offerings_availability", "GET", API.format("{draft}") + "availability/"): (401, *MANAGERS[1:]),
    ("api.booking_resources_list", "GET", BOOKINGS): TOKEN,
    ("api.booking_resources_list", "POST", BOOKINGS): (401, *(400,) * 5),
    ("api.booking_resources_retrieve", "GET", BOOKINGS + "{booking}/"): (401, *MANAGERS[1:]),
    ("api.booking_resources_accept", "POST", BOOKINGS + "{booking}/accept/"): (401, *MANAGERS[1:]),
    ("api.booking_resources_reject", "POST", BOOKINGS + "{booking}/reject/"): (401, *MANAGERS[1:]),
    ("api.booking_resources_cancel", "POST", BOOKINGS + "{booking}/cancel/"): (401, *MANAGERS[1:]),
    ("api.booking_resources_reschedule", "POST", BOOKINGS + "{booking}/reschedule/"): (401, 404, 404, *(400,) * 3),
    ("api.marketplace_bookings_list", "GET", "/api/marketplace-bookings/{seen}/"): TOKEN,
    ("api.marketplace_bookings_list", "GET", "/api/marketplace-bookings/{draft}/"): (401, *(404,) * 5),
}


@pytest.fixture
def places(world, db_session):
    """What the paths name; the token and the booking are of somebody who is none of PEOPLE."""
    connect_google(world.lab)
    user = User(email="someone@example.org", session_key="someone")
    db.session.add(user)
    db.session.commit()
    token = create_token(Actor(user.id), user.id, "theirs")
    offering = db.session.query(Offering).filter_by(uuid=world.scope).one()
    start = utcnow() + timedelta(days=3)
    slot = Slot(offering_id=offering.id, start=start, end=start + timedelta(hours=1))
    booking = Booking(offering_id=offering.id, user_id=user.id, name="Theirs", state="requested", slots=[slot])
    db.session.add(booking)
    db.session.commit()
    return SimpleNamespace(
        seen=world.scope,
        draft=world.draft,
        lab=world.lab,
        token=token.uuid,
        booking=booking.uuid,
        person=user.uuid,
    )


def ask(app, visitor, places, who, method, path):
    """The status of the answer, or TO_SIGN_IN."""
    path = path.format(**vars(places))
    # From another machine: those who run the portal may look at its numbers.
    more = {"environ_overrides": {"REMOTE_ADDR": "192.0.2.1"}}
    if path.startswith(("/api", "/metrics", "/healthz")):
        headers = {}
        if who != "nobody":
            user = db.session.query(User).filter_by(email=f"{who}@example.org").one()
            headers = {"Authorization": f"Token {create_token(Actor(user.id), user.id, 'test').key}"}
            db.session.commit()
        return app.test_client().open(path, method=method, headers=headers, **more).status_code
    person = visitor(None if who == "nobody" else who)
    data = None
    if method == "POST":
        page = person.get("/login" if who == "nobody" else "/account/").text
        data = {"csrf_token": re.search(r'name="csrf_token" value="([^"]+)"', page)[1]}
    with person.client.open(path, method=method, data=data, **more) as answer:
        if answer.status_code == 303 and urlsplit(answer.headers["Location"]).path == "/login":
            return TO_SIGN_IN
        return answer.status_code


@contextmanager
def undone():
    """What is asked inside leaves no trace, so that the next one is asked of the same portal."""
    db.session.commit()
    before = db.engine.begin_nested()
    try:
        yield
    finally:
        db.session.close()
        before.rollback()


@pytest.mark.sqlite_only
@pytest.mark.parametrize("who", PEOPLE)
def test_everybody_gets_what_is_theirs(app, visitor, places, who, monkeypatch):
    known = replace(app.extensions["portal.settings"], google_client_id="id", google_client_secret="secret")
    monkeypatch.setitem(app.extensions, "portal.settings", known)
    wrong = {}
    for (_, method, path), expected in EXPECTED.items():
        with undone():
            found = ask(app, visitor, places, who, method, path)
        if found != expected[PEOPLE.index(who)]:
            wrong[method, path] = (found, expected[PEOPLE.index(who)])
    assert not wrong


@pytest.mark.sqlite_only
def test_no_route_is_left_out(worker_app):
    routes = {
        (rule.endpoint, method)
        for rule in worker_app.url_map.iter_rules()
        for method in (rule.methods or ()) & {"GET", "POST", "PUT", "PATCH", "DELETE"}
    }
    assert routes == {(endpoint, method) for endpoint, method, _ in EXPECTED}


@pytest.mark.sqlite_only
def test_what_writes_asks_for_the_form_it_came_from(app, visitor, places):
    """No page takes a POST without the token of its form; the API takes no cookie, so it needs none."""
    person = visitor("staff")
    # Google brings a channel's token, and knows no form.
    posts = [
        (endpoint, path)
        for endpoint, method, path in EXPECTED
        if method == "POST" and endpoint != "notifications.notified"
    ]
    for endpoint, path in posts:
        answer = person.client.post(path.format(**vars(places)))
        assert answer.status_code == (400 if not endpoint.startswith("api.") or "password" in endpoint else 401), path
