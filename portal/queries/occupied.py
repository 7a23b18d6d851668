"""The occupied periods of an offering: bookings, requests and busy times, with the names that the reader may know."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, or_, select

from portal.domain.periods import Period
from portal.extensions import db
from portal.models import Booking, BusyPeriod, Membership, Slot, User
from portal.policies import Actor, own_bookings

# Periods that are returned for an offering: the latest.
MAX_OCCUPIED = 10_000
BUSY = "google calendar"


@dataclass(frozen=True, slots=True)
class OccupiedPeriod:
    """An occupied period of an offering. `name` is the booker's, or None if the reader may not know it."""

    period: Period
    name: str | None


def occupied(actor: Actor, offering_id: int) -> list[OccupiedPeriod]:
    """The bookings, requests and busy times of an offering, by time; at most MAX_OCCUPIED."""
    query = (
        select(Slot.start, Slot.end, User.full_name, User.email, _shows_name(actor))
        .join(Booking, Booking.id == Slot.booking_id)
        .join(User, User.id == Booking.user_id)
        .where(Slot.offering_id == offering_id, Slot.holds.is_(True))
        .order_by(Slot.end.desc())
        .limit(MAX_OCCUPIED)
    )
    busy = (
        select(BusyPeriod.start, BusyPeriod.end)
        .where(BusyPeriod.offering_id == offering_id)
        .order_by(BusyPeriod.end.desc())
        .limit(MAX_OCCUPIED)
    )
    found = [
        OccupiedPeriod(Period(start, end), public_name(full_name, email) if shown else None)
        for start, end, full_name, email, shown in db.session.execute(query)
    ]
    found += [OccupiedPeriod(Period(start, end), BUSY) for start, end in db.session.execute(busy)]
    return sorted(found, key=lambda it: it.period)[-MAX_OCCUPIED:]


def public_name(full_name: str, email: str) -> str:
    """A person's full name, or the part of their address before the @. Never an address, even as a full name."""
    name = full_name.strip()
    return name if name and "@" not in name else email.partition("@")[0]


def _shows_name(actor: Actor) -> ColumnElement[bool]:
    """Clause over Booking: the actor is the booker, or shares an organization with them.

    Managers and staff see no other names here, as in Waldur. They see who booked in the bookings themselves.
    """
    mine, theirs = Membership.__table__.alias("mine"), Membership.__table__.alias("theirs")
    shared = exists(
        select(mine.c.id)
        .join(theirs, theirs.c.organization_id == mine.c.organization_id)
        .where(mine.c.user_id == actor.user_id, theirs.c.user_id == Booking.user_id)
        .correlate(Booking)
    )
    return or_(own_bookings(actor), shared)
