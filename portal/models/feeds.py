"""Calendar feeds with a secret address, of a user or an organization."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Integer, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, HasCreated


class CalendarFeed(HasCreated, Base):
    """The hashed secret of a feed of either a user or an organization.

    An organization's feed works only while `maker_id`, its creator, manages the organization.
    """

    __tablename__ = "calendar_feeds"
    __table_args__ = (CheckConstraint("(user_id IS NULL) <> (organization_id IS NULL)", name="of_one"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    maker_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), unique=True)
