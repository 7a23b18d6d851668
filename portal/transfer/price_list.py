"""Changes of what an offering charges: its components, its plans, and the price of each component in each plan."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.documents.read import read_page
from portal.domain.messages import Message
from portal.errors import Conflict
from portal.extensions import db, settings, transaction
from portal.models import Booking, Offering, Plan
from portal.policies import SYSTEM, Actor
from portal.schema.checks import InvalidValue
from portal.services.offerings import lock_managed_offering
from portal.transfer.apply import Batch
from portal.transfer.editing import ConcurrentEdit, InvalidValues, digest
from portal.transfer.record import read_record

PRICES = "prices"


@dataclass(frozen=True, slots=True)
class PriceList:
    """Rows of the lists `components` and `plans` of an offering's document, in their order."""

    components: Sequence[Mapping[str, Any]]
    plans: Sequence[Mapping[str, Any]]


def price_digest(document: Mapping[str, Any]) -> str:
    """A digest of all that a price list changes, for noticing that somebody else has changed it."""
    plans = [
        [*(plan[key] for key in ("uuid", "name", "description", "unit", "archived")), plan["components"]]
        for plan in document["plans"]
    ]
    return digest([document["components"], plans])


def booked_plans(uuid: uuidlib.UUID) -> frozenset[str]:
    """The uuids of an offering's plans that have bookings, made here or elsewhere."""
    return _booked(db.session(), uuid)


def save_prices(actor: Actor, uuid: uuidlib.UUID, wanted: PriceList, *, expected: str) -> bool:
    """Replace the components and plans of an offering; returns whether anything changed.

    Rows name what changes; keys that they leave out stay as they are. A row without a known uuid is new. Plans with
    bookings cannot be left out, only archived, and components of theirs neither. `expected` is what `price_digest`
    returned when the edit began.

    Raises NotFound, Forbidden, ConcurrentEdit, Conflict, InvalidValues (by path: "plans[0].components[1].price").
    """
    with transaction() as session:
        offering = lock_managed_offering(session, actor, uuid)
        (found,) = read_page(SYSTEM, settings().public_url, (), [offering.id], None)
        document = orjson.loads(orjson.dumps(found.content))
        if price_digest(document) != expected:
            raise ConcurrentEdit([PRICES])
        session.expunge(offering)
        _refuse_losses(document, wanted, _booked(session, uuid))
        try:
            record = read_record(
                {"uuid": str(uuid), "components": list(wanted.components), "plans": list(wanted.plans)}
            )
            batch = Batch(session, settings().public_url, [record])
            batch.add(record)
        except InvalidValue as wrong:
            raise InvalidValues({wrong.field: wrong.reason}) from None
        return bool(batch.write().updated)


def _booked(session: Session, uuid: uuidlib.UUID) -> frozenset[str]:
    used = func.count(Booking.id)
    rows = session.execute(
        select(Plan.published_uuid.label("uuid"), Plan.resources_elsewhere, used)
        .join(Offering, Offering.id == Plan.offering_id)
        .outerjoin(Booking, Booking.plan_id == Plan.id)
        .where(Offering.uuid == uuid)
        .group_by(Plan.id)
    )
    return frozenset(str(row.uuid) for row in rows if row[1] or row[2])


def _refuse_losses(document: Mapping[str, Any], wanted: PriceList, booked: frozenset[str]) -> None:
    kept = {str(row.get("uuid")) for row in wanted.plans}
    for plan in document["plans"]:
        if plan["uuid"] in booked and plan["uuid"] not in kept:
            raise Conflict(Message("The plan “%(name)s” has bookings, so it can only be archived.", name=plan["name"]))
    charged = {part["type"] for plan in document["plans"] if plan["uuid"] in booked for part in plan["components"]}
    # By uuid: a new row of the same type is another component, without the limits of this one.
    left = {str(row.get("uuid")) for row in wanted.components}
    for component in document["components"]:
        if component["type"] in charged and component["uuid"] not in left:
            raise Conflict(
                Message(
                    "Plans with bookings charge for “%(name)s”, so it cannot be removed. Set its price to 0 instead.",
                    name=component["name"] or component["type"],
                )
            )
