"""Sends what is due of the outbox: at least once, and one address that fails never stops the others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import random
from typing import Any, Protocol

import structlog
from sqlalchemy import select, update

from portal.config import Settings
from portal.domain.mail import MOST_ATTEMPTS, wait_after
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
# Longer than any conversation with a mail server: whoever took a message up and died is followed by another.
LEASE = timedelta(minutes=5)


class Sender(Protocol):
    """What sends a message."""

    def send(self, message: Any, recipient: str, name: str) -> None:
        """Send it. MessageRejected and UnsafeHeader are final; after any other error it can be sent again."""


def deliver_due(
    settings: Settings,
    clock: Callable[[], datetime] = utcnow,
    open_transport: Callable[[Settings], Transport] = Transport,
) -> int:
    """Send what is due; answers how much was sent. A message is sent again if this dies before it has noted so."""
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
    """The message, lent to this worker; None where another one has it, or where too many workers died of it."""
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
    if row.attempts > MOST_ATTEMPTS:
        _give_up(row, "Each attempt ended before it could be noted.")
        return None
    return row


def _send(row: OutgoingMail, settings: Settings, transport: Sender, clock: Callable[[], datetime]) -> bool:
    """Send one message and note what became of it. No transaction is open meanwhile."""
    secret = ""
    try:
        with transaction() as session:
            is_for_recipient = recipients.is_still_recipient(session, row)
        if not is_for_recipient:
            _give_up(row, "The recipient is deactivated, or has lost the role for which this was written.")
            return False
        secret = mail.link_secret(row)
        if secret and not registration.is_open(secret, clock()):
            _give_up(row, "The link was used, or ended, before the message could be sent.")
            return False
        name = f"{row.created:%Y%m%dT%H%M%S}-{row.kind}-{row.uuid.hex[:8]}"
        transport.send(compose(row, settings, secret), row.recipient, name)
    except (MessageRejected, UnsafeHeader, SecretLost) as final:
        _give_up(row, _redact(secret, str(final)))
    except Exception as error:
        # Whatever it is: the messages after this one are sent, and this one is not tried for ever.
        words = _redact(secret, str(error)) or type(error).__name__
        log.warning("mail_not_sent", mail=row.id, attempts=row.attempts, error=words[:300])
        if row.attempts >= MOST_ATTEMPTS:
            _give_up(row, words)
        else:
            wait = wait_after(row.attempts) * (0.75 + random() / 2)  # noqa: S311 - spread, no secret
            _update(row.id, error=words[:1000], next_attempt=clock() + wait)
    else:
        _update(row.id, error="", next_attempt=None, sent=clock(), sealed_secret=None)
        return True
    return False


def _redact(secret: str, words: str) -> str:
    """What went wrong, without the secret: mail servers repeat links that they refuse."""
    return words.replace(secret, "…") if secret else words


def _give_up(row: OutgoingMail, words: str) -> None:
    log.warning("mail_given_up", mail=row.id, attempts=row.attempts, error=words[:300])
    _update(row.id, error=words[:1000], next_attempt=None, sealed_secret=None)


def _update(mail_id: int, **values: object) -> None:
    with transaction() as session:
        session.execute(
            update(OutgoingMail)
            .where(OutgoingMail.id == mail_id)
            .values(**values)
            .execution_options(synchronize_session=False)
        )
