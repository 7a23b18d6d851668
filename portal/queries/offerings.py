"""One offering as an actor may see it."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, or_, select
from sqlalchemy.orm import raiseload

from portal.documents.read import read_page
from portal.errors import Forbidden, NotFound
from portal.extensions import db
from portal.models import GoogleCalendar, Offering
from portal.policies import Actor, owned_offerings, visible_offerings

MAX_RELATIVES = 100


@dataclass(frozen=True, slots=True)
class Related:
    """The parent or a child of an offering. `uuid` is None if it is not in the database."""

    uuid: uuidlib.UUID | None
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class OfferingView:
    """An offering as one reader may see it, and what they may do.

    `document` is its published JSON for this reader, with all schedules, its own plugin_options and addresses without
    host; `modified` is when it last changed. `backend_id` is set for all readers: the options say if pages show it.
    """

    id: int
    uuid: uuidlib.UUID
    document: dict[str, Any]
    modified: datetime
    manages: bool
    owns: bool
    organization_id: int | None
    parent_id: int | None
    backend_id: str
    calendar: GoogleCalendar | None

    @property
    def attributes(self) -> dict[str, Any]:
        """The free-form attributes, including schedules and booking rules."""
        found: dict[str, Any] = self.document["attributes"]
        return found


def order_form_of(actor: Actor, uuid: uuidlib.UUID) -> Any:
    """The order form (`options`) of an offering that the actor may see. Raises NotFound. One statement."""
    row = db.session.execute(select(Offering.options).where(Offering.uuid == uuid, visible_offerings(actor))).first()
    if row is None:
        raise NotFound("Offering")
    return row.options


def get_visible_offering(actor: Actor, uuid: uuidlib.UUID) -> OfferingView:
    """The offering, if the actor may see it; else raises NotFound. Two SQL statements."""
    row = db.session.execute(
        select(
            Offering.id,
            Offering.organization_id,
            Offering.parent_id,
            Offering.backend_id,
            owned_offerings(actor).label("owns"),
            GoogleCalendar,
        )
        .outerjoin(GoogleCalendar, GoogleCalendar.offering_id == Offering.id)
        .where(Offering.uuid == uuid, visible_offerings(actor))
        .options(raiseload("*"))
    ).one_or_none()
    documents = read_page(actor, "", (), [row.id], None) if row is not None else []
    if row is None or not documents:
        raise NotFound("Offering")
    [found] = documents
    return OfferingView(
        row.id,
        uuid,
        found.content,
        found.modified,
        found.manages,
        bool(row.owns),
        row.organization_id,
        row.parent_id,
        row.backend_id,
        row.GoogleCalendar,
    )


def get_managed_offering(actor: Actor, uuid: uuidlib.UUID) -> OfferingView:
    """The offering, if the actor manages it. Raises NotFound if they cannot see it, else Forbidden."""
    view = get_visible_offering(actor, uuid)
    if not view.manages:
        raise Forbidden
    return view


def get_owned_offering(actor: Actor, uuid: uuidlib.UUID) -> OfferingView:
    """The offering, if the actor may act on its calendar. Raises NotFound, Forbidden as get_managed_offering()."""
    view = get_visible_offering(actor, uuid)
    if not view.owns:
        raise Forbidden
    return view


def relatives(actor: Actor, view: OfferingView) -> tuple[Related | None, list[Related]]:
    """The offering's parent and children that the actor may see. One statement.

    A parent that is not in the database is shown to those who manage the offering (portal.policies.shows_parent).
    """
    near = Offering.parent_id == view.id
    if view.parent_id is not None:
        near = or_(near, Offering.id == view.parent_id)
    rows = db.session.execute(
        select(Offering.id, Offering.uuid, Offering.name, Offering.description)
        .where(near, visible_offerings(actor))
        .order_by(case((Offering.id == view.parent_id, 0), else_=1), Offering.sort_key, Offering.uuid)
        .limit(MAX_RELATIVES)
    ).all()
    parent = next((Related(*row[1:]) for row in rows if row.id == view.parent_id), None)
    name, description = view.document["parent_name"], view.document["parent_description"]
    if view.parent_id is None and view.manages and name:
        parent = Related(None, name, description or "")
    return parent, [Related(*row[1:]) for row in rows if row.id != view.parent_id]


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
