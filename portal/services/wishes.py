"""What somebody asks for when they book: the wish itself, and whether it can be understood and be theirs."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from portal.domain.booking_states import HOLDING
from portal.domain.periods import Period
from portal.domain.pricing import is_active
from portal.domain.refusals import EVER
from portal.domain.texts import is_storable
from portal.errors import Forbidden, Invalid, SignInRequired
from portal.models import Booking, IdempotencyKey, Offering, Plan, Project
from portal.policies import Actor, managed_offerings, usable_projects, visible_plans

MAX_PERIODS = 20
MAX_TEXT = 2000
MAX_KEY = 255


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to book: periods of one offering, and what goes with them.

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
class Repeat:
    """What makes a request repeatable: the client's key, and a digest of everything that was asked for."""

    key: str
    digest: str


def repeated(session: Session, user_id: int, repeat: Repeat | None) -> uuidlib.UUID | None:
    """The booking that this key was sent for before, if any. Raises Invalid where it was for something else."""
    if repeat is None:
        return None
    if not 0 < len(repeat.key) <= MAX_KEY:
        raise Invalid(f"The key must have 1 to {MAX_KEY} characters.", "Idempotency-Key")
    if not repeat.key.isprintable():
        raise Invalid("The key must consist of printable characters.", "Idempotency-Key")
    found = session.execute(
        select(IdempotencyKey.digest, Booking.uuid)
        .join(Booking, Booking.id == IdempotencyKey.booking_id)
        .where(IdempotencyKey.user_id == user_id, IdempotencyKey.key == repeat.key)
    ).one_or_none()
    if found is None:
        return None
    if found.digest != repeat.digest:
        raise Invalid("This key was sent with another request before.", "Idempotency-Key")
    return found.uuid


def booker_of(actor: Actor, on_behalf_of: int | None) -> int:
    """The person (id) who is to have the booking. Raises SignInRequired, Forbidden."""
    if on_behalf_of is not None and on_behalf_of != actor.user_id:
        if not actor.is_staff:
            raise Forbidden
        return on_behalf_of
    if actor.user_id is None:
        raise SignInRequired
    return actor.user_id


def check_wish(wish: Wish) -> None:
    """Refuse what cannot be meant, whatever the offering is (Invalid)."""
    check_list(wish.periods)
    check_text("name", wish.name)
    check_text("note", wish.note)


def check_list(periods: Sequence[Period]) -> None:
    """Refuse periods that cannot go into one booking: none, too many, overlapping ones (Invalid)."""
    if not periods:
        raise Invalid("Pick at least one period.", "slots")
    if len(periods) > MAX_PERIODS:
        raise Invalid(f"At most {MAX_PERIODS} periods go into one booking.", "slots")
    if not all(EVER.contains(period) for period in periods):
        raise Invalid(f"Choose times in the years {EVER.start.year} to {EVER.end.year}.", "slots")
    if any(first.overlaps(second) for first, second in pairwise(sorted(periods))):
        raise Invalid("Two of the periods overlap each other.", "slots")


def check_text(field: str, text: str) -> None:
    """Refuse a text that is too long or cannot be kept (Invalid)."""
    if len(text) > MAX_TEXT:
        raise Invalid(f"This is too long (at most {MAX_TEXT} characters).", field)
    if not is_storable(text):
        raise Invalid("This holds a character that can't be kept.", field)


def project_of(session: Session, actor: Actor, wanted: uuidlib.UUID | None) -> int | None:
    """The project (id) that a booking is for; None for none. Raises Invalid where it is not the actor's to use."""
    if wanted is None:
        return None
    found = session.execute(
        select(Project.id).where(Project.uuid == wanted, usable_projects(actor))
    ).scalar_one_or_none()
    if found is None:
        raise Invalid("There is no such project, or your bookings can't be for it.", "project")
    return found


def plan_of(session: Session, actor: Actor, offering: Offering, wanted: uuidlib.UUID | None) -> int | None:
    """The plan (id) that was chosen, or the only one. Raises Invalid where it has to be chosen or is taken up."""
    plans = session.execute(
        select(Plan.id, Plan.uuid, Plan.name, Plan.max_amount, Plan.active_elsewhere)
        .join(Offering, Offering.id == Plan.offering_id)
        .where(
            Plan.offering_id == offering.id,
            Plan.archived.is_(False),
            or_(managed_offerings(actor), visible_plans(actor)),
        )
    ).all()
    if wanted is not None:
        plans = [plan for plan in plans if plan.uuid == wanted]
        if not plans:
            raise Invalid("This offering has no such plan.", "plan")
    if len(plans) > 1:
        raise Invalid("Choose one of the offering's plans.", "plan")
    if not plans:
        return None
    taken = session.execute(
        select(func.count()).where(Booking.plan_id == plans[0].id, Booking.state.in_([it.value for it in HOLDING]))
    ).scalar_one()
    if not is_active(plans[0].max_amount, plans[0].active_elsewhere + taken):
        raise Invalid(f"The plan “{plans[0].name}” is taken up: it allows {plans[0].max_amount} bookings.", "plan")
    return int(plans[0].id)
