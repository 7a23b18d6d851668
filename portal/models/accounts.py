"""Users, their roles in organizations, their sessions and API tokens, and counters of failed sign-ins."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.base import Base, HasCreated, HasUuid, UTCDateTime, utcnow
from portal.models.organizations import Organization


class Role(StrEnum):
    """A role in an organization. Owners and managers manage its offerings; members book."""

    OWNER = "owner"
    MANAGER = "manager"
    MEMBER = "member"


class User(HasUuid, HasCreated, Base):
    """A user. `email` is in lower case. A new `session_key` ends all sessions (after a change of the password).

    `mail_off` are the groups of mail that the user has switched off (portal.domain.mail). `language` is the language of
    their pages and mail; "" means that of their browser.
    """

    __tablename__ = "users"

    email: Mapped[str] = mapped_column(String(320), unique=True)
    full_name: Mapped[str] = mapped_column(Text, default="")
    password_hash: Mapped[str | None] = mapped_column(Text)
    is_staff: Mapped[bool] = mapped_column(Boolean, default=False)
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)
    session_key: Mapped[str] = mapped_column(String(64), unique=True)
    mail_off: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    language: Mapped[str] = mapped_column(String(16), default="", server_default="")

    memberships: Mapped[list[Membership]] = relationship(
        back_populates="user", cascade="all, delete-orphan", passive_deletes=True
    )
    tokens: Mapped[list[ApiToken]] = relationship(
        back_populates="user", cascade="all, delete-orphan", passive_deletes=True
    )


class BrowserSession(Base):
    """A signed-in browser: a digest of its cookie's secret, and the user's `session_key` at sign-in.

    The session ends when the row is deleted or the user's key changes. `confirmed` is when the password was last
    entered; `browser`, `network` and `last_seen` help the user to recognize it.
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
    """A user's role in an organization."""

    __tablename__ = "memberships"
    __table_args__ = (UniqueConstraint("user_id", "organization_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(16))

    user: Mapped[User] = relationship(back_populates="memberships")
    organization: Mapped[Organization] = relationship()


class ApiToken(HasUuid, HasCreated, Base):
    """A named API token. Only its SHA-256 is stored; a random key needs no slow hash."""

    __tablename__ = "api_tokens"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    expires: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_used: Mapped[datetime | None] = mapped_column(UTCDateTime)

    user: Mapped[User] = relationship(back_populates="tokens")


class AttemptBucket(Base):
    """A token bucket that limits password attempts (portal.services.throttle). It is full again at `full_at`.

    `key` is a digest of what is counted; `full_at` is in milliseconds since 1970. `attempts` and `latest` are only for
    people. The table and two columns have the names of an earlier version.
    """

    __tablename__ = "sign_in_failures"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    attempts: Mapped[int] = mapped_column("failures", Integer, default=0)
    latest: Mapped[datetime] = mapped_column("last_failure", UTCDateTime, default=utcnow, index=True)
    full_at: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0", index=True)
