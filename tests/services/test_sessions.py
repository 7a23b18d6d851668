"""Sessions of browsers: how they end, and what their owner sees of them."""

from datetime import timedelta

import pytest

from portal.domain.browsers import browser_name
from portal.errors import Forbidden, Invalid, NotFound
from portal.models import BrowserSession
from portal.policies import ANONYMOUS, SYSTEM
from portal.queries import accounts as queries
from portal.services import accounts, sessions, sign_in
from portal.services.accounts import actor_of, token_digest
from tests.support import builders as make
from tests.support.builders import NOW, PASSWORD

EMAIL = "anna@example.org"
LASTS = sessions.SESSION_LASTS


@pytest.fixture
def anna(db_session):
    return make.user(EMAIL, password=PASSWORD)


def found(name, now=NOW):
    return queries.user_of_session(token_digest(name), now - LASTS)


def whose(name, now=NOW):
    there = found(name, now)
    return there and there.user.id


def listed(person):
    return queries.sessions_of(actor_of(person), NOW - LASTS)


def test_a_session_ends_by_its_time_and_with_the_key_that_it_was_opened_with(anna, db_session):
    proved = sign_in.sign_in(EMAIL, PASSWORD, "")
    name = sessions.open_session(proved, now=NOW)
    assert whose(name, NOW + LASTS - timedelta(seconds=1)) == anna.id
    assert whose(name, NOW + LASTS) is None
    later = sessions.open_session(proved, now=NOW + LASTS)
    assert db_session.query(BrowserSession).count() == 1, "what has ended is forgotten"
    accounts.set_password(SYSTEM, anna.id, "quite another password")
    assert whose(later, NOW + LASTS) is None


def test_what_a_person_sees_of_their_sessions(anna):
    names = [
        sessions.open_session(anna, browser=f"Browser {number}", address="2001:db8::7", now=NOW + timedelta(number))
        for number in range(3)
    ]
    sessions.open_session(make.user(), browser="Somebody else's", now=NOW)
    sessions.record_seen(names[0], NOW + timedelta(5))
    rows = listed(anna)
    assert [row.browser for row in rows] == ["Browser 0", "Browser 2", "Browser 1"]
    assert {row.network for row in rows} == {"2001:db8::/64"}
    assert (rows[0].created, rows[0].last_seen) == (NOW, NOW + timedelta(5))
    assert [row.digest for row in rows] == [token_digest(names[number]) for number in (0, 2, 1)]


def test_ending_one_session_is_for_its_owner(anna):
    other = make.user()
    here, there = sessions.open_session(anna, now=NOW), sessions.open_session(anna, now=NOW)
    with pytest.raises(NotFound):
        sessions.end_session(actor_of(other), token_digest(there))
    with pytest.raises(Forbidden):
        sessions.end_session(ANONYMOUS, token_digest(there))
    sessions.end_session(actor_of(anna), token_digest(there))
    assert (whose(here), whose(there)) == (anna.id, None)
    with pytest.raises(NotFound):
        sessions.end_session(actor_of(anna), token_digest(there))


def test_ending_all_other_sessions_keeps_this_one_as_it_is(anna):
    here, there = (sessions.open_session(anna, now=NOW) for _ in range(2))
    elsewhere = sessions.open_session(make.user(), now=NOW)
    confirmed = found(here).confirmed
    sessions.end_other_sessions(actor_of(anna), here)
    assert (whose(here), whose(there), len(listed(anna))) == (anna.id, None, 1)
    assert found(here).confirmed == confirmed, "no password was entered"
    assert whose(elsewhere)


def test_a_password_entered_again_is_noted_for_this_session_alone(anna):
    here, there = (sessions.open_session(anna, now=NOW) for _ in range(2))
    later = NOW + timedelta(hours=1)
    with pytest.raises(Invalid, match="current password"):
        sessions.confirm_session(actor_of(anna), here, "a guess", "192.0.2.1", now=later)
    assert found(here).confirmed == NOW
    sessions.confirm_session(actor_of(anna), here, PASSWORD, "192.0.2.1", now=later)
    assert (found(here).confirmed, found(there).confirmed) == (later, NOW)


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1 Version/17.5 "
            "Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1 Version/17.5 Safari/605.1",
            "Safari on macOS",
        ),
        ("curl/8.5.0", "Unknown browser"),
        ("<script>alert(1)</script> Linux", "Unknown browser on Linux"),
        ("", "Unknown browser"),
    ],
)
def test_what_a_browser_is_called(user_agent, name):
    assert browser_name(user_agent) == name
