"""The prepared document of an offering: its published JSON as bytes, rewritten whenever something it shows changes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Float, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, UTCDateTime, utcnow


class OfferingDocument(Base):
    """Two bodies of one offering's JSON: `full` for those who manage it, `public` for everybody else.

    Each has an index of byte offsets (top-level keys, and spans that may be cut for a reader or by the clock);
    portal.documents knows the format. `first_end` is the earliest end among the schedules (seconds since the
    epoch): before it nothing has to be cut by the clock. `digest` is that of both bodies.
    """

    __tablename__ = "offering_documents"

    offering_id: Mapped[int] = mapped_column(ForeignKey("offerings.id", ondelete="CASCADE"), primary_key=True)
    full: Mapped[bytes] = mapped_column(LargeBinary)
    public: Mapped[bytes] = mapped_column(LargeBinary)
    full_index: Mapped[bytes] = mapped_column(LargeBinary)
    public_index: Mapped[bytes] = mapped_column(LargeBinary)
    first_end: Mapped[float | None] = mapped_column(Float(53))
    digest: Mapped[str] = mapped_column(String(32))
    written: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
