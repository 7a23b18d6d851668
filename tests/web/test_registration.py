"""Accounts by mailed links, and the staff's page of people."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from portal.domain.mail import LINK_OF, MailKind
from portal.errors import Invalid, NotFound, TooManyAttempts
from portal.extensions import db
from portal.mail.compose import unsubscribe_token
from portal.models import AccountLink, OutgoingMail, User
from portal.models.base import utcnow
from portal.policies import SYSTEM
from portal.services import accounts, mail, recipients, registration

pytestmark = pytest.mark.sqlite_only
PASSWORD = "a brand new password"
# What a browser sends as Referer to the page's own host, by the policies that tell nobody the address of the page.
SENT_BY_BROWSERS = {"no-referrer": {}, "strict-origin": {"Referer": "https://localhost/"}}


@pytest.fixture
def open_portal(app, monkeypatch):
    monkeypatch.setitem(app.extensions, "portal.settings", replace(app.extensions["portal.settings"], sign_up="open"))


def last_link(kind):
    row = (
        db.session.execute(select(OutgoingMail).where(OutgoingMail.kind == kind).order_by(OutgoingMail.id.desc()))
        .scalars()
        .first()
    )
    return row and LINK_OF[MailKind(kind)].format(mail.link_secret(row))


def test_somebody_registers(open_portal, visitor, world):
    person = visitor()
    assert "Create an account" in person.get("/login").text
    asked = person.post("/register/", {"email": "New@Example.org"}, page="/register/")
    assert (asked.status_code, asked.headers["Location"]) == (303, "/login")
    link = last_link("register")
    page = person.get(link)
    assert "new@example.org" in page.text
    assert page.headers["Referrer-Policy"] in SENT_BY_BROWSERS
    fields = {"full_name": "Nora New", "new": PASSWORD, "again": "something else"}
    assert "not the same" in person.post(link, fields, page=link).text
    short = person.post(link, {**fields, "new": "short", "again": "short"}, page=link)
    assert (short.status_code, "at least 12" in short.text) == (400, True)
    done = person.post(link, {**fields, "again": PASSWORD}, page=link)
    assert done.status_code == 303
    assert "Nora New" in person.get("/account/").text
    assert visitor().get(link).status_code == 400


def test_who_has_an_account_is_told_by_mail_alone(open_portal, visitor, world):
    person = visitor()
    known = person.post("/register/", {"email": "owner@example.org"}, page="/register/")
    unknown = person.post("/register/", {"email": "who@example.org"}, page="/register/")
    assert (known.status_code, known.headers["Location"]) == (unknown.status_code, unknown.headers["Location"])
    kinds = db.session.execute(select(OutgoingMail.kind).order_by(OutgoingMail.id)).scalars().all()
    assert kinds == ["register", "register"], "tests/mail/test_recipients.py shows what is sent"


def test_registration_is_closed_unless_opened(visitor, world):
    assert visitor().get("/register/").status_code == 403
    assert "Create an account" not in visitor().get("/login").text


def test_a_mailed_link_works_over_https(visitor, world):
    registration.ask_for_password("member@example.org", "")
    link, person = last_link("password"), visitor()
    page = person.get(link, base_url="https://localhost")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]
    answer = person.client.post(
        link,
        data={"csrf_token": token, "new": PASSWORD, "again": PASSWORD},
        headers=SENT_BY_BROWSERS[page.headers["Referrer-Policy"]],
        base_url="https://localhost",
    )
    assert answer.status_code == 303, answer.text


def test_a_forgotten_password(visitor, world):
    elsewhere, person = visitor("member"), visitor()
    asked = person.post("/password/", {"email": "member@example.org"}, page="/password/")
    nobody = person.post("/password/", {"email": "nobody@example.org"}, page="/password/")
    assert asked.headers["Location"] == nobody.headers["Location"] == "/login"
    rows = db.session.execute(select(OutgoingMail).order_by(OutgoingMail.id)).scalars().all()
    assert [row.recipient for row in rows] == ["member@example.org", "nobody@example.org"]
    link = LINK_OF[MailKind.PASSWORD].format(mail.link_secret(rows[0]))
    done = person.post(link, {"new": PASSWORD, "again": PASSWORD}, page=link)
    assert done.status_code == 303
    assert person.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 303
    again = visitor().get(link)
    assert (again.status_code, "has been used" in again.text) == (400, True)
    assert 'href="/password/">Get a new link</a>' in again.text


def test_links_end(world, db_session):
    now = utcnow()
    registration.ask_for_password("member@example.org", "192.0.2.1", now=now)
    secret = last_link("password").split("/")[2]
    with pytest.raises(NotFound):
        registration.set_password_by_link(secret, PASSWORD, now=now + timedelta(hours=3))
    with pytest.raises(NotFound):
        registration.link_email(secret, ("register",), now=now)
    assert all(secret.encode() not in it.digest for it in db_session.execute(select(AccountLink)).scalars())


def mails():
    """How many messages are sent, or wait to be."""
    recipients.delete_unowned_password_requests()
    return db.session.execute(select(func.count()).select_from(OutgoingMail)).scalar_one()


def test_an_address_gets_three_links_an_hour_and_strangers_use_up_nobodys(world):
    now = utcnow()
    for number in range(30):
        registration.ask_for_password("member@example.org", f"192.0.2.{number}", now=now)
        registration.ask_for_password(f"nobody{number}@example.org", "192.0.2.1", now=now)
    assert mails() == 3
    # What strangers asked for is in the owner's inbox, and works.
    registration.ask_for_password("owner@example.org", "192.0.2.1", now=now)
    assert mails() == 4
    registration.ask_for_password("member@example.org", "192.0.2.1", now=now + timedelta(minutes=20))
    assert mails() == 5


def test_one_network_asks_for_so_many_accounts_only(open_portal, visitor, world):
    now = utcnow()
    for number in range(20):
        registration.ask_to_register(f"new{number}@example.org", "192.0.2.1", now=now)
    with pytest.raises(TooManyAttempts, match=r"Try again in 3 minutes\."):
        registration.ask_to_register("more@example.org", "192.0.2.1", now=now)
    assert mails() == 20
    registration.ask_to_register("more@example.org", "192.0.2.2", now=now)
    registration.ask_to_register("yet-more@example.org", "192.0.2.1", now=now + timedelta(minutes=3))
    assert mails() == 22


def test_a_person_who_is_kept_out_gets_no_link(world, db_session):
    user = db_session.query(User).filter_by(email="member@example.org").one()
    accounts.set_active(SYSTEM, user.uuid, active=False)
    registration.ask_for_password("member@example.org", "")
    assert mails() == 0


def test_staff_invite_and_give_roles(visitor, world, db_session):
    staff = visitor("staff")
    page = "/manage/people/"
    assert "Owner of Light Lab" in staff.get(page).text
    assert "owner@example.org" not in staff.get(f"{page}?q=member").text
    owner = db_session.query(User).filter_by(email="owner@example.org").one()
    logged = staff.get(f"{page}?q=user:{owner.id}").text
    assert ("owner@example.org" in logged, "member@example.org" in logged) == (True, False)
    assert staff.post(page, {"email": "nonsense"}, page=page).status_code == 400
    assert "already" in staff.post(page, {"email": "owner@example.org"}, page=page).text
    made = staff.post(page, {"email": "guest@example.org", "full_name": "Guest"}, page=page)
    assert made.status_code == 303
    path = made.headers["Location"]
    assert staff.post(path, {"organization": "Nowhere", "role": "member", "give": "1"}, page=path).status_code == 400
    assert staff.post(path, {"organization": "Light Lab", "role": "manager", "give": "1"}, page=path).status_code == 303
    assert "Manager of Light Lab" in staff.get(path).text
    remove = f"{path}roles/{world.lab}/remove/"
    assert "Manager of Light Lab" in staff.get(remove).text
    assert staff.post(remove, page=remove).status_code == 303
    assert "The role in Light Lab was removed." in staff.get(path).text
    assert "Manager of" not in staff.get(path).text
    link = last_link("invitation")
    guest = visitor()
    assert guest.post(link, {"new": PASSWORD, "again": PASSWORD}, page=link).status_code == 303
    assert guest.get("/account/").status_code == 200
    assert staff.post(path, {"active": ""}, page=path).status_code == 400
    assert guest.get("/account/").status_code == 200
    assert staff.post(path, {"active": "0"}, page=path).status_code == 303
    assert guest.get("/account/").status_code == 303
    assert staff.post(path, {"active": "1"}, page=path).status_code == 303


def test_mail_preferences(visitor, world, db_session):
    person = visitor("member")
    shown = re.findall(r'name="shown" value="(\w+)"', person.get("/account/").text)
    # Without its boxes, or with one that it does not have, a form switches nothing off.
    for incomplete in ({}, {"wanted": "bookings"}, {"wanted": "", "shown": shown}, {"wanted": "all", "shown": shown}):
        assert person.post("/account/mail/", incomplete, page="/account/").status_code == 400
        assert mail_off(db_session) == []
    chosen = {"wanted": "bookings", "shown": shown}
    assert person.post("/account/mail/", chosen, page="/account/").status_code == 303
    db_session.expire_all()
    assert db_session.query(User).filter_by(email="member@example.org").one().mail_off == [
        "calendars",
        "reminders",
        "requests",
    ]


def mail_off(session):
    session.expire_all()
    return session.query(User).filter_by(email="member@example.org").one().mail_off


def test_a_link_in_a_message_switches_its_kind_off(app, visitor, world, db_session):
    user = db_session.query(User).filter_by(email="member@example.org").one()
    link = f"/mail/off/{unsubscribe_token(app.extensions['portal.settings'], user.id, 'reminders')}/"
    person = visitor()
    page = person.get(link)
    assert "Reminders one day before" in page.text
    assert mail_off(db_session) == []
    assert person.post(link, page=link).status_code == 303
    assert mail_off(db_session) == ["reminders"]


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_mail_program_unsubscribes_with_one_click(app, visitor, world, db_session, content_type):
    user = db_session.query(User).filter_by(email="member@example.org").one()
    token = unsubscribe_token(app.extensions["portal.settings"], user.id, "reminders")
    for base in ("http://localhost", "https://localhost"):
        user.mail_off = []
        db_session.commit()
        # No cookie, no Referer and no token of a form: mail programs have none of them.
        answer = visitor().client.post(
            f"/mail/off/{token}/", data={"List-Unsubscribe": "One-Click"}, content_type=content_type, base_url=base
        )
        # RFC 8058, 3.2: not a redirect.
        assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)
        assert mail_off(db_session) == ["reminders"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"List-Unsubscribe": "one-click"},
        {"List-Unsubscribe": ["One-Click", "One-Click"]},
        {"List-Unsubscribe": "One-Click", "more": "1"},
    ],
)
def test_any_other_body_needs_the_token_of_the_form(app, visitor, world, db_session, fields):
    user = db_session.query(User).filter_by(email="member@example.org").one()
    link = f"/mail/off/{unsubscribe_token(app.extensions['portal.settings'], user.id, 'reminders')}/"
    assert visitor().client.post(link, data=fields).status_code == 400
    assert visitor().client.post(link, query_string={"List-Unsubscribe": "One-Click"}).status_code == 400
    assert mail_off(db_session) == []
    assert visitor().client.post("/mail/off/made-up/", data={"List-Unsubscribe": "One-Click"}).status_code == 404


@pytest.mark.parametrize(
    ("path", "rule", "broken"),
    [
        ("/password/{}/", "/password/<link>/", "portal.services.registration.link_email"),
        ("/register/{}/", "/register/<link>/", "portal.services.registration.link_email"),
        ("/mail/off/{}/", "/mail/off/<token>/", "portal.web.registration.read_unsubscribe_token"),
        ("/feeds/{}.ics", "/feeds/<secret>.ics", "portal.queries.feeds.secret_feed"),
    ],
)
def test_an_error_is_logged_without_the_secret_of_its_address(app, visitor, monkeypatch, caplog, path, rule, broken):
    def fails(*_arguments, **_named):
        db.session.execute(text("SELECT nothing FROM nowhere WHERE digest = :digest"), {"digest": secret * 2})

    secret = "a" * 32
    monkeypatch.setattr(broken, fails)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert visitor().get(path.format(secret)).status_code == 500
    assert f"Exception on {rule} [GET]" in caplog.text
    assert "OperationalError" in caplog.text
    assert secret not in caplog.text


HOSTILE = [
    ("\0", "contains a NUL character"),
    ("\n", "contains a line break"),
    ("\u202e", "changes the direction of writing"),
]


@pytest.mark.parametrize(("character", "told"), HOSTILE)
def test_names_and_addresses_are_one_line(open_portal, visitor, world, db_session, character, told):
    person = visitor()
    for path in ("/register/", "/password/"):
        refused = person.post(path, {"email": f"new{character}@example.org"}, page=path)
        assert (refused.status_code, told in refused.text) == (400, True), path
    assert db_session.execute(select(OutgoingMail)).first() is None
    registration.ask_to_register("new@example.org", "")
    link = last_link("register")
    fields = {"full_name": f"Nora{character}New", "new": PASSWORD, "again": PASSWORD}
    refused = person.post(link, fields, page=link)
    assert (refused.status_code, told in refused.text) == (400, True)
    staff, page = visitor("staff"), "/manage/people/"
    invited = staff.post(page, {"email": "guest@example.org", "full_name": f"Guest{character}"}, page=page)
    assert (invited.status_code, told in invited.text) == (400, True)
    named = staff.post("/account/tokens/", {"name": f"lap{character}top", "expires": "2027-01-01"}, page="/account/")
    assert (named.status_code, told in named.text) == (400, True)


@pytest.mark.parametrize(("character", "told"), HOSTILE)
def test_services_and_commands_refuse_them_too(app, world, character, told):
    refusals = [
        lambda: accounts.create_user(SYSTEM, "one@example.org", full_name=f"A{character}B"),
        lambda: accounts.create_token(SYSTEM, 1, f"A{character}B"),
        lambda: registration.invite(SYSTEM, "one@example.org", f"A{character}B"),
        lambda: accounts.create_user(SYSTEM, f"one{character}@example.org"),
    ]
    for refused in refusals[:3]:
        with pytest.raises(Invalid, match=re.escape(told)):
            refused()
    with pytest.raises(Invalid, match="not an e-mail address"):
        refusals[3]()
    if character != "\0":  # no argument of a program holds one
        run = app.test_cli_runner().invoke
        for arguments in (
            ["users", "create", "one@example.org", "--name", f"A{character}B"],
            ["offerings", "create", f"A{character}B", "--organization", "Lab"],
            ["offerings", "create", "Microscope", "--organization", f"A{character}B"],
            ["offerings", "create", "Microscope", "--organization", "Lab", "--category", f"A{character}B"],
        ):
            done = run(args=arguments)
            assert done.exit_code == 1, arguments
            assert told in done.stderr, arguments
