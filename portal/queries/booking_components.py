"""Clauses over Booking for the components of its offering, by which it is called usage-based or limit-based."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, exists, func, select

from portal.domain.choices import BillingType
from portal.models import Booking, Component

Clause = ColumnElement[bool]


def billed(kind: BillingType) -> Clause:
    """The offering has a component that is billed so."""
    return _has(Component.billing_type == kind)


def billed_only(kind: BillingType) -> Clause:
    """The offering has components, and all of them are billed so."""
    return and_(billed(kind), ~_has(Component.billing_type != kind))


def component_count(kind: BillingType | None = None) -> ColumnElement[int]:
    """The number of the offering's components, or of those that are billed so."""
    number = select(func.count(Component.id)).where(Component.offering_id == Booking.offering_id)
    if kind is not None:
        number = number.where(Component.billing_type == kind)
    return number.correlate(Booking).scalar_subquery()


def _has(clause: Clause) -> Clause:
    found = select(Component.id).where(Component.offering_id == Booking.offering_id, clause)
    return exists(found.correlate(Booking))
