"""Data of the installation as a whole."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Integer, LargeBinary, false
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base


class Installation(Base):
    """The only row of its table. `salt` is random, for the derivation of keys (portal.secretbox).

    `old_secrets`: there may be secrets that a version before 0019 encrypted (until `secrets reseal`).
    """

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, default=1)
    salt: Mapped[bytes] = mapped_column(LargeBinary(32))
    old_secrets: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
