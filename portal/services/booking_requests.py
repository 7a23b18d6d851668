"""A booking request: what it holds, and whether it is understood and allowed, apart from its times."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any

from sqlalchemy import Select, bindparam, func, or_, select
from sqlalchemy.orm import Session

from portal.domain.booking_states import HOLDING
from portal.domain.messages import Message
from portal.domain.periods import Period
from portal.domain.pricing import is_active
from portal.domain.refusals import ALL_TIME
from portal.domain.texts import is_storable, line_problem
from portal.errors import Forbidden, Invalid, SignInRequired
from portal.models import Booking, Offering, Plan, Project, StoredIdempotencyKey
from portal.policies import Actor, managed_offerings, usable_projects, visible_plans

MAX_PERIODS = 20
MAX_TEXT = 2000
MAX_KEY = 255


@dataclass(frozen=True, slots=True)
class BookingRequest:
    """Periods of one offering that are to be booked, and what goes with them.

    `answers` are those to the offering's order form (`options`), by key.
    """

    offering_uuid: uuidlib.UUID
    periods: Sequence[Period]
    name: str = ""
    note: str = ""
    plan_uuid: uuidlib.UUID | None = None
    project_uuid: uuidlib.UUID | None = None
    answers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """What makes a request repeatable: the client's key, and a digest of everything that was requested."""

    key: str
    digest: str


def booked_before(session: Session, user_id: int, key: IdempotencyKey | None) -> Booking | None:
    """The booking for which this key was sent before, if any. Raises Invalid where it was for something else."""
    if key is None:
        return None
    if not 0 < len(key.key) <= MAX_KEY:
        raise Invalid(Message("The key must have 1 to %(most)s characters.", most=MAX_KEY), "Idempotency-Key")
    if not key.key.isprintable():
        raise Invalid(Message("The key must consist of printable characters."), "Idempotency-Key")
    found = session.execute(
        select(StoredIdempotencyKey.digest, Booking)
        .join(Booking, Booking.id == StoredIdempotencyKey.booking_id)
        .where(StoredIdempotencyKey.user_id == user_id, StoredIdempotencyKey.key == key.key)
    ).one_or_none()
    if found is None:
        return None
    if found.digest != key.digest:
        raise Invalid(Message("This key was sent with another request before."), "Idempotency-Key")
    booking: Booking = found.Booking
    return booking


def booker_of(actor: Actor, on_behalf_of: int | None) -> int:
    """The person (id) who is to have the booking. Raises SignInRequired, Forbidden."""
    if on_behalf_of is not None and on_behalf_of != actor.user_id:
        if not actor.is_staff:
            raise Forbidden
        return on_behalf_of
    if actor.user_id is None:
        raise SignInRequired
    return actor.user_id


def check_request(request: BookingRequest) -> None:
    """Refuse what is wrong whatever the offering is (Invalid)."""
    check_list(request.periods)
    if problem := line_problem(request.name):
        raise Invalid(Message("The name %(problem)s.", problem=problem), "name")
    check_text("name", request.name)
    check_text("note", request.note)


def check_list(periods: Sequence[Period]) -> None:
    """Refuse periods that cannot go into one booking: none, too many, overlapping ones (Invalid)."""
    if not periods:
        raise Invalid(Message("Pick at least one period."), "slots")
    if len(periods) > MAX_PERIODS:
        raise Invalid(Message("At most %(most)s periods go into one booking.", most=MAX_PERIODS), "slots")
    if not all(ALL_TIME.contains(period) for period in periods):
        raise Invalid(
            Message(
                "Choose times in the years %(first)s to %(last)s.", first=ALL_TIME.start.year, last=ALL_TIME.end.year
            ),
            "slots",
        )
    if any(first.overlaps(second) for first, second in pairwise(sorted(periods))):
        raise Invalid(Message("Two of the periods overlap each other."), "slots")


def check_text(field: str, text: str) -> None:
    """Refuse a text that is too long or cannot be kept (Invalid)."""
    if len(text) > MAX_TEXT:
        raise Invalid(Message("This is too long (at most %(most)s characters).", most=MAX_TEXT), field)
    if not is_storable(text):
        raise Invalid(Message("This contains a character that can't be stored."), field)


def project_of(session: Session, actor: Actor, wanted: uuidlib.UUID | None) -> int | None:
    """The project (id) that a booking is for; None for none. Raises Invalid where it is not the actor's to use."""
    if wanted is None:
        return None
    found = session.execute(
        select(Project.id).where(Project.uuid == wanted, usable_projects(actor))
    ).scalar_one_or_none()
    if found is None:
        raise Invalid(Message("There is no such project, or your bookings can't be for it."), "project")
    return found


@lru_cache(maxsize=256)
def _offered_plans(actor: Actor) -> Select[int, uuidlib.UUID, str, int | None, int]:
    return (
        select(Plan.id, Plan.published_uuid.label("uuid"), Plan.name, Plan.max_amount, Plan.active_elsewhere)
        .join(Offering, Offering.id == Plan.offering_id)
        .where(
            Plan.offering_id == bindparam("offering_id"),
            Plan.archived.is_(False),
            or_(managed_offerings(actor), visible_plans(actor)),
        )
    )


def plan_of(session: Session, actor: Actor, offering: Offering, wanted: uuidlib.UUID | None) -> int | None:
    """The plan (id) that was chosen, or the only one. Raises Invalid where it has to be chosen or is taken up."""
    plans = session.execute(_offered_plans(actor), {"offering_id": offering.id}).all()
    if wanted is not None:
        plans = [plan for plan in plans if plan.uuid == wanted]
        if not plans:
            raise Invalid(Message("This offering has no such plan."), "plan")
    if len(plans) > 1:
        raise Invalid(Message("Choose one of the offering's plans."), "plan")
    if not plans:
        return None
    taken = session.execute(
        select(func.count()).where(Booking.plan_id == plans[0].id, Booking.state.in_([it.value for it in HOLDING]))
    ).scalar_one()
    if not is_active(plans[0].max_amount, plans[0].active_elsewhere + taken):
        raise Invalid(
            Message(
                "The plan “%(name)s” is fully booked: it allows %(number)s bookings.",
                name=plans[0].name,
                number=plans[0].max_amount,
            ),
            "plan",
        )
    return int(plans[0].id)
