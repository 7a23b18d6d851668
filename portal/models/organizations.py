"""Organizations that provide offerings ("customers" in the API), their projects and groups, and categories."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, String, Table, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.base import Base, HasCreated, HasUuid

organization_group_members = Table(
    "organization_group_members",
    Base.metadata,
    Column("organization_id", ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True),
    Column("group_id", ForeignKey("organization_groups.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Organization(HasUuid, HasCreated, Base):
    """A facility, institute or company ("customer" in the API)."""

    __tablename__ = "organizations"

    name: Mapped[str] = mapped_column(Text, index=True)
    groups: Mapped[list[OrganizationGroup]] = relationship(
        secondary=organization_group_members, back_populates="organizations"
    )


class OrganizationGroup(HasUuid, Base):
    """A group of organizations, possibly inside another one. Offerings and plans can be restricted to groups.

    `customers_elsewhere` is the count from an import, which is the minimum of the published count.
    """

    __tablename__ = "organization_groups"

    name: Mapped[str] = mapped_column(Text)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("organization_groups.id", ondelete="SET NULL"), index=True)
    customers_elsewhere: Mapped[int] = mapped_column(Integer, default=0)

    parent: Mapped[OrganizationGroup | None] = relationship(remote_side="OrganizationGroup.id")
    organizations: Mapped[list[Organization]] = relationship(
        secondary=organization_group_members, back_populates="groups"
    )


class Project(HasUuid, HasCreated, Base):
    """A project inside an organization; an offering may belong to one."""

    __tablename__ = "projects"

    name: Mapped[str] = mapped_column(Text)
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)

    organization: Mapped[Organization | None] = relationship()


class Category(HasUuid, Base):
    """A category of offerings (Microscopy, Rooms, Computing …)."""

    __tablename__ = "categories"

    title: Mapped[str] = mapped_column(String(255), index=True)
