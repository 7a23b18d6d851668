"""Google Calendar: connections of organizations, the calendar of an offering, its events, busy times and runs."""

from __future__ import annotations

import uuid as uuidlib
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.base import Base, HasCreated, HasUuid, UTCDateTime, utcnow
from portal.models.catalogue import Offering
from portal.models.organizations import Organization


class GoogleConnection(HasUuid, HasCreated, Base):
    """An organization's consent at Google. Both tokens are encrypted at rest (portal.services.secrets).

    `broken` is empty while the connection works, else the reason why it must be made anew ("Reconnect needed").
    """

    __tablename__ = "google_connections"

    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), unique=True)
    account_email: Mapped[str] = mapped_column(Text, default="")
    account_sub: Mapped[str] = mapped_column(Text, default="")
    scopes: Mapped[list[str]] = mapped_column(JSON, default=list)
    refresh_token: Mapped[str] = mapped_column(Text)
    access_token: Mapped[str] = mapped_column(Text, default="")
    access_expires: Mapped[datetime | None] = mapped_column(UTCDateTime)
    broken: Mapped[str] = mapped_column(Text, default="")
    modified: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow, onupdate=utcnow)

    organization: Mapped[Organization] = relationship()


class ConsentRequest(HasCreated, Base):
    """A consent that was begun and not yet answered: single use, bound to a person, an organization and a session.

    Only a digest of the state is kept; the PKCE verifier is encrypted.
    """

    __tablename__ = "consent_requests"

    state_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    code_verifier: Mapped[str] = mapped_column(Text)


class GoogleCalendar(HasCreated, Base):
    """The calendar of one offering: what is wanted, what is, and who is working on it.

    `state` is a value of portal.domain.calendar_states and is written together with `public` and `want_public`.
    `wanted` rises with every act that somebody asked for; `done` is the version the worker has reached; they
    differ exactly while something is pending. `lease_*` names the worker that has the row now.
    """

    __tablename__ = "google_calendars"

    id: Mapped[int] = mapped_column(primary_key=True)
    offering_id: Mapped[int] = mapped_column(ForeignKey("offerings.id", ondelete="CASCADE"), unique=True)
    backend_id: Mapped[str | None] = mapped_column(Text)
    public: Mapped[bool] = mapped_column(Boolean, default=False)
    want_public: Mapped[bool] = mapped_column(Boolean, default=False)
    state: Mapped[str] = mapped_column(String(24))
    wanted: Mapped[int] = mapped_column(Integer, default=0)
    done: Mapped[int] = mapped_column(Integer, default=0)
    creating_since: Mapped[datetime | None] = mapped_column(UTCDateTime)
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt: Mapped[datetime | None] = mapped_column(UTCDateTime)
    error: Mapped[str] = mapped_column(Text, default="")
    last_synced: Mapped[datetime | None] = mapped_column(UTCDateTime)
    sync_token: Mapped[str | None] = mapped_column(Text)
    pushed_summary: Mapped[str] = mapped_column(Text, default="")
    modified: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow, onupdate=utcnow)

    offering: Mapped[Offering] = relationship(back_populates="calendar")
    events: Mapped[list[CalendarEvent]] = relationship(cascade="all, delete-orphan", passive_deletes=True)
    busy: Mapped[list[BusyPeriod]] = relationship(cascade="all, delete-orphan", passive_deletes=True)
    runs: Mapped[list[SyncRun]] = relationship(cascade="all, delete-orphan", passive_deletes=True)


class CalendarEvent(Base):
    """One of our own events at Google: which slot it shows, what was written last, and its etag."""

    __tablename__ = "calendar_events"
    __table_args__ = (UniqueConstraint("calendar_id", "event_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    calendar_id: Mapped[int] = mapped_column(ForeignKey("google_calendars.id", ondelete="CASCADE"))
    slot_uuid: Mapped[uuidlib.UUID] = mapped_column(Uuid, index=True)
    event_id: Mapped[str] = mapped_column(String(1024))
    etag: Mapped[str] = mapped_column(Text, default="")
    content_digest: Mapped[str] = mapped_column(String(64), default="")


class BusyPeriod(Base):
    """A period somebody blocked at Google, half-open [start, end), UTC."""

    __tablename__ = "busy_periods"
    __table_args__ = (
        UniqueConstraint("calendar_id", "event_id"),
        Index("ix_busy_periods_when", "offering_id", "start", "end"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    calendar_id: Mapped[int] = mapped_column(ForeignKey("google_calendars.id", ondelete="CASCADE"))
    offering_id: Mapped[int] = mapped_column(ForeignKey("offerings.id", ondelete="CASCADE"))
    event_id: Mapped[str] = mapped_column(String(1024))
    start: Mapped[datetime] = mapped_column(UTCDateTime)
    end: Mapped[datetime] = mapped_column(UTCDateTime)
    title: Mapped[str] = mapped_column(Text, default="")


class SyncRun(Base):
    """One run of the engine over one calendar: when, why, what it did, how it ended."""

    __tablename__ = "sync_runs"
    __table_args__ = (Index("ix_sync_runs_recent", "calendar_id", "started"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    calendar_id: Mapped[int] = mapped_column(ForeignKey("google_calendars.id", ondelete="CASCADE"))
    reason: Mapped[str] = mapped_column(String(32))
    started: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    ended: Mapped[datetime | None] = mapped_column(UTCDateTime)
    calls: Mapped[int] = mapped_column(Integer, default=0)
    added: Mapped[int] = mapped_column(Integer, default=0)
    changed: Mapped[int] = mapped_column(Integer, default=0)
    removed: Mapped[int] = mapped_column(Integer, default=0)
    busy_read: Mapped[int] = mapped_column(Integer, default=0)
    skipped: Mapped[list[Any]] = mapped_column(JSON, default=list)
    error: Mapped[str] = mapped_column(Text, default="")
