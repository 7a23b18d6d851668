"""The security log: each event has its line, with who, what, from where and the request; and nothing secret in any."""

import logging
import re
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace

import pytest
import structlog
from structlog.testing import capture_logs

from portal import logs
from portal.app import create_app
from portal.audit import SecurityEvent
from portal.calendar_sync import consent, disconnection
from portal.calendar_sync.providers.google.scopes import SCOPES
from portal.errors import Invalid, NotFound
from portal.extensions import db, transaction
from portal.models import GoogleCalendar, GoogleConnection, OutgoingMail
from portal.policies import SYSTEM
from portal.services import (
    accounts,
    calendars,
    email_change,
    feeds,
    mail,
    organizations,
    registration,
    sessions,
    sign_in,
    throttle,
    tokens,
)
from portal.services.accounts import actor_of
from tests.support import builders as make
from tests.support.builders import NOW, PASSWORD
from tests.support.consent import FakeConsent

NEW = "walrus lamp of Tallinn"


@pytest.fixture
def scene(app, db_session, monkeypatch):
    """Anna, who owns a lab that is connected to Google; Bob; staff. People can register."""
    google = FakeConsent()
    monkeypatch.setitem(app.extensions, "portal.consent", google)
    settings = replace(
        app.extensions["portal.settings"], sign_up="open", google_client_id="id", google_client_secret="a secret"
    )
    monkeypatch.setitem(app.extensions, "portal.settings", settings)
    lab = make.organization("Lab")
    anna = make.role(make.user("anna@example.org", password=PASSWORD), lab, "owner")
    bob, staff = make.user("bob@example.org", password=PASSWORD), make.user("staff@example.org", staff=True)
    offering = make.offering("Confocal", of=lab)
    make.add(GoogleConnection(organization_id=lab.id, refresh_token="sealed", scopes=list(SCOPES)))
    return SimpleNamespace(
        anna=anna, bob=bob, staff=actor_of(staff), lab=lab, offering=offering, group=make.group("Club"), google=google
    )


def last_link(kind):
    return mail.link_secret(
        db.session.query(OutgoingMail).filter_by(kind=kind).order_by(OutgoingMail.id.desc()).first()
    )


def wrong_password(it, times=1, email="anna@example.org"):
    for _ in range(times):
        with suppress(Invalid):
            sign_in.sign_in(email, "a guess", "192.0.2.1")


def register(it):
    registration.ask_to_register("new@example.org", "192.0.2.1")
    it.new = registration.finish_registration(last_link("register"), "Nora", NEW)


def reset_password(it):
    registration.ask_for_password("anna@example.org", "192.0.2.1")
    registration.set_password_by_link(last_link("password"), NEW)


def end_access(it):
    make_token(it)
    feeds.create_user_feed(actor_of(it.anna))
    reset_password(it)


def make_token(it):
    it.token = accounts.create_token(actor_of(it.anna), it.anna.id, "laptop", now=NOW)


def revoke_token(it):
    make_token(it)
    accounts.revoke_token(it.staff, it.token.uuid)


def unshare(it):
    make.add(GoogleCalendar(offering_id=it.offering.id, public=True, want_public=True, state="OK", backend_id="x"))
    calendars.unshare_google_calendar(actor_of(it.anna), it.offering.uuid)


def connect(it):
    consent.connect_with_refresh_token(actor_of(it.anna), it.lab.uuid, "1//made-elsewhere")


def disconnect(it):
    disconnection.disconnect(actor_of(it.anna), it.lab.uuid)


def end_session(it):
    name = sessions.open_session(it.anna)
    sessions.end_session(actor_of(it.anna), accounts.token_digest(name))


def ask_for_email(it):
    email_change.ask_for_email(actor_of(it.anna), "anna@new.example.org", "")


def change_email(it):
    ask_for_email(it)
    email_change.change_email(actor_of(it.anna), last_link("new_email"))


def give_role(it):
    accounts.set_role(it.staff, "anna@example.org", "Lab", "manager")


def change_password(it):
    sign_in.change_password(actor_of(it.anna), PASSWORD, NEW)


ANNA, BOB, STAFF, NEW_PERSON, LAB = "{anna}", "{bob}", "{staff}", "{new}", "organization:{lab}"
# The event, what makes it, who acts, on what, and the other facts.
TABLE = [
    (SecurityEvent.SIGNED_IN, lambda it: sign_in.sign_in("anna@example.org", PASSWORD, ""), ANNA, ANNA, {}),
    (SecurityEvent.SIGN_IN_FAILED, wrong_password, "nobody", ANNA, {"known_browser": False}),
    (
        SecurityEvent.SIGN_IN_FAILED,
        lambda it: wrong_password(it, email="who@example.org"),
        *("nobody", "unknown", {"known_browser": False}),
    ),
    (
        SecurityEvent.SIGN_IN_THROTTLED,
        lambda it: wrong_password(it, throttle.ACCOUNT_AND_NETWORK.burst + 1),
        *("nobody", ANNA, {"known_browser": False, "wait": 300}),
    ),
    (SecurityEvent.SIGNED_IN, lambda it: tokens.token_for_password("bob@example.org", PASSWORD, ""), BOB, BOB, {}),
    (SecurityEvent.SIGNED_OUT, lambda it: sessions.close_session(actor_of(it.anna), "name"), ANNA, ANNA, {}),
    (SecurityEvent.SESSION_ENDED, end_session, ANNA, ANNA, {}),
    (SecurityEvent.SESSIONS_ENDED, lambda it: sessions.end_other_sessions(actor_of(it.anna), "name"), ANNA, ANNA, {}),
    (
        SecurityEvent.PASSWORD_CONFIRMED,
        lambda it: sign_in.confirm_password(actor_of(it.anna), PASSWORD),
        ANNA,
        ANNA,
        {},
    ),
    (SecurityEvent.REGISTRATION_REQUESTED, register, "nobody", "unknown", {}),
    (SecurityEvent.ACCOUNT_CREATED, register, "nobody", NEW_PERSON, {"email": "new@example.org", "staff": False}),
    (SecurityEvent.PASSWORD_LINK_REQUESTED, reset_password, "nobody", ANNA, {"mailed": True}),
    (
        SecurityEvent.PASSWORD_LINK_REQUESTED,
        lambda it: registration.ask_for_password("who@example.org", ""),
        *("nobody", "unknown", {"mailed": True}),
    ),
    (
        SecurityEvent.PASSWORD_LINK_REQUESTED,
        lambda it: [registration.ask_for_password("who@example.org", "") for _ in range(4)],
        *("nobody", "unknown", {"mailed": False}),
    ),
    (SecurityEvent.PASSWORD_CHANGED, reset_password, "nobody", ANNA, {"by": "link"}),
    (SecurityEvent.PASSWORD_CHANGED, change_password, ANNA, ANNA, {"by": "password"}),
    (SecurityEvent.ACCESS_ENDED, end_access, "nobody", ANNA, {"tokens": 1, "feeds": 1}),
    (SecurityEvent.EMAIL_CHANGE_REQUESTED, ask_for_email, ANNA, ANNA, {"email": "anna@new.example.org"}),
    (
        SecurityEvent.EMAIL_CHANGED,
        change_email,
        *(ANNA, ANNA, {"before": "anna@example.org", "email": "anna@new.example.org"}),
    ),
    (SecurityEvent.INVITED, lambda it: registration.invite_again(it.staff, it.bob.uuid), STAFF, BOB, {}),
    (
        SecurityEvent.ROLE_CHANGED,
        give_role,
        STAFF,
        ANNA,
        {"organization": "{lab}", "before": "owner", "role": "manager"},
    ),
    (
        SecurityEvent.ROLE_CHANGED,
        lambda it: accounts.set_role(it.staff, "bob@example.org", "Lab", None),
        *(STAFF, BOB, {"organization": "{lab}", "before": "none", "role": "none"}),
    ),
    (
        SecurityEvent.ACCOUNT_DEACTIVATED,
        lambda it: accounts.set_active(it.staff, it.bob.uuid, active=False),
        STAFF,
        BOB,
        {},
    ),
    (
        SecurityEvent.ACCOUNT_REACTIVATED,
        lambda it: accounts.set_active(it.staff, it.bob.uuid, active=True),
        STAFF,
        BOB,
        {},
    ),
    (
        SecurityEvent.GROUP_CHANGED,
        lambda it: organizations.set_group(SYSTEM, "Lab", "Club"),
        *("portal", LAB, {"group": "{group}", "member": True}),
    ),
    (
        SecurityEvent.TOKEN_CREATED,
        make_token,
        ANNA,
        "token:{token}",
        {"owner": ANNA, "expires": "2027-03-02T08:00:00Z"},
    ),
    (SecurityEvent.TOKEN_REVOKED, revoke_token, STAFF, "token:{token}", {"owner": ANNA}),
    (SecurityEvent.FEED_CREATED, lambda it: feeds.create_user_feed(actor_of(it.anna)), ANNA, ANNA, {}),
    (
        SecurityEvent.FEED_CREATED,
        lambda it: feeds.create_organization_feed(actor_of(it.anna), it.lab.uuid),
        ANNA,
        LAB,
        {},
    ),
    (SecurityEvent.FEED_REVOKED, lambda it: feeds.revoke_user_feed(actor_of(it.anna)), ANNA, ANNA, {}),
    (
        SecurityEvent.FEED_REVOKED,
        lambda it: feeds.revoke_organization_feed(actor_of(it.anna), it.lab.uuid),
        ANNA,
        LAB,
        {},
    ),
    (SecurityEvent.GOOGLE_CONNECTED, connect, ANNA, LAB, {"google": "facility@lab.example", "sharing": True}),
    (SecurityEvent.GOOGLE_DISCONNECTED, disconnect, ANNA, LAB, {"calendars": "keep"}),
    (
        SecurityEvent.CALENDAR_SHARED,
        lambda it: calendars.share_google_calendar(actor_of(it.anna), it.offering.uuid),
        *(ANNA, "offering:{offering}", {}),
    ),
    (SecurityEvent.CALENDAR_UNSHARED, unshare, ANNA, "offering:{offering}", {}),
]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("event", "act", "actor", "target", "facts"), TABLE, ids=lambda it: getattr(it, "value", ""))
def test_each_event_has_its_line(scene, event, act, actor, target, facts):
    with capture_logs() as lines:
        act(scene)
    names = {
        "anna": f"user:{scene.anna.id}",
        "bob": f"user:{scene.bob.id}",
        "staff": f"user:{scene.staff.user_id}",
        "new": f"user:{scene.new.id}" if hasattr(scene, "new") else "",
        "token": scene.token.uuid if hasattr(scene, "token") else "",
        "lab": scene.lab.uuid,
        "group": scene.group.uuid,
        "offering": scene.offering.uuid,
    }
    level = "warning" if event in (SecurityEvent.SIGN_IN_FAILED, SecurityEvent.SIGN_IN_THROTTLED) else "info"
    expected = {"event": event.value, "log": "security", "log_level": level, "actor": actor, "object": target, **facts}
    filled = {key: it.format(**names) if isinstance(it, str) else it for key, it in expected.items()}
    found = [line for line in lines if line["event"] == event.value]
    assert {key: str(it) for key, it in found[-1].items()} == {key: str(it) for key, it in filled.items()}


def test_every_event_is_in_the_table():
    assert {row[0] for row in TABLE} == set(SecurityEvent)


@pytest.mark.sqlite_only
def test_what_was_undone_is_no_event(scene):
    with capture_logs() as lines:
        with suppress(ZeroDivisionError), transaction():
            feeds.create_user_feed(actor_of(scene.anna))
            raise ZeroDivisionError
        with pytest.raises(NotFound):
            accounts.revoke_token(actor_of(scene.bob), make.unknown())
    assert lines == []


@pytest.fixture
def lines(capsys):
    """The lines of the security log so far, as dictionaries."""

    def read():
        found = []
        for line in capsys.readouterr().err.splitlines():
            pairs = {key: plain or quoted for key, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|(\S*))', line)}
            if pairs.get("log") == "security":
                found.append(pairs)
        return found

    return read


@pytest.mark.sqlite_only
def test_a_line_says_which_request_it_belongs_to(scene, client, lines):
    body = {"username": "anna@example.org", "password": "a guess"}
    answer = client.post("/api-auth/password/", json=body, headers={"X-Request-ID": "chosen-by-the-client"})
    [line] = lines()
    assert re.fullmatch("[0-9a-f]{16}", answer.headers["X-Request-ID"])
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert (line["event"], line["actor"], line["client"]) == ("sign_in_failed", "nobody", "127.0.0.1")
    assert structlog.contextvars.get_contextvars() == {}


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("7f0f7c5e-9a55-4b6b-8b5e-0f6f6c1f2a11", True),
        ("abcd.EFG_12", True),
        ("short", False),
        ("x" * 65, False),
        ("with a space", False),
        ('quoted"=id', False),
        ("", False),
    ],
)
def test_an_id_is_taken_from_a_trusted_proxy_if_it_is_well_formed(app, tmp_path, given, kept):
    behind = create_app(
        replace(app.extensions["portal.settings"], proxy_hops=1, database_url=f"sqlite:///{tmp_path}/portal.db")
    )
    for client, trusted in ((behind.test_client(), True), (app.test_client(), False)):
        answer = client.get("/static/mark.svg", headers={"X-Request-ID": given})
        assert (answer.headers["X-Request-ID"] == given) is (kept and trusted)
        assert answer.headers.getlist("X-Request-ID") == [answer.headers["X-Request-ID"]]


@pytest.mark.sqlite_only
def test_each_answer_has_an_id_of_its_own(scene, client):
    key = accounts.create_token(actor_of(scene.anna), scene.anna.id, "x").key
    answers = [
        client.get("/api/booking-offerings/", headers={"Authorization": f"Token {key}"}).headers for _ in range(3)
    ]
    assert len({it["X-Request-ID"] for it in answers}) == 3
    assert all(len(it.getlist("X-Request-ID")) == 1 for it in answers)


@pytest.mark.sqlite_only
def test_a_command_acts_on_the_command_line(scene, app):
    with capture_logs() as captured:
        app.test_cli_runner().invoke(args=["users", "role", "bob@example.org", "Lab", "member"])
    assert [it["actor"] for it in captured] == ["command line"]


def test_other_lines_carry_the_request_too():
    formatter = logging.Formatter(logs._FORMAT)
    record = logging.LogRecord("portal", logging.ERROR, "file.py", 1, "broke", (), None)
    logs._add_request_id(record)
    assert "request_id=- broke" in formatter.format(record)
    with structlog.contextvars.bound_contextvars(request_id="0123456789abcdef"):
        logs._add_request_id(record)
    assert "request_id=0123456789abcdef broke" in formatter.format(record)
