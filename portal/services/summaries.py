"""Summaries: limits how many separate messages one user causes for one recipient within an hour.

The first messages about bookings (MAX_MAILS_PER_HOUR) are sent one by one. The following ones are listed in a summary,
which is sent an hour after the first message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from portal.domain.mail import GROUP_OF, MAX_LISTED, SUMMARY_OF, MailKind
from portal.extensions import settings
from portal.models import OutgoingMail, User

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Cause:
    """The user whose action causes messages.

    `sent`: recipient's id → number of separate messages within the last hour, and the time of the first one.
    """

    user_id: int
    name: str
    sent: Mapping[int | None, tuple[int, datetime]]

    def due(self, recipient_id: int) -> datetime | None:
        """When the summary for this recipient is sent; None: the next message is sent separately."""
        number, first = self.sent.get(recipient_id, (0, None))
        return first + HOUR if first is not None and number >= settings().max_mails_per_hour else None


_SENT_TO_EACH = (
    select(OutgoingMail.user_id, func.count(), func.min(OutgoingMail.created))
    .where(
        OutgoingMail.cause_id == bindparam("cause_id"),
        OutgoingMail.created > bindparam("since"),
        OutgoingMail.kind.not_in([it.value for it in SUMMARY_OF.values()]),
    )
    .group_by(OutgoingMail.user_id)
)


def cause_of(session: Session, user: User, now: datetime) -> Cause | None:
    """A user as the cause of messages; None if there is no limit. One statement."""
    if not settings().max_mails_per_hour:
        return None
    rows = session.execute(_SENT_TO_EACH, {"cause_id": user.id, "since": now - HOUR})
    return Cause(user.id, user.full_name or user.email, {row[0]: (row[1], row[2]) for row in rows})


def add_to_summary(
    session: Session, kind: MailKind, user: User, data: Mapping[str, Any], cause: Cause, now: datetime, due: datetime
) -> None:
    """Add a message to the recipient's unsent summary, or start one."""
    # Two concurrent requests of one user would both start one. The user's row is always locked before a summary.
    session.execute(select(User.id).where(User.id == cause.user_id).with_for_update(key_share=True))
    summary = SUMMARY_OF[GROUP_OF[kind]]
    waiting = session.execute(
        select(OutgoingMail)
        .where(
            OutgoingMail.cause_id == cause.user_id,
            OutgoingMail.user_id == user.id,
            OutgoingMail.kind == summary.value,
            OutgoingMail.attempts == 0,
            OutgoingMail.next_attempt > now,
        )
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    entry = {"kind": kind.value, **{key: data[key] for key in ("offering", "offering_uuid", "zone", "slots")}}
    if waiting is None:
        session.add(
            OutgoingMail(
                kind=summary.value,
                recipient=user.email,
                user_id=user.id,
                cause_id=cause.user_id,
                data={"who": cause.name, "own": cause.user_id == user.id, "number": 1, "messages": [entry]},
                created=now,
                next_attempt=max(due, now),
            )
        )
        return
    listed = waiting.data["messages"]
    waiting.data = {
        **waiting.data,
        "number": waiting.data["number"] + 1,
        "messages": [*listed, entry] if len(listed) < MAX_LISTED else listed,
    }
