"""Outgoing mail, and links that confirm addresses."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, HasCreated, HasUuid, UTCDateTime, utcnow


class OutgoingMail(HasUuid, HasCreated, Base):
    """A message to one address, written in the transaction that causes it. The worker sends it at least once.

    `kind` is the template, `data` its values at that time. `next_attempt` None: sent, or given up with `error`.
    `cause_id` is the user whose action caused it, for the hourly limit (portal.services.summaries). `sealed_secret` is
    the secret of the message's link, encrypted (portal.secretbox), until the message has been sent or given up.
    """

    __tablename__ = "outgoing_mails"
    __table_args__ = (
        Index("ix_outgoing_mails_due", "next_attempt"),
        Index("ix_outgoing_mails_caused", "cause_id", "created"),
    )

    kind: Mapped[str] = mapped_column(String(32))
    recipient: Mapped[str] = mapped_column(String(320))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    cause_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    sealed_secret: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt: Mapped[datetime | None] = mapped_column(UTCDateTime, default=utcnow)
    sent: Mapped[datetime | None] = mapped_column(UTCDateTime)
    error: Mapped[str] = mapped_column(Text, default="")


class AccountLink(HasCreated, Base):
    """A hashed, single-use link that was mailed to confirm an address.

    `purpose` is register, password, invite or email; `network` is that of the request. `user_id` is the user if the
    address is not theirs yet.
    """

    __tablename__ = "account_links"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    purpose: Mapped[str] = mapped_column(String(16))
    email: Mapped[str] = mapped_column(String(320), index=True)
    network: Mapped[str] = mapped_column(String(64), default="", index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    expires: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
