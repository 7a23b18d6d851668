"""Allocating slots of an offering: who may have them, what they conflict with, and what is free instead.

An overlap is reported in one way, whether the check found it or the database (portal.models.bookings.NO_OVERLAP).
"""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from portal.domain.availability import Availability
from portal.domain.booking_states import BookingState
from portal.domain.messages import Message
from portal.domain.periods import Period
from portal.domain.refusals import Code, Refusal
from portal.domain.rules import rules_of
from portal.errors import Conflict, Invalid
from portal.extensions import db, transaction
from portal.models import Booking, Offering, Slot, StoredIdempotencyKey
from portal.models.bookings import NO_OVERLAP
from portal.policies import Actor
from portal.queries import availability

# Two transactions that waited for each other, or met on one key: the one that was rolled back is done again.
TRIES = 4

T = TypeVar("T")
P = ParamSpec("P")


_NOT_BOOKABLE = {
    "Draft": Message("This offering is a draft: it can't be booked now."),
    "Paused": Message("This offering is paused: it can't be booked now."),
    "Archived": Message("This offering is archived: it can't be booked now."),
}
_UNAVAILABLE = Message("This offering is unavailable: it can't be booked now.")


class SlotRefused(Invalid):
    """A period cannot be booked, by the rule named in the message, which has this code.

    `asked` is that period; None: none can.
    """

    def __init__(self, message: str, field: str, asked: Period | None = None, code: Code | None = None) -> None:
        super().__init__(message, field)
        self.asked = asked
        self.code = code


class SlotTaken(Conflict):
    """A period overlaps one that is booked.

    `rival` is that period, `asked` the requested one, `alternatives` the nearest of the same length that can be booked.
    `code`: why it is not free.
    """

    def __init__(self, message: str, rival: Period, asked: Period, code: Code = Code.BOOKED) -> None:
        super().__init__(message)
        self.code = code
        self.rival = rival
        self.asked = asked
        self.alternatives: list[Period] = []


@contextmanager
def allocating(
    actor: Actor,
    offering_uuid: uuidlib.UUID,
    periods: Sequence[Period],
    now: datetime,
    except_booking: uuidlib.UUID | None = None,
) -> Iterator[Session]:
    """A transaction in which these periods are written. Raises SlotTaken, with alternatives, where they overlap others.

    `except_booking` is the booking that is moved: what it holds does not count.
    """
    try:
        try:
            with transaction() as session:
                yield session
        except IntegrityError as error:
            if NO_OVERLAP not in str(error.orig):
                raise
            # The check found nothing and the database did: read again, now that the other transaction has committed.
            raise _found_by_database(actor, offering_uuid, periods, now, except_booking) from error
    except SlotTaken as taken:
        taken.alternatives = _alternatives(actor, offering_uuid, taken.asked, now, except_booking)
        raise


def retried(write: Callable[P, T]) -> Callable[P, T]:
    """Do a write again where another transaction made it fail: a deadlock, or the same idempotency key at once."""

    @wraps(write)
    def attempt(*args: P.args, **kwargs: P.kwargs) -> T:
        for left in reversed(range(TRIES)):
            try:
                return write(*args, **kwargs)
            except OperationalError as error:
                if not left or "deadlock" not in str(error.orig):
                    raise
            except IntegrityError as error:
                if not left or StoredIdempotencyKey.__tablename__ not in str(error.orig):
                    raise
        raise AssertionError("the last try returns or raises")

    return attempt


def _found_by_database(
    actor: Actor,
    offering_uuid: uuidlib.UUID,
    periods: Sequence[Period],
    now: datetime,
    except_booking: uuidlib.UUID | None,
) -> SlotTaken:
    for period in periods:
        free = _free(actor, offering_uuid, period, now, except_booking)
        refusal = next((it for it in free.refusals(period) if it.is_conflict), None) if free else None
        if refusal is not None:
            return SlotTaken(refusal.text, refusal.period, period, refusal.code)
    first = min(periods)
    return SlotTaken(
        Message("This slot has just been booked. Reload the calendar: it may be free again."), first, first
    )


def _alternatives(
    actor: Actor, offering_uuid: uuidlib.UUID, asked: Period, now: datetime, except_booking: uuidlib.UUID | None
) -> list[Period]:
    found = _read(offering_uuid, except_booking)
    if found is None:
        return []
    offering_id, attributes, own = found
    return availability.nearest_free(offering_id, attributes, asked, now, actor, except_booking=own)


def _free(
    actor: Actor, offering_uuid: uuidlib.UUID, window: Period, now: datetime, except_booking: uuidlib.UUID | None
) -> Availability | None:
    found = _read(offering_uuid, except_booking)
    if found is None:
        return None
    offering_id, attributes, own = found
    return availability.offering_availability(offering_id, attributes, window, now, actor, except_booking=own)


def _read(
    offering_uuid: uuidlib.UUID, except_booking: uuidlib.UUID | None
) -> tuple[int, Mapping[str, Any], int | None] | None:
    """The offering's id and attributes, and the id of that booking, as they are now."""
    offering = db.session.execute(
        select(Offering.id, Offering.attributes).where(Offering.uuid == offering_uuid)
    ).one_or_none()
    if offering is None:
        return None
    own = None
    if except_booking is not None:
        own = db.session.execute(select(Booking.id).where(Booking.uuid == except_booking)).scalar_one_or_none()
    return offering.id, offering.attributes, own


def check_periods(
    offering: Offering,
    periods: Sequence[Period],
    now: datetime,
    actor: Actor,
    booker_id: int | None,
    *,
    except_booking: int | None = None,
) -> None:
    """Refuse periods that cannot be booked by this person (SlotRefused, SlotTaken)."""
    if offering.state != "Active":
        raise SlotRefused(_NOT_BOOKABLE.get(offering.state, _UNAVAILABLE), "offering")
    # Quotas count what the booker holds, whoever asks for them.
    booker = actor if booker_id == actor.user_id else Actor(booker_id)
    for period, refusal in availability.explain_all(
        offering.id, offering.attributes, periods, now, booker, except_booking=except_booking
    ):
        if refusal is not None:
            raise _refused(refusal, period)


def refuse_taken(offering: Offering, period: Period, now: datetime, actor: Actor, except_booking: int) -> None:
    """Refuse a period that somebody else holds by now, but for the booking `except_booking` (SlotTaken)."""
    free = availability.offering_availability(
        offering.id, offering.attributes, period, now, actor, except_booking=except_booking
    )
    # What an owner accepts may break rules that came after the request, but never somebody else's time.
    taken = next((it for it in free.refusals(period) if it.is_conflict and it.code is not Code.BUFFER), None)
    if taken is not None:
        raise _refused(taken, period)


def _refused(refusal: Refusal, asked: Period) -> SlotTaken | SlotRefused:
    if refusal.is_conflict:
        return SlotTaken(refusal.text, refusal.period, asked, refusal.code)
    return SlotRefused(refusal.text, "slots", asked, refusal.code)


def first_state(offering_id: int, attributes: Mapping[str, Any], now: datetime) -> BookingState:
    """Confirmed where the offering accepts by itself, unless its owner wants to look while busy times are stale."""
    rules = rules_of(attributes)
    automatic = rules.accept == "automatic"
    if automatic and rules.stale_busy == "request" and availability.stale_offerings([offering_id], now):
        automatic = False
    return BookingState.CONFIRMED if automatic else BookingState.REQUESTED


def move_slots(session: Session, booking: Booking, periods: Sequence[Period]) -> None:
    """Give the booking's slots new times; they keep their identity, so that calendars move events."""
    # Released first: a booking may move by less than it is long, over what it holds itself.
    session.execute(update(Slot).where(Slot.booking_id == booking.id).values(holds=False))
    kept = booking.slots[: len(periods)]
    for slot in booking.slots[len(periods) :]:
        booking.slots.remove(slot)
        session.delete(slot)
    for slot, period in zip(kept, periods, strict=False):
        slot.start, slot.end, slot.holds = period.start, period.end, True
    for period in periods[len(kept) :]:
        booking.slots.append(_slot(booking.offering_id, period))
    session.flush()


def _slot(offering_id: int, period: Period) -> Slot:
    return Slot(offering_id=offering_id, start=period.start, end=period.end, holds=True)
