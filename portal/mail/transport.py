"""Delivers messages to an SMTP server (MAIL_URL), or writes them to a folder if none is set.

smtp://user:password@host:587?starttls=1    plain, or encrypted after STARTTLS
smtps://host                                encrypted from the start
"""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from urllib.parse import parse_qs, unquote, urlsplit

import structlog

from portal.config import Settings
from portal.mail.compose import sender_address
from portal.mail.headers import message_bytes, recipient_address

log = structlog.get_logger()

TIMEOUT = 30.0
FOLDER = "mail"


class MessageRejected(Exception):
    """The server rejects this message for this address permanently; the text is its reply."""


class Transport:
    """Sends messages over one connection, which is opened for the first message and again after an error."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._close()

    def send(self, message: EmailMessage, recipient: str, name: str) -> None:
        """Send a message. `name` is its file name in the folder.

        Raises UnsafeHeader, before anything is sent, and MessageRejected, OSError, smtplib.SMTPException.
        """
        source, target = sender_address(self._settings), recipient_address(recipient)
        # Addresses that have no ASCII form need a server that accepts UTF-8 in commands and headers (RFC 6531).
        international = not (source + target).isascii()
        body = message_bytes(message, international=international)
        if not self._settings.mail_url:
            self._write(body, recipient, str(message["Subject"]), name)
            return
        try:
            server = self._server or self._open()
            server.ehlo_or_helo_if_needed()
            if international and not server.has_extn("smtputf8"):
                raise MessageRejected("The mail server accepts only ASCII addresses (it does not offer SMTPUTF8).")
            options = ("SMTPUTF8", "BODY=8BITMIME") if international else ()
            server.sendmail(source, [target], body, options)
        except smtplib.SMTPRecipientsRefused as error:
            self._close()
            code, text = next(iter(error.recipients.values()))
            reply = f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"
            if 500 <= code < 600:
                raise MessageRejected(reply) from error
            raise
        except MessageRejected:
            raise
        except Exception:
            # The SMTP session may be in the middle of a command.
            self._close()
            raise

    def _open(self) -> smtplib.SMTP:
        parts = urlsplit(self._settings.mail_url)
        host, context = parts.hostname or "", ssl.create_default_context()
        if parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(host, parts.port or 25, timeout=TIMEOUT)
            if parse_qs(parts.query).get("starttls", ["0"])[-1] in ("1", "true", "yes"):
                server.starttls(context=context)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        self._server = server
        return server

    def _write(self, body: bytes, recipient: str, subject: str, name: str) -> None:
        folder = Path(self._settings.instance_path) / FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = folder / f"{name}.eml"
        file.write_bytes(body)
        log.info("mail_written", to=recipient, subject=subject, file=str(file))

    def _close(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        try:
            server.quit()
        except (OSError, smtplib.SMTPException):
            server.close()
