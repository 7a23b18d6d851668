"""A message of the outbox as an e-mail: text and HTML, with the booking as iCalendar."""

from __future__ import annotations

import re
import uuid as uuidlib
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any
from urllib.parse import urlsplit

from flask import render_template
from itsdangerous import URLSafeSerializer
from werkzeug.urls import iri_to_uri

from portal.config import Settings
from portal.domain.addresses import mail_address
from portal.domain.booking_states import BookingState
from portal.domain.ics import IcsEvent, calendar_bytes
from portal.domain.instants import parse_instant
from portal.domain.mail import GROUP_OF, MailKind
from portal.domain.periods import Period
from portal.domain.texts import one_line
from portal.localization import ENGLISH, current_language, in_language
from portal.mail.content import content_of
from portal.mail.headers import MESSAGE, header_text, mailbox
from portal.models import OutgoingMail

_SALT = "mail-off"
_HOST = re.compile(r"[a-z0-9.-]{1,255}")


def compose(
    row: OutgoingMail, settings: Settings, secret: str = "", *, now: datetime | None = None, language: str = ENGLISH
) -> EmailMessage:
    """The e-mail of a row of the outbox, in a language; `secret` is the secret part of its link, if it has one.

    `now` (default: when it was queued) is when it is sent, perhaps late: “today” is the day of `now`.

    Its Message-ID depends on the row only, so that mail servers can recognize a message that is sent twice. Raises
    UnsafeHeader if the recipient's address cannot be written into a header.
    """
    with in_language(language):
        return _compose(row, settings, secret, now)


def _compose(row: OutgoingMail, settings: Settings, secret: str, now: datetime | None) -> EmailMessage:
    kind = MailKind(row.kind)
    content = content_of(kind, row.data, settings.site_name, secret, now or row.created)
    base = iri_to_uri(settings.public_url)
    off = ""
    if row.user_id is not None and kind in GROUP_OF:
        off = f"{base}/mail/off/{unsubscribe_token(settings, row.user_id, GROUP_OF[kind])}/"
    context = {"content": content, "site": one_line(settings.site_name), "url": settings.public_url, "off": off}
    message = EmailMessage(policy=MESSAGE)
    message["Subject"] = header_text(content.subject)
    message["From"] = mailbox(*parseaddr(sender(settings)))
    message["To"] = mailbox("", row.recipient)
    message["Date"] = format_datetime(row.created)
    message["Message-ID"] = f"<{row.uuid}@{_host(settings)}>"
    # Suppresses automatic replies, such as holiday notices.
    message["Auto-Submitted"] = "auto-generated"
    if off:
        message["List-Unsubscribe"] = f"<{off}>"
        if off.startswith("https://"):
            # RFC 8058: mail programs may unsubscribe with a POST, which portal.web.registration handles.
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(render_template("mail/message.txt", **context))
    message.add_alternative(render_template("mail/message.html", **context), subtype="html")
    if "slots" in row.data:
        message.add_attachment(
            _ics(row.data, settings.public_url, sender_address(settings)),
            maintype="text",
            subtype="calendar",
            filename="booking.ics",
            params={"method": "PUBLISH", "charset": "utf-8"},
        )
    # At the end: parts that are added take the headers that begin with Content.
    message["Content-Language"] = current_language()
    return message


def sender(settings: Settings) -> str:
    """MAIL_FROM, else an address on the portal's own host."""
    return settings.mail_from or f"booking@{_host(settings)}"


def sender_address(settings: Settings) -> str:
    """The sender's address alone, as SMTP needs it."""
    return mail_address(parseaddr(sender(settings))[1])


def unsubscribe_token(settings: Settings, user_id: int, group: str) -> str:
    """A token that lets the reader of a mail switch its group off without signing in, and nothing else."""
    return str(URLSafeSerializer(settings.secret_key.split(",")[0], _SALT).dumps([user_id, group]))


def read_unsubscribe_token(settings: Settings, token: str) -> tuple[int, str] | None:
    """The user's id and the group in a token, or None."""
    for key in settings.secret_key.split(","):
        known, found = URLSafeSerializer(key, _SALT).loads_unsafe(token)
        if known and isinstance(found, list) and len(found) == 2:
            return int(found[0]), str(found[1])
    return None


def _ics(data: Mapping[str, Any], base: str, organizer: str) -> bytes:
    state = BookingState(data["state"])
    place = ", ".join(it for it in (data["offering"], data.get("provider", "")) if it)
    events = [
        IcsEvent(
            uuidlib.UUID(slot["uuid"]),
            Period(parse_instant(slot["start"]), parse_instant(slot["end"])),
            state,
            f"{data['name']} ({data['offering']})",
            data["sequence"],
            parse_instant(data["created"]),
            parse_instant(data["modified"]),
            location=place,
            description=data.get("note", ""),
            url=f"{base}/bookings/{data['booking']}/",
        )
        for slot in data["slots"]
    ]
    return calendar_bytes(events, data["name"], organizer=organizer)


def _host(settings: Settings) -> str:
    """The portal's host in ASCII, for addresses and Message-IDs, which cannot contain an IPv6 address."""
    host = urlsplit(iri_to_uri(settings.public_url)).hostname or ""
    return host if _HOST.fullmatch(host) else "localhost"
