"""One offering, whole, as an actor may see it."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload, raiseload, selectinload

from portal.errors import NotFound
from portal.extensions import db
from portal.models import Offering, OfferingSoftwareCatalog, OrganizationGroup, Plan, PlanComponent
from portal.policies import Actor, managed_offerings, owned_offerings, visible_offerings, visible_plans


@dataclass(frozen=True, slots=True)
class Related:
    """An offering that another one points to."""

    uuid: uuidlib.UUID
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class OfferingView:
    """An offering with everything loaded (touching the database again raises), and what the actor may do.

    `plans` are those the actor may see. `parent` and `children` are there only as far as they are visible.
    """

    offering: Offering
    plans: list[Plan]
    parent: Related | None
    children: list[Related]
    manages: bool
    owns: bool


def get_visible_offering(actor: Actor, uuid: uuidlib.UUID) -> OfferingView:
    """The offering, if the actor may see it. Raises NotFound otherwise: unknown and hidden look the same."""
    row = db.session.execute(
        select(
            Offering,
            managed_offerings(actor).label("manages"),
            owned_offerings(actor).label("owns"),
        )
        .where(Offering.uuid == uuid, visible_offerings(actor))
        .options(
            raiseload("*"),
            joinedload(Offering.organization),
            joinedload(Offering.project),
            joinedload(Offering.category),
            joinedload(Offering.checklist),
            joinedload(Offering.scope),
            joinedload(Offering.calendar),
            selectinload(Offering.organization_groups).joinedload(OrganizationGroup.parent),
            selectinload(Offering.endpoints),
            selectinload(Offering.roles),
            selectinload(Offering.screenshots),
            selectinload(Offering.files),
            selectinload(Offering.quotas),
            selectinload(Offering.partitions),
            selectinload(Offering.components),
            selectinload(Offering.software_catalogs).options(
                joinedload(OfferingSoftwareCatalog.catalog), joinedload(OfferingSoftwareCatalog.partition)
            ),
            selectinload(Offering.plans).options(
                selectinload(Plan.organization_groups).joinedload(OrganizationGroup.parent),
                selectinload(Plan.components).joinedload(PlanComponent.component),
            ),
        )
    ).first()
    if row is None:
        raise NotFound("Offering")
    offering: Offering = row.Offering
    allowed = _visible_plan_ids(actor, offering, manages=row.manages)
    plans = sorted(
        (plan for plan in offering.plans if plan.id in allowed), key=lambda plan: (plan.name.casefold(), str(plan.uuid))
    )
    parent, children = _relatives(actor, offering)
    return OfferingView(offering, plans, parent, children, bool(row.manages), bool(row.owns))


def _visible_plan_ids(actor: Actor, offering: Offering, *, manages: bool) -> set[int]:
    if manages or not any(plan.organization_groups for plan in offering.plans):
        return {plan.id for plan in offering.plans}
    return set(
        db.session.execute(select(Plan.id).where(Plan.offering_id == offering.id, visible_plans(actor))).scalars()
    )


def _relatives(actor: Actor, offering: Offering) -> tuple[Related | None, list[Related]]:
    rows = db.session.execute(
        select(Offering.id, Offering.uuid, Offering.name, Offering.description)
        .where((Offering.id == offering.parent_id) | (Offering.parent_id == offering.id), visible_offerings(actor))
        .order_by(Offering.sort_key, Offering.uuid)
        .limit(100)
    ).all()
    parent = next((Related(*row[1:]) for row in rows if row.id == offering.parent_id), None)
    return parent, [Related(*row[1:]) for row in rows if row.id != offering.parent_id]


def visible_offering_row(
    actor: Actor, uuid: uuidlib.UUID, states: Sequence[str] = ()
) -> tuple[int, dict[str, Any], str]:
    """The id, the attributes and the state of an offering that the actor may see, in one of `states` if any are given.

    Raises NotFound otherwise.
    """
    query = select(Offering.id, Offering.attributes, Offering.state).where(
        Offering.uuid == uuid, visible_offerings(actor)
    )
    if states:
        query = query.where(Offering.state.in_(states))
    row = db.session.execute(query).one_or_none()
    if row is None:
        raise NotFound("Offering")
    return row.id, row.attributes, row.state
