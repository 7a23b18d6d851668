"""Bookings: request, accept, reject, cancel, move, expire. One function = one act = one transaction.

The offering's row is locked while periods of it are placed, so that two requests for one slot queue instead of racing;
that two slots never overlap is guaranteed by the database itself (portal.models.bookings.NO_OVERLAP).
"""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, TypeVar

from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from portal.documents import store as documents
from portal.domain.availability import Availability
from portal.domain.booking_states import HOLDING, BookingAct, BookingState, BookingStateConflict, after
from portal.domain.instants import format_instant
from portal.domain.order_form import check_answers
from portal.domain.periods import Period
from portal.domain.pricing import is_active
from portal.domain.refusals import Code, Refusal
from portal.domain.rules import rules_of
from portal.errors import Conflict, Forbidden, Invalid, NotFound, SignInRequired
from portal.extensions import before_commit, db, reading, transaction
from portal.models import Booking, BookingChange, IdempotencyKey, Offering, Plan, Project, Slot
from portal.models.base import utcnow
from portal.models.bookings import NO_OVERLAP
from portal.policies import (
    SYSTEM,
    Actor,
    managed_offerings,
    own_bookings,
    usable_projects,
    visible_bookings,
    visible_offerings,
    visible_plans,
)
from portal.queries import availability
from portal.services import calendars, mail

MAX_PERIODS = 20
MAX_TEXT = 2000
MAX_KEY = 255
ALTERNATIVES_WITHIN = timedelta(days=7)
REQUESTED = "request"
# Two transactions that waited for each other, or met on one key: the one that was rolled back is done again.
TRIES = 4

T = TypeVar("T")


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


class SlotRefused(Invalid):
    """A period cannot be booked, by the rule named in the message. `asked` is that period; None: none can."""

    def __init__(self, message: str, field: str, asked: Period | None = None) -> None:
        super().__init__(message, field)
        self.asked = asked


class SlotTaken(Conflict):
    """A period overlaps one that somebody else holds.

    `rival` is that period, `asked` the one that was asked for, `alternatives` the nearest of the same length that can
    be booked.
    """

    def __init__(self, message: str, rival: Period, asked: Period) -> None:
        super().__init__(message)
        self.rival = rival
        self.asked = asked
        self.alternatives: list[Period] = []


def request_booking(
    actor: Actor,
    wish: Wish,
    *,
    on_behalf_of: int | None = None,
    repeat: Repeat | None = None,
    now: datetime | None = None,
) -> uuidlib.UUID:
    """Ask for periods of an offering; they are held from now on. Answers the booking's uuid.

    `on_behalf_of` names another person (staff only). `repeat` makes a second call answer the first one's booking.
    Periods must satisfy schedules and rules, judged at `now` (UTC), and be free. Where the offering accepts by
    itself the booking is confirmed at once. Raises SignInRequired, Forbidden, NotFound, SlotRefused, SlotTaken,
    Invalid.
    """
    now = now or utcnow()
    user_id = _booker(actor, on_behalf_of)
    _check_wish(wish)

    def place(session: Session) -> uuidlib.UUID:
        known = _repeated(session, user_id, repeat)
        if known is not None:
            return known
        offering = _lock_visible(session, actor, wish.offering_uuid)
        _check_periods(offering, wish.periods, now, actor, user_id)
        state = _first_state(offering, now)
        booking = Booking(
            offering_id=offering.id,
            user_id=user_id,
            plan_id=_plan(session, actor, offering, wish.plan_uuid),
            project_id=_project(session, actor, wish.project_uuid),
            name=wish.name.strip() or offering.name,
            note=wish.note.strip(),
            answers=check_answers(offering.options, wish.answers),
            state=state.value,
            created=now,
            modified=now,
            slots=[
                Slot(offering_id=offering.id, start=it.start, end=it.end, holds=True) for it in sorted(wish.periods)
            ],
        )
        session.add(booking)
        session.flush()
        _record(session, booking, REQUESTED, actor.user_id, now)
        if state is BookingState.CONFIRMED:
            _record(session, booking, BookingAct.ACCEPT.value, None, now, "The offering accepts by itself.")
        if repeat is not None:
            session.add(
                IdempotencyKey(
                    user_id=user_id, key=repeat.key, digest=repeat.digest, booking_id=booking.id, created=now
                )
            )
        return booking.uuid

    return _placing(place, actor, wish.offering_uuid, wish.periods, now)


def reschedule_booking(
    actor: Actor,
    booking_uuid: uuidlib.UUID,
    periods: Sequence[Period],
    reason: str = "",
    *,
    now: datetime | None = None,
) -> None:
    """Move a booking to other periods, under the same rules as a request; until it is answered it holds the new ones.

    For the booker and those who manage the offering. If anything is refused the booking keeps what it has. Raises
    NotFound, BookingStateConflict, SlotRefused, SlotTaken, Invalid.
    """
    now = now or utcnow()
    _check_list(periods)
    _check_text("reason", reason)

    def move(session: Session) -> uuidlib.UUID:
        booking, offering, manages = _lock_booking(session, actor, booking_uuid)
        state = after(BookingState(booking.state), BookingAct.RESCHEDULE)
        _refuse_if_over(booking, BookingAct.RESCHEDULE, now)
        # Somebody who manages the offering is judged as the booker would be, but for seeing it.
        _check_periods(offering, periods, now, actor, booking.user_id, without=booking.id)
        former = [_wire(slot.start, slot.end) for slot in booking.slots]
        _move_slots(session, booking, sorted(periods))
        # Who answers requests need not ask for an answer; moving an unanswered one is no answer to it.
        answered = manages and booking.state == BookingState.CONFIRMED.value
        confirmed = answered or _first_state(offering, now) is BookingState.CONFIRMED
        booking.state = (BookingState.CONFIRMED if confirmed else state).value
        _record(session, booking, BookingAct.RESCHEDULE.value, actor.user_id, now, reason, {"slots": former})
        return offering.uuid

    offering_uuid = _offering_of(actor, booking_uuid)
    _placing(move, actor, offering_uuid, periods, now, without=booking_uuid)


def accept_booking(actor: Actor, booking_uuid: uuidlib.UUID, *, now: datetime | None = None) -> None:
    """Confirm a request. For those who manage the offering.

    What became known since the request is asked again: a busy time at Google refuses it. Raises NotFound, Forbidden,
    BookingStateConflict, SlotTaken.
    """
    now = now or utcnow()

    def accept(session: Session) -> uuidlib.UUID:
        booking, offering, manages = _lock_booking(session, actor, booking_uuid)
        if not manages:
            raise Forbidden
        state = after(BookingState(booking.state), BookingAct.ACCEPT)
        _refuse_if_over(booking, BookingAct.ACCEPT, now)
        for slot in booking.slots:
            _refuse_taken(offering, Period(slot.start, slot.end), now, actor, booking.id)
        booking.state = state.value
        _record(session, booking, BookingAct.ACCEPT.value, actor.user_id, now)
        return offering.uuid

    _retried(accept)


def reject_booking(actor: Actor, booking_uuid: uuidlib.UUID, reason: str = "", *, now: datetime | None = None) -> None:
    """Turn a request down. For those who manage the offering; the booker's own rejection is a cancellation.

    Raises NotFound, Forbidden, BookingStateConflict, Invalid.
    """
    _check_text("reason", reason)
    now = now or utcnow()

    def reject(session: Session) -> uuidlib.UUID:
        booking, offering, manages = _lock_booking(session, actor, booking_uuid)
        after(BookingState(booking.state), BookingAct.REJECT)
        act = BookingAct.REJECT if manages and booking.user_id != actor.user_id else BookingAct.CANCEL
        _end(session, booking, act, actor.user_id, now, reason)
        return offering.uuid

    _retried(reject)


def cancel_booking(actor: Actor, booking_uuid: uuidlib.UUID, reason: str = "", *, now: datetime | None = None) -> None:
    """Give the slots back, until the last one has ended. For the booker and those who manage the offering.

    Raises NotFound, BookingStateConflict, Invalid.
    """
    _check_text("reason", reason)
    now = now or utcnow()

    def cancel(session: Session) -> uuidlib.UUID:
        booking, offering, _ = _lock_booking(session, actor, booking_uuid)
        after(BookingState(booking.state), BookingAct.CANCEL)
        if booking.state == BookingState.CONFIRMED.value:
            _refuse_if_over(booking, BookingAct.CANCEL, now)
        _end(session, booking, BookingAct.CANCEL, actor.user_id, now, reason)
        return offering.uuid

    _retried(cancel)


def expire_bookings(*, now: datetime | None = None, most: int = 200) -> int:
    """End the requests whose first slot has begun unanswered; answers how many there were. For the worker."""
    now = now or utcnow()
    first = select(func.min(Slot.start)).where(Slot.booking_id == Booking.id).correlate(Booking).scalar_subquery()
    due = select(Booking.uuid).where(Booking.state == BookingState.REQUESTED.value, first <= now).limit(most)
    with reading():
        found = db.session.execute(due).scalars().all()
        db.session.rollback()
    return sum(_expire(uuid, now) for uuid in found)


def _expire(booking_uuid: uuidlib.UUID, now: datetime) -> bool:
    def expire(session: Session) -> bool:
        booking, _, _ = _lock_booking(session, SYSTEM, booking_uuid)
        if booking.state != BookingState.REQUESTED.value or booking.slots[0].start > now:
            return False
        _end(session, booking, BookingAct.EXPIRE, None, now, "The request was not answered before its first slot.")
        return True

    return _retried(expire)


def _placing(
    act: Callable[[Session], uuidlib.UUID],
    actor: Actor,
    offering_uuid: uuidlib.UUID,
    periods: Sequence[Period],
    now: datetime,
    without: uuidlib.UUID | None = None,
) -> uuidlib.UUID:
    """Do an act that places periods. Whoever found an overlap, the check or the database: it is told in one way."""
    try:
        try:
            return _retried(act)
        except IntegrityError as error:
            if NO_OVERLAP not in str(error.orig):
                raise
            # The check saw nothing, the database did: ask again, now that the rival has committed.
            raise _found_by_database(actor, offering_uuid, periods, now, without) from error
    except SlotTaken as taken:
        taken.alternatives = _alternatives(actor, offering_uuid, taken.asked, now, without)
        raise


def _retried(act: Callable[[Session], T]) -> T:
    """Run an act in its transaction, again where it lost against another one through no fault of its own."""
    for left in reversed(range(TRIES)):
        try:
            with transaction() as session:
                return act(session)
        except OperationalError as error:
            if not left or "deadlock" not in str(error.orig):
                raise
        except IntegrityError as error:
            if not left or IdempotencyKey.__tablename__ not in str(error.orig):
                raise
    raise AssertionError("the last try returns or raises")


def _found_by_database(
    actor: Actor, offering_uuid: uuidlib.UUID, periods: Sequence[Period], now: datetime, without: uuidlib.UUID | None
) -> SlotTaken:
    with reading():
        for period in periods:
            free = _free(actor, offering_uuid, period, now, without)
            refusal = next((it for it in free.refusals(period) if it.is_conflict), None) if free else None
            if refusal is not None:
                return SlotTaken(refusal.text, refusal.period, period)
    first = min(periods)
    return SlotTaken("Somebody else was faster. Look again: it may be free now.", first, first)


def _alternatives(
    actor: Actor, offering_uuid: uuidlib.UUID, asked: Period, now: datetime, without: uuidlib.UUID | None
) -> list[Period]:
    with reading():
        window = Period(asked.start - ALTERNATIVES_WITHIN, asked.end + ALTERNATIVES_WITHIN)
        free = _free(actor, offering_uuid, window, now, without)
        found = free.nearest(asked, ALTERNATIVES_WITHIN) if free else []
        db.session.rollback()
    return found


def _free(
    actor: Actor, offering_uuid: uuidlib.UUID, window: Period, now: datetime, without: uuidlib.UUID | None
) -> Availability | None:
    offering = db.session.execute(
        select(Offering.id, Offering.attributes).where(Offering.uuid == offering_uuid)
    ).one_or_none()
    if offering is None:
        return None
    own = None
    if without is not None:
        own = db.session.execute(select(Booking.id).where(Booking.uuid == without)).scalar_one_or_none()
    return availability.of_offering(offering.id, offering.attributes, window, now, actor, without=own)


def _check_periods(
    offering: Offering,
    periods: Sequence[Period],
    now: datetime,
    actor: Actor,
    booker_id: int | None,
    *,
    without: int | None = None,
) -> None:
    """Refuse periods that cannot be booked by this person (SlotRefused, SlotTaken)."""
    if offering.state != "Active":
        raise SlotRefused(f"This offering is {offering.state.lower()}: it can't be booked now.", "offering")
    # Quotas count what the booker holds, whoever asks for them.
    booker = actor if booker_id == actor.user_id else Actor(booker_id)
    ordered = sorted(periods)
    hull = Period(ordered[0].start, max(it.end for it in ordered))
    counted = rules_of(offering.attributes).counts_own
    free = None
    for number, period in enumerate(ordered):
        if free is None or counted:
            free = availability.of_offering(
                offering.id, offering.attributes, hull, now, booker, without=without, also=ordered[:number]
            )
        refused = free.explain(period)
        if refused is not None:
            raise _refused(refused, period)


def _refuse_taken(offering: Offering, period: Period, now: datetime, actor: Actor, without: int) -> None:
    free = availability.of_offering(offering.id, offering.attributes, period, now, actor, without=without)
    # What an owner accepts may break rules that came after the request, but never somebody else's time.
    taken = next((it for it in free.refusals(period) if it.is_conflict and it.code is not Code.BUFFER), None)
    if taken is not None:
        raise _refused(taken, period)


def _refused(refusal: Refusal, asked: Period) -> SlotTaken | SlotRefused:
    if refusal.is_conflict:
        return SlotTaken(refusal.text, refusal.period, asked)
    return SlotRefused(refusal.text, "slots", asked)


def _first_state(offering: Offering, now: datetime) -> BookingState:
    """Confirmed where the offering accepts by itself, unless its owner wants to look while busy times are stale."""
    rules = rules_of(offering.attributes)
    automatic = rules.accept == "automatic"
    if automatic and rules.stale_busy == "request" and availability.stale_offerings([offering.id], now):
        automatic = False
    return BookingState.CONFIRMED if automatic else BookingState.REQUESTED


def _refuse_if_over(booking: Booking, act: BookingAct, now: datetime) -> None:
    if booking.state == BookingState.REQUESTED.value and booking.slots[0].start <= now:
        # It has ended by itself; the worker will write that down.
        raise BookingStateConflict(BookingState.EXPIRED, act)
    if booking.slots[-1].end <= now:
        raise BookingStateConflict(BookingState(booking.state), act, over=True)


def _move_slots(session: Session, booking: Booking, periods: Sequence[Period]) -> None:
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


def _end(session: Session, booking: Booking, act: BookingAct, user_id: int | None, now: datetime, reason: str) -> None:
    booking.state = after(BookingState(booking.state), act).value
    if booking.state not in HOLDING:
        session.execute(update(Slot).where(Slot.booking_id == booking.id).values(holds=False))
    _record(session, booking, act.value, user_id, now, reason)


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
    session.add(
        BookingChange(
            booking_id=booking.id, user_id=user_id, at=now, what=what, reason=reason.strip(), detail=detail or {}
        )
    )
    session.flush()
    mail.booking_changed(session, booking, what, user_id, now, reason.strip())
    before_commit(("bookings", booking.offering_id), lambda: _publish(session, booking.offering_id))


def _publish(session: Session, offering_id: int) -> None:
    """Bring up to date what shows bookings: the document's counts, and the offering's calendar."""
    documents.refresh(session, [offering_id])
    calendars.offerings_changed(session, [offering_id])


def _wire(start: datetime, end: datetime) -> dict[str, str]:
    return {"start": format_instant(start), "end": format_instant(end)}


def _repeated(session: Session, user_id: int, repeat: Repeat | None) -> uuidlib.UUID | None:
    if repeat is None:
        return None
    if not 0 < len(repeat.key) <= MAX_KEY:
        raise Invalid(f"The key must have 1 to {MAX_KEY} characters.", "Idempotency-Key")
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


def _booker(actor: Actor, on_behalf_of: int | None) -> int:
    if on_behalf_of is not None and on_behalf_of != actor.user_id:
        if not actor.is_staff:
            raise Forbidden
        return on_behalf_of
    if actor.user_id is None:
        raise SignInRequired
    return actor.user_id


def _check_wish(wish: Wish) -> None:
    _check_list(wish.periods)
    _check_text("name", wish.name)
    _check_text("note", wish.note)


def _check_list(periods: Sequence[Period]) -> None:
    if not periods:
        raise Invalid("Pick at least one period.", "slots")
    if len(periods) > MAX_PERIODS:
        raise Invalid(f"At most {MAX_PERIODS} periods go into one booking.", "slots")
    if any(first.overlaps(second) for first, second in pairwise(sorted(periods))):
        raise Invalid("Two of the periods overlap each other.", "slots")


def _check_text(field: str, text: str) -> None:
    if len(text) > MAX_TEXT:
        raise Invalid(f"This is too long (at most {MAX_TEXT} characters).", field)
    if "\x00" in text:
        raise Invalid("This holds a character that can't be kept.", field)


def _lock_visible(session: Session, actor: Actor, uuid: uuidlib.UUID) -> Offering:
    offering = session.execute(
        select(Offering).where(Offering.uuid == uuid, visible_offerings(actor)).with_for_update(of=Offering)
    ).scalar_one_or_none()
    if offering is None:
        raise NotFound("Offering")
    return offering


def _offering_of(actor: Actor, booking_uuid: uuidlib.UUID) -> uuidlib.UUID:
    with reading():
        found = db.session.execute(
            select(Offering.uuid)
            .join(Booking, Booking.offering_id == Offering.id)
            .where(Booking.uuid == booking_uuid, visible_bookings(actor))
        ).scalar_one_or_none()
        db.session.rollback()
    if found is None:
        raise NotFound("Resource")
    return found


def _lock_booking(session: Session, actor: Actor, uuid: uuidlib.UUID) -> tuple[Booking, Offering, bool]:
    """The booking, its offering (both locked, the offering first, as requests do) and whether the actor manages it."""
    offering_id = select(Booking.offering_id).where(Booking.uuid == uuid).scalar_subquery()
    row = session.execute(
        select(Offering, managed_offerings(actor))
        .where(Offering.id == offering_id)
        .with_for_update(of=Offering)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound("Resource")
    offering, manages = row
    booking = session.execute(
        select(Booking)
        .where(Booking.uuid == uuid, or_(managed_offerings(actor), own_bookings(actor)))
        .join(Offering, Offering.id == Booking.offering_id)
        .with_for_update(of=Booking)
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if booking is None:
        raise NotFound("Resource")
    return booking, offering, bool(manages)


def _project(session: Session, actor: Actor, wanted: uuidlib.UUID | None) -> int | None:
    if wanted is None:
        return None
    found = session.execute(
        select(Project.id).where(Project.uuid == wanted, usable_projects(actor))
    ).scalar_one_or_none()
    if found is None:
        raise Invalid("There is no such project, or your bookings can't be for it.", "project")
    return found


def _plan(session: Session, actor: Actor, offering: Offering, wanted: uuidlib.UUID | None) -> int | None:
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
