"""Mail over a real SMTP conversation on loopback, and into a folder where no server is set."""

import smtplib
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller

from portal.config import load_settings
from portal.errors import ConfigError
from portal.mail.headers import MESSAGE, UnsafeHeader, mailbox
from portal.mail.transport import MessageRejected, Transport
from tools.run import free_port

pytestmark = pytest.mark.sqlite_only


class Box:
    """What the server took; an address that begins with "no" does not exist."""

    def __init__(self):
        self.taken = []

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - the library's name
        if address.startswith("no"):
            return "550 no such user"
        if address.startswith("later"):
            return "450 try again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        self.taken.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 taken"


@pytest.fixture
def server():
    box = Box()
    box.port = free_port()
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    yield box
    controller.stop()


def settings(tmp_path, **more):
    environ = {"SECRET_KEY": "x" * 32, "INSTANCE_PATH": str(tmp_path), "PUBLIC_URL": "https://portal.example"}
    return load_settings({**environ, **more})


def message(to):
    made = EmailMessage()
    made["Subject"], made["To"], made["From"] = "Grüße", to, "booking@example.org"
    made.set_content("Hällo")
    return made


def test_messages_go_over_one_connection_and_survive_a_refusal(server, tmp_path):
    given = settings(tmp_path, MAIL_URL=f"smtp://127.0.0.1:{server.port}", MAIL_FROM="Portal <booking@example.org>")
    with Transport(given) as transport:
        transport.send(message("a@example.org"), "a@example.org", "one")
        with pytest.raises(MessageRejected, match="550 no such user"):
            transport.send(message("no@example.org"), "no@example.org", "two")
        with pytest.raises(smtplib.SMTPRecipientsRefused, match="450"):
            transport.send(message("later@example.org"), "later@example.org", "three")
        transport.send(message("b@example.org"), "b@example.org", "four")
    assert [(sender, to) for sender, to, _ in server.taken] == [
        ("booking@example.org", ["a@example.org"]),
        ("booking@example.org", ["b@example.org"]),
    ]
    assert server.taken[0][2].isascii()
    read = message_from_bytes(server.taken[0][2], policy=policy.default)
    assert read["Subject"] == "Grüße"
    assert read.get_content().strip() == "Hällo"


@pytest.mark.parametrize("able", [True, False])
def test_addresses_without_a_form_in_ascii_need_a_server_that_takes_them(tmp_path, able):
    box = Box()
    controller = Controller(box, hostname="127.0.0.1", port=free_port(), enable_SMTPUTF8=able)
    controller.start()
    given = settings(tmp_path, MAIL_URL=f"smtp://127.0.0.1:{controller.port}", MAIL_FROM="booking@example.org")
    made = EmailMessage(policy=MESSAGE)
    made["Subject"], made["To"] = "Grüße", mailbox("", "büro@example.org")
    try:
        with Transport(given) as transport:
            if able:
                transport.send(made, "büro@example.org", "one")
            else:
                with pytest.raises(MessageRejected, match="SMTPUTF8"):
                    transport.send(made, "büro@example.org", "one")
            transport.send(message("a@example.org"), "a@straße.example", "two")
    finally:
        controller.stop()
    assert [to for _, to, _ in box.taken] == [["büro@example.org"], ["a@xn--strae-oqa.example"]][not able :]
    assert not able or "To: büro@example.org" in box.taken[0][2].decode()


def test_nothing_is_said_to_the_server_of_a_message_that_is_unsafe(server, tmp_path):
    given = settings(tmp_path, MAIL_URL=f"smtp://127.0.0.1:{server.port}", MAIL_FROM="booking@example.org")
    unsafe = message("a@example.org")
    unsafe["X-Text"] = "=?utf-8?q?a=0aBcc:evil@evil.example?="
    with Transport(given) as transport:
        with pytest.raises(UnsafeHeader):
            transport.send(unsafe, "a@example.org", "one")
        with pytest.raises(UnsafeHeader):
            transport.send(message("a@example.org"), "a@example.org>\r\nRCPT TO:<b@example.org", "two")
        transport.send(message("b@example.org"), "b@example.org", "three")
    assert [to for _, to, _ in server.taken] == [["b@example.org"]]


def test_a_server_that_is_not_there_is_an_error_to_try_again(tmp_path):
    given = settings(tmp_path, MAIL_URL="smtp://127.0.0.1:9", MAIL_FROM="booking@example.org")
    with Transport(given) as transport, pytest.raises(OSError, match=r"refused|denied|reset"):
        transport.send(message("a@example.org"), "a@example.org", "one")


def test_without_a_server_mail_lies_in_a_folder(tmp_path):
    with Transport(settings(tmp_path)) as transport:
        transport.send(message("a@example.org"), "a@example.org", "one")
    [file] = (tmp_path / "mail").iterdir()
    assert file.name == "one.eml"
    assert "To: a@example.org" in file.read_text()


@pytest.mark.parametrize("url", ["mail.example.org", "http://x", "smtp://", "smtp://h:notaport", "smtp://h:99999"])
def test_a_wrong_address_of_the_server_is_refused_without_repeating_it(tmp_path, url):
    with pytest.raises(ConfigError, match="MAIL_URL must look like") as refused:
        settings(tmp_path, MAIL_URL=url, MAIL_FROM="a@example.org")
    assert url not in str(refused.value).replace("smtp://user:password@host:587?starttls=1", "") or url == "smtp://"


@pytest.mark.parametrize("sender", ["nobody", "a\nb@example.org"])
def test_a_wrong_sender_is_refused(tmp_path, sender):
    with pytest.raises(ConfigError, match="MAIL_FROM"):
        settings(tmp_path, MAIL_FROM=sender)


def test_a_server_needs_a_sender(tmp_path):
    with pytest.raises(ConfigError, match="MAIL_FROM is not"):
        settings(tmp_path, MAIL_URL="smtp://h")
    assert replace(settings(tmp_path), mail_url="").mail_from == ""
