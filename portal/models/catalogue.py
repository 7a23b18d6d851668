"""Offerings and their parts: endpoints, roles, pictures, files, quotas, scope, compliance."""

from __future__ import annotations

import uuid as uuidlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.base import Base, HasCreated, HasUuid, OrderedText, UTCDateTime, utcnow
from portal.models.organizations import Category, Organization, OrganizationGroup, Project

if TYPE_CHECKING:
    from portal.models.calendars import GoogleCalendar
    from portal.models.compute import OfferingSoftwareCatalog, Partition
    from portal.models.plans import Component, Plan


offering_organization_groups = Table(
    "offering_organization_groups",
    Base.metadata,
    Column("offering_id", ForeignKey("offerings.id", ondelete="CASCADE"), primary_key=True),
    Column("group_id", ForeignKey("organization_groups.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("position", Integer, nullable=False, default=0),
)


# The portal's own pictures and files in an offering's document (written by portal.documents.store).
media_uses = Table(
    "media_uses",
    Base.metadata,
    Column("offering_id", ForeignKey("offerings.id", ondelete="CASCADE"), primary_key=True),
    Column("media_uuid", Uuid, primary_key=True, index=True),
)


def _parts(model: str) -> Any:
    """The relationship of an offering to its parts of this model, in order. They are deleted with the offering."""
    return relationship(cascade="all, delete-orphan", passive_deletes=True, order_by=f"{model}.position")


class ComplianceChecklist(Base):
    """A checklist that an offering requires, known by its address only."""

    __tablename__ = "compliance_checklists"

    id: Mapped[int] = mapped_column(primary_key=True)
    link: Mapped[str] = mapped_column(Text, unique=True)


class Offering(HasUuid, HasCreated, Base):
    """Something that can be booked.

    Lists are ordered by `sort_key`, the case-folded name, then by uuid. Links (`image`, `thumbnail` …) are stored as
    given, or as `/api/…` if they point to this portal. The parent is linked by `parent_id` if it is in the database;
    until then its uuid, name and description are stored.
    """

    __tablename__ = "offerings"
    __table_args__ = (
        # Covers the catalogue's order and facets, so that the rows with their long texts are not read.
        Index(
            "ix_offerings_shelf",
            *("sort_key", "uuid", "state", "shared", "organization_id", "category_id", "country", "created"),
        ),
    )

    name: Mapped[str] = mapped_column(Text)
    sort_key: Mapped[str] = mapped_column(OrderedText)
    slug: Mapped[str] = mapped_column(Text, default="")
    description: Mapped[str] = mapped_column(Text, default="")
    full_description: Mapped[str] = mapped_column(Text, default="")
    privacy_policy_link: Mapped[str] = mapped_column(Text, default="")
    access_url: Mapped[str] = mapped_column(Text, default="")
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    resource_options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    plugin_options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    backend_metadata: Mapped[Any] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(String(16), default="Draft")
    vendor_details: Mapped[str] = mapped_column(Text, default="")
    getting_started: Mapped[str] = mapped_column(Text, default="")
    integration_guide: Mapped[str] = mapped_column(Text, default="")
    thumbnail: Mapped[str | None] = mapped_column(Text)
    image: Mapped[str | None] = mapped_column(Text)
    type: Mapped[str] = mapped_column(Text, default="Marketplace.Booking", index=True)
    shared: Mapped[bool] = mapped_column(Boolean, default=False)
    billable: Mapped[bool] = mapped_column(Boolean, default=True)
    paused_reason: Mapped[str] = mapped_column(Text, default="")
    datacite_doi: Mapped[str] = mapped_column(Text, default="")
    citation_count: Mapped[int] = mapped_column(Integer, default=-1)
    latitude: Mapped[float | None] = mapped_column(Float(53))
    longitude: Mapped[float | None] = mapped_column(Float(53))
    country: Mapped[str] = mapped_column(String(2), default="", index=True)
    backend_id: Mapped[str] = mapped_column(Text, default="")
    # Keys of an imported record that the API does not have: exported again, not answered.
    unknown_fields: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)
    # Orders placed elsewhere before an import; orders placed here are counted on top.
    orders_elsewhere: Mapped[int] = mapped_column(Integer, default=0)
    total_customers: Mapped[int | None] = mapped_column(BigInteger)
    total_cost: Mapped[int | None] = mapped_column(BigInteger)
    total_cost_estimated: Mapped[int | None] = mapped_column(BigInteger)
    has_compliance_requirements: Mapped[bool] = mapped_column(Boolean, default=False)
    user_has_consent: Mapped[bool] = mapped_column(Boolean, default=False)
    parent_uuid: Mapped[uuidlib.UUID | None] = mapped_column(Uuid, index=True)
    parent_name: Mapped[str | None] = mapped_column(Text)
    parent_description: Mapped[str | None] = mapped_column(Text)
    modified: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow, onupdate=utcnow)

    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="SET NULL"), index=True)
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id", ondelete="RESTRICT"), index=True)
    checklist_id: Mapped[int | None] = mapped_column(
        ForeignKey("compliance_checklists.id", ondelete="SET NULL"), index=True
    )
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("offerings.id", ondelete="SET NULL"), index=True)

    organization: Mapped[Organization | None] = relationship()
    project: Mapped[Project | None] = relationship()
    category: Mapped[Category] = relationship()
    checklist: Mapped[ComplianceChecklist | None] = relationship()
    parent: Mapped[Offering | None] = relationship(remote_side="Offering.id")
    organization_groups: Mapped[list[OrganizationGroup]] = relationship(
        secondary=offering_organization_groups, order_by=offering_organization_groups.c.position
    )
    endpoints: Mapped[list[Endpoint]] = _parts("Endpoint")
    roles: Mapped[list[OfferingRole]] = _parts("OfferingRole")
    screenshots: Mapped[list[Screenshot]] = _parts("Screenshot")
    files: Mapped[list[OfferingFile]] = _parts("OfferingFile")
    quotas: Mapped[list[Quota]] = _parts("Quota")
    scope: Mapped[Scope | None] = relationship(cascade="all, delete-orphan", passive_deletes=True, uselist=False)
    software_catalogs: Mapped[list[OfferingSoftwareCatalog]] = _parts("OfferingSoftwareCatalog")
    partitions: Mapped[list[Partition]] = _parts("Partition")
    components: Mapped[list[Component]] = _parts("Component")
    plans: Mapped[list[Plan]] = _parts("Plan")
    calendar: Mapped[GoogleCalendar | None] = relationship(
        back_populates="offering", cascade="all, delete-orphan", passive_deletes=True, uselist=False
    )


class _OfPart:
    """A part of one offering. `position` is its order."""

    id: Mapped[int] = mapped_column(primary_key=True)
    offering_id: Mapped[int] = mapped_column(ForeignKey("offerings.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(Integer, default=0)


class Endpoint(_OfPart, Base):
    """An address at which the resource is accessed."""

    __tablename__ = "offering_endpoints"

    uuid: Mapped[uuidlib.UUID] = mapped_column(Uuid, unique=True, default=uuidlib.uuid4)
    name: Mapped[str] = mapped_column(Text, default="")
    url: Mapped[str] = mapped_column(Text, default="")


class OfferingRole(_OfPart, Base):
    """A role a user of the offering can have (Trained operator …)."""

    __tablename__ = "offering_roles"

    uuid: Mapped[uuidlib.UUID] = mapped_column(Uuid, unique=True, default=uuidlib.uuid4)
    name: Mapped[str] = mapped_column(Text, default="")


class Screenshot(_OfPart, HasCreated, Base):
    """A picture of the offering."""

    __tablename__ = "screenshots"

    uuid: Mapped[uuidlib.UUID] = mapped_column(Uuid, unique=True, default=uuidlib.uuid4)
    name: Mapped[str] = mapped_column(Text, default="")
    description: Mapped[str] = mapped_column(Text, default="")
    image: Mapped[str] = mapped_column(Text, default="")
    thumbnail: Mapped[str | None] = mapped_column(Text)


class OfferingFile(_OfPart, HasCreated, Base):
    """A document about the offering. Files have no uuid in the API."""

    __tablename__ = "offering_files"

    name: Mapped[str] = mapped_column(Text, default="")
    file: Mapped[str] = mapped_column(Text, default="")


class Quota(_OfPart, Base):
    """A quota of the offering's scope. `limit` -1 means unlimited."""

    __tablename__ = "offering_quotas"

    name: Mapped[str] = mapped_column(Text, default="")
    usage: Mapped[int] = mapped_column(BigInteger, default=0)
    limit: Mapped[int] = mapped_column(BigInteger, default=-1)


class Scope(Base):
    """The backend object of the offering: its address, state and last error."""

    __tablename__ = "offering_scopes"

    offering_id: Mapped[int] = mapped_column(ForeignKey("offerings.id", ondelete="CASCADE"), primary_key=True)
    link: Mapped[str | None] = mapped_column(Text)
    uuid: Mapped[uuidlib.UUID | None] = mapped_column(Uuid)
    name: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)


class Media(HasUuid, HasCreated, Base):
    """A picture or file in the instance folder, served as `/api/media/<uuid>/`.

    Users who may see an offering that uses it may read it (`media_uses`); everybody, if no offering uses it.
    """

    __tablename__ = "media"

    name: Mapped[str] = mapped_column(Text, default="")
    content_type: Mapped[str] = mapped_column(String(127))
    size: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(String(64))
