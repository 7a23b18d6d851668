"""Changing one's e-mail address: only its owner, only with both mailboxes' knowledge, and nobody learns of others."""

from datetime import timedelta

import pytest

from portal.errors import Forbidden, Invalid, NotFound, TooManyAttempts
from portal.models import OutgoingMail
from portal.policies import ANONYMOUS, SYSTEM
from portal.services import accounts, email_change, mail, registration, sign_in
from portal.services.accounts import actor_of
from tests.support import builders as make
from tests.support.builders import NOW, PASSWORD

OLD, NEW = "anna@example.org", "anna@new.example.org"


@pytest.fixture
def anna(db_session):
    return make.user(OLD, password=PASSWORD)


@pytest.fixture
def mails(db_session):
    """(kind, recipient) of each message so far."""
    return lambda: [(it.kind, it.recipient) for it in db_session.query(OutgoingMail).order_by(OutgoingMail.id)]


def ask(who, email=NEW, now=NOW):
    email_change.ask_for_email(actor_of(who), email, "192.0.2.1", now=now)


def link(session):
    return mail.link_secret(
        session.query(OutgoingMail).filter_by(kind="new_email").order_by(OutgoingMail.id.desc()).first()
    )


def test_an_address_is_changed_with_a_link_to_the_new_one(anna, db_session, mails):
    ask(anna, " Anna@New.example.org ")
    assert (anna.email, mails()) == (OLD, [("new_email", NEW)])
    secret = link(db_session)
    assert email_change.asked_email(actor_of(anna), secret, now=NOW) == NEW
    assert email_change.change_email(actor_of(anna), secret, now=NOW) == NEW
    db_session.expire_all()
    assert anna.email == NEW
    assert mails()[-1] == ("email_changed", OLD)
    assert sign_in.sign_in(NEW, PASSWORD, "").id == anna.id
    with pytest.raises(Invalid):
        sign_in.sign_in(OLD, PASSWORD, "")
    with pytest.raises(NotFound):
        email_change.change_email(actor_of(anna), secret, now=NOW)


def test_a_link_is_for_the_person_who_asked(anna, db_session):
    ask(anna)
    secret = link(db_session)
    for other in (actor_of(make.user()), ANONYMOUS, SYSTEM):
        with pytest.raises(NotFound):
            email_change.asked_email(other, secret, now=NOW)
        with pytest.raises(NotFound):
            email_change.change_email(other, secret, now=NOW)
    with pytest.raises(Forbidden):
        email_change.ask_for_email(ANONYMOUS, NEW, "", now=NOW)


@pytest.mark.parametrize("later", [timedelta(hours=2), timedelta(days=1)])
def test_a_link_ends(anna, db_session, later):
    ask(anna)
    with pytest.raises(NotFound):
        email_change.change_email(actor_of(anna), link(db_session), now=NOW + later)


def test_a_newer_link_a_new_password_and_a_new_address_end_what_was_mailed(anna, db_session):
    ask(anna, "first@example.org")
    first = link(db_session)
    ask(anna)
    with pytest.raises(NotFound):
        email_change.change_email(actor_of(anna), first, now=NOW)
    second = link(db_session)
    accounts.set_password(SYSTEM, anna.id, "quite another password", now=NOW)
    with pytest.raises(NotFound):
        email_change.change_email(actor_of(anna), second, now=NOW)
    ask(anna, "third@example.org")
    registration.ask_for_password(OLD, "", now=NOW)
    reset = mail.link_secret(db_session.query(OutgoingMail).filter_by(kind="password").one())
    email_change.change_email(actor_of(anna), link(db_session), now=NOW)
    with pytest.raises(NotFound):
        registration.set_password_by_link(reset, "yet another password 7", now=NOW)


def test_who_has_the_address_is_told_by_mail_alone(anna, db_session, mails):
    make.user(NEW)
    ask(anna)
    assert mails() == [("new_email", NEW)], "tests/mail/test_recipients.py shows what is sent"
    ask(anna, "free@example.org")
    secret = link(db_session)
    make.user("free@example.org")
    with pytest.raises(Invalid, match="already"):
        email_change.change_email(actor_of(anna), secret, now=NOW)
    db_session.expire_all()
    assert (anna.email, mails()[-1]) == (OLD, ("new_email", "free@example.org"))


@pytest.mark.parametrize(("email", "words"), [(OLD, "already"), ("nonsense", "not an e-mail address")])
def test_what_cannot_be_the_new_address_is_refused(anna, mails, email, words):
    with pytest.raises(Invalid, match=words):
        ask(anna, email)
    assert mails() == []


def test_one_account_asks_for_so_many_links_only(anna, mails):
    for number in range(5):
        ask(anna, f"new{number}@example.org")
    with pytest.raises(TooManyAttempts, match="Try again in 12 minutes"):
        ask(anna, "more@example.org")
    assert len(mails()) == 5
    ask(anna, "more@example.org", now=NOW + timedelta(minutes=12))
    assert len(mails()) == 6
