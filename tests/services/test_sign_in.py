"""Signing in: what is compared, how often, and whom strangers' guesses keep out (nobody whose browser is known)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from argon2 import PasswordHasher

from portal.errors import Forbidden, Invalid, TooManyAttempts
from portal.extensions import db
from portal.models import AttemptBucket
from portal.policies import ANONYMOUS, SYSTEM
from portal.services import accounts, browsers, passwords, sign_in, throttle
from tests.support import builders as make
from tests.support.builders import NOW, PASSWORD

EMAIL = "anna@example.org"
OTHER = "quite another password"
BURST = throttle.ACCOUNT_AND_NETWORK.burst


@pytest.fixture
def anna(db_session):
    return make.user(EMAIL, password=PASSWORD)


@pytest.fixture
def compared(monkeypatch):
    """The passwords that were compared, in order."""
    seen, real = [], passwords.is_correct

    def noting(stored, password):
        seen.append(password)
        return real(stored, password)

    monkeypatch.setattr(passwords, "is_correct", noting)
    return seen


def guess(email=EMAIL, address="192.0.2.1", now=NOW, password="a guess", **more):
    """Try a wrong password; "wrong", or how many seconds to wait."""
    with pytest.raises(Invalid) as refused:
        sign_in.sign_in(email, password, address, now=now, **more)
    if isinstance(refused.value, TooManyAttempts):
        return refused.value.retry_after
    assert refused.value.message == sign_in.SIGN_IN_FAILED
    return "wrong"


def test_sign_in(anna):
    assert sign_in.sign_in(" Anna@example.org", PASSWORD, "1.2.3.4").id == anna.id


def test_a_hash_costs_what_owasp_asks_for(db_session, monkeypatch, real_hasher):
    monkeypatch.setattr(passwords, "_hasher", real_hasher)
    user = make.user(EMAIL, password=PASSWORD)
    assert user.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert sign_in.sign_in(EMAIL, PASSWORD, "", now=NOW).id == user.id
    assert guess(password=PASSWORD + "!") == "wrong"


COMPOSED, DECOMPOSED = "r\u00e9sum\u00e9 walrus lamp", "re\u0301sume\u0301 walrus lamp"


@pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("chosen", [COMPOSED, DECOMPOSED])
def test_a_password_is_the_same_however_a_keyboard_writes_it(anna, chosen, typed):
    accounts.set_password(SYSTEM, anna.id, chosen)
    assert sign_in.sign_in(EMAIL, typed, "").id == anna.id


def test_a_hash_from_before_passwords_had_one_spelling_is_good(db_session):
    user = make.user(EMAIL, password=DECOMPOSED)
    assert sign_in.sign_in(EMAIL, DECOMPOSED, "").id == user.id
    with pytest.raises(Invalid):
        sign_in.sign_in(EMAIL, COMPOSED, "")


def test_a_hash_that_cost_less_is_replaced_at_sign_in(anna, db_session, monkeypatch):
    cheap = anna.password_hash
    sign_in.sign_in(EMAIL, PASSWORD, "", now=NOW)
    db_session.expire_all()
    assert anna.password_hash == cheap
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    assert guess() == "wrong"
    db_session.expire_all()
    assert anna.password_hash == cheap, "only a right password is hashed anew"
    key = anna.session_key
    sign_in.sign_in(EMAIL, PASSWORD, "")
    db_session.expire_all()
    assert anna.password_hash.startswith("$argon2id$v=19$m=16,t=2,p=1$")
    assert anna.session_key == key, "sessions go on"
    assert sign_in.sign_in(EMAIL, PASSWORD, "").id == anna.id


def test_a_failed_sign_in_says_the_same_whatever_the_reason(anna):
    make.user("gone@example.org", password=PASSWORD, active=False)
    make.user("token-only@example.org")
    for email, password in [
        (EMAIL, "wrong password"),
        ("nobody@example.org", PASSWORD),
        ("gone@example.org", PASSWORD),
        ("token-only@example.org", PASSWORD),
        ("token-only@example.org", ""),
    ]:
        assert guess(email, password=password) == "wrong"


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.org"])
def test_guesses_at_one_account_from_one_network_have_to_wait(anna, compared, email):
    assert [guess(email) for _ in range(BURST + 2)] == ["wrong"] * BURST + [300, 300]
    assert guess(email, now=NOW + timedelta(seconds=299)) == 1
    later = NOW + timedelta(minutes=5)
    assert [guess(email, now=later), guess(email, now=later)] == ["wrong", 300]
    assert len(compared) == BURST + 1


def test_how_long_to_wait_is_told(anna):
    for _ in range(BURST):
        guess()
    for passed, told in ((0, "5 minutes"), (170, "3 minutes"), (190, "110 seconds"), (299, "a second")):
        with pytest.raises(TooManyAttempts) as slowed:
            sign_in.sign_in(EMAIL, PASSWORD, "192.0.2.1", now=NOW + timedelta(seconds=passed))
        assert slowed.value.message == f"Too many failed sign-ins. Try again in {told}."


def test_guesses_from_one_network_keep_nobody_elsewhere_out(anna):
    for _ in range(50):
        guess()
    assert sign_in.sign_in(EMAIL, PASSWORD, "192.0.2.2", now=NOW).id == anna.id


def test_guesses_at_other_accounts_keep_nobody_out(anna):
    for number in range(throttle.ACCOUNT.burst * 2):
        assert guess(f"nobody{number}@example.org") == "wrong"
    assert sign_in.sign_in(EMAIL, PASSWORD, "192.0.2.1", now=NOW).id == anna.id


@pytest.mark.parametrize("cookie", [False, True])
@pytest.mark.parametrize("guesses", [1, BURST + 2])
def test_the_same_is_done_for_every_address(anna, monkeypatch, query_counter, guesses, cookie):
    """What tells addresses with an account from others by the time it takes: statements, and hashes compared."""
    make.user("gone@example.org", password=PASSWORD, active=False)
    make.user("token-only@example.org")
    browser = browsers.remember("", make.user()) if cookie else ""
    hashes, proofs = [], []
    real, proof = passwords._hasher, browsers._proof

    class Noting:
        hash = real.hash

        def verify(self, stored, password):
            hashes.append(stored.rpartition("p=")[0])
            return real.verify(stored, password)

    monkeypatch.setattr(passwords, "_hasher", Noting())
    monkeypatch.setattr(browsers, "_proof", lambda name, user: proofs.append(name) or proof(name, user))
    passwords._dummy_hash()
    found = []
    for email in (EMAIL, "nobody@example.org", "gone@example.org", "token-only@example.org"):
        hashes.clear()
        proofs.clear()
        # Written in two ways, in which it is compared one after the other.
        with query_counter() as counted:
            answers = [guess(email, password=DECOMPOSED, browser=browser) for _ in range(guesses)]
        found.append((answers, counted.statements, hashes.copy(), proofs.copy()))
    assert found[1:] == found[:1] * 3
    assert len(found[0][2]) == 2 * min(guesses, BURST)
    assert found[0][2][0].startswith("$argon2id$")


def test_one_address_more_or_less_is_a_network(anna, compared):
    for number in range(BURST + 1):
        guess(address=f"2001:db8:1:2::{number:x}")
    assert len(compared) == BURST
    guess(address="2001:db8:1:3::1")
    assert len(compared) == BURST + 1


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_what_a_network_is(address, network):
    assert throttle.network_of(address) == network


def test_all_networks_together_have_to_wait_for_one_account(anna, compared):
    most = throttle.ACCOUNT.burst
    for number in range(most):
        assert guess(address=f"198.51.100.{number}") == "wrong"
    assert guess(address="203.0.113.1") == 60
    assert guess("other@example.org", address="203.0.113.1") == "wrong"
    assert len(compared) == most + 1
    # One network refills more slowly than the account: alone it never keeps others out for long.
    assert throttle.ACCOUNT.interval < throttle.ACCOUNT_AND_NETWORK.interval


def test_a_known_browser_always_gets_in(anna):
    cookie = browsers.remember("", anna)
    for _ in range(BURST + 1):
        guess(address="192.0.2.1")
    for number in range(throttle.ACCOUNT.burst + 1):
        guess(address=f"198.51.100.{number}")
    assert [guess(address="192.0.2.1"), guess(address="192.0.2.2")] == [300, 60]
    for _ in range(3):
        assert sign_in.sign_in(EMAIL, PASSWORD, "192.0.2.1", browser=cookie, now=NOW).id == anna.id
    # It guesses no faster either, and has a bucket that others don't share.
    assert [guess(browser=cookie) for _ in range(BURST + 1)] == ["wrong"] * BURST + [300]
    assert sign_in.sign_in(EMAIL, PASSWORD, "", browser=browsers.remember("", anna), now=NOW)


def test_a_browser_is_known_to_those_who_signed_in_there(anna):
    bob = make.user("bob@example.org", password=PASSWORD)
    cookie = browsers.remember(browsers.remember("", anna), bob)
    name = browsers.recognize(cookie, anna)
    assert name
    assert browsers.recognize(cookie, bob)
    assert browsers.recognize(cookie, make.user()) == ""
    assert browsers.recognize(browsers.remember(cookie, anna), anna) == name, "the same one, however often"
    for _ in range(browsers.MAX_PEOPLE):
        cookie = browsers.remember(cookie, make.user())
    assert browsers.recognize(cookie, anna) == ""


@pytest.mark.parametrize("cookie", ["", "nonsense", "W10.x.y", "\0", "é", "." * 5000])
def test_a_forged_browser_is_unknown(anna, cookie):
    assert browsers.recognize(cookie, anna) == ""
    real = browsers.remember("", anna)
    assert browsers.recognize(real[:-3] + "AAA", anna) == ""


def test_a_browser_is_forgotten_with_the_password_and_after_its_time(anna):
    with time_machine.travel(NOW, tick=False):
        cookie = browsers.remember("", anna)
    with time_machine.travel(NOW + browsers.LASTS, tick=False):
        assert browsers.recognize(cookie, anna)
    with time_machine.travel(NOW + browsers.LASTS + timedelta(seconds=1), tick=False):
        assert browsers.recognize(cookie, anna) == ""
    cookie = browsers.remember("", anna)
    accounts.set_password(SYSTEM, anna.id, OTHER)
    assert browsers.recognize(cookie, anna) == ""


def test_a_right_password_takes_back_its_own_attempt_alone(anna):
    for _ in range(BURST - 1):
        guess()
    for _ in range(3):
        sign_in.sign_in(EMAIL, PASSWORD, "192.0.2.1", now=NOW)
    assert [guess(), guess()] == ["wrong", 300]


def test_the_present_password_is_guessed_no_faster_than_at_sign_in(anna):
    actor = make.actor(anna)
    for _ in range(BURST):
        with pytest.raises(Invalid, match="current password"):
            sign_in.change_password(actor, "a guess", OTHER, "192.0.2.1", now=NOW)
    for address, answer in (("192.0.2.1", 300), ("192.0.2.2", "wrong")):
        assert guess(address=address) == answer
    with pytest.raises(TooManyAttempts):
        sign_in.change_password(actor, PASSWORD, OTHER, "192.0.2.1", now=NOW)
    with pytest.raises(Forbidden):
        sign_in.confirm_password(ANONYMOUS, PASSWORD)


def test_full_buckets_are_forgotten(anna):
    guess(now=NOW)
    throttle.delete_full_buckets(NOW + timedelta(minutes=4))
    # The account's is full again after a minute; the one of account and network is not yet.
    assert db.session.query(AttemptBucket).count() == 1
    throttle.delete_full_buckets(NOW + timedelta(minutes=5, seconds=1))
    assert db.session.query(AttemptBucket).count() == 0


def test_what_an_earlier_version_counts_is_kept_for_its_hour(db_session):
    make.add(AttemptBucket(key="of before", attempts=7, latest=NOW, full_at=0))
    throttle.delete_full_buckets(NOW + timedelta(minutes=59))
    assert db.session.query(AttemptBucket).count() == 1
    throttle.delete_full_buckets(NOW + timedelta(minutes=61))
    assert db.session.query(AttemptBucket).count() == 0


@pytest.mark.parametrize("browser", [False, True])
def test_parallel_guesses_compare_no_more_than_one_after_the_other(live_database, compared, browser):
    with live_database.app.app_context():
        user = make.user(EMAIL, password=PASSWORD)
        cookie = browsers.remember("", user) if browser else ""

    def one(number):
        with live_database.app.app_context():
            # Known browsers move between networks; strangers stay in one.
            return guess(address=f"192.0.2.{number % 250}" if browser else "192.0.2.1", browser=cookie)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(one, range(96)))
    assert len(compared) == BURST
    assert answers.count("wrong") == BURST
    assert answers.count(300) == 96 - BURST


def test_parallel_guesses_from_everywhere_stop_at_the_account(live_database, compared, monkeypatch):
    monkeypatch.setattr(throttle, "ACCOUNT", throttle.Limit(20, timedelta(minutes=1)))
    with live_database.app.app_context():
        make.user(EMAIL, password=PASSWORD)

    def one(number):
        with live_database.app.app_context():
            return guess(address=f"192.0.2.{number}")

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(one, range(64)))
    assert len(compared) == 20
    assert answers.count("wrong") == 20


def test_a_new_password_ends_all_sessions(anna, db_session):
    before = anna.session_key
    with pytest.raises(Invalid, match="current password"):
        sign_in.change_password(make.actor(anna), "not it at all", OTHER)
    sign_in.change_password(make.actor(anna), PASSWORD, OTHER)
    db_session.expire_all()
    assert anna.session_key != before
    assert sign_in.sign_in(EMAIL, OTHER, "").id == anna.id
