"""Accounts: people, sign-in and its brakes, passwords, tokens, roles."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.errors import Forbidden, Invalid, NotFound, TooManyAttempts
from portal.extensions import db, transaction
from portal.models import ApiToken, BrowserSession, Membership, SignInFailure, User
from portal.policies import NOBODY, SYSTEM, Actor
from portal.queries import accounts as queries
from portal.services import accounts, throttle
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
        lambda: accounts.create_user(NOBODY, "new@example.org"),
        lambda: accounts.set_role(plain, "new@example.org", "x", "owner"),
    ):
        with pytest.raises(Forbidden):
            act()


@pytest.mark.parametrize("password", ["short", "x" * 257])
def test_a_password_has_a_length(db_session, password):
    with pytest.raises(Invalid, match="characters"):
        accounts.create_user(SYSTEM, "new@example.org", password=password)


def test_sign_in(db_session):
    user = make.user("anna@example.org", password=PASSWORD)
    assert accounts.sign_in(" Anna@example.org", PASSWORD, "1.2.3.4").id == user.id


def test_a_hash_costs_what_owasp_asks_for(db_session, monkeypatch, real_hasher):
    monkeypatch.setattr(accounts, "_hasher", real_hasher)
    user = make.user("anna@example.org", password=PASSWORD)
    assert user.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert accounts.sign_in("anna@example.org", PASSWORD, "").id == user.id
    with pytest.raises(Invalid):
        accounts.sign_in("anna@example.org", PASSWORD + "!", "")


def test_a_failed_sign_in_says_the_same_whatever_the_reason(db_session):
    make.user("anna@example.org", password=PASSWORD)
    make.user("gone@example.org", password=PASSWORD, active=False)
    make.user("token-only@example.org")
    said = set()
    for email, password in [
        ("anna@example.org", "wrong password"),
        ("nobody@example.org", PASSWORD),
        ("gone@example.org", PASSWORD),
        ("token-only@example.org", PASSWORD),
        ("token-only@example.org", ""),
    ]:
        with pytest.raises(Invalid) as refused:
            accounts.sign_in(email, password, "1.2.3.4")
        said.add(str(refused.value))
    assert said == {accounts.SIGN_IN_FAILED}


def test_repeated_failures_slow_the_account_down_and_never_lock_it(db_session):
    make.user("anna@example.org", password=PASSWORD)
    at = NOW
    for number in range(5):
        with pytest.raises(Invalid):
            accounts.sign_in("anna@example.org", "wrong password", f"10.0.0.{number}", now=at)
    with pytest.raises(TooManyAttempts) as slowed:
        accounts.sign_in("anna@example.org", PASSWORD, "10.9.9.9", now=at)
    assert 1 <= slowed.value.retry_after <= 5
    later = at + timedelta(seconds=slowed.value.retry_after)
    assert accounts.sign_in("anna@example.org", PASSWORD, "10.9.9.9", now=later)
    with pytest.raises(Invalid, match="wrong"):  # the count began anew: no wait
        accounts.sign_in("anna@example.org", "wrong password", "10.9.9.9", now=later)


def test_the_wait_grows_up_to_a_limit(db_session):
    make.user("anna@example.org", password=PASSWORD)
    at, waits, told = NOW, [], []
    for _ in range(18):
        try:
            accounts.sign_in("anna@example.org", "wrong password", "", now=at)
        except TooManyAttempts as slowed:
            waits.append(slowed.retry_after)
            told.append(str(slowed))
            at += timedelta(seconds=slowed.retry_after)
            with pytest.raises(Invalid):
                accounts.sign_in("anna@example.org", "wrong password", "", now=at)
        except Invalid:
            pass
    assert waits == sorted(waits)
    assert waits[-1] == 301
    assert told[0] == "Too many failed sign-ins. Try again in 3 seconds."
    assert told[-1] == "Too many failed sign-ins. Try again in 5 minutes."


def test_one_address_trying_many_accounts_is_slowed_down(db_session):
    for number in range(21):
        with pytest.raises(Invalid):
            accounts.sign_in(f"nobody{number}@example.org", "x", "1.2.3.4", now=NOW)
    with pytest.raises(TooManyAttempts):
        accounts.sign_in("somebody@example.org", "x", "1.2.3.4", now=NOW)
    with pytest.raises(Invalid, match="wrong"):
        accounts.sign_in("somebody@example.org", "x", "5.6.7.8", now=NOW)


def test_failures_are_forgotten(db_session):
    for _ in range(12):
        with pytest.raises(Invalid):
            accounts.sign_in("anna@example.org", "x", "", now=NOW)
    with pytest.raises(Invalid, match="wrong"):
        accounts.sign_in("anna@example.org", "x", "", now=NOW + timedelta(hours=1, seconds=1))


def test_a_new_password_ends_all_sessions(db_session):
    user = make.user("anna@example.org", password=PASSWORD)
    before = user.session_key
    with pytest.raises(Invalid, match="present password"):
        accounts.change_password(make.actor(user), "not it at all", "another password")
    accounts.change_password(make.actor(user), PASSWORD, "another password")
    db_session.expire_all()
    assert user.session_key != before
    assert accounts.sign_in("anna@example.org", "another password", "").id == user.id


def test_a_session_ends_by_its_time_and_with_the_key_that_it_was_opened_with(db_session):
    user = make.user("anna@example.org", password=PASSWORD)
    proved = accounts.sign_in("anna@example.org", PASSWORD, "")
    name = accounts.open_session(proved, now=NOW)

    def whose(name, now):
        found = queries.user_of_session(accounts.token_digest(name), now - accounts.SESSION_LASTS)
        return found and found[0].id

    assert whose(name, NOW + accounts.SESSION_LASTS - timedelta(seconds=1)) == user.id
    assert whose(name, NOW + accounts.SESSION_LASTS) is None
    later = accounts.open_session(proved, now=NOW + accounts.SESSION_LASTS)
    assert db_session.query(BrowserSession).count() == 1, "what has ended is forgotten"
    accounts.set_password(SYSTEM, user.id, "another password")
    assert whose(later, NOW + accounts.SESSION_LASTS) is None


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
        accounts.create_token(NOBODY, user.id, "x")
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
    with pytest.raises(Invalid, match="no role"):
        accounts.set_role(SYSTEM, "anna@example.org", "Twice", "king")


def test_nobody_signed_in_changes_no_password(db_session):
    with pytest.raises(Forbidden):
        accounts.change_password(NOBODY, "x", "y" * 20)
    with pytest.raises(Forbidden):
        accounts.set_password(Actor(1), 2, "y" * 20)


def test_a_whole_ipv6_network_counts_as_one_address(db_session):
    for number in range(21):
        with pytest.raises(Invalid):
            accounts.sign_in(f"nobody{number}@example.org", "x", f"2001:db8:1:2::{number:x}", now=NOW)
    with pytest.raises(TooManyAttempts):
        accounts.sign_in("somebody@example.org", "x", "2001:db8:1:2:ffff::1", now=NOW)
    with pytest.raises(Invalid, match="wrong"):
        accounts.sign_in("somebody@example.org", "x", "2001:db8:1:3::1", now=NOW)


def test_an_ipv4_address_is_the_same_in_both_notations(db_session):
    for number in range(21):
        with pytest.raises(Invalid):
            accounts.sign_in(f"nobody{number}@example.org", "x", "::ffff:1.2.3.4", now=NOW)
    with pytest.raises(TooManyAttempts):
        accounts.sign_in("somebody@example.org", "x", "1.2.3.4", now=NOW)
    with pytest.raises(Invalid, match="wrong"):
        accounts.sign_in("somebody@example.org", "x", "::ffff:1.2.3.5", now=NOW)


def test_two_first_failures_at_once_are_both_counted(db_session, monkeypatch):
    with transaction() as session:
        throttle.remember_failure(session, "anna@example.org", "", NOW)
    count, asked = throttle._count, []

    def late(*args):
        asked.append(args)
        return len(asked) > 1 and count(*args)  # the first look comes before the other process's row

    monkeypatch.setattr(throttle, "_count", late)
    with transaction() as session:
        throttle.remember_failure(session, "anna@example.org", "", NOW)
    assert [row.failures for row in db.session.query(SignInFailure)] == [2]


def test_the_present_password_is_guessed_no_faster_than_at_sign_in(db_session):
    user = make.user("anna@example.org", password=PASSWORD)
    for _ in range(5):
        with pytest.raises(Invalid, match="present password"):
            accounts.change_password(make.actor(user), "a guess", "another password", now=NOW)
    with pytest.raises(TooManyAttempts):
        accounts.change_password(make.actor(user), PASSWORD, "another password", now=NOW)
