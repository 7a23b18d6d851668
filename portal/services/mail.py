"""Writes mail into the outbox, in the transaction of the change it reports. The worker sends it after the commit."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.orm import Session, joinedload

from portal.domain.booking_details import details_from_json
from portal.domain.booking_states import BookingAction, BookingState
from portal.domain.instants import format_instant
from portal.domain.mail import LINK_OF, REMIND_BEFORE, MailKind, is_wanted
from portal.extensions import enqueue_mail, secret_box, secret_location, settings, transaction
from portal.models import (
    AccountLink,
    Booking,
    Membership,
    Organization,
    OutgoingMail,
    Slot,
    StoredIdempotencyKey,
    User,
)
from portal.policies import MANAGING_ROLES, OWNING_ROLES, Actor
from portal.queries.availability import zone_of
from portal.queries.booking_details import can_see_offering
from portal.secretbox import SecretLocation
from portal.services.summaries import Cause, add_to_summary, cause_of

KEEP_SENT = timedelta(days=30)
KEEP_KEYS = timedelta(days=7)
MAX_REMINDERS = 200

_TO_BOOKER: Mapping[str, MailKind] = {
    BookingAction.ACCEPT: MailKind.ACCEPTED,
    BookingAction.REJECT: MailKind.REJECTED,
    BookingAction.CANCEL: MailKind.CANCELLED,
    BookingAction.RESCHEDULE: MailKind.MOVED,
    BookingAction.EXPIRE: MailKind.EXPIRED,
}
_ANSWERS = frozenset({BookingAction.ACCEPT.value, BookingAction.REJECT.value})
_TO_MANAGERS: Mapping[str, MailKind] = {
    BookingAction.CANCEL: MailKind.GIVEN_BACK,
    BookingAction.RESCHEDULE: MailKind.MOVED_BY_BOOKER,
}


_suppressed: ContextVar[bool] = ContextVar("suppressed", default=False)


def is_mail_suppressed() -> bool:
    """Whether the current code runs inside of suppress_mail()."""
    return _suppressed.get()


@contextmanager
def suppress_mail() -> Iterator[None]:
    """Write no mail inside the block. For the demo, whose weeks of made-up bookings would fill the outbox."""
    token = _suppressed.set(True)
    try:
        yield
    finally:
        _suppressed.reset(token)


def queue_message(
    session: Session, kind: MailKind, user: User, data: Mapping[str, Any], now: datetime, cause: Cause | None = None
) -> None:
    """Queue a message to a user, unless they switched its kind off.

    It goes into a summary if `cause` has caused too many messages to this user within an hour.
    """
    if not user.is_active or not is_wanted(kind, user.mail_off):
        return
    due = cause.due(user.id) if cause is not None else None
    if cause is not None and due is not None:
        add_to_summary(session, kind, user, data, cause, now, due)
    else:
        row = _message(kind, user.email, data, now, user.id)
        row.cause_id = cause.user_id if cause is not None else None
        session.add(row)
        enqueue_mail()


def queue_link(
    session: Session,
    kind: MailKind,
    email: str,
    secret: str,
    data: Mapping[str, Any],
    now: datetime,
    user_id: int | None = None,
) -> None:
    """Queue a message with a link. The link's secret is encrypted in the row, and deleted when the message is sent."""
    row = _message(kind, email, data, now, user_id)
    row.sealed_secret = secret_box().encrypt(secret, _secret_place(row))
    session.add(row)
    enqueue_mail()


def link_secret(row: OutgoingMail) -> str:
    """The secret of a message's link; "" if it has no link. Raises SecretLost."""
    return secret_box().decrypt(row.sealed_secret, _secret_place(row)) if row.sealed_secret else ""


def _secret_place(row: OutgoingMail) -> SecretLocation:
    return secret_location(OutgoingMail.sealed_secret, row.uuid)


def encrypt_link(row: OutgoingMail) -> None:
    """Encrypt a link that an earlier version stored in clear text; delete it if the message is not sent any more."""
    if "link" not in row.data:
        return
    path = str(row.data["link"])
    row.data = {key: value for key, value in row.data.items() if key != "link"}
    if row.next_attempt is not None:
        row.sealed_secret = secret_box().encrypt(path.strip("/").rpartition("/")[2], _secret_place(row))


def encrypt_links() -> None:
    """Do so for all messages of the outbox."""
    with transaction() as session:
        query = select(OutgoingMail).where(
            OutgoingMail.kind.in_([kind.value for kind in LINK_OF]), OutgoingMail.data["link"].as_string().is_not(None)
        )
        for row in session.execute(query.with_for_update(skip_locked=True)).scalars():
            encrypt_link(row)


def notify_booking_change(
    session: Session, booking: Booking, what: str, user_id: int | None, now: datetime, reason: str = ""
) -> None:
    """Queue the messages about what `user_id` (None: the portal) did to a booking: "request" or a BookingAction value.

    Users get no mail about what they did themselves, except for their own request: its mail has the calendar entry.
    """
    if is_mail_suppressed():
        return
    data = {**booking_facts(booking), "reason": reason}
    booker = session.get(User, booking.user_id) if booking.user_id else None
    actor = booker if user_id is None else session.get(User, user_id)
    # Managers' answers are not limited: there is one for each request.
    is_answer = what in _ANSWERS and user_id is not None and user_id != booking.user_id
    cause = cause_of(session, actor, now) if actor is not None and not is_answer else None
    automatic = what == BookingAction.ACCEPT.value and user_id is None
    if what == "request":
        if booking.state != BookingState.REQUESTED.value:
            return  # Confirmed in the same transaction, which queues its own messages.
        if booker is not None:
            queue_message(session, MailKind.REQUESTED, booker, data, now, cause)
        _to_managers(session, booking, MailKind.TO_ANSWER, data, now, cause, without=user_id)
        return
    if booker is not None and user_id != booker.id:
        queue_message(session, _TO_BOOKER[what], booker, {**data, **_visible_facts(booking, booker)}, now, cause)
    if automatic:
        _to_managers(session, booking, MailKind.BOOKED, data, now, cause, without=booking.user_id)
    elif what in _TO_MANAGERS and user_id == booking.user_id:
        _to_managers(session, booking, _TO_MANAGERS[what], data, now, cause, without=user_id)


def booking_facts(booking: Booking) -> dict[str, Any]:
    """The current facts of a booking, for messages."""
    offering = booking.offering
    provider = offering.organization.name if offering.organization else ""
    who = booking.user
    return {
        "booking": str(booking.uuid),
        "name": booking.name,
        "note": booking.note,
        "state": booking.state,
        "offering": offering.name,
        "offering_uuid": str(offering.uuid),
        "provider": provider,
        "zone": zone_of(offering.attributes).key,
        "who": (who.full_name or who.email) if who else "",
        "sequence": booking.sequence,
        "created": format_instant(booking.created),
        "modified": format_instant(booking.modified),
        "slots": [
            {"uuid": str(it.uuid), "start": format_instant(it.start), "end": format_instant(it.end)}
            for it in sorted(booking.slots, key=lambda it: it.start)
        ],
    }


def _visible_facts(booking: Booking, booker: User) -> dict[str, str]:
    """The offering's facts as they were at the time of booking, if the booker may no longer see the offering."""
    if can_see_offering(Actor(booker.id, booker.is_staff), booking.offering_id):
        return {}
    booked = details_from_json(booking.as_booked, booking.name)
    return {"offering": booked.offering, "provider": booked.provider, "zone": booked.zone or settings().timezone}


def notify_connection_broken(session: Session, organization_id: int, reason: str, now: datetime) -> None:
    """Queue mail to the owners of an organization: Google must be connected again."""
    organization = session.get(Organization, organization_id)
    if organization is None:
        return
    data = {"organization": organization.name, "organization_uuid": str(organization.uuid), "reason": reason}
    for user in users_with_role(session, organization_id, OWNING_ROLES):
        queue_message(session, MailKind.RECONNECT, user, data, now)


def write_reminders(now: datetime) -> int:
    """Queue a reminder for each confirmed slot that starts within a day, once for each start. Returns their number."""
    with transaction() as session:
        due = (
            session.execute(
                select(Slot)
                .join(Booking, Booking.id == Slot.booking_id)
                .where(
                    Slot.holds.is_(True),
                    Slot.start > now,
                    Slot.start <= now + REMIND_BEFORE,
                    or_(Slot.reminded.is_(None), Slot.reminded != Slot.start),
                    Booking.state == BookingState.CONFIRMED.value,
                )
                .order_by(Slot.start)
                .limit(MAX_REMINDERS)
                .with_for_update(of=Slot, skip_locked=True)
                .options(joinedload(Slot.booking))
            )
            .scalars()
            .all()
        )
        written = 0
        for slot in due:
            booking = slot.booking
            slot.reminded = slot.start
            # No reminder of what was booked less than a day before.
            if booking.modified > slot.start - REMIND_BEFORE or booking.user is None:
                continue
            facts = {**booking_facts(booking), **_visible_facts(booking, booking.user)}
            facts["slots"] = [it for it in facts["slots"] if it["uuid"] == str(slot.uuid)]
            queue_message(session, MailKind.REMINDER, booking.user, {**facts, "reason": ""}, now)
            written += 1
        return written


def is_reminder_due(session: Session, row: OutgoingMail, now: datetime) -> bool:
    """Whether what a reminder says is still so: the slot is ahead, at the same time, and its booking is confirmed."""
    for it in row.data["slots"]:
        query = (
            select(Slot.start)
            .join(Booking, Booking.id == Slot.booking_id)
            .where(Slot.uuid == uuidlib.UUID(it["uuid"]), Booking.state == BookingState.CONFIRMED.value)
        )
        start = session.execute(query).scalar_one_or_none()
        if start is not None and start > now and format_instant(start) == it["start"]:
            return True
    return False


def delete_old_records(now: datetime) -> None:
    """Delete old mail, expired links and old idempotency keys."""
    with transaction() as session:
        done = OutgoingMail.next_attempt.is_(None)
        session.execute(delete(OutgoingMail).where(done, OutgoingMail.created < now - KEEP_SENT))
        session.execute(delete(AccountLink).where(AccountLink.expires < now))
        session.execute(delete(StoredIdempotencyKey).where(StoredIdempotencyKey.created < now - KEEP_KEYS))


def set_unsubscribed_groups(user_id: int, groups: Iterable[str]) -> None:
    """Store the groups of mail that a user switched off."""
    with transaction() as session:
        session.execute(update(User).where(User.id == user_id).values(mail_off=sorted(set(groups))))


def unsubscribe(user_id: int, group: str) -> None:
    """Switch one group of mail off for a user."""
    with transaction() as session:
        user = session.get(User, user_id, with_for_update=True)
        if user is not None:
            user.mail_off = sorted({*user.mail_off, group})


def _message(kind: MailKind, email: str, data: Mapping[str, Any], now: datetime, user_id: int | None) -> OutgoingMail:
    return OutgoingMail(
        # Set here, not by the database: the encrypted secret is bound to it.
        uuid=uuidlib.uuid4(),
        kind=kind.value,
        recipient=email,
        user_id=user_id,
        data=dict(data),
        created=now,
        next_attempt=now,
    )


def _to_managers(
    session: Session,
    booking: Booking,
    kind: MailKind,
    data: Mapping[str, Any],
    now: datetime,
    cause: Cause | None,
    *,
    without: int | None,
) -> None:
    if booking.offering.organization_id is None:
        return
    for user in users_with_role(session, booking.offering.organization_id, MANAGING_ROLES):
        if user.id != without:
            queue_message(session, kind, user, data, now, cause)


_MEMBERS = (
    select(User)
    .join(Membership, Membership.user_id == User.id)
    .where(
        Membership.organization_id == bindparam("organization_id"),
        Membership.role.in_(bindparam("roles", expanding=True)),
        User.is_active.is_(True),
    )
    .order_by(User.id)
)


def users_with_role(session: Session, organization_id: int, roles: tuple[str, ...]) -> list[User]:
    """The active users with one of these roles in an organization."""
    return list(session.execute(_MEMBERS, {"organization_id": organization_id, "roles": roles}).scalars())
