"""Bookings: request, accept, reject, cancel. One function = one act = one transaction.

The offering's row is locked while a booking is placed, so that two requests for one slot queue instead of racing.
"""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from portal.documents import store as documents
from portal.domain.booking_states import HOLDING, BookingAct, BookingState, after
from portal.domain.periods import Period
from portal.errors import Conflict, Forbidden, Invalid, NotFound, SignInRequired
from portal.extensions import before_commit, transaction
from portal.models import Booking, BookingChange, Offering, Plan, Slot
from portal.models.base import utcnow
from portal.policies import Actor, managed_offerings, visible_offerings, visible_plans
from portal.queries import availability
from portal.services import calendars

MAX_PERIODS = 20
MAX_TEXT = 2000


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to book: periods of one offering, and what goes with them."""

    offering_uuid: uuidlib.UUID
    periods: Sequence[Period]
    name: str = ""
    note: str = ""
    plan_uuid: uuidlib.UUID | None = None


class SlotRefused(Invalid):
    """A period cannot be booked, by the rule named in the message."""


class SlotTaken(Conflict):
    """A period overlaps one that somebody else holds. `rival` is that period."""

    def __init__(self, message: str, rival: Period) -> None:
        super().__init__(message)
        self.rival = rival


def request_booking(
    actor: Actor, wish: Wish, *, on_behalf_of: int | None = None, now: datetime | None = None
) -> uuidlib.UUID:
    """Ask for periods of an offering; they are held from now on. Answers the booking's uuid.

    `on_behalf_of` names another person (staff only). Periods must be inside the offering's opening hours, on step
    boundaries, not past (judged at `now`, UTC), and free. Raises SignInRequired, Forbidden, NotFound, SlotRefused,
    SlotTaken, Invalid.
    """
    now = now or utcnow()
    user_id = _booker(actor, on_behalf_of)
    _check_wish(wish)
    with transaction() as session:
        offering = _lock_visible(session, actor, wish.offering_uuid)
        if offering.state != "Active":
            raise SlotRefused(f"This offering is {offering.state.lower()}: it can't be booked now.", "offering")
        plan_id = _plan(session, actor, offering, wish.plan_uuid)
        for period in wish.periods:
            refused = availability.explain(offering, period, now, actor)
            if refused is not None and refused.is_conflict:
                raise SlotTaken(refused.text, refused.period)
            if refused is not None:
                raise SlotRefused(refused.text, "slots")
        booking = Booking(
            offering_id=offering.id,
            user_id=user_id,
            plan_id=plan_id,
            name=wish.name.strip(),
            note=wish.note.strip(),
            state=BookingState.REQUESTED.value,
            created=now,
            modified=now,
            slots=[Slot(offering_id=offering.id, start=it.start, end=it.end, holds=True) for it in wish.periods],
            changes=[BookingChange(user_id=actor.user_id, at=now, what="requested")],
        )
        session.add(booking)
        _published(session, offering.id)
        return booking.uuid


def accept_booking(actor: Actor, booking_uuid: uuidlib.UUID, *, now: datetime | None = None) -> None:
    """Confirm a request. For those who manage the offering. Raises NotFound, Forbidden, BookingStateConflict."""
    _answer(actor, booking_uuid, BookingAct.ACCEPT, "", now)


def reject_booking(actor: Actor, booking_uuid: uuidlib.UUID, reason: str, *, now: datetime | None = None) -> None:
    """Turn a request down. For those who manage the offering. Raises NotFound, Forbidden, BookingStateConflict."""
    _answer(actor, booking_uuid, BookingAct.REJECT, reason, now)


def cancel_booking(actor: Actor, booking_uuid: uuidlib.UUID, reason: str = "", *, now: datetime | None = None) -> None:
    """Give the slots back. For the booker and those who manage the offering.

    Raises NotFound, BookingStateConflict.
    """
    _answer(actor, booking_uuid, BookingAct.CANCEL, reason, now)


def _answer(actor: Actor, booking_uuid: uuidlib.UUID, act: BookingAct, reason: str, now: datetime | None) -> None:
    now = now or utcnow()
    with transaction() as session:
        row = session.execute(
            select(Booking, managed_offerings(actor))
            .join(Offering, Offering.id == Booking.offering_id)
            .where(Booking.uuid == booking_uuid)
            .with_for_update(of=Booking)
        ).one_or_none()
        own = row is not None and actor.signed_in and row[0].user_id == actor.user_id
        if row is None or not (row[1] or own):
            raise NotFound("Booking")
        if not row[1] and act is not BookingAct.CANCEL:
            raise Forbidden
        booking: Booking = row[0]
        booking.state = after(BookingState(booking.state), act).value
        booking.modified = now
        session.add(
            BookingChange(booking_id=booking.id, user_id=actor.user_id, at=now, what=act.value, reason=reason.strip())
        )
        if booking.state not in HOLDING:
            session.execute(update(Slot).where(Slot.booking_id == booking.id).values(holds=False))
        _published(session, booking.offering_id)


def _published(session: Session, offering_id: int) -> None:
    """What follows from any change of a booking: the document's counts, and the offering's calendar."""
    session.flush()
    before_commit(("bookings", offering_id), lambda: _publish(session, offering_id))


def _publish(session: Session, offering_id: int) -> None:
    documents.refresh(session, [offering_id])
    calendars.offerings_changed(session, [offering_id])


def _booker(actor: Actor, on_behalf_of: int | None) -> int:
    if on_behalf_of is not None and on_behalf_of != actor.user_id:
        if not actor.is_staff:
            raise Forbidden
        return on_behalf_of
    if actor.user_id is None:
        raise SignInRequired
    return actor.user_id


def _check_wish(wish: Wish) -> None:
    if not wish.periods:
        raise Invalid("Pick at least one period.", "slots")
    if len(wish.periods) > MAX_PERIODS:
        raise Invalid(f"At most {MAX_PERIODS} periods go into one booking.", "slots")
    ordered = sorted(wish.periods)
    if any(first.overlaps(second) for first, second in pairwise(ordered)):
        raise Invalid("Two of the periods overlap each other.", "slots")
    for field, text in (("name", wish.name), ("note", wish.note)):
        if len(text) > MAX_TEXT:
            raise Invalid(f"This is too long (at most {MAX_TEXT} characters).", field)


def _lock_visible(session: Session, actor: Actor, uuid: uuidlib.UUID) -> Offering:
    offering = session.execute(
        select(Offering).where(Offering.uuid == uuid, visible_offerings(actor)).with_for_update(of=Offering)
    ).scalar_one_or_none()
    if offering is None:
        raise NotFound("Offering")
    return offering


def _plan(session: Session, actor: Actor, offering: Offering, wanted: uuidlib.UUID | None) -> int | None:
    plans = session.execute(
        select(Plan.id, Plan.uuid)
        .join(Offering, Offering.id == Plan.offering_id)
        .where(
            Plan.offering_id == offering.id,
            Plan.archived.is_(False),
            or_(managed_offerings(actor), visible_plans(actor)),
        )
    ).all()
    if wanted is not None:
        for plan in plans:
            if plan.uuid == wanted:
                return int(plan.id)
        raise Invalid("This offering has no such plan.", "plan")
    if len(plans) > 1:
        raise Invalid("Choose one of the offering's plans.", "plan")
    return int(plans[0].id) if plans else None
