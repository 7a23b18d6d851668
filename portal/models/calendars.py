"""Google Calendar: connections of organizations, the calendar of an offering, its events, busy times and runs."""

from __future__ import annotations

import uuid as uuidlib
from datetime import datetime

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, LargeBinary, String, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.base import Base, HasCreated, HasUuid, UTCDateTime, utcnow
from portal.models.catalogue import Offering
from portal.models.organizations import Organization


class GoogleConnection(HasUuid, HasCreated, Base):
    """An organization's consent at Google. Both tokens are encrypted at rest (portal.secretbox).

    `broken` is empty while the connection works, else the reason why the owner has to connect again.
    `refreshing_until` is set by the worker that refreshes the access token; other workers wait for it.

    Calls are limited for each account, so all connections of an account have the same values: no run begins before
    `paused_until` (the account is rate limited), and regular reads are used up until `reads_until`.

    `disconnecting` is "keep" or "delete" (what happens to the calendars) from `disconnect_requested` until the worker
    has completed the disconnection; `disconnect_next_attempt` is when it may try (again).
    """

    __tablename__ = "google_connections"

    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), unique=True)
    account_email: Mapped[str] = mapped_column(Text, default="")
    account_sub: Mapped[str] = mapped_column(Text, default="", index=True)
    scopes: Mapped[list[str]] = mapped_column(JSON, default=list)
    refresh_token: Mapped[str] = mapped_column(Text)
    access_token: Mapped[str] = mapped_column(Text, default="")
    access_expires: Mapped[datetime | None] = mapped_column(UTCDateTime)
    refreshing_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    broken: Mapped[str] = mapped_column(Text, default="")
    paused_until: Mapped[datetime | None] = mapped_column("quiet_until", UTCDateTime)
    reads_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    disconnecting: Mapped[str] = mapped_column("ending", String(8), default="", server_default="")
    disconnect_requested: Mapped[datetime | None] = mapped_column("ending_since", UTCDateTime)
    disconnect_next_attempt: Mapped[datetime | None] = mapped_column("ending_at", UTCDateTime)
    modified: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow, onupdate=utcnow)

    organization: Mapped[Organization] = relationship()


class ConsentRequest(HasCreated, Base):
    """A consent that was begun and not finished: single use, bound to a user, an organization and a session.

    Only a digest of the state is stored; the PKCE verifier is encrypted.
    """

    __tablename__ = "consent_requests"

    state_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    code_verifier: Mapped[str] = mapped_column(Text)


class GoogleCalendar(HasCreated, Base):
    """The calendar of one offering: its desired and its actual state, and the worker that is syncing it.

    `state` is a value of portal.calendar_sync.states and is written together with `public` and `want_public`.
    `wanted` is the number of the latest action that a user requested, `done` the one that the worker has finished;
    they differ while an action is pending. `changes` and `changes_done` count changes of the offering (its bookings,
    its name) in the same way; those leave the state alone.

    `lease_*` is the worker that has the row now. `next_attempt` is when failed work may be tried again, `next_read`
    when busy times are read again (None: it has never been synced, so it is left alone). `action_failed`
    keeps the error of an action that cannot succeed until a user requests the next one. `time_zone` is the calendar's
    own, as last read. `sharing_unsure`: the sharing rule was being changed, with unknown outcome. `sync_token` None
    means that the next read is a full one; `last_full` was the latest of these.
    """

    __tablename__ = "google_calendars"

    id: Mapped[int] = mapped_column(primary_key=True)
    offering_id: Mapped[int] = mapped_column(ForeignKey("offerings.id", ondelete="CASCADE"), unique=True)
    backend_id: Mapped[str | None] = mapped_column(Text)
    public: Mapped[bool] = mapped_column(Boolean, default=False)
    want_public: Mapped[bool] = mapped_column(Boolean, default=False)
    sharing_unsure: Mapped[bool] = mapped_column(Boolean, default=False)
    state: Mapped[str] = mapped_column(String(24))
    wanted: Mapped[int] = mapped_column(Integer, default=0)
    done: Mapped[int] = mapped_column(Integer, default=0)
    changes: Mapped[int] = mapped_column(Integer, default=0)
    changes_done: Mapped[int] = mapped_column(Integer, default=0)
    creating_since: Mapped[datetime | None] = mapped_column(UTCDateTime)
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt: Mapped[datetime | None] = mapped_column(UTCDateTime)
    error: Mapped[str] = mapped_column(Text, default="")
    action_failed: Mapped[bool] = mapped_column("act_failed", Boolean, default=False)
    last_synced: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_full: Mapped[datetime | None] = mapped_column(UTCDateTime)
    next_read: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)
    sync_token: Mapped[str | None] = mapped_column(Text)
    time_zone: Mapped[str] = mapped_column(Text, default="")
    pushed_summary: Mapped[str] = mapped_column(Text, default="")
    modified: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow, onupdate=utcnow)

    offering: Mapped[Offering] = relationship(back_populates="calendar")
    events: Mapped[list[CalendarEvent]] = relationship(cascade="all, delete-orphan", passive_deletes=True)
    busy: Mapped[list[BusyPeriod]] = relationship(cascade="all, delete-orphan", passive_deletes=True)
    runs: Mapped[list[SyncRun]] = relationship(cascade="all, delete-orphan", passive_deletes=True)


class CalendarEvent(Base):
    """One of the portal's own events as last known: its slot, a digest of its content, its etag.

    `generation` is part of the event's id: if Google does not accept an id any more, the next generation is used.
    `problem` says why Google rejected the content with this digest; it is not sent again until it changes.
    """

    __tablename__ = "calendar_events"
    __table_args__ = (UniqueConstraint("calendar_id", "event_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    calendar_id: Mapped[int] = mapped_column(ForeignKey("google_calendars.id", ondelete="CASCADE"))
    slot_uuid: Mapped[uuidlib.UUID] = mapped_column(Uuid, index=True)
    event_id: Mapped[str] = mapped_column(String(1024))
    etag: Mapped[str] = mapped_column(Text, default="")
    content_digest: Mapped[str] = mapped_column(String(64), default="")
    generation: Mapped[int] = mapped_column(Integer, default=0)
    problem: Mapped[str] = mapped_column(Text, default="")


class BusyPeriod(Base):
    """A busy time from Google, half-open [start, end), UTC."""

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


class CalendarChannel(Base):
    """A channel for notifications that a calendar's events have changed; Google sets `expires`.

    Only a digest of its token is stored. `resource_id`, needed to stop the channel, is empty until Google has opened
    it.
    """

    __tablename__ = "calendar_channels"

    id: Mapped[int] = mapped_column(primary_key=True)
    calendar_id: Mapped[int] = mapped_column(ForeignKey("google_calendars.id", ondelete="CASCADE"), index=True)
    channel_id: Mapped[str] = mapped_column(String(64), unique=True)
    token_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    resource_id: Mapped[str] = mapped_column(Text, default="")
    expires: Mapped[datetime] = mapped_column(UTCDateTime)


class SyncRun(Base):
    """One run of the engine over one calendar: when, why, what it did, how it ended.

    `planned` is the number of writes the run set out to do; `ended` is None while it is running. `skipped` are
    sentences, one for each booking or event that was skipped. `notes` are sentences about other findings.
    """

    __tablename__ = "sync_runs"
    __table_args__ = (Index("ix_sync_runs_recent", "calendar_id", "started"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    calendar_id: Mapped[int] = mapped_column(ForeignKey("google_calendars.id", ondelete="CASCADE"))
    reason: Mapped[str] = mapped_column(String(32))
    started: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    ended: Mapped[datetime | None] = mapped_column(UTCDateTime)
    calls: Mapped[int] = mapped_column(Integer, default=0)
    planned: Mapped[int] = mapped_column(Integer, default=0)
    added: Mapped[int] = mapped_column(Integer, default=0)
    changed: Mapped[int] = mapped_column(Integer, default=0)
    removed: Mapped[int] = mapped_column(Integer, default=0)
    busy_read: Mapped[int] = mapped_column(Integer, default=0)
    skipped: Mapped[list[str]] = mapped_column(JSON, default=list)
    notes: Mapped[list[str]] = mapped_column(JSON, default=list)
    error: Mapped[str] = mapped_column(Text, default="")


class WorkerHeartbeat(Base):
    """A worker process and when it was last seen alive (once a minute)."""

    __tablename__ = "worker_heartbeats"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    started: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    seen: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
