"""What one person may do to the whole portal: hold so much at a time, and write so often within an hour.

Both are kept in the database, so that all processes count together. Limits of a single offering are its booking rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain.booking_states import BookingState
from portal.domain.limits import Limits, Usage, limit_message
from portal.domain.messages import Plural
from portal.domain.periods import Period
from portal.errors import TooManyWrites
from portal.extensions import db, settings, transaction, waits_for_commit, with_next_commit
from portal.models import Booking, User
from portal.models.base import utcnow
from portal.policies import Actor
from portal.queries.bookings import usage_of
from portal.services import throttle
from portal.services.slot_allocation import SlotRefused

HOUR = timedelta(hours=1)


def check_held(
    session: Session,
    user_id: int | None,
    state: BookingState,
    periods: Iterable[Period],
    now: datetime,
    booking: Booking | None = None,
) -> None:
    """Refuse a booking by which a person would hold more than the portal lets anybody hold (SlotRefused).

    `state` and `periods` are what it is to have; `booking` is what there is of it, where it is moved. The person's row
    is locked until the transaction ends: bookings of different offerings lock different offerings, and two at once
    would otherwise both be the last one. To be called with the offering locked, never before it.
    """
    limits = Limits(settings().max_open_requests, settings().max_hours_ahead)
    if not limits or user_id is None:
        return
    # A statement of its own: what it waited for is seen by the next one.
    session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))
    before, except_booking = Usage(), 0
    if booking is not None:
        kept = [Period(slot.start, slot.end) for slot in booking.slots]
        before, except_booking = _held(BookingState(booking.state), kept, now), booking.id
    refused = limit_message(limits, usage_of(user_id, now, except_booking), before, _held(state, periods, now))
    if refused is not None:
        raise SlotRefused(refused, "slots")


def _held(state: BookingState, periods: Iterable[Period], now: datetime) -> Usage:
    """What a booking in this state, with these periods, holds from now on."""
    ahead = (it.end - max(it.start, now) for it in periods if it.end > now)
    return Usage(int(state is BookingState.REQUESTED), sum(ahead, timedelta()))


def begin_write(actor: Actor, *, now: datetime | None = None) -> None:
    """At the start of a request that writes: refuse it where the person sent too many within an hour, else count it.

    It is counted with the first commit of the request, or by end_write() where there was none. Staff are not limited.
    Raises TooManyWrites, here or from that commit.
    """
    most = settings().max_writes_per_hour
    if not most or actor.is_staff or not actor.signed_in:
        return
    now, bucket = now or utcnow(), write_bucket(actor, most)
    wait = throttle.wait_time(bucket, now)
    if wait:
        raise _too_many(most, wait)
    with_next_commit(lambda session: _count(session, bucket, now))


def write_bucket(actor: Actor, most: int) -> throttle.Bucket:
    """What counts a person's writes: `most` at once, and as many again within an hour."""
    return throttle.Bucket.of("writes", throttle.Limit(most, HOUR / most), str(actor.user_id))


def end_write() -> None:
    """At the end of the request: count it where nothing was committed, because it was refused or changed nothing."""
    if waits_for_commit():
        # What was read for the answer may be older than what others have written since.
        db.session.rollback()
        with transaction():
            pass


def forget_write() -> None:
    """Once the request is over: what comes next in this thread is another one."""
    with_next_commit(None)


def _count(session: Session, bucket: throttle.Bucket, now: datetime) -> None:
    wait = throttle.consume(session, bucket, now)
    if wait:
        with_next_commit(None)
        raise _too_many(bucket.limit.burst, wait)


def _too_many(most: int, wait: timedelta) -> TooManyWrites:
    said = Plural(
        "One person may make %(number)s change an hour, and you have made it.",
        "One person may make %(number)s changes an hour, and you have made them.",
        most,
    )
    refused = throttle.too_many(said, wait)
    return TooManyWrites(refused.message, refused.retry_after)
