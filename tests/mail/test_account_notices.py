"""What the owner of an account is told of changes that give or took access to it."""

import pytest

from portal.domain.mail import CHANGES, GROUP_OF, MailKind
from portal.mail.content import content_of
from tests.support.builders import NOW

AT = {"at": "2026-03-02T08:00:00Z", "zone": "Europe/Tallinn"}
FACTS = {
    MailKind.TOKEN_MADE: {"name": "laptop\nBcc: all@example.org", "expires": "2027-03-02T08:00:00Z"},
    MailKind.PASSWORD_CHANGED: {"by": "link", "access_ended": True},
    MailKind.EMAIL_CHANGED: {"email": "new@example.org"},
    MailKind.GOOGLE_CONNECTED: {
        "what": "Lab\nof light",
        "google": "lab@example.org",
        "who": "Anna",
        "page": "/manage/organizations/x/google/",
    },
    MailKind.FEED_MADE: {"what": "Lab\r\nof light", "who": "Anna", "page": "/manage/organizations/x/feed/"},
}


def words(kind, **more):
    return content_of(kind, {**FACTS[kind], **AT, **more}, "Booking portal", "", NOW)


def test_changes_of_accounts_cannot_be_switched_off():
    assert set(FACTS) == CHANGES
    assert not CHANGES & set(GROUP_OF)


@pytest.mark.parametrize("kind", sorted(CHANGES))
def test_each_says_when_and_what_to_do(kind):
    found = words(kind)
    assert ("When", "Mon 2 Mar 2026, 10:00 (Europe/Tallinn)") in found.facts
    assert any(sentence.startswith(("If it was not you", "If you d")) for sentence in found.sentences)
    assert all(text.isprintable() for text in (found.subject, *dict(found.facts).values()))


def test_a_token():
    found = words(MailKind.TOKEN_MADE)
    assert ("Name", "laptop Bcc: all@example.org") in found.facts
    assert ("Expires", "Tue 2 Mar 2027, 10:00 (Europe/Tallinn)") in found.facts
    assert ("Expires", "never") in words(MailKind.TOKEN_MADE, expires="never").facts
    assert found.link == "/account/"


def test_a_password():
    by_link, own = words(MailKind.PASSWORD_CHANGED), words(MailKind.PASSWORD_CHANGED, by="password", access_ended=False)
    assert "Your API tokens and calendar links have ended." in by_link.sentences
    assert "Your password was changed with a mailed link." in by_link.sentences
    assert own.sentences[0] == "You are signed out in all other browsers."
    assert own.link == "/password/"
