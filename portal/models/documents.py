"""The prepared document of an offering: its published JSON as bytes, rewritten whenever something it shows changes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Float, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, UTCDateTime, utcnow


class OfferingDocument(Base):
    """Two bodies of one offering's JSON: `full` for those who manage it, `public` for everybody else.

    Each has an index of byte spans (top-level keys, and what may be cut for a reader or by the clock);
    portal.documents.layout knows the format. `first_end` is the earliest end among the schedules (seconds since
    the epoch): before it nothing has to be cut by the clock. `restricted` says that something in it is not for
    everybody who sees the offering: a plan restricted to organization groups, a parent, a project. `inherited` are the
    plugin_options of a linked parent. `digest` is that of all of them.
    `search_name` and `search_text` are the words of the name, and of all that a search looks through
    (portal.domain.words: databases do not agree on folding); the database's full-text index follows them by triggers
    (migration 0006). `clock` is a number for when it can be booked (portal.domain.clocks).
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
    full_index: Mapped[bytes] = mapped_column(LargeBinary)
    public_index: Mapped[bytes] = mapped_column(LargeBinary)
    # Last: SQLite reads a row from the left, and what asks for a digest should not walk through the bodies.
    public: Mapped[bytes] = mapped_column(LargeBinary)
    full: Mapped[bytes] = mapped_column(LargeBinary)
    # Read from an index of its own.
    clock: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")

    __table_args__ = (Index("ix_offering_documents_clock", "offering_id", "clock"),)


class CatalogueChange(Base):
    """Something changed of what readers are shown of an offering, or (no offering) in who may see what.

    Written by triggers alone, in the transaction of the change, and read by portal.queries.catalogue_index. The worker
    deletes old rows. `transaction_id` is PostgreSQL's: ids there are given before the commit, in another order.
    """

    __tablename__ = "catalogue_changes"
    __table_args__ = (Index("ix_catalogue_changes_transaction_id", "transaction_id"),)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    offering_id: Mapped[int | None] = mapped_column(Integer)
    transaction_id: Mapped[int | None] = mapped_column(BigInteger)
