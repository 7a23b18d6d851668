"""Queries about calendars and connections, for the card, the connection page and `calendars status`."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select

from portal.calendar_sync.provider import Permission
from portal.calendar_sync.providers import permissions_of
from portal.calendar_sync.states import BUSY, http_link
from portal.extensions import db, settings
from portal.models import (
    BusyPeriod,
    CalendarEvent,
    GoogleCalendar,
    GoogleConnection,
    Offering,
    Organization,
    SyncRun,
    WorkerHeartbeat,
)
from portal.policies import Actor, managed_offerings
from portal.queries.offerings import OfferingView

RUNS_SHOWN = 5
# A worker records a heartbeat once a minute.
WORKER_SEEN_WITHIN = timedelta(minutes=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionView:
    """An organization's connection: `configured` (the portal has a Google client), `connected`, why `broken`, account.

    `can_share` is False if the user did not grant sharing. `disconnecting`: the worker is completing a disconnection.
    `since` is when it was connected, most recently.
    """

    configured: bool
    connected: bool = False
    broken: str = ""
    account_email: str = ""
    can_share: bool = False
    disconnecting: bool = False
    since: datetime | None = None

    @property
    def usable(self) -> bool:
        """Whether actions are possible."""
        return self.configured and self.connected and not self.broken and not self.disconnecting


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One run of the engine. `ended` is None while it is running; then `done` of `planned` writes are made."""

    reason: str
    started: datetime
    ended: datetime | None
    calls: int
    planned: int
    added: int
    changed: int
    removed: int
    busy_read: int
    skipped: Sequence[str]
    notes: Sequence[str]
    error: str

    @property
    def done(self) -> int:
        """Writes that Google has confirmed."""
        return self.added + self.changed + self.removed

    @property
    def seconds(self) -> int:
        """How long it took, rounded up; 0 while it is running."""
        return 0 if self.ended is None else max(1, round((self.ended - self.started).total_seconds()))


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarView:
    """The calendar of an offering, for its card.

    `exists`: it was synced, shared or imported. `public` and `link` are for every reader; the
    rest is filled only for users who manage the offering (`manages`). `can_act`: the user may sync, share and unshare
    (staff, owners), and the connection is usable. `busy`: an action is pending; `wants_public` is its result.
    `retry_at` is when the portal retries after an error. `worker_alive`: seen in the last minutes.
    """

    offering_uuid: uuidlib.UUID
    organization_uuid: uuidlib.UUID | None
    manages: bool
    can_act: bool
    exists: bool
    public: bool
    link: str | None
    connection: ConnectionView | None = None
    state: str | None = None
    busy: bool = False
    wants_public: bool = False
    backend_id: str | None = None
    last_synced: datetime | None = None
    error: str = ""
    retry_at: datetime | None = None
    events: int = 0
    busy_periods: int = 0
    runs: Sequence[RunView] = ()
    worker_alive: bool = True


@dataclass(frozen=True, slots=True)
class CalendarStatus:
    """One line of `calendars status`."""

    offering: uuidlib.UUID
    name: str
    state: str
    public: bool
    backend_id: str | None
    last_synced: datetime | None
    error: str
    last_run: RunView | None


def calendar_of(view: OfferingView, now: datetime) -> CalendarView:
    """The calendar of an offering as its reader may see it. No SQL statement, or one for those who manage it."""
    calendar, manages = view.calendar, view.manages
    organization = view.document["customer_uuid"]
    public = calendar is not None and calendar.public
    link = http_link(calendar.backend_id, public, settings().google_embed_uri) if calendar is not None else None
    shown = CalendarView(
        offering_uuid=view.uuid,
        organization_uuid=uuidlib.UUID(organization) if organization else None,
        manages=manages,
        can_act=False,
        exists=calendar is not None,
        public=public,
        link=link,
    )
    if not manages:
        return shown
    key = calendar.id if calendar is not None else 0
    # One statement: the organization's connection, the counts, and as many rows as there are runs to show.
    rows = db.session.execute(
        select(
            GoogleConnection,
            select(func.count()).where(CalendarEvent.calendar_id == key).scalar_subquery(),
            select(func.count()).where(BusyPeriod.calendar_id == key).scalar_subquery(),
            select(func.max(WorkerHeartbeat.seen)).scalar_subquery(),
            SyncRun,
        )
        .select_from(Organization)
        .outerjoin(GoogleConnection, GoogleConnection.organization_id == Organization.id)
        .outerjoin(SyncRun, SyncRun.calendar_id == key)
        .where(Organization.id == view.organization_id)
        .order_by(SyncRun.started.desc(), SyncRun.id.desc())
        .limit(RUNS_SHOWN)
        .execution_options(populate_existing=True)
    ).all()
    found, events, busy_periods, seen, _latest = rows[0] if rows else (None, 0, 0, None, None)
    connection = _connection(found)
    shown = replace(shown, connection=connection, can_act=view.owns and connection.usable)
    if calendar is None:
        return shown
    return replace(
        shown,
        state=calendar.state,
        busy=calendar.state in BUSY,
        wants_public=calendar.want_public,
        backend_id=calendar.backend_id,
        last_synced=calendar.last_synced,
        error=calendar.error,
        retry_at=calendar.next_attempt,
        events=events,
        busy_periods=busy_periods,
        runs=[_run(row.SyncRun) for row in rows if row.SyncRun is not None],
        worker_alive=_is_alive(seen, now),
    )


def _run(run: SyncRun) -> RunView:
    return RunView(**{it.name: getattr(run, it.name) for it in fields(RunView)})


def connection_view(organization_id: int | None) -> ConnectionView:
    """An organization's connection. The caller has checked that the reader may see it."""
    found = db.session.execute(
        select(GoogleConnection)
        .where(GoogleConnection.organization_id == organization_id)
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    return _connection(found)


def _connection(found: GoogleConnection | None) -> ConnectionView:
    configured = settings().google_configured
    if found is None:
        return ConnectionView(configured=configured)
    return ConnectionView(
        configured=configured,
        connected=bool(found.refresh_token),
        broken=found.broken,
        account_email=found.account_email,
        can_share=Permission.SHARING in permissions_of(found.scopes),
        disconnecting=bool(found.disconnecting),
        since=found.created,
    )


def _is_alive(seen: datetime | None, now: datetime) -> bool:
    return seen is not None and now - seen <= WORKER_SEEN_WITHIN


def status_rows(actor: Actor) -> list[CalendarStatus]:
    """Every calendar of the offerings that the actor manages, by the offering's name."""
    latest = (
        select(SyncRun.id)
        .where(SyncRun.calendar_id == GoogleCalendar.id)
        .order_by(SyncRun.started.desc(), SyncRun.id.desc())
        .limit(1)
        .correlate(GoogleCalendar)
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(
            Offering.uuid,
            Offering.name,
            GoogleCalendar.state,
            GoogleCalendar.public,
            GoogleCalendar.backend_id,
            GoogleCalendar.last_synced,
            GoogleCalendar.error,
            SyncRun,
        )
        .join(GoogleCalendar, GoogleCalendar.offering_id == Offering.id)
        .outerjoin(SyncRun, SyncRun.id == latest)
        .where(managed_offerings(actor))
        .order_by(Offering.sort_key, Offering.uuid)
    )
    return [CalendarStatus(*row[:-1], last_run=None if row.SyncRun is None else _run(row.SyncRun)) for row in rows]


def usable_connection() -> ColumnElement[bool]:
    """Clause over GoogleConnection: connections that calls can be made with."""
    table = GoogleConnection
    return (table.refresh_token != "") & (table.broken == "") & (table.disconnecting == "")


def calendars_in_use() -> ColumnElement[bool]:
    """Clause over GoogleCalendar: those that were synced or shared. Imported calendars are left alone until then."""
    return or_(GoogleCalendar.wanted > 0, GoogleCalendar.next_read.is_not(None))
