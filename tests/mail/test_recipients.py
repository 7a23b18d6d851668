"""A message that waited is judged again when it is sent: roles and accounts may have ended meanwhile."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import delete, select, update

from portal.domain.periods import Period
from portal.extensions import db, secret_box, secret_location, settings, transaction
from portal.mail.deliver import deliver_due
from portal.models import AccountLink, Membership, Organization, OutgoingMail, User
from portal.services import bookings, email_change, mail, registration
from tests.support import builders as make
from tests.support.builders import NOW


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


def period(hour):
    return Period(NOW + timedelta(hours=hour), NOW + timedelta(hours=hour + 1))


@pytest.fixture
@make.together()
def lab(db_session):
    provider = make.organization("Provider")
    offering = make.offering("Old microscope", of=provider)
    booker, boss = make.user("booker@example.org"), make.role(make.user("boss@example.org"), provider, "owner")
    return {
        "offering": offering.uuid,
        "provider": provider.id,
        "booker": make.actor(booker),
        "boss": make.actor(boss),
    }


def deliver(later):
    """Deliver what is due: to whom, and the text."""
    sent = []

    class Server:
        def __init__(self, _settings):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def send(self, message, recipient, _name):
            sent.append((recipient.partition("@")[0], message.get_body(("plain",)).get_content()))

    deliver_due(settings(), lambda: NOW + later, Server)
    return sent


def test_mail_that_waited_is_for_those_who_may_still_know(lab):
    other = make.user("other@example.org")
    make.role(other, db.session.get_one(Organization, lab["provider"]), "manager")
    wish = bookings.BookingRequest(lab["offering"], [period(4)], "Later")
    db.session.execute(delete(OutgoingMail))
    bookings.request_booking(lab["booker"], wish, now=NOW)
    assert len(db.session.scalars(select(OutgoingMail)).all()) == 3
    # The mail server was away meanwhile.
    db.session.execute(delete(Membership).where(Membership.user_id == other.id))
    db.session.get_one(User, lab["booker"].user_id).is_active = False
    db.session.commit()
    assert [who for who, _ in deliver(timedelta(minutes=1))] == ["boss"]
    kept = {row.recipient.partition("@")[0]: row for row in db.session.scalars(select(OutgoingMail))}
    assert [kept[who].next_attempt for who in ("other", "booker", "boss")] == [None] * 3
    assert kept["other"].error.startswith("The recipient was deactivated or lost the role")
    assert kept["other"].sent is kept["booker"].sent is None


def test_a_summary_lists_what_the_recipient_still_manages(app, monkeypatch, lab):
    second = make.offering("Second scope", of=make.organization("Second provider"))
    make.role(db.session.get_one(User, lab["boss"].user_id), second.organization, "manager")
    known = app.extensions["portal.settings"]
    monkeypatch.setitem(app.extensions, "portal.settings", replace(known, max_mails_per_hour=1))
    db.session.execute(delete(OutgoingMail))
    first = lab["offering"]
    for hour, uuid in ((4, first), (5, first), (5, second.uuid)):
        bookings.request_booking(lab["booker"], bookings.BookingRequest(uuid, [period(hour)], "Many"), now=NOW)
    db.session.execute(
        delete(Membership).where(
            Membership.user_id == lab["boss"].user_id, Membership.organization_id == second.organization_id
        )
    )
    db.session.commit()
    told = [text for who, text in deliver(timedelta(hours=2)) if who == "boss"]
    assert len(told) == 2
    assert "Old microscope" in told[1]
    assert [text for text in told if "Second scope" in text] == []


def test_a_calendar_is_reconnected_by_those_who_own_it_still(lab):
    organization = db.session.get_one(Organization, lab["provider"])
    with transaction() as session:
        mail.notify_connection_broken(session, organization.id, "It was revoked.", NOW)
    db.session.execute(delete(OutgoingMail).where(OutgoingMail.kind != "reconnect"))
    db.session.execute(delete(Membership).where(Membership.user_id == lab["boss"].user_id))
    make.role(db.session.get_one(User, lab["boss"].user_id), organization, "manager")
    assert deliver(timedelta(minutes=1)) == []


@pytest.fixture
def people(app, db_session, monkeypatch):
    """Addresses with an account, and with a deactivated one; people can register."""
    monkeypatch.setitem(app.extensions, "portal.settings", replace(settings(), sign_up="open"))
    make.user("known@example.org")
    make.user("gone@example.org", active=False)
    # The salt is read with the first text that is encrypted.
    secret_box().encrypt("", secret_location(OutgoingMail.sealed_secret, ""))


EMAILS = ("known@example.org", "nobody@example.org", "gone@example.org")
ASK = {
    "password": lambda email: registration.ask_for_password(email, "192.0.2.1"),
    "register": lambda email: registration.ask_to_register(email, "192.0.2.1"),
    "new_email": lambda email: email_change.ask_for_email(make.actor(make.user()), email, "192.0.2.1"),
}
CHOOSE, FINISH, KNOWN, CONFIRM = "/password/", "/register/", "which already has one.", "/email/"


@pytest.mark.parametrize("times", [1, 4])
@pytest.mark.parametrize("kind", ASK)
def test_the_same_is_written_for_every_address(people, query_counter, kind, times):
    """Nothing that the time of the answer depends on tells whether there is an account."""
    found = []
    for email in EMAILS:
        for _ in range(times):
            with query_counter() as counted:
                ASK[kind](email)
        rows = db.session.execute(select(OutgoingMail).where(OutgoingMail.recipient == email)).scalars().all()
        links = db.session.execute(select(AccountLink.purpose).where(AccountLink.email == email)).scalars().all()
        written = [(row.kind, row.data, len(row.sealed_secret), row.user_id is None) for row in rows]
        found.append((counted.statements, written, links))
    assert found[1:] == found[:1] * 2


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("password", [("known", CHOOSE)]),
        ("register", [("known", KNOWN), ("nobody", FINISH)]),
        ("new_email", [("known", KNOWN), ("nobody", CONFIRM)]),
    ],
)
def test_who_has_an_account_is_looked_up_when_the_message_is_sent(people, kind, expected):
    for email in EMAILS:
        ASK[kind](email)
    sent = deliver(timedelta(minutes=1))
    assert [who for who, _text in sent] == [who for who, _words in expected]
    assert [words for _who, words in expected if not any(words in text for _to, text in sent)] == []
    assert db.session.execute(select(OutgoingMail).where(OutgoingMail.sealed_secret.is_not(None))).first() is None
    assert deliver(timedelta(days=1)) == []


def test_links_for_nobody_are_deleted_and_delay_no_other_message(people):
    for number in range(120):
        registration.ask_for_password(f"nobody{number}@example.org", "192.0.2.1")
    registration.ask_for_password("known@example.org", "192.0.2.1")
    assert [who for who, _text in deliver(timedelta(minutes=1))] == ["known"]
    assert db.session.execute(select(OutgoingMail.recipient)).scalars().all() == ["known@example.org"]
    assert db.session.execute(select(AccountLink.email)).scalars().all() == ["known@example.org"]


def test_a_message_to_nobody_that_a_worker_has_taken_up_is_not_sent(people):
    registration.ask_for_password("nobody@example.org", "192.0.2.1")
    with transaction() as session:
        session.execute(update(OutgoingMail).values(attempts=1))
    assert deliver(timedelta(minutes=1)) == []
    db.session.expire_all()
    row = db.session.execute(select(OutgoingMail)).scalar_one()
    assert (row.next_attempt, row.sealed_secret) == (None, None)
