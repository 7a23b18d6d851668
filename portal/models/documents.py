"""Stored documents of offerings, booking counters, and the log of catalogue changes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Float, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, UTCDateTime, utcnow

# What the previous version reads as a document without any key: 65 equal offsets, no schedules, no plans.
_EMPTY_INDEX = (1).to_bytes(4, "little") * 66 + bytes(8)


class OfferingDocument(Base):
    """The published JSON of an offering with all that its managers may read, without counters (portal.documents).

    `document` is null if the previous version wrote the row; it is then built when it is read. `first_end` is the
    earliest end among the schedules (seconds since the epoch). `restricted`: not everybody who sees the offering may
    see all of it (restricted plans, parent, project). `inherited` are the plugin_options of a linked parent. `digest`
    is that of all of them.
    `search_name` and `search_text` are the words of the name, and of everything that is searched
    (portal.domain.search_words: databases fold case differently). Triggers copy them into the database's full-text
    index (migration 0006). `schedule_hash` is the schedule hash (portal.domain.schedule_hash).
    """

    __tablename__ = "offering_documents"

    offering_id: Mapped[int] = mapped_column(ForeignKey("offerings.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(32))
    written: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    first_end: Mapped[float | None] = mapped_column(Float(53))
    restricted: Mapped[bool] = mapped_column(Boolean, default=False)
    inherited: Mapped[bytes | None] = mapped_column(LargeBinary)
    search_name: Mapped[str] = mapped_column(Text, default="", server_default="")
    search_text: Mapped[str] = mapped_column(Text, default="")
    # For the previous version, which may still run at the same time. The next version drops these columns.
    full_index: Mapped[bytes] = mapped_column(LargeBinary, default=_EMPTY_INDEX)
    public_index: Mapped[bytes] = mapped_column(LargeBinary, default=_EMPTY_INDEX)
    public: Mapped[bytes] = mapped_column(LargeBinary, default=b"{}")
    full: Mapped[bytes] = mapped_column(LargeBinary, default=b"{}")
    # Indexed.
    schedule_hash: Mapped[int] = mapped_column("clock", BigInteger, key="schedule_hash", default=0, server_default="0")
    document: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = (Index("ix_offering_documents_clock", "offering_id", "schedule_hash"),)


class OfferingCounter(Base):
    """The number of bookings of an offering, maintained by triggers on `bookings` (migration 0020).

    `version` increases with each change of this counter or those of the offering's plans, at `changed`.
    """

    __tablename__ = "offering_counters"

    offering_id: Mapped[int] = mapped_column(ForeignKey("offerings.id", ondelete="CASCADE"), primary_key=True)
    bookings: Mapped[int] = mapped_column(BigInteger, default=0)
    version: Mapped[int] = mapped_column(BigInteger, default=0)
    changed: Mapped[datetime] = mapped_column(UTCDateTime)


class PlanCounter(Base):
    """The number of bookings of a plan, and of active ones (`holding`), maintained in the same way."""

    __tablename__ = "plan_counters"

    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id", ondelete="CASCADE"), primary_key=True)
    bookings: Mapped[int] = mapped_column(BigInteger, default=0)
    holding: Mapped[int] = mapped_column(BigInteger, default=0)


class CatalogueChange(Base):
    """A change of what is shown of an offering, or (without offering) of roles or groups.

    Written by triggers in the transaction of the change and read by portal.queries.catalogue_index; the worker deletes
    old rows. `transaction_id` is set on PostgreSQL, where ids are not in the order of commits.
    """

    __tablename__ = "catalogue_changes"
    __table_args__ = (Index("ix_catalogue_changes_transaction_id", "transaction_id"),)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    offering_id: Mapped[int | None] = mapped_column(Integer)
    transaction_id: Mapped[int | None] = mapped_column(BigInteger)
