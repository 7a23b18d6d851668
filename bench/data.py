"""Fills a database with made-up offerings and bookings, by bulk inserts: the same for the same numbers."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from portal.documents import store as documents
from portal.extensions import analyse, transaction
from portal.models import Booking, Category, Offering, Organization, Slot, User
from portal.policies import SYSTEM
from portal.queries.catalogue_index import prune_changes
from portal.services import accounts

ZONES = ("Europe/Tallinn", "America/New_York", "Australia/Lord_Howe", "UTC")
CHUNK = 2000
HOUR = timedelta(hours=1)


def fill(offerings: int, bookings: int, busiest: int) -> tuple[str, str]:
    """Make so many offerings; the first has `busiest` bookings in the year around now, the others share the rest.

    Answers an API token of staff and the uuid of the busiest offering. Needs an application context on an empty,
    migrated database.
    """
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    chance = random.Random(1)
    with transaction() as session:
        organizations = [Organization(name=f"Institute {number}") for number in range(40)]
        categories = [Category(title=f"Kind {number}") for number in range(12)]
        person = User(email="bench@example.org", full_name="Bench", is_staff=True, session_key="bench")
        session.add_all([*organizations, *categories, person])
        session.flush()
        rows = list(_offerings(offerings, now, [it.id for it in organizations], [it.id for it in categories]))
        for first in range(0, len(rows), CHUNK):
            session.execute(insert(Offering), rows[first : first + CHUNK])
        ids = list(session.execute(select(Offering.id).order_by(Offering.id)).scalars())
        _book(session, ids, bookings, busiest, person.id, now, chance)
        for first in range(0, len(ids), CHUNK):
            documents.refresh(session, ids[first : first + CHUNK])
        key = accounts.create_token(SYSTEM, person.id, "bench").key
        if session.get_bind().dialect.name == "postgresql":
            # Rows with ids of their own leave the sequences behind.
            for model in (Booking, Slot):
                following = select(func.coalesce(func.max(model.id), 0) + 1).scalar_subquery()
                sequence = func.pg_get_serial_sequence(model.__tablename__, "id")
                session.execute(select(func.setval(sequence, following, False)))
    analyse()
    prune_changes()
    return key, str(rows[0]["uuid"])


def _offerings(number: int, now: datetime, organizations: list[int], categories: list[int]) -> Iterator[dict[str, Any]]:
    config = {
        "slotDuration": "00:30:00",
        "weekends": False,
        "businessHours": {"startTime": "08:00", "endTime": "20:00", "daysOfWeek": [1, 2, 3, 4, 5]},
    }
    entry = {
        "id": "open",
        "start": (now - timedelta(days=400)).isoformat(),
        "end": (now + timedelta(days=400)).isoformat(),
        "title": "",
        "allDay": True,
        "extendedProps": {"type": "Availability", "config": config},
    }
    words = ("microscope", "beam line", "meeting room", "cluster", "spectrometer", "clean room", "telescope", "laser")
    for n in range(number):
        name = f"{words[n % len(words)].title()} {n:06}"
        yield {
            "uuid": uuid.UUID(int=(0xBE << 120) + n),
            "name": name,
            "sort_key": name.casefold(),
            "state": "Active",
            "shared": True,
            "description": f"A {words[n % len(words)]} for measuring fine things. " * 4,
            "full_description": "<p>What it is for, how it is used, and whom to ask.</p>" * 130,
            "attributes": {"schedules": [entry], "booking_rules": {"time_zone": ZONES[n % 4]}},
            "organization_id": organizations[n % len(organizations)],
            "category_id": categories[n % len(categories)],
            "country": ("EE", "FI", "SE", "NO")[n % 4],
        }


def _book(
    session: Session, ids: list[int], number: int, busiest: int, user_id: int, now: datetime, chance: random.Random
) -> None:
    booked: list[dict[str, Any]] = []
    slots: list[dict[str, Any]] = []

    def book(offering_id: int, start: datetime, length: timedelta) -> None:
        booking_id = len(booked) + 1
        booked.append(
            {
                "id": booking_id,
                "uuid": uuid.UUID(int=(0xB0 << 120) + booking_id),
                "order_uuid": uuid.UUID(int=(0x0D << 120) + booking_id),
                "offering_id": offering_id,
                "user_id": user_id,
                "name": "A measurement",
                "state": "confirmed",
            }
        )
        slots.append(
            {
                "uuid": uuid.UUID(int=(0x51 << 120) + booking_id),
                "booking_id": booking_id,
                "offering_id": offering_id,
                "start": start,
                "end": start + length,
                "holds": True,
            }
        )

    if not number:
        return
    half = timedelta(minutes=15)
    for place in chance.sample(range(365 * 96), min(busiest, 365 * 90)):
        book(ids[0], now - timedelta(days=182) + place * half, half)
    each = (number - busiest) // max(1, len(ids) - 1)
    for offering_id in ids[1:]:
        for place in chance.sample(range(-4000, 4000), min(each, 6000)):
            book(offering_id, now + place * HOUR, HOUR)
    for first in range(0, len(booked), 10 * CHUNK):
        session.execute(insert(Booking), booked[first : first + 10 * CHUNK])
        session.execute(insert(Slot), slots[first : first + 10 * CHUNK])
