"""Whatever somebody typed, a message has the portal's headers and no others: read from its bytes."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import quote
from html.parser import HTMLParser
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from icalendar import Calendar

from portal.config import load_settings
from portal.domain.addresses import mail_address
from portal.domain.mail import MailKind
from portal.domain.texts import clean_lines, one_line
from portal.errors import ConfigError
from portal.mail.compose import compose, read_unsubscribe_token, sender_address
from portal.mail.headers import MESSAGE, UnsafeHeader, header_text, mailbox, message_bytes
from portal.models import OutgoingMail
from tests.support.hostile_text import FRAGMENTS, hostile_text

pytestmark = pytest.mark.sqlite_only

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
ROW = UUID("00000000-0000-4000-8000-000000000001")
SECRET_KEY = "x" * 32
INJECTION = "=?utf-8?q?IT_desk=0aReply-To:evil@evil.example=0aContent-Type:text/html=0a=0a<h1>Sign_in_again</h1>?="
HEADERS = [
    *("Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "List-Unsubscribe", "List-Unsubscribe-Post"),
    *("MIME-Version", "Content-Type", "Content-Language"),
]
PART_HEADERS = {"Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "MIME-Version"}


def settings(**more):
    environ = {"SECRET_KEY": SECRET_KEY, "PUBLIC_URL": "https://portal.example", "MAIL_FROM": "booking@example.org"}
    return load_settings({**environ, **more})


def message(given=None, kind=MailKind.TO_ANSWER, recipient="owner@example.org", **data):
    """The bytes of a message to an owner."""
    facts = {
        **dict.fromkeys(("note", "provider", "reason"), ""),
        "booking": "b",
        "name": "Ice",
        "offering": "Microscope",
        "who": "Bea Booker",
        "state": "requested",
        "zone": "Europe/Tallinn",
        "sequence": 0,
        **dict.fromkeys(("created", "modified"), "2026-03-02T08:00:00Z"),
        "slots": [{"uuid": str(ROW), "start": "2026-03-03T12:00:00Z", "end": "2026-03-03T13:00:00Z"}],
        **data,
    }
    row = OutgoingMail(kind=kind.value, recipient=recipient, user_id=7, data=facts, created=NOW, uuid=ROW)
    return message_bytes(compose(row, given or settings()))


def raw_headers(body: bytes) -> list[tuple[str, str]]:
    """The headers as they stand in the bytes, unfolded by hand."""
    head = body.partition(b"\r\n\r\n")[0].decode("ascii")
    found: list[tuple[str, str]] = []
    for line in head.split("\r\n"):
        if line[0] in " \t":
            assert line.strip()
            found[-1] = (found[-1][0], found[-1][1] + line)
        else:
            name, _, value = line.partition(":")
            found.append((name, value.strip()))
    return found


def decoded(value: str) -> str:
    return str(make_header(decode_header(value)))


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, _attributes: object) -> None:
        self.found.append(tag)


def tags(html: str) -> list[str]:
    reader = Tags()
    reader.feed(html)
    return reader.found


def check(body: bytes) -> dict[str, str]:
    """Check that a message has its own headers and parts and no others, and answer the headers, decoded once."""
    assert body.isascii()
    assert body.count(b"\r") == body.count(b"\n") == body.count(b"\r\n")
    assert max(len(line) for line in body.split(b"\r\n")) <= 998
    headers = raw_headers(body)
    assert [name for name, _ in headers] == HEADERS
    for chosen in (policy.default, policy.compat32):
        read = message_from_bytes(body, policy=chosen)
        assert list(read.keys()) == HEADERS
        assert read.get_content_type() == "multipart/mixed"
        kinds = [part.get_content_type() for part in read.walk()]
        assert kinds == ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar"]
        for part in list(read.walk())[1:]:
            assert set(part.keys()) <= PART_HEADERS
            assert not part.defects
    once = {name: decoded(value) for name, value in headers}
    for name, value in once.items():
        assert value == one_line(value), name
        # A program that decodes twice finds nothing either.
        assert decoded(value) == value, name
    return once


@pytest.fixture
def context(worker_app):
    with worker_app.app_context():
        yield


# The context is the application's; nothing in it changes between examples.
shared_context = examples(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)


@shared_context
@given(hostile_text(), hostile_text(), hostile_text(), hostile_text())
@example(INJECTION, INJECTION, INJECTION, INJECTION)
@example("=?utf-8?q?a=0a\r\n b?=", "=\x00?utf-8?q?=0a?=", "=\u202e?utf-8?q?=0a?=", "=\u200b?=0a?=")
@example("a" * 300, "ä" * 300, "\U0001f9ca" * 300, "=?" * 150)
def test_texts_of_strangers_stay_texts(context, who, offering, name, note):
    body = message(who=who, offering=offering, name=name, note=note, provider=who, reason=note)
    found = check(body)
    assert found["Subject"] == header_text(f"New request: {one_line(who)}, {one_line(offering)}")
    assert (found["To"], found["From"]) == ("owner@example.org", "booking@example.org")
    read = message_from_bytes(body, policy=policy.default)
    text, html, ics = (part for part in read.walk() if not part.is_multipart())
    said = one_line(f"{one_line(who)} requested {one_line(offering)}. The time is reserved until you answer.")
    assert said in one_line(text.get_content())
    assert tags(html.get_content()) == tags(plain_html(who, offering, name, note))
    assert ics.get_content_charset() == "utf-8"
    [event] = Calendar.from_ical(ics.get_payload(decode=True)).events
    assert str(event["summary"]) == one_line(f"{name} ({offering})")
    assert str(event.get("description", "")) == clean_lines(note)


def plain_html(who: str, offering: str, name: str, note: str) -> str:
    """The HTML of a message with as many facts, and nothing odd in them."""
    place, what, title = ("x" if one_line(text) else "" for text in (who, offering, name))
    said = "x" if clean_lines(note) else ""
    body = message(offering=what, name=title, note=said, provider=place, reason=said)
    return message_from_bytes(body, policy=policy.default).get_body(("html",)).get_content()


def test_the_message_of_the_report(context):
    found = check(message(who=INJECTION))
    assert "Reply-To" not in found
    assert found["Subject"].startswith("New request: = ?utf-8?q?IT_desk=0aReply-To:evil@evil.example")


@shared_context
@given(hostile_text(), hostile_text())
@example(INJECTION, INJECTION)
def test_texts_of_the_settings_stay_texts(context, site, sender):
    given_settings = replace(settings(), site_name=site, mail_from=f'"{quote(one_line(sender))}" <booking@example.org>')
    found = check(message(given_settings))
    name = header_text(sender)
    shown = f'"{quote(name)}" ' if name.isascii() else f"{name} "
    assert found["From"] == (f"{shown}<booking@example.org>" if name else "booking@example.org")
    row = OutgoingMail(kind="known", recipient="a@example.org", data={}, created=NOW, uuid=ROW)
    known = dict(raw_headers(message_bytes(compose(row, given_settings))))
    assert decoded(known["Subject"]) == header_text(f"Your account at {one_line(site)}")


@pytest.mark.parametrize(
    ("given_from", "name", "address"),
    [
        ("booking@example.org", "", "booking@example.org"),
        ("Grün & Söhne <booking@example.org>", "Grün & Söhne", "booking@example.org"),
        ("=?utf-8?q?Gr=C3=BCn?= <booking@example.org>", "Grün", "booking@example.org"),
        ('"Lab, North \\"A\\"" <booking@köln.example>', 'Lab, North "A"', "booking@xn--kln-sna.example"),
    ],
)
def test_the_sender_is_as_it_was_set(context, given_from, name, address):
    given_settings = settings(MAIL_FROM=given_from)
    body = message(given_settings)
    read = message_from_bytes(body, policy=policy.default)["From"].addresses
    assert [(it.display_name, it.addr_spec) for it in read] == [(name, address)]
    assert sender_address(given_settings) == address
    assert [header for header, _ in raw_headers(body)] == HEADERS


@pytest.mark.parametrize(
    "value",
    [
        "=?utf-8?q?a=0aBcc:evil@evil.example?= <booking@example.org>",
        "=?utf-8?q?x=0a?=@example.org",
        "a\u2028b <booking@example.org>",
        "Lab <nobody>",
    ],
)
def test_a_sender_that_is_no_line_of_text_is_refused(value):
    with pytest.raises(ConfigError, match="MAIL_FROM"):
        settings(MAIL_FROM=value)


@pytest.mark.parametrize("value", ["https://a b.example", "https://x/<y>", "https://x/\u2028y", "https://" + "x" * 500])
def test_an_address_of_the_portal_that_headers_cannot_hold_is_refused(value):
    with pytest.raises(ConfigError, match="PUBLIC_URL"):
        settings(PUBLIC_URL=value)


@pytest.mark.parametrize(
    ("public_url", "base", "host"),
    [
        ("https://portal.example", "https://portal.example", "portal.example"),
        ("https://köln.example", "https://xn--kln-sna.example", "xn--kln-sna.example"),
        ("http://[::1]:8000", "http://[::1]:8000", "localhost"),
    ],
)
def test_the_link_to_unsubscribe_is_plain_and_whole(context, public_url, base, host):
    given_settings = settings(PUBLIC_URL=public_url)
    body = message(given_settings)
    [line] = [line for line in body.split(b"\r\n") if line.startswith(b"List-Unsubscribe:")]
    found = re.fullmatch(r"List-Unsubscribe: <(.*)/mail/off/([A-Za-z0-9_.-]+)/>", line.decode("ascii"))
    assert found[1] == base
    assert read_unsubscribe_token(given_settings, found[2]) == (7, "requests")
    headers = dict(raw_headers(body))
    assert headers["Message-ID"] == f"<{ROW}@{host}>"
    # RFC 8058 is for https alone.
    one_click = "List-Unsubscribe=One-Click" if base.startswith("https:") else None
    assert headers.get("List-Unsubscribe-Post") == one_click


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("a.b+c@example.org", "a.b+c@example.org"),
        ("root@localhost", "root@localhost"),
        ("büro@example.org", "büro@example.org"),
        ("a@straße.example", "a@xn--strae-oqa.example"),
    ],
)
def test_addresses_are_written_as_servers_take_them(address, written):
    assert mail_address(address) == written
    international = not written.isascii()
    made = EmailMessage(policy=MESSAGE)
    made["To"] = mailbox("", address)
    assert message_bytes(made, international=international) == f"To: {written}\r\n\r\n".encode()


@pytest.mark.parametrize(
    "address",
    [
        *("", "nobody", "a b@example.org", "a@b@example.org", "<a@example.org>", "a@example.org, b@example.org"),
        *("a@example.org\r\nBcc: b@example.org", "a\n@example.org", "=?utf-8?q?x=0aBcc=3aevil=40evil?=@example.org"),
        *("a@example.org\u2028", "ä\n@example.org", "a\ud800@example.org", '"a b"@example.org', "a@[127.0.0.1]"),
    ],
)
def test_what_is_no_address_is_written_nowhere(context, address):
    with pytest.raises(ValueError, match=r"\w"):
        mail_address(address)
    with pytest.raises(UnsafeHeader):
        message(recipient=address)


class Wrong(str):
    """A header whose own writing went wrong, as the standard library's did."""

    name = "Subject"
    max_count = 1
    __slots__ = ()

    def fold(self, *, policy):
        return str(self)


@pytest.mark.parametrize(
    "written",
    [
        *("Subject: a\nBcc: b\r\n", "Subject: a\r\nBcc: b\r\n", "Subject: a\rBcc: b\r\n", "Subject: a\r\n\r\n<h1>\r\n"),
        *("Subject: a", "Subject: a\n", "Subject: a\r\n \r\n b\r\n", "Subject: a\r\n \t\r\n", "Subject: a\0\r\n"),
        *("Sub ject: a\r\n", ": a\r\n", "Subject\r\n", "Subject: \udc8a\r\n", "Subject: ä\r\n"),
        *("Subject: =?utf-8?q?a=0aBcc:b?=\r\n", "Subject: =?utf-8?b?Cg==?=\r\n", "Subject: =?utf-7?q?+AAo-?=\r\n"),
        *("Subject: =?unknown?q?a?=\r\n", "Subject: =?utf-8?q?=c2=85?=\r\n", f"Subject: {'a' * 990}\r\n"),
    ],
)
def test_a_header_that_is_not_one_line_of_text_never_leaves(written):
    made = EmailMessage()
    made["To"] = "a@example.org"
    made._headers.append(("Subject", Wrong(written)))
    with pytest.raises(UnsafeHeader, match="Subject"):
        message_bytes(made)


@pytest.mark.parametrize(
    "written", ["Subject: a\r\n b\r\n", "Subject:\r\n\tb\r\n", "Subject: =?utf-8?q?=C3=BC?=\r\n", "Subject: \r\n"]
)
def test_a_header_that_is_one_line_of_text_leaves(written):
    made = EmailMessage()
    made._headers.append(("Subject", Wrong(written)))
    assert message_bytes(made).startswith(written.encode())


@pytest.mark.parametrize("text", FRAGMENTS)
def test_what_the_standard_library_makes_of_texts_is_checked_too(text):
    """Headers that nobody encodes here: what is written has the same headers, or nothing is written."""
    made = EmailMessage()
    try:
        made["X-Text"] = f"x {text} y"
        body = message_bytes(made)
    except (UnsafeHeader, ValueError):
        return
    assert [name for name, _ in raw_headers(body)] == ["X-Text"]
    assert message_from_bytes(body, policy=policy.default).keys() == ["X-Text"]


@given(hostile_text())
def test_a_header_text_is_its_own(text):
    found = header_text(text)
    assert found == header_text(found) == one_line(found)
    assert "=?" not in found
