"""What a sync would change. The provider is read; nothing is written, neither there nor in the database."""

from __future__ import annotations

import uuid as uuidlib
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select

from portal.calendar_sync import snapshot
from portal.calendar_sync.errors import CalendarNotFound, ProviderError, SyncTokenExpired
from portal.calendar_sync.plan import EventContent, RemoteEvent, app_mark, merge_remote, plan
from portal.calendar_sync.provider import CalendarProvider, OpenProvider
from portal.domain.messages import Message
from portal.domain.periods import Period
from portal.errors import Conflict, Forbidden, NotFound
from portal.extensions import reading, settings
from portal.models import GoogleCalendar, GoogleConnection, Offering
from portal.policies import Actor, owned_offerings, visible_offerings
from portal.queries.availability import zone_of
from portal.queries.calendars import usable_connection


@dataclass(frozen=True, slots=True)
class PreviewEvent:
    """One event of a preview: when it is, and the title that readers of the calendar see."""

    period: Period
    title: str


@dataclass(frozen=True, slots=True)
class SyncPreview:
    """The changes that a sync would make. `busy_new` and `busy_gone` are changes of the busy times read.

    `shown` are the future events that the public sees after the sync. `missing`: the calendar does not exist and would
    be created.
    """

    added: list[PreviewEvent]
    changed: list[PreviewEvent]
    removed: int
    busy_new: list[PreviewEvent]
    busy_gone: int
    shown: list[PreviewEvent]
    skipped: list[str]
    missing: bool
    public: bool


def preview_sync(actor: Actor, offering_uuid: uuidlib.UUID, open_provider: OpenProvider, now: datetime) -> SyncPreview:
    """What a sync of an offering's calendar would change now. For staff and owners.

    No transaction is open while the provider is called. Raises NotFound, Forbidden, Conflict (no connection, or the
    provider's error).
    """
    with reading() as session:
        offering = session.execute(
            select(Offering).where(Offering.uuid == offering_uuid, visible_offerings(actor))
        ).scalar_one_or_none()
        if offering is None:
            raise NotFound("Offering")
        owned = select(Offering.id).where(Offering.id == offering.id, owned_offerings(actor))
        if session.execute(owned).first() is None:
            raise Forbidden
        connection_id = session.execute(
            select(GoogleConnection.id).where(
                GoogleConnection.organization_id == offering.organization_id, usable_connection()
            )
        ).scalar_one_or_none()
        if connection_id is None:
            raise Conflict(Message("Google is not connected, so there is nothing to compare with."))
        calendar = session.execute(
            select(GoogleCalendar).where(GoogleCalendar.offering_id == offering.id)
        ).scalar_one_or_none()
        wanted = snapshot.wanted_events(session, offering)
        mirror = snapshot.known_events(session, calendar.id) if calendar else {}
        busy = snapshot.known_busy(session, calendar.id) if calendar else {}
        zone = (calendar.time_zone if calendar else "") or zone_of(offering.attributes).key
        backend_id = calendar.backend_id if calendar else None
        token = (calendar.sync_token if calendar else None) or ""
        public = bool(calendar and calendar.public)
        mark = app_mark(settings().public_url)
    events: list[RemoteEvent] = []
    missing, full = backend_id is None, True
    if backend_id is not None:
        try:
            events, full = _read(open_provider(connection_id), backend_id, token)
        except CalendarNotFound:
            missing, events, mirror, busy = True, [], {}, {}
        except ProviderError as problem:
            raise Conflict(problem.words) from problem
    changes = merge_remote(events, mirror=mirror, busy=busy, app=mark, zone=ZoneInfo(zone), full=full)
    seen = {key: row for key, row in mirror.items() if key not in changes.mirror_drop} | dict(changes.mirror_put)
    planned = plan(wanted, seen, again=True)
    return SyncPreview(
        added=_lines([it.content for it in planned.inserts]),
        changed=_lines([it.content for it in planned.updates]),
        removed=len(planned.deletes),
        busy_new=[PreviewEvent(Period(it.start, it.end), it.title) for it in changes.busy_put.values()],
        busy_gone=len(changes.busy_drop),
        shown=_lines([it for it in wanted.values() if it.end > now]),
        skipped=[*changes.skipped, *planned.skipped],
        missing=missing,
        public=public,
    )


def _read(provider: CalendarProvider, calendar_id: str, token: str) -> tuple[list[RemoteEvent], bool]:
    """The changes since the last read, or everything if the sync token has expired; and whether it is everything."""
    try:
        return _pages(provider, calendar_id, token), not token
    except SyncTokenExpired:
        return _pages(provider, calendar_id, ""), True


def _pages(provider: CalendarProvider, calendar_id: str, token: str) -> list[RemoteEvent]:
    events: list[RemoteEvent] = []
    page_token = ""
    while True:
        page = provider.read_events(calendar_id, sync_token=token, page=page_token)
        events += page.events
        page_token = page.next_page
        if not page_token:
            return events


def _lines(contents: list[EventContent]) -> list[PreviewEvent]:
    return sorted((PreviewEvent(Period(it.start, it.end), it.title) for it in contents), key=lambda it: it.period)
