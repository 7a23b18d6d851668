"""People, their roles in organizations, their sessions and API tokens, and the memory of failed sign-ins."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.base import Base, HasCreated, HasUuid, UTCDateTime, utcnow
from portal.models.organizations import Organization


class Role(StrEnum):
    """What a person is in an organization. Owners and managers manage its offerings; members book."""

    OWNER = "owner"
    MANAGER = "manager"
    MEMBER = "member"


class User(HasUuid, HasCreated, Base):
    """A person. `email` is in lower case. `session_key` changes when every session must end (a new password).

    `mail_off` are the kinds of mail that the person does not want (portal.domain.mail).
    """

    __tablename__ = "users"

    email: Mapped[str] = mapped_column(String(320), unique=True)
    full_name: Mapped[str] = mapped_column(Text, default="")
    password_hash: Mapped[str | None] = mapped_column(Text)
    is_staff: Mapped[bool] = mapped_column(Boolean, default=False)
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)
    session_key: Mapped[str] = mapped_column(String(64), unique=True)
    mail_off: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")

    memberships: Mapped[list[Membership]] = relationship(
        back_populates="user", cascade="all, delete-orphan", passive_deletes=True
    )
    tokens: Mapped[list[ApiToken]] = relationship(
        back_populates="user", cascade="all, delete-orphan", passive_deletes=True
    )


class BrowserSession(Base):
    """A browser that is signed in: a digest of what its cookie names, and the person's `session_key` of that moment.

    It ends with this row (signing out), and as soon as the person's key is another one. `confirmed` is when the
    password was entered last; `browser`, `network` and `last_seen` are for the person to recognize it by.
    """

    __tablename__ = "browser_sessions"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    session_key: Mapped[str] = mapped_column(String(64), index=True)
    created: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow, index=True)
    confirmed: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_seen: Mapped[datetime | None] = mapped_column(UTCDateTime)
    browser: Mapped[str] = mapped_column(String(60), default="", server_default="")
    network: Mapped[str] = mapped_column(String(64), default="", server_default="")


class Membership(HasCreated, Base):
    """One person's role in one organization."""

    __tablename__ = "memberships"
    __table_args__ = (UniqueConstraint("user_id", "organization_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(16))

    user: Mapped[User] = relationship(back_populates="memberships")
    organization: Mapped[Organization] = relationship()


class ApiToken(HasUuid, HasCreated, Base):
    """A named API token. Of its 40 hex digits only the SHA-256 is kept: they are random, a slow hash adds nothing."""

    __tablename__ = "api_tokens"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    expires: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_used: Mapped[datetime | None] = mapped_column(UTCDateTime)

    user: Mapped[User] = relationship(back_populates="tokens")


class AttemptBucket(Base):
    """How many passwords may still be tried where (portal.services.throttle): a bucket, full again at `full_at`.

    `key` is a digest of what it counts for, `full_at` in milliseconds since 1970. `attempts` and `latest` are for
    people. The names of the table and of two columns are those of an earlier way of counting.
    """

    __tablename__ = "sign_in_failures"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    attempts: Mapped[int] = mapped_column("failures", Integer, default=0)
    latest: Mapped[datetime] = mapped_column("last_failure", UTCDateTime, default=utcnow, index=True)
    full_at: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0", index=True)
