"""Calendar acts: sync, share and unshare, and the note that an offering's bookings changed.

An act checks, writes the desired state and wakes the worker after the commit; nothing here talks to Google.
"""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Collection

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from portal.audit import Event, record, thing
from portal.documents import store as documents
from portal.domain.calendar_states import CalendarAct, refusal, scheduled
from portal.errors import CalendarRefused, Forbidden, NotFound
from portal.extensions import transaction, wake_calendar
from portal.models import GoogleCalendar, GoogleConnection, Offering
from portal.policies import Actor, owned_offerings, visible_offerings


def sync_google_calendar(actor: Actor, offering_uuid: uuidlib.UUID) -> None:
    """Ask for the offering's calendar to be made equal to its bookings, and for busy times to be read now.

    Makes the calendar row if there is none. Raises NotFound, Forbidden, CalendarRefused (contract section 5).
    """
    _act(actor, offering_uuid, CalendarAct.SYNC)


def share_google_calendar(actor: Actor, offering_uuid: uuidlib.UUID) -> None:
    """Ask for the calendar to be shown to everyone (role reader), making it if there is none.

    `public` stays False until the worker has done and verified it. Raises NotFound, Forbidden, CalendarRefused.
    """
    _act(actor, offering_uuid, CalendarAct.SHARE)


def unshare_google_calendar(actor: Actor, offering_uuid: uuidlib.UUID) -> None:
    """Ask for the calendar to be private again. Raises NotFound, Forbidden, CalendarRefused."""
    _act(actor, offering_uuid, CalendarAct.UNSHARE)


def _act(actor: Actor, offering_uuid: uuidlib.UUID, act: CalendarAct) -> None:
    with transaction() as session:
        offering = _lock_offering(session, actor, offering_uuid)
        calendar = session.execute(
            select(GoogleCalendar)
            .where(GoogleCalendar.offering_id == offering.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).scalar_one_or_none()
        _refuse(session, offering, calendar, act)
        if calendar is None:
            calendar = GoogleCalendar(offering_id=offering.id, public=False, want_public=False, wanted=0)
            session.add(calendar)
        if act is not CalendarAct.SYNC:
            calendar.want_public = act is CalendarAct.SHARE
        calendar.state = scheduled(created=calendar.backend_id is not None)
        calendar.wanted += 1
        calendar.attempts = 0
        calendar.next_attempt = None
        calendar.act_failed = False
        session.flush()
        documents.refresh(session, [offering.id])
        wake_calendar(calendar.id)
        if act is not CalendarAct.SYNC:
            event = Event.CALENDAR_SHARED if act is CalendarAct.SHARE else Event.CALENDAR_UNSHARED
            record(event, actor, thing("offering", offering_uuid))


def _lock_offering(session: Session, actor: Actor, offering_uuid: uuidlib.UUID) -> Offering:
    # The lock makes two first acts of one offering queue, so that they do not both make its calendar.
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


def _refuse(session: Session, offering: Offering, calendar: GoogleCalendar | None, act: CalendarAct) -> None:
    usable = select(GoogleConnection.id).where(
        GoogleConnection.organization_id == offering.organization_id, usable_connection()
    )
    reason = refusal(
        act,
        has_credentials=session.execute(usable).first() is not None,
        state=None if calendar is None else calendar.state,
        public=calendar is not None and calendar.public,
        want_public=None if calendar is None else calendar.want_public,
    )
    if reason is not None:
        raise CalendarRefused(reason)


def usable_connection() -> ColumnElement[bool]:
    """Clause over GoogleConnection: those that calls can be made with."""
    table = GoogleConnection
    return (table.refresh_token != "") & (table.broken == "") & (table.ending == "")


def offerings_changed(session: Session, offering_ids: Collection[int]) -> None:
    """Note, in the caller's transaction, that bookings or the name of these offerings changed.

    Their calendars, where they have been synced or shared, are brought up to date after the commit. State and
    refusals are not touched: it is nobody's act. Imported calendars that nobody acted on yet stay untouched.
    """
    if not offering_ids:
        return
    session.flush()
    concerned = (
        select(GoogleCalendar.id)
        .where(
            GoogleCalendar.offering_id.in_(offering_ids),
            (GoogleCalendar.wanted > 0) | GoogleCalendar.next_read.is_not(None),
        )
        .order_by(GoogleCalendar.id)
    )
    found = session.execute(concerned).scalars().all()
    if not found:
        return
    session.execute(
        update(GoogleCalendar)
        .where(GoogleCalendar.id.in_(found))
        .values(changes=GoogleCalendar.changes + 1)
        .execution_options(synchronize_session=False)
    )
    for calendar_id in found:
        wake_calendar(calendar_id)
