"""Calendar actions (sync, share, unshare), and recording that an offering's bookings changed.

An action is checked, writes the desired state and is enqueued for the worker after the commit; no provider is called.
"""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Collection

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from portal.audit import SecurityEvent, object_ref, record
from portal.calendar_sync.states import CalendarAction, refusal, requested_state
from portal.documents import store as documents
from portal.errors import CalendarRefused, Forbidden, NotFound
from portal.extensions import enqueue_calendar, transaction
from portal.models import GoogleCalendar, GoogleConnection, Offering
from portal.policies import Actor, owned_offerings, visible_offerings
from portal.queries.calendars import calendars_in_use, usable_connection


def sync_google_calendar(actor: Actor, offering_uuid: uuidlib.UUID) -> None:
    """Request that the calendar is made equal to the offering's bookings, and that busy times are read now.

    Creates the calendar row if there is none. Raises NotFound, Forbidden, CalendarRefused (docs/google-calendar.md,
    "Sync, share, unshare").
    """
    _request(actor, offering_uuid, CalendarAction.SYNC)


def share_google_calendar(actor: Actor, offering_uuid: uuidlib.UUID) -> None:
    """Request that everyone can read the calendar (role reader), which is created if there is none.

    `public` stays False until the worker has changed and verified the sharing. Raises NotFound, Forbidden,
    CalendarRefused.
    """
    _request(actor, offering_uuid, CalendarAction.SHARE)


def unshare_google_calendar(actor: Actor, offering_uuid: uuidlib.UUID) -> None:
    """Request that the calendar is made private again. Raises NotFound, Forbidden, CalendarRefused."""
    _request(actor, offering_uuid, CalendarAction.UNSHARE)


def _request(actor: Actor, offering_uuid: uuidlib.UUID, action: CalendarAction) -> None:
    with transaction() as session:
        offering = _lock_offering(session, actor, offering_uuid)
        calendar = session.execute(
            select(GoogleCalendar)
            .where(GoogleCalendar.offering_id == offering.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).scalar_one_or_none()
        _refuse(session, offering, calendar, action)
        if calendar is None:
            calendar = GoogleCalendar(offering_id=offering.id, public=False, want_public=False, wanted=0)
            session.add(calendar)
        if action is not CalendarAction.SYNC:
            calendar.want_public = action is CalendarAction.SHARE
        calendar.state = requested_state(created=calendar.backend_id is not None)
        calendar.wanted += 1
        calendar.attempts = 0
        calendar.next_attempt = None
        calendar.action_failed = False
        session.flush()
        documents.refresh(session, [offering.id])
        enqueue_calendar(calendar.id)
        if action is not CalendarAction.SYNC:
            event = SecurityEvent.CALENDAR_SHARED if action is CalendarAction.SHARE else SecurityEvent.CALENDAR_UNSHARED
            record(event, actor, object_ref("offering", offering_uuid))


def _lock_offering(session: Session, actor: Actor, offering_uuid: uuidlib.UUID) -> Offering:
    # The lock serializes two first actions of one offering, so that only one creates its calendar.
    offering = session.execute(
        select(Offering)
        .where(Offering.uuid == offering_uuid, visible_offerings(actor))
        .with_for_update(of=Offering, key_share=True)
    ).scalar_one_or_none()
    if offering is None:
        raise NotFound("Offering")
    owned = select(Offering.id).where(Offering.id == offering.id, owned_offerings(actor))
    if session.execute(owned).first() is None:
        raise Forbidden
    return offering


def _refuse(session: Session, offering: Offering, calendar: GoogleCalendar | None, action: CalendarAction) -> None:
    usable = select(GoogleConnection.id).where(
        GoogleConnection.organization_id == offering.organization_id, usable_connection()
    )
    reason = refusal(
        action,
        has_credentials=session.execute(usable).first() is not None,
        state=None if calendar is None else calendar.state,
        public=calendar is not None and calendar.public,
        want_public=None if calendar is None else calendar.want_public,
    )
    if reason is not None:
        raise CalendarRefused(reason)


_IN_USE = (
    select(GoogleCalendar.id)
    .where(GoogleCalendar.offering_id.in_(bindparam("offering_ids", expanding=True)), calendars_in_use())
    .order_by(GoogleCalendar.id)
)


def offerings_changed(session: Session, offering_ids: Collection[int]) -> None:
    """Record, in the caller's transaction, that bookings or the name of these offerings changed.

    Their calendars in use are synced after the commit. Their state does not change, because no user requested an
    action.
    """
    if not offering_ids:
        return
    session.flush()
    found = session.execute(_IN_USE, {"offering_ids": list(offering_ids)}).scalars().all()
    if not found:
        return
    session.execute(
        update(GoogleCalendar)
        .where(GoogleCalendar.id.in_(found))
        .values(changes=GoogleCalendar.changes + 1)
        .execution_options(synchronize_session=False)
    )
    for calendar_id in found:
        enqueue_calendar(calendar_id)
