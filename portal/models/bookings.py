"""Bookings of periods of offerings, and their history."""

from __future__ import annotations

import uuid as uuidlib
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, CheckConstraint, ForeignKey, Index, Integer, String, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.accounts import User
from portal.models.base import Base, HasCreated, HasUuid, UTCDateTime, utcnow
from portal.models.catalogue import Offering
from portal.models.organizations import Project
from portal.models.plans import Plan

# The constraint of the database against overlapping slots.
NO_OVERLAP = "slots_no_overlap"


class Booking(HasUuid, HasCreated, Base):
    """A booking of one or more periods of an offering.

    `state` is a value of portal.domain.booking_states. `order_uuid` is that of the order in Waldur's API. `answers` are
    those to the order form. `sequence` increases with every change for calendars (RFC 5545, SEQUENCE). `as_booked` are
    the names as the booker saw them (portal.domain.booking_details), for when they may no longer see the offering.
    Triggers write `sort_key` (500 characters of the name in lower case) and `first_start` (of the slots), by which
    lists are ordered.
    """

    __tablename__ = "bookings"
    __table_args__ = (
        # An index for each order of the lists, with what most of them are filtered by (migration 0023).
        Index("ix_bookings_by_name", "sort_key", "id", "state", "created", "offering_id"),
        Index("ix_bookings_by_start", "first_start", "id", "state", "created", "offering_id"),
        Index("ix_bookings_by_created", "created", "id", "state", "offering_id"),
    )

    order_uuid: Mapped[uuidlib.UUID] = mapped_column(Uuid, unique=True, default=uuidlib.uuid4)
    offering_id: Mapped[int] = mapped_column(ForeignKey("offerings.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plans.id", ondelete="SET NULL"), index=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="SET NULL"), index=True)
    name: Mapped[str] = mapped_column(Text, default="")
    note: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(16), index=True)
    answers: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    as_booked: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    sequence: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    modified: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow, onupdate=utcnow)
    sort_key: Mapped[str | None] = mapped_column(Text, deferred=True)
    first_start: Mapped[datetime | None] = mapped_column(UTCDateTime, deferred=True)

    offering: Mapped[Offering] = relationship()
    user: Mapped[User | None] = relationship()
    plan: Mapped[Plan | None] = relationship()
    project: Mapped[Project | None] = relationship()
    slots: Mapped[list[Slot]] = relationship(
        back_populates="booking", cascade="all, delete-orphan", passive_deletes=True, order_by="Slot.start"
    )
    changes: Mapped[list[BookingChange]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="BookingChange.id"
    )


class Slot(HasUuid, Base):
    """One booked period, half-open [start, end), UTC. `holds` while its booking is requested or confirmed.

    `reminded` is the start for which a reminder was sent.

    The database prevents overlaps of slots of an offering that hold (NO_OVERLAP: an exclusion constraint on PostgreSQL,
    triggers on SQLite; migration 0002). So they end in the order in which they start, and one index serves both.
    """

    __tablename__ = "slots"
    __table_args__ = (
        CheckConstraint('"end" > start', name="ends_after_start"),
        Index("ix_slots_held", "offering_id", "holds", "end", "start"),
    )

    booking_id: Mapped[int] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"), index=True)
    offering_id: Mapped[int] = mapped_column(ForeignKey("offerings.id", ondelete="CASCADE"))
    start: Mapped[datetime] = mapped_column(UTCDateTime)
    end: Mapped[datetime] = mapped_column(UTCDateTime)
    reminded: Mapped[datetime | None] = mapped_column(UTCDateTime)
    holds: Mapped[bool] = mapped_column(Boolean, default=True)

    booking: Mapped[Booking] = relationship(back_populates="slots")


class BookingChange(Base):
    """One entry of a booking's history. `user_id` None means the portal itself.

    `what` is "request" or a value of BookingAction. `detail` has the former periods of a moved booking, as
    {"slots": [{"start", "end"}]}, in the format of the API.
    """

    __tablename__ = "booking_changes"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    what: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str] = mapped_column(Text, default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default="{}")

    user: Mapped[User | None] = relationship()


class StoredIdempotencyKey(HasCreated, Base):
    """An idempotency key of a user, with a digest of the request and the booking that it created."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (UniqueConstraint("user_id", "key"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(255))
    digest: Mapped[str] = mapped_column(String(64))
    booking_id: Mapped[int] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"), index=True)
