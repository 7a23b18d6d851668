"""Bookings: who reserved which periods of an offering, and everything that happened to them."""

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

# The name by which the database refuses two slots that overlap.
NO_OVERLAP = "slots_no_overlap"


class Booking(HasUuid, HasCreated, Base):
    """A request for one or more periods of an offering, and what became of it.

    `state` is a value of portal.domain.booking_states. `order_uuid` is the order the published API speaks of.
    `answers` are the booker's answers to the offering's order form. `sequence` rises with every change that a calendar
    must notice (RFC 5545, SEQUENCE). `as_booked` is what the booker was shown of the offering, plan and project
    (portal.domain.booking_details), for when they may not see them any more.
    """

    __tablename__ = "bookings"

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

    `reminded` is the start for which a reminder was written.

    Two slots of one offering that hold never overlap: the database refuses it (NO_OVERLAP: an exclusion constraint on
    PostgreSQL, triggers on SQLite; migration 0002). So they end in the order in which they start, and one index
    serves both ends.
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
    """One line of a booking's history: what happened, when, by whom (None: the portal itself), and why.

    `what` is "request" or a value of BookingAct. `detail` holds the former periods of a booking that was moved, as
    {"slots": [{"start", "end"}]}, in the API's form.
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
    """A request that a client may repeat without booking twice: whose, its key, a digest of it, what came of it."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (UniqueConstraint("user_id", "key"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(255))
    digest: Mapped[str] = mapped_column(String(64))
    booking_id: Mapped[int] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"), index=True)
