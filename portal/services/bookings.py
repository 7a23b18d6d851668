"""Bookings: request, accept, reject, cancel, move, expire. One function, one action, one transaction.

The offering's row is locked while slots of it are allocated, so that two requests for one slot queue instead of racing;
that two slots never overlap is guaranteed by the database itself (portal.models.bookings.NO_OVERLAP).
"""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, bindparam, func, or_, select, update
from sqlalchemy.orm import Session, joinedload

from portal.domain.booking_details import details_to_json
from portal.domain.booking_states import HOLDING, BookingAction, BookingState, BookingStateConflict, next_state
from portal.domain.instants import format_instant
from portal.domain.messages import N_, Message
from portal.domain.order_form import check_answers
from portal.domain.periods import Period
from portal.errors import Forbidden, Invalid, NotFound
from portal.extensions import before_commit, db, transaction
from portal.models import Booking, BookingChange, Offering, Plan, Project, Slot, StoredIdempotencyKey, User
from portal.models.base import utcnow
from portal.policies import (
    SYSTEM,
    Actor,
    managed_offerings,
    own_bookings,
    visible_bookings,
    visible_offerings,
)
from portal.queries.booking_details import can_see_offering, current_details
from portal.queries.bookings import BookingView, view_of
from portal.services import calendars, mail
from portal.services.booking_requests import (
    BookingRequest,
    IdempotencyKey,
    booked_before,
    booker_of,
    check_list,
    check_request,
    check_text,
    plan_of,
    project_of,
)
from portal.services.limits import check_held
from portal.services.slot_allocation import (
    allocating,
    check_periods,
    first_state,
    move_slots,
    refuse_taken,
    retried,
)

REQUESTED = "request"
NOT_SEEN = Message("You can no longer see this offering, so the booking can't be moved. You can still cancel it.")
# Every change is kept, and shown wherever the booking is.
MAX_CHANGES = 100


@retried
def request_booking(
    actor: Actor,
    request: BookingRequest,
    *,
    on_behalf_of: int | None = None,
    key: IdempotencyKey | None = None,
    limited: bool = True,
    now: datetime | None = None,
) -> BookingView:
    """Request periods of an offering; they are held from now on. Returns the booking as the actor sees it.

    `on_behalf_of` names another person (staff only). With a `key`, a second call returns the first one's booking.
    Periods must satisfy schedules and rules, as they are at `now` (UTC), and be free. The booking is confirmed at once
    where the offering accepts automatically. `limited` False: the portal's limits per person do not apply (loading the
    demo). Raises SignInRequired, Forbidden, NotFound, SlotRefused, SlotTaken, Invalid.
    """
    now = now or utcnow()
    user_id = booker_of(actor, on_behalf_of)
    check_request(request)
    with allocating(actor, request.offering_uuid, request.periods, now) as session:
        known = booked_before(session, user_id, key)
        if known is not None:
            return view_of(actor, known)
        offering, manages = _lock_visible(session, actor, request.offering_uuid)
        # Read again: the same request may have held the lock until now.
        known = booked_before(session, user_id, key)
        if known is not None:
            return view_of(actor, known)
        check_periods(offering, request.periods, now, actor, user_id)
        state = first_state(offering.id, offering.attributes, now)
        if limited and not manages:
            check_held(session, user_id, state, request.periods, now)
        plan_id = plan_of(session, actor, offering, request.plan_uuid)
        project_id = project_of(session, actor, request.project_uuid)
        booking = Booking(
            offering=offering,
            user=session.get_one(User, user_id),
            plan=None if plan_id is None else session.get_one(Plan, plan_id),
            project=None if project_id is None else session.get_one(Project, project_id),
            name=request.name.strip() or offering.name,
            note=request.note.strip(),
            answers=check_answers(offering.options, request.answers),
            state=state.value,
            created=now,
            modified=now,
            slots=[
                Slot(offering_id=offering.id, start=it.start, end=it.end, holds=True) for it in sorted(request.periods)
            ],
            changes=[],
        )
        booking.as_booked = details_to_json(current_details(booking))
        session.add(booking)
        if key is not None:
            session.flush()
            session.add(
                StoredIdempotencyKey(
                    user_id=user_id, key=key.key, digest=key.digest, booking_id=booking.id, created=now
                )
            )
        _record(session, booking, REQUESTED, actor.user_id, now)
        if state is BookingState.CONFIRMED:
            _record(session, booking, BookingAction.ACCEPT.value, None, now, N_("Confirmed automatically."))
        # Here and not after the commit, which would begin another transaction.
        return view_of(actor, booking)


@retried
def reschedule_booking(
    actor: Actor,
    booking_uuid: uuidlib.UUID,
    periods: Sequence[Period],
    reason: str = "",
    *,
    now: datetime | None = None,
) -> bool:
    """Move a booking to other periods, under the same rules as a request; until it is answered it holds the new ones.

    Returns whether it moved: for exactly the periods that it has nothing changes and nothing is recorded. For the
    booker, as long as they see the offering, and those who manage it. If anything is refused the booking keeps what it
    has. Raises NotFound, Forbidden, BookingStateConflict, SlotRefused, SlotTaken, Invalid.
    """
    now = now or utcnow()
    check_list(periods)
    check_text("reason", reason)
    with allocating(actor, _offering_of(actor, booking_uuid), periods, now, except_booking=booking_uuid) as session:
        booking, offering, manages = _lock_booking(session, actor, booking_uuid)
        if not manages and not can_see_offering(actor, offering.id):
            raise Forbidden(NOT_SEEN)
        state = next_state(BookingState(booking.state), BookingAction.RESCHEDULE)
        _refuse_if_over(booking, BookingAction.RESCHEDULE, now)
        if sorted(periods) == [Period(slot.start, slot.end) for slot in booking.slots]:
            return False
        if booking.sequence >= MAX_CHANGES:
            raise Invalid(
                Message("This booking has been changed %(most)s times. Cancel it and book again.", most=MAX_CHANGES),
                "slots",
            )
        # The rules apply as they do to the booker, whoever moves it, except for whether they see the offering.
        check_periods(offering, periods, now, actor, booking.user_id, except_booking=booking.id)
        if moves_at_once(booking, manages, now):
            state = BookingState.CONFIRMED
        if not manages:
            check_held(session, booking.user_id, state, periods, now, booking)
        former = [_wire(slot.start, slot.end) for slot in booking.slots]
        move_slots(session, booking, sorted(periods))
        booking.state = state.value
        if booking.user_id == actor.user_id:
            booking.as_booked = details_to_json(current_details(booking))
        _record(session, booking, BookingAction.RESCHEDULE.value, actor.user_id, now, reason, {"slots": former})
    return True


def moves_at_once(booking: Booking, manages: bool, now: datetime) -> bool:
    """Whether the booking is confirmed with its new times at once, if somebody moves it who `manages` the offering.

    Managers need no approval, but moving a request does not answer it.
    """
    if manages and booking.state == BookingState.CONFIRMED.value:
        return True
    return first_state(booking.offering_id, booking.offering.attributes, now) is BookingState.CONFIRMED


@retried
def accept_booking(actor: Actor, booking_uuid: uuidlib.UUID, *, now: datetime | None = None) -> None:
    """Confirm a request. For those who manage the offering.

    It is refused where a busy time at Google has become known since the request. Raises NotFound, Forbidden,
    BookingStateConflict, SlotTaken.
    """
    now = now or utcnow()
    with transaction() as session:
        booking, offering, manages = _lock_booking(session, actor, booking_uuid)
        if not manages:
            raise Forbidden
        state = next_state(BookingState(booking.state), BookingAction.ACCEPT)
        _refuse_if_over(booking, BookingAction.ACCEPT, now)
        for slot in booking.slots:
            refuse_taken(offering, Period(slot.start, slot.end), now, actor, booking.id)
        booking.state = state.value
        _record(session, booking, BookingAction.ACCEPT.value, actor.user_id, now)


@retried
def reject_booking(actor: Actor, booking_uuid: uuidlib.UUID, reason: str = "", *, now: datetime | None = None) -> None:
    """Turn a request down. For those who manage the offering; the booker's own rejection is a cancellation.

    Raises NotFound, Forbidden, BookingStateConflict, Invalid.
    """
    check_text("reason", reason)
    now = now or utcnow()
    with transaction() as session:
        booking, _, manages = _lock_booking(session, actor, booking_uuid)
        next_state(BookingState(booking.state), BookingAction.REJECT)
        action = BookingAction.REJECT if manages and booking.user_id != actor.user_id else BookingAction.CANCEL
        _end(session, booking, action, actor.user_id, now, reason)


@retried
def cancel_booking(actor: Actor, booking_uuid: uuidlib.UUID, reason: str = "", *, now: datetime | None = None) -> None:
    """Release the slots, until the last one has ended. For the booker and those who manage the offering.

    Raises NotFound, BookingStateConflict, Invalid.
    """
    check_text("reason", reason)
    now = now or utcnow()
    with transaction() as session:
        booking, _, _ = _lock_booking(session, actor, booking_uuid)
        next_state(BookingState(booking.state), BookingAction.CANCEL)
        if booking.state == BookingState.CONFIRMED.value:
            _refuse_if_over(booking, BookingAction.CANCEL, now)
        _end(session, booking, BookingAction.CANCEL, actor.user_id, now, reason)


def expire_bookings(*, now: datetime | None = None, most: int = 200) -> int:
    """End the requests whose first slot has begun unanswered; answers how many there were. For the worker."""
    now = now or utcnow()
    first = select(func.min(Slot.start)).where(Slot.booking_id == Booking.id).correlate(Booking).scalar_subquery()
    due = select(Booking.uuid).where(Booking.state == BookingState.REQUESTED.value, first <= now).limit(most)
    found = db.session.execute(due).scalars().all()
    return sum(_expire(uuid, now) for uuid in found)


@retried
def _expire(booking_uuid: uuidlib.UUID, now: datetime) -> bool:
    with transaction() as session:
        booking, _, _ = _lock_booking(session, SYSTEM, booking_uuid)
        if booking.state != BookingState.REQUESTED.value or booking.slots[0].start > now:
            return False
        _end(
            session, booking, BookingAction.EXPIRE, None, now, N_("The request was not answered before its first slot.")
        )
    return True


def _refuse_if_over(booking: Booking, action: BookingAction, now: datetime) -> None:
    if booking.state == BookingState.REQUESTED.value and booking.slots[0].start <= now:
        # It has ended by itself; the worker will write that down.
        raise BookingStateConflict(BookingState.EXPIRED, action)
    if booking.slots[-1].end <= now:
        raise BookingStateConflict(BookingState(booking.state), action, over=True)


def _end(
    session: Session, booking: Booking, action: BookingAction, user_id: int | None, now: datetime, reason: str
) -> None:
    booking.state = next_state(BookingState(booking.state), action).value
    if booking.state not in HOLDING:
        session.execute(update(Slot).where(Slot.booking_id == booking.id).values(holds=False))
    _record(session, booking, action.value, user_id, now, reason)


def _record(
    session: Session,
    booking: Booking,
    what: str,
    user_id: int | None,
    now: datetime,
    reason: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    """Write a change into the booking's history, with everything that follows from any change of a booking."""
    booking.modified = now
    if what != REQUESTED:
        booking.sequence += 1
    booking.changes.append(
        BookingChange(user_id=user_id, at=now, what=what, reason=reason.strip(), detail=detail or {})
    )
    session.flush()
    mail.notify_booking_change(session, booking, what, user_id, now, reason.strip())
    # Counters follow by themselves: triggers on `bookings` keep them.
    before_commit(
        ("bookings", booking.offering_id), lambda: calendars.offerings_changed(session, [booking.offering_id])
    )


def _wire(start: datetime, end: datetime) -> dict[str, str]:
    return {"start": format_instant(start), "end": format_instant(end)}


@lru_cache(maxsize=256)
def _offering_to_lock(actor: Actor) -> Select[Offering, bool]:
    return (
        select(Offering, managed_offerings(actor))
        .where(Offering.uuid == bindparam("uuid"), visible_offerings(actor))
        # What the booking's mail and document show of the offering.
        .options(joinedload(Offering.organization), joinedload(Offering.category))
        .with_for_update(of=Offering)
    )


def _lock_visible(session: Session, actor: Actor, uuid: uuidlib.UUID) -> tuple[Offering, bool]:
    """The offering, locked, and whether the actor manages it."""
    row = session.execute(_offering_to_lock(actor), {"uuid": uuid}).one_or_none()
    if row is None:
        raise NotFound("Offering")
    return row[0], bool(row[1])


def _offering_of(actor: Actor, booking_uuid: uuidlib.UUID) -> uuidlib.UUID:
    found = db.session.execute(
        select(Offering.uuid)
        .join(Booking, Booking.offering_id == Offering.id)
        .where(Booking.uuid == booking_uuid, visible_bookings(actor))
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("Resource")
    return found


def _lock_booking(session: Session, actor: Actor, uuid: uuidlib.UUID) -> tuple[Booking, Offering, bool]:
    """The booking, its offering (both locked, the offering first, as requests do) and whether the actor manages it."""
    offering_id = select(Booking.offering_id).where(Booking.uuid == uuid).scalar_subquery()
    row = session.execute(
        select(Offering, managed_offerings(actor)).where(Offering.id == offering_id).with_for_update(of=Offering)
    ).one_or_none()
    if row is None:
        raise NotFound("Resource")
    offering, manages = row
    booking = session.execute(
        select(Booking)
        .where(Booking.uuid == uuid, or_(managed_offerings(actor), own_bookings(actor)))
        .join(Offering, Offering.id == Booking.offering_id)
        .with_for_update(of=Booking)
    ).scalar_one_or_none()
    if booking is None:
        raise NotFound("Resource")
    return booking, offering, bool(manages)
