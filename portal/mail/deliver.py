"""Sends the due messages of the outbox, each at least once. A message that fails does not stop the others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import random
from typing import Any, Protocol

import structlog
from sqlalchemy import select, update

from portal.config import Settings
from portal.domain.mail import MAX_ATTEMPTS, MailKind, wait_after
from portal.extensions import changed_rows, db, reading, transaction
from portal.mail.compose import compose
from portal.mail.headers import UnsafeHeader
from portal.mail.transport import MessageRejected, Transport
from portal.models import OutgoingMail
from portal.models.base import utcnow
from portal.secretbox import SecretLost
from portal.services import mail, recipients, registration

log = structlog.get_logger()

AT_ONCE = 50
# Longer than any SMTP session. If a worker dies with a message, another one sends it after this time.
LEASE = timedelta(minutes=5)


class Sender(Protocol):
    """The part of Transport that is needed here."""

    def send(self, message: Any, recipient: str, name: str) -> None:
        """Send it. MessageRejected and UnsafeHeader are final; after any other error it can be sent again."""


def deliver_due(
    settings: Settings,
    clock: Callable[[], datetime] = utcnow,
    open_transport: Callable[[Settings], Transport] = Transport,
) -> int:
    """Send due messages; returns how many. One is sent again if the process dies before it has recorded the success."""
    sent = 0
    recipients.delete_unowned_password_requests()
    with open_transport(settings) as transport:
        for mail_id in _due(clock()):
            row = _claim(mail_id, clock())
            if row is not None and _send(row, settings, transport, clock):
                sent += 1
    return sent


def _due(now: datetime) -> list[int]:
    with reading():
        query = select(OutgoingMail.id).where(OutgoingMail.next_attempt <= now)
        return list(
            db.session.execute(query.order_by(OutgoingMail.next_attempt, OutgoingMail.id).limit(AT_ONCE)).scalars()
        )


def _claim(mail_id: int, now: datetime) -> OutgoingMail | None:
    """Lease the message to this worker. None if another worker has it, or if too many workers died with it."""
    with transaction() as session:
        taken = session.execute(
            update(OutgoingMail)
            .where(OutgoingMail.id == mail_id, OutgoingMail.next_attempt <= now)
            .values(next_attempt=now + LEASE, attempts=OutgoingMail.attempts + 1)
            .execution_options(synchronize_session=False)
        )
        if changed_rows(taken) != 1:
            return None
        row = session.execute(
            select(OutgoingMail).where(OutgoingMail.id == mail_id).execution_options(populate_existing=True)
        ).scalar_one()
        mail.encrypt_link(row)
    if row.attempts > MAX_ATTEMPTS:
        _give_up(row, "Every attempt ended before its result could be recorded.")
        return None
    return row


def _send(row: OutgoingMail, settings: Settings, transport: Sender, clock: Callable[[], datetime]) -> bool:
    """Send one message and record the result. No transaction is open while it is sent."""
    secret = ""
    try:
        with transaction() as session:
            is_for_recipient = recipients.is_still_recipient(session, row)
            language = recipients.language_of(session, row)
            is_outdated = MailKind(row.kind) is MailKind.REMINDER and not mail.is_reminder_due(session, row, clock())
        if not is_for_recipient:
            _give_up(row, "The recipient was deactivated or lost the role that this message is for.")
            return False
        if is_outdated:
            _give_up(row, "The booking has started, was moved or is no longer confirmed.")
            return False
        secret = mail.link_secret(row)
        if secret and not registration.is_open(secret, clock()):
            _give_up(row, "The link was used or expired before the message could be sent.")
            return False
        name = f"{row.created:%Y%m%dT%H%M%S}-{row.kind}-{row.uuid.hex[:8]}"
        transport.send(compose(row, settings, secret, now=clock(), language=language), row.recipient, name)
    except (MessageRejected, UnsafeHeader, SecretLost) as final:
        _give_up(row, _redact(secret, str(final)))
    except Exception as error:
        # Of any kind: the next messages are sent all the same, and this one is not tried for ever.
        reason = _redact(secret, str(error)) or type(error).__name__
        log.warning("mail_not_sent", mail=row.id, attempts=row.attempts, error=reason[:300])
        if row.attempts >= MAX_ATTEMPTS:
            _give_up(row, reason)
        else:
            wait = wait_after(row.attempts) * (0.75 + random() / 2)  # noqa: S311 - jitter, not a secret
            _update(row.id, error=reason[:1000], next_attempt=clock() + wait)
    else:
        _update(row.id, error="", next_attempt=None, sent=clock(), sealed_secret=None)
        return True
    return False


def _redact(secret: str, reason: str) -> str:
    """An error without the link's secret: mail servers quote links that they reject."""
    return reason.replace(secret, "…") if secret else reason


def _give_up(row: OutgoingMail, reason: str) -> None:
    log.warning("mail_given_up", mail=row.id, attempts=row.attempts, error=reason[:300])
    _update(row.id, error=reason[:1000], next_attempt=None, sealed_secret=None)


def _update(mail_id: int, **values: object) -> None:
    with transaction() as session:
        session.execute(
            update(OutgoingMail)
            .where(OutgoingMail.id == mail_id)
            .values(**values)
            .execution_options(synchronize_session=False)
        )
