"""New offerings made by people who manage an organization: from a short form, or as a copy of another one.

Both go in as an imported record, so the rules for values are the importer's.
"""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.documents.read import read_page
from portal.domain.choices import OfferingState
from portal.errors import Invalid
from portal.extensions import db, settings, transaction
from portal.models import Category
from portal.models.base import utcnow
from portal.policies import SYSTEM, Actor
from portal.queries.offerings import get_managed_offering
from portal.queries.organizations import get_managed_organization
from portal.schema.checks import InvalidValue
from portal.schema.offering import OFFERING
from portal.transfer.apply import Batch
from portal.transfer.editing import InvalidValues
from portal.transfer.new_offering import NewOffering, opening_entry
from portal.transfer.record import read_record

_PARTS = ("components", "plans", "screenshots", "files", "endpoints", "roles", "partitions", "software_catalogs")


def create_offering(
    actor: Actor, organization: uuidlib.UUID, category: uuidlib.UUID, new: NewOffering, *, confirms: bool
) -> uuidlib.UUID:
    """Create a draft that can be published as it is; returns its uuid. `confirms`: bookings need no approval.

    Raises NotFound if the actor does not manage the organization, InvalidValues with the names of NewOffering.
    """
    with transaction() as session:
        owner = get_managed_organization(actor, organization)
        found = session.execute(select(Category).where(Category.uuid == category)).scalar_one_or_none()
        if found is None:
            raise InvalidValues({"category": "Choose a category of the list."})
        try:
            opening = opening_entry(new, utcnow())
        except Invalid as wrong:
            raise InvalidValues({wrong.field or "closes": wrong.message}) from None
        record = {
            "uuid": str(uuidlib.uuid4()),
            "name": new.name,
            "description": new.description,
            "customer_uuid": str(owner.uuid),
            "customer_name": owner.name,
            "category_uuid": str(found.uuid),
            "category_title": found.title,
            "state": OfferingState.DRAFT.value,
            "shared": True,
            "attributes": {
                "schedules": [opening],
                "booking_rules": {"time_zone": new.zone, **({"accept": "automatic"} if confirms else {})},
            },
        }
        return _write(session, record)


def duplicate_offering(actor: Actor, uuid: uuidlib.UUID, name: str) -> uuidlib.UUID:
    """Create a draft with everything that was written about an offering, under another name; returns its uuid.

    Bookings, the calendar and what identifies the original are not copied. Raises NotFound, Forbidden, InvalidValues.
    """
    with transaction() as session:
        original = get_managed_offering(actor, uuid)
        # As in a list: with its own plugin_options, not those of its parent.
        (document,) = read_page(SYSTEM, settings().public_url, (), [original.id], None)
        # The content holds fragments of JSON.
        return _write(session, copied_record(orjson.loads(orjson.dumps(document.content)), name))


def copied_record(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The record of a new draft, from the published document of an offering."""
    record = {key: value for key, value in document.items() if key not in OFFERING.not_copied}
    record |= {"uuid": str(uuidlib.uuid4()), "name": name, "state": OfferingState.DRAFT.value}
    fresh: dict[str, str] = {}
    for key in _PARTS:
        rows = record.get(key) or []
        for row in rows:
            if row.get("uuid"):
                fresh[row["uuid"]] = str(uuidlib.uuid4())
        record[key] = [{**row, "uuid": fresh[row["uuid"]]} if row.get("uuid") else dict(row) for row in rows]
    for row in record["components"]:
        # Charged beyond the limit of this component: that of the copy, not of the original.
        overage = row.get("overage_component")
        if overage:
            row["overage_component"] = fresh.get(overage, overage)
    for row in record["software_catalogs"]:
        partition = row.get("partition")
        if partition:
            row["partition"] = {**partition, "uuid": fresh.get(partition["uuid"], partition["uuid"])}
    return record


def categories() -> list[tuple[uuidlib.UUID, str]]:
    """All categories by title, for a menu."""
    rows = db.session.execute(select(Category.uuid, Category.title).order_by(Category.title, Category.id))
    return [(row.uuid, row.title) for row in rows]


def _write(session: Session, data: dict[str, Any]) -> uuidlib.UUID:
    try:
        record = read_record(data)
        batch = Batch(session, settings().public_url, [record])
        batch.add(record)
    except InvalidValue as wrong:
        raise InvalidValues({_field(wrong.field): wrong.reason}) from None
    batch.write()
    return record.uuid


def _field(path: str) -> str:
    """The name of NewOffering for the path of a value."""
    last = path.rpartition(".")[2]
    return {"startTime": "opens", "endTime": "closes", "slotDuration": "minutes", "time_zone": "zone"}.get(last, last)
