"""Summaries of messages: what one person causes too often within an hour reaches each recipient as one message.

The first messages about bookings that one person causes to one recipient (MAX_MAILS_PER_HOUR) are sent one by one. The
following ones are listed in a summary, which is sent an hour after the first of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from portal.domain.mail import GROUP_OF, MOST_LISTED, SUMMARY_OF, Kind
from portal.extensions import settings
from portal.models import OutgoingMail, User

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Cause:
    """The person by whose action messages are written.

    `sent` is, for each recipient (id), how many separate messages were written within an hour, and the first when.
    """

    user_id: int
    name: str
    sent: Mapping[int | None, tuple[int, datetime]]

    def due(self, recipient_id: int) -> datetime | None:
        """When a summary for this recipient is sent; None: the next message is sent by itself."""
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
    """A person as the cause of messages; None where there is no limit. One statement."""
    if not settings().max_mails_per_hour:
        return None
    rows = session.execute(_SENT_TO_EACH, {"cause_id": user.id, "since": now - HOUR})
    return Cause(user.id, user.full_name or user.email, {row[0]: (row[1], row[2]) for row in rows})


def add_to_summary(
    session: Session, kind: Kind, user: User, data: Mapping[str, Any], cause: Cause, now: datetime, due: datetime
) -> None:
    """Add a message to the summary that waits for this person, or begin one."""
    # Two requests of one person at once would both begin one. The person's row is locked before any summary.
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
        "messages": [*listed, entry] if len(listed) < MOST_LISTED else listed,
    }
