"""What belongs to this installation as a whole."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Integer, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base


class Installation(Base):
    """The one row that a database has, made with it. `salt` is random: keys are derived with it (portal.secretbox)."""

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, default=1)
    salt: Mapped[bytes] = mapped_column(LargeBinary(32))
