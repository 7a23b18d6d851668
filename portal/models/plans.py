"""Components that an offering charges for, and plans."""

from __future__ import annotations

import uuid as uuidlib
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.base import Base, HasUuid, Money
from portal.models.organizations import OrganizationGroup

plan_organization_groups = Table(
    "plan_organization_groups",
    Base.metadata,
    Column("plan_id", ForeignKey("plans.id", ondelete="CASCADE"), primary_key=True),
    Column("group_id", ForeignKey("organization_groups.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("position", Integer, nullable=False, default=0),
)


class HasSharedUuid(HasUuid):
    """A part that a parent offering and its children may have in common, with the same public identifier.

    Only one of them has it as its `uuid`. The others have it as `shared_uuid`, and a `uuid` of their own.
    """

    shared_uuid: Mapped[uuidlib.UUID | None] = mapped_column(Uuid, index=True)

    @hybrid_property
    def published_uuid(self) -> uuidlib.UUID:
        """The identifier in the API, which is unique within the offering."""
        return self.shared_uuid or self.uuid

    @published_uuid.inplace.expression
    @classmethod
    def _published_uuid(cls) -> ColumnElement[uuidlib.UUID]:
        return func.coalesce(cls.shared_uuid, cls.uuid)


class Component(HasSharedUuid, Base):
    """Something an offering charges for. `type` is its internal name, unique within the offering.

    The overage component is stored by uuid, since an import may name it before it exists.
    """

    __tablename__ = "components"
    __table_args__ = (UniqueConstraint("offering_id", "type"),)

    offering_id: Mapped[int] = mapped_column(ForeignKey("offerings.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(Integer, default=0)
    billing_type: Mapped[str] = mapped_column(String(8))
    type: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text, default="")
    description: Mapped[str] = mapped_column(Text, default="")
    measured_unit: Mapped[str] = mapped_column(Text, default="")
    unit_factor: Mapped[int] = mapped_column(BigInteger, default=1)
    limit_period: Mapped[str | None] = mapped_column(Text)
    limit_amount: Mapped[int | None] = mapped_column(BigInteger)
    article_code: Mapped[str] = mapped_column(Text, default="")
    max_value: Mapped[int | None] = mapped_column(BigInteger)
    min_value: Mapped[int | None] = mapped_column(BigInteger)
    max_available_limit: Mapped[int | None] = mapped_column(BigInteger)
    is_boolean: Mapped[bool] = mapped_column(Boolean, default=False)
    default_limit: Mapped[int | None] = mapped_column(BigInteger)
    factor: Mapped[int | None] = mapped_column(BigInteger)
    is_builtin: Mapped[bool] = mapped_column(Boolean, default=False)
    is_prepaid: Mapped[bool] = mapped_column(Boolean, default=False)
    overage_component: Mapped[uuidlib.UUID | None] = mapped_column(Uuid)
    min_prepaid_duration: Mapped[int | None] = mapped_column(BigInteger)
    max_prepaid_duration: Mapped[int | None] = mapped_column(BigInteger)


class Plan(HasSharedUuid, Base):
    """A price plan of an offering.

    `resources_elsewhere` and `active_elsewhere` are counts from an import, to which bookings made here are added.
    """

    __tablename__ = "plans"

    offering_id: Mapped[int] = mapped_column(ForeignKey("offerings.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(Integer, default=0)
    name: Mapped[str] = mapped_column(Text, default="")
    description: Mapped[str] = mapped_column(Text, default="")
    article_code: Mapped[str] = mapped_column(Text, default="")
    max_amount: Mapped[int | None] = mapped_column(BigInteger)
    archived: Mapped[bool] = mapped_column(Boolean, default=False)
    unit: Mapped[str] = mapped_column(String(16))
    backend_id: Mapped[str] = mapped_column(Text, default="")
    resources_elsewhere: Mapped[int] = mapped_column(BigInteger, default=0)
    active_elsewhere: Mapped[int] = mapped_column(BigInteger, default=0)

    organization_groups: Mapped[list[OrganizationGroup]] = relationship(
        secondary=plan_organization_groups, order_by=plan_organization_groups.c.position
    )
    components: Mapped[list[PlanComponent]] = relationship(
        back_populates="plan", cascade="all, delete-orphan", passive_deletes=True
    )


class PlanComponent(Base):
    """The price of a component in a plan."""

    __tablename__ = "plan_components"
    __table_args__ = (UniqueConstraint("plan_id", "component_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id", ondelete="CASCADE"))
    component_id: Mapped[int] = mapped_column(ForeignKey("components.id", ondelete="CASCADE"), index=True)
    amount: Mapped[int] = mapped_column(BigInteger, default=0)
    price: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    future_price: Mapped[Decimal | None] = mapped_column(Money)
    discount_threshold: Mapped[int | None] = mapped_column(BigInteger)
    discount_rate: Mapped[int | None] = mapped_column(BigInteger)

    plan: Mapped[Plan] = relationship(back_populates="components")
    component: Mapped[Component] = relationship()
