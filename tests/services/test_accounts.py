"""Accounts: people, passwords, tokens, roles."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.domain.mail import GROUPS
from portal.errors import Forbidden, Invalid, NotFound
from portal.models import ApiToken, CalendarFeed, Membership, OutgoingMail, User
from portal.policies import ANONYMOUS, SYSTEM, Actor
from portal.services import accounts, feeds, sign_in
from tests.support import builders as make
from tests.support.builders import NOW, PASSWORD


def test_a_person_is_created_once_whatever_the_case(db_session):
    uuid = accounts.create_user(SYSTEM, " Anna@Example.org ", full_name="Anna", password=PASSWORD)
    user = db_session.execute(select(User).where(User.uuid == uuid)).scalar_one()
    assert (user.email, user.is_staff) == ("anna@example.org", False)
    with pytest.raises(Invalid, match="already"):
        accounts.create_user(SYSTEM, "ANNA@example.org")


@pytest.mark.parametrize("email", ["", "anna", "anna@", "@example.org", "a b@example.org"])
def test_what_is_no_address_is_refused(db_session, email):
    with pytest.raises(Invalid, match="not an e-mail address"):
        accounts.create_user(SYSTEM, email)


def test_only_staff_create_people_and_give_roles(db_session):
    plain = make.actor(make.user())
    for act in (
        lambda: accounts.create_user(plain, "new@example.org"),
        lambda: accounts.create_user(ANONYMOUS, "new@example.org"),
        lambda: accounts.set_role(plain, "new@example.org", "x", "owner"),
    ):
        with pytest.raises(Forbidden):
            act()


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short", "at least 12 characters"),
        ("x" * 257, "at most 256 characters"),
        ("qwertyuiop12", "easy to guess"),
        ("nora.new@example.org", "easy to guess"),
        ("Nora Newcomer", "easy to guess"),
    ],
)
def test_a_password_that_may_not_be_changes_nothing(db_session, password, words):
    user = make.user("nora.new@example.org", password=PASSWORD)
    user.full_name = "Nora Newcomer"
    db_session.commit()
    before = user.password_hash
    with pytest.raises(Invalid, match=words) as refused:
        accounts.set_password(SYSTEM, user.id, password)
    assert refused.value.field == "password"
    with pytest.raises(Invalid, match=words):
        accounts.create_user(SYSTEM, "nora.new@example.org", full_name="Nora Newcomer", password=password)
    db_session.expire_all()
    assert user.password_hash == before


@pytest.mark.parametrize("end_access", [False, True])
def test_a_new_password_ends_tokens_and_feeds_if_asked_to(db_session, end_access):
    user, other = make.user(password=PASSWORD), make.user()
    for person in (user, other):
        accounts.create_token(make.actor(person), person.id, "x")
        feeds.create_user_feed(make.actor(person))
    accounts.set_password(make.actor(user), user.id, "quite another password", end_access=end_access)
    left = {person.id for person in (user, other)} - ({user.id} if end_access else set())
    assert set(db_session.execute(select(ApiToken.user_id)).scalars()) == left
    assert set(db_session.execute(select(CalendarFeed.user_id)).scalars()) == left


def told(db_session):
    """What was mailed: kind, recipient and facts."""
    rows = db_session.execute(select(OutgoingMail).order_by(OutgoingMail.id)).scalars()
    return [(it.kind, it.recipient, it.data) for it in rows]


def test_the_owner_is_told_of_a_token_whoever_makes_it_and_whatever_they_switched_off(db_session):
    user = make.user("anna@example.org")
    user.mail_off = list(GROUPS)
    db_session.commit()
    accounts.create_token(SYSTEM, user.id, "laptop", now=NOW)
    facts = {"name": "laptop", "expires": "2027-03-02T08:00:00Z", "at": "2026-03-02T08:00:00Z", "zone": "UTC"}
    assert told(db_session) == [("token_made", "anna@example.org", facts)]


def test_the_owner_is_told_of_a_new_password_but_the_first(db_session):
    user = make.user("anna@example.org")
    accounts.set_password(SYSTEM, user.id, PASSWORD, now=NOW)
    assert told(db_session) == []
    accounts.set_password(SYSTEM, user.id, "quite another password", now=NOW)
    facts = {"by": "password", "access_ended": False, "at": "2026-03-02T08:00:00Z", "zone": "UTC"}
    assert told(db_session) == [("password_changed", "anna@example.org", facts)]


def test_a_token_is_kept_as_a_digest_only(db_session):
    user = make.user()
    made = accounts.create_token(make.actor(user), user.id, " laptop ")
    kept = db_session.execute(select(ApiToken).where(ApiToken.uuid == made.uuid)).scalar_one()
    assert accounts.TOKEN_PATTERN.fullmatch(made.key)
    assert (kept.name, kept.digest) == ("laptop", accounts.token_digest(made.key))
    assert made.key.encode() not in kept.digest


def test_a_token_is_for_oneself_or_by_staff(db_session):
    user, other = make.user(), make.user()
    with pytest.raises(Forbidden):
        accounts.create_token(make.actor(other), user.id, "x")
    with pytest.raises(Forbidden):
        accounts.create_token(ANONYMOUS, user.id, "x")
    assert accounts.create_token(SYSTEM, user.id, "x").key
    with pytest.raises(NotFound):
        accounts.create_token(SYSTEM, 10**9, "x")


@pytest.mark.parametrize("name", ["", "   ", "x" * 101])
def test_a_token_has_a_name(db_session, name):
    user = make.user()
    with pytest.raises(Invalid):
        accounts.create_token(make.actor(user), user.id, name)


def test_a_token_cannot_expire_in_the_past(db_session):
    user = make.user()
    with pytest.raises(Invalid, match="passed"):
        accounts.create_token(make.actor(user), user.id, "x", expires=NOW, now=NOW)


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("setting", "choice", "end"),
    [
        (365, {}, NOW + 365 * DAY),
        (30, {}, NOW + 30 * DAY),
        (365, {"expires": NOW + DAY}, NOW + DAY),
        (30, {"expires": NOW + 31 * DAY}, NOW + 31 * DAY),
        (30, {"expires": NOW + 31 * DAY + timedelta(seconds=1)}, "at most 30 days"),
        (365, {"endless": True}, "at most 365 days"),
        (0, {}, None),
        (0, {"endless": True}, None),
        (0, {"expires": NOW + 4000 * DAY}, NOW + 4000 * DAY),
    ],
)
def test_a_token_ends_as_the_setting_says(app, db_session, monkeypatch, setting, choice, end):
    monkeypatch.setitem(
        app.extensions, "portal.settings", replace(app.extensions["portal.settings"], token_days=setting)
    )
    user = make.user()
    if isinstance(end, str):
        with pytest.raises(Invalid, match=end) as refused:
            accounts.create_token(SYSTEM, user.id, "x", now=NOW, **choice)
        assert refused.value.field == "expires"
        assert db_session.execute(select(ApiToken)).first() is None
    else:
        made = accounts.create_token(make.actor(user), user.id, "x", now=NOW, **choice)
        assert (made.expires, db_session.execute(select(ApiToken.expires)).scalar_one()) == (end, end)


def test_a_token_is_revoked_by_its_owner_or_staff(db_session):
    user, other = make.user(), make.user()
    first = accounts.create_token(make.actor(user), user.id, "1")
    second = accounts.create_token(make.actor(user), user.id, "2")
    with pytest.raises(NotFound):
        accounts.revoke_token(make.actor(other), first.uuid)
    accounts.revoke_token(make.actor(user), first.uuid)
    accounts.revoke_token(SYSTEM, second.uuid)
    with pytest.raises(NotFound):
        accounts.revoke_token(SYSTEM, second.uuid)


def test_a_role_replaces_the_former_one(db_session):
    user, here = make.user("anna@example.org"), make.organization("Here")
    for given in ("owner", "member"):
        accounts.set_role(SYSTEM, "anna@example.org", "Here", given)
    [membership] = db_session.execute(select(Membership).where(Membership.user_id == user.id)).scalars()
    assert (membership.organization_id, membership.role) == (here.id, "member")
    accounts.set_role(SYSTEM, "Anna@example.org", str(here.uuid), None)
    assert not db_session.execute(select(Membership).where(Membership.user_id == user.id)).scalars().all()


def test_roles_need_what_exists(db_session):
    make.user("anna@example.org")
    make.organization("Twice")
    make.organization("Twice")
    with pytest.raises(NotFound):
        accounts.set_role(SYSTEM, "anna@example.org", "Nowhere", "owner")
    with pytest.raises(NotFound):
        accounts.set_role(SYSTEM, "nobody@example.org", "Twice", "owner")
    with pytest.raises(Invalid, match="uuid"):
        accounts.set_role(SYSTEM, "anna@example.org", "Twice", "owner")
    with pytest.raises(Invalid, match="not a role"):
        accounts.set_role(SYSTEM, "anna@example.org", "Twice", "king")


def test_nobody_signed_in_changes_no_password(db_session):
    with pytest.raises(Forbidden):
        sign_in.change_password(ANONYMOUS, "x", "y" * 20)
    with pytest.raises(Forbidden):
        accounts.set_password(Actor(1), 2, "y" * 20)
