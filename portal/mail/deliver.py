"""Sends what is due of the outbox: at least once, and one address that fails never stops the others."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from datetime import datetime, timedelta
from random import random
from typing import Any, Protocol

import structlog
from sqlalchemy import select, update

from portal.config import Settings
from portal.domain.mail import MOST_ATTEMPTS, wait_after
from portal.extensions import db, reading_apart, transaction
from portal.mail.compose import compose
from portal.mail.transport import Refused, Transport
from portal.models import OutgoingMail
from portal.models.base import utcnow

log = structlog.get_logger()

AT_ONCE = 50
# Longer than any conversation with a mail server: whoever took a message up and died is followed by another.
LEASE = timedelta(minutes=5)


class Sender(Protocol):
    """What sends a message."""

    def send(self, message: Any, recipient: str, name: str) -> None:
        """Hand it over; raises Refused, OSError, smtplib.SMTPException."""


def deliver_due(
    settings: Settings,
    clock: Callable[[], datetime] = utcnow,
    open_transport: Callable[[Settings], Transport] = Transport,
) -> int:
    """Send what is due; answers how much was sent. A message is sent again if this dies before it has noted so."""
    sent = 0
    with open_transport(settings) as transport:
        for mail_id in _due(clock()):
            row = _take_up(mail_id, clock())
            if row is not None and _send(row, settings, transport, clock):
                sent += 1
    return sent


def _due(now: datetime) -> list[int]:
    with reading_apart():
        query = select(OutgoingMail.id).where(OutgoingMail.next_attempt <= now)
        return list(
            db.session.execute(query.order_by(OutgoingMail.next_attempt, OutgoingMail.id).limit(AT_ONCE)).scalars()
        )


def _take_up(mail_id: int, now: datetime) -> OutgoingMail | None:
    """The message, lent to this worker; None where another one has it."""
    with transaction() as session:
        taken = session.execute(
            update(OutgoingMail)
            .where(OutgoingMail.id == mail_id, OutgoingMail.next_attempt <= now)
            .values(next_attempt=now + LEASE, attempts=OutgoingMail.attempts + 1)
            .execution_options(synchronize_session=False)
        )
        if taken.rowcount != 1:  # type: ignore[attr-defined]
            return None
        return session.execute(
            select(OutgoingMail).where(OutgoingMail.id == mail_id).execution_options(populate_existing=True)
        ).scalar_one()


def _send(row: OutgoingMail, settings: Settings, transport: Sender, clock: Callable[[], datetime]) -> bool:
    """Send one message and note what became of it. No transaction is open meanwhile."""
    try:
        name = f"{row.created:%Y%m%dT%H%M%S}-{row.kind}-{row.uuid.hex[:8]}"
        transport.send(compose(row, settings), row.recipient, name)
    except Refused as refused:
        _note(row.id, error=str(refused), next_attempt=None)
    except (OSError, smtplib.SMTPException, ValueError, KeyError, LookupError) as error:
        log.warning("mail_not_sent", mail=row.id, attempts=row.attempts, error=str(error)[:300])
        again = None
        if row.attempts < MOST_ATTEMPTS:
            again = clock() + wait_after(row.attempts) * (0.75 + random() / 2)  # noqa: S311 - spread, no secret
        _note(row.id, error=str(error)[:1000] or type(error).__name__, next_attempt=again)
    else:
        _note(row.id, error="", next_attempt=None, sent=clock())
        return True
    return False


def _note(mail_id: int, **values: object) -> None:
    with transaction() as session:
        session.execute(
            update(OutgoingMail)
            .where(OutgoingMail.id == mail_id)
            .values(**values)
            .execution_options(synchronize_session=False)
        )
