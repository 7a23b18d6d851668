"""One offering, whole, as an actor may see it."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, or_, select, true
from sqlalchemy.orm import joinedload, raiseload

from portal.errors import Forbidden, NotFound
from portal.extensions import db
from portal.models import Offering, OfferingDocument, Plan, PlanComponent, Project
from portal.policies import (
    Actor,
    managed_offerings,
    owned_offerings,
    shows_project,
    visible_offerings,
    visible_plans,
)

MOST_RELATIVES = 100


@dataclass(frozen=True, slots=True)
class Related:
    """An offering that another one points to. `uuid` is None where there is no page to link to."""

    uuid: uuidlib.UUID | None
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class OfferingView:
    """An offering as one reader may see it, and what they may do.

    Loaded are what it belongs to, its calendar, and in `plans`, with their components, the plans that the actor is
    offered; touching the database through it again raises. `project` is the offering's, if the actor may see it. Its
    other lists stand in `document`, the published JSON as prepared for this reader, `written` when that last changed.
    """

    offering: Offering
    project: Project | None
    plans: list[Plan]
    document: bytes
    written: datetime
    manages: bool
    owns: bool


def get_visible_offering(actor: Actor, uuid: uuidlib.UUID) -> OfferingView:
    """The offering, if the actor may see it. Raises NotFound otherwise: unknown and hidden look the same.

    Two SQL statements.
    """
    managed = managed_offerings(actor)
    document = OfferingDocument
    row = db.session.execute(
        select(
            Offering,
            managed.label("manages"),
            owned_offerings(actor).label("owns"),
            shows_project(actor).label("shows_project"),
            case((managed, document.full), else_=document.public).label("document"),
            document.written,
        )
        .join(document, document.offering_id == Offering.id)
        .where(Offering.uuid == uuid, visible_offerings(actor))
        .options(
            raiseload("*"),
            joinedload(Offering.organization),
            joinedload(Offering.project),
            joinedload(Offering.category),
            joinedload(Offering.checklist),
            joinedload(Offering.scope),
            joinedload(Offering.calendar),
        )
    ).first()
    if row is None:
        raise NotFound("Offering")
    offered = true() if row.manages else visible_plans(actor)
    plans = db.session.execute(
        select(Plan)
        .where(Plan.offering_id == row.Offering.id, offered)
        .options(raiseload("*"), joinedload(Plan.components).joinedload(PlanComponent.component))
    )
    by_name = sorted(plans.unique().scalars(), key=lambda plan: (plan.name.casefold(), str(plan.uuid)))
    found = row.Offering
    project = found.project if row.shows_project else None
    return OfferingView(found, project, by_name, row.document, row.written, bool(row.manages), bool(row.owns))


def get_managed_offering(actor: Actor, uuid: uuidlib.UUID) -> OfferingView:
    """The offering, if the actor manages it. Raises NotFound where they do not see it, Forbidden where they only do."""
    view = get_visible_offering(actor, uuid)
    if not view.manages:
        raise Forbidden
    return view


def relatives(actor: Actor, view: OfferingView) -> tuple[Related | None, list[Related]]:
    """The offering's parent, and the offerings whose parent it is, as far as the actor may see them. One statement.

    A parent that is not in the database is shown to those who manage the offering (portal.policies.shows_parent).
    """
    offering = view.offering
    near = Offering.parent_id == offering.id
    if offering.parent_id is not None:
        near = or_(near, Offering.id == offering.parent_id)
    rows = db.session.execute(
        select(Offering.id, Offering.uuid, Offering.name, Offering.description)
        .where(near, visible_offerings(actor))
        .order_by(case((Offering.id == offering.parent_id, 0), else_=1), Offering.sort_key, Offering.uuid)
        .limit(MOST_RELATIVES)
    ).all()
    parent = next((Related(*row[1:]) for row in rows if row.id == offering.parent_id), None)
    if offering.parent_id is None and view.manages and offering.parent_name:
        parent = Related(None, offering.parent_name, offering.parent_description or "")
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
