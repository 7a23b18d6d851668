"""Every mail that a person can cause is limited; where it would be too many, what it tells of is not done."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.calendar_sync import consent
from portal.domain.mail import CHANGES, GROUP_OF, LINK_OF, MailKind
from portal.errors import TooManyWrites
from portal.extensions import db
from portal.models import ApiToken, CalendarFeed, GoogleConnection, OutgoingMail
from portal.policies import SYSTEM
from portal.services import accounts, email_change, feeds, mail, registration
from tests.support import builders as make
from tests.support.builders import NOW
from tests.support.consent import FakeConsent

MOST = 3
NEW = "walrus lamp of Tallinn {}"


@pytest.fixture
@make.together()
def lab(app, db_session, limited, monkeypatch):
    """An organization with two owners, the first of whom acts; and a manager."""
    limited(max_mails_per_hour=MOST, google_client_id="id", google_client_secret="a secret")
    monkeypatch.setitem(app.extensions, "portal.consent", FakeConsent())
    organization = make.organization("Lab")
    anna = make.role(make.user("anna@example.org", password="x"), organization, "owner")
    make.role(make.user("other@example.org"), organization, "owner")
    manager = make.role(make.user("manager@example.org"), organization, "manager")
    return organization, anna, manager


def made(session, model):
    session.expire_all()
    return [row.id for row in session.execute(select(model).order_by(model.id)).scalars()]


def make_token(lab, now, number):
    accounts.create_token(make.actor(lab[1]), lab[1].id, f"token {number}", now=now)


def make_feed(lab, now, number):
    feeds.create_organization_feed(make.actor(lab[2]), lab[0].uuid, now=now)


def make_own_feed(lab, now, number):
    feeds.create_user_feed(make.actor(lab[2]), now=now)


def connect_google(lab, now, number):
    consent.connect_with_refresh_token(make.actor(lab[1]), lab[0].uuid, f"1//token-{number}", now=now)


def change_password(lab, now, number):
    accounts.set_password(make.actor(lab[1]), lab[1].id, NEW.format(number), now=now)


def change_email(lab, now, number):
    actor = make.actor(lab[1])
    email_change.ask_for_email(actor, f"anna{number}@example.org", "", now=now)
    secret = mail.link_secret(rows("new_email")[-1])
    email_change.change_email(actor, secret, now=now)


CAUSES = {
    MailKind.TOKEN_MADE: [make_token],
    MailKind.FEED_MADE: [make_feed, make_own_feed],
    MailKind.GOOGLE_CONNECTED: [connect_google],
    MailKind.PASSWORD_CHANGED: [change_password],
    MailKind.EMAIL_CHANGED: [change_email],
}


def rows(kind):
    query = select(OutgoingMail).where(OutgoingMail.kind == kind).order_by(OutgoingMail.id)
    return db.session.execute(query).scalars().all()


@pytest.mark.parametrize(
    ("kind", "cause"),
    [(kind, cause) for kind, causes in CAUSES.items() for cause in causes],
    ids=lambda it: getattr(it, "__name__", ""),
)
def test_a_notice_over_the_limit_is_not_lost_the_change_is_refused(lab, db_session, kind, cause):
    for number in range(MOST):
        cause(lab, NOW, number)
    before = [made(db_session, it) for it in (OutgoingMail, ApiToken, CalendarFeed)]
    keys = (lab[1].password_hash, lab[1].email)
    with pytest.raises(TooManyWrites, match=f"may cause {MOST} such messages an hour. Try again in 20 minutes.") as it:
        cause(lab, NOW, MOST)
    assert it.value.retry_after == 20 * 60
    after = [made(db_session, it) for it in (OutgoingMail, ApiToken, CalendarFeed)]
    if kind is MailKind.EMAIL_CHANGED:
        # The link to the new address is mailed; with it nothing changes.
        before, after = before[1:], after[1:]
    assert after == before
    assert (lab[1].password_hash, lab[1].email) == keys
    told = {}
    for row in rows(kind.value):
        told[row.user_id] = told.get(row.user_id, 0) + 1
    assert set(told.values()) == {MOST}
    cause(lab, NOW + timedelta(minutes=20), MOST + 1)


def test_every_kind_of_notice_is_tried():
    assert set(CAUSES) == CHANGES
    # What is neither a notice nor a link goes into summaries (tests/mail/test_outbox.py) or comes from the clock.
    assert set(MailKind) - CHANGES - set(LINK_OF) - set(GROUP_OF) == {MailKind.KNOWN}


def test_recipients_have_limits_of_their_own(lab, db_session):
    for number in range(MOST):
        make_token(lab, NOW, number)
    make_feed(lab, NOW, 0)
    with pytest.raises(TooManyWrites):
        connect_google(lab, NOW, 0)
    assert made(db_session, GoogleConnection) == []


def test_a_new_password_is_never_refused_because_of_other_notices(lab):
    for number in range(MOST):
        make_token(lab, NOW, number)
    change_password(lab, NOW, 0)


def test_a_mailed_link_always_sets_a_password(lab):
    for number in range(MOST):
        change_password(lab, NOW, number)
    registration.ask_for_password(lab[1].email, "", now=NOW)
    registration.set_password_by_link(mail.link_secret(rows("password")[-1]), NEW.format("last"), now=NOW)


@pytest.mark.parametrize("most", [0, MOST])
def test_staff_and_the_command_line_are_not_limited(app, lab, limited, most):
    limited(max_mails_per_hour=most)
    acting = [SYSTEM, make.actor(make.user(staff=True))]
    for actor in acting if most else [make.actor(lab[1])]:
        for number in range(MOST + 2):
            accounts.create_token(actor, lab[1].id, f"token {number}", now=NOW)
    assert len(rows("token_made")) == (MOST + 2) * (len(acting) if most else 1)
