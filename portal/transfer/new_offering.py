"""An offering from a few values: the record that the importer takes."""

from __future__ import annotations

import uuid as uuidlib
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import select

from portal.domain.instants import format_instant
from portal.domain.opening_hours import availability_entry, slot_config
from portal.domain.schedules import EVERY_DAY, TOO_SHORT, WEEKEND, read_config
from portal.errors import Invalid, NotFound
from portal.extensions import db
from portal.models import Category
from portal.queries.availability import zone_of
from portal.services.accounts import find_organization

# How long it is there. It is imported or edited long before that.
OFFERED_FOR = timedelta(days=3653)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOffering:
    """A new offering. `opens` and `closes` are HH:MM in the time zone `zone`; slots last `minutes`."""

    name: str
    organization: str
    category: str
    description: str
    zone: str
    opens: str
    closes: str
    minutes: int
    weekends: bool


def new_offering_record(new: NewOffering, now: datetime) -> dict[str, Any]:
    """The offering as a record to import. Organization and category are found by name, or made with it."""
    organization, customer = _organization(new.organization)
    category, title = _category(new.category)
    return {
        "uuid": str(uuidlib.uuid4()),
        "name": new.name,
        "description": new.description,
        "customer_uuid": str(organization),
        "customer_name": customer,
        "category_uuid": str(category),
        "category_title": title,
        "state": "Active",
        "shared": True,
        "attributes": {"schedules": [opening_entry(new, now)], "booking_rules": {"time_zone": new.zone}},
    }


def opening_entry(new: NewOffering, now: datetime) -> dict[str, Any]:
    """The opening hours as an entry of `attributes.schedules`, from today on.

    Raises Invalid where the hours are too short for a slot. Other wrong values are for the import to refuse.
    """
    days = EVERY_DAY if new.weekends else EVERY_DAY - WEEKEND
    config = slot_config(new.minutes * 60, new.opens, new.closes, days)
    read = read_config(config)
    if read is not None and not read.holds_a_slot:
        raise Invalid(TOO_SHORT, "closes")
    zone = zone_of({"booking_rules": {"time_zone": new.zone}})
    start = datetime.combine(now.astimezone(zone).date(), time(), zone)
    return availability_entry(format_instant(start), format_instant(start + OFFERED_FOR), config)


def _organization(name: str) -> tuple[uuidlib.UUID, str]:
    try:
        found = find_organization(name)
    except NotFound:
        return uuidlib.uuid4(), name.strip()
    return found.uuid, found.name


def _category(title: str) -> tuple[uuidlib.UUID, str]:
    found = db.session.execute(select(Category).where(Category.title == title.strip()).limit(2)).scalars().all()
    if len(found) > 1:
        raise Invalid(f"Several categories are called {title.strip()!r}.", "category")
    return (found[0].uuid, found[0].title) if found else (uuidlib.uuid4(), title.strip())
