"""An offering with a connected organization, Google in memory, and a clock that only the test moves."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from portal.calendar_sync.calls import Clock
from portal.calendar_sync.connections import access_token_place, refresh_token_place
from portal.calendar_sync.engine import RunOutcome, SyncEngine
from portal.calendar_sync.plan import app_mark, event_id, slot_of
from portal.calendar_sync.providers.google.scopes import SCOPES
from portal.extensions import db, secret_box, transaction
from portal.models import (
    Booking,
    BusyPeriod,
    CalendarEvent,
    GoogleCalendar,
    GoogleConnection,
    Offering,
    Organization,
    Slot,
    SyncRun,
)
from portal.models.base import utcnow
from portal.policies import SYSTEM
from portal.services import calendars
from tests.support import builders
from tests.support.memory_calendars import MemoryCalendars, MemoryGoogle

DEPLOYMENT = "https://portal.example"
NOW = datetime.fromisoformat("2026-03-02T08:00:00+00:00")


@dataclass
class Stage:
    """What an engine test plays on."""

    offering_id: int
    offering_uuid: uuid.UUID
    connection_id: int
    google: MemoryGoogle = field(default_factory=MemoryGoogle)
    now: datetime = NOW
    slept: list[float] = field(default_factory=list)
    open_provider: Callable[[int], Any] | None = None
    may_share: bool = True
    notification_address: str = ""

    @property
    def app(self) -> str:
        return app_mark(DEPLOYMENT)

    def engine(self, worker: str = "one") -> SyncEngine:
        clock = Clock(now=lambda: self.now, sleep=self.slept.append, random=lambda: 0.5)
        opened = self.open_provider or (lambda _id: MemoryCalendars(self.google, self.app, may_share=self.may_share))
        return SyncEngine(
            open_provider=opened,
            deployment=DEPLOYMENT,
            worker=worker,
            notification_address=self.notification_address,
            clock=clock,
        )

    def run(self, worker: str = "one") -> RunOutcome:
        return self.engine(worker).run(self.row().id)

    def sync(self) -> None:
        calendars.sync_google_calendar(SYSTEM, self.offering_uuid)

    def share(self) -> None:
        calendars.share_google_calendar(SYSTEM, self.offering_uuid)

    def unshare(self) -> None:
        calendars.unshare_google_calendar(SYSTEM, self.offering_uuid)

    def synced(self) -> "Stage":
        """After a first sync that went well; calls are counted from here."""
        self.sync()
        assert self.run() is RunOutcome.DONE
        self.google.calls.clear()
        return self

    def later(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    def book(self, hour: float = 0, hours: float = 1) -> uuid.UUID:
        """A booking of `hours` that begins `hour` hours from NOW; answers the uuid of its slot."""
        start = NOW + timedelta(hours=hour)
        with transaction() as session:
            booking = Booking(offering_id=self.offering_id, state="confirmed")
            session.add(booking)
            session.flush()
            slot = Slot(
                booking_id=booking.id, offering_id=self.offering_id, start=start, end=start + timedelta(hours=hours)
            )
            session.add(slot)
            calendars.offerings_changed(session, [self.offering_id])
            session.flush()
            return slot.uuid

    def change(self, slot: uuid.UUID, **values: Any) -> None:
        with transaction() as session:
            row = session.query(Slot).filter_by(uuid=slot).one()
            for name, value in values.items():
                setattr(row, name, value)
            calendars.offerings_changed(session, [self.offering_id])

    def cancel(self, slot: uuid.UUID) -> None:
        self.change(slot, holds=False)

    def row(self) -> GoogleCalendar:
        db.session.expire_all()
        found = db.session.query(GoogleCalendar).filter_by(offering_id=self.offering_id).one()
        db.session.commit()
        return found

    def connection(self) -> GoogleConnection:
        db.session.expire_all()
        found = db.session.get(GoogleConnection, self.connection_id)
        db.session.commit()
        assert found is not None
        return found

    def last_run(self) -> SyncRun:
        db.session.expire_all()
        found = db.session.query(SyncRun).order_by(SyncRun.id.desc()).first()
        db.session.commit()
        assert found is not None
        return found

    def busy(self) -> dict[str, tuple[datetime, datetime]]:
        rows = db.session.query(BusyPeriod).all()
        db.session.commit()
        return {row.event_id: (row.start, row.end) for row in rows}

    def mirror(self) -> dict[str, str]:
        rows = db.session.query(CalendarEvent).all()
        db.session.commit()
        return {row.event_id: row.etag for row in rows}

    @property
    def calendar_id(self) -> str:
        found = self.row().backend_id
        assert found is not None
        return found

    def shown(self) -> dict[uuid.UUID, tuple[datetime, datetime]]:
        """Our events that Google shows, by slot."""
        return {
            uuid.UUID(event.private["booking"]): (event.start, event.end)
            for event in self.google.live(self.calendar_id).values()
            if event.private.get("app") == self.app and slot_of(event.id) is not None
        }

    def wanted(self) -> dict[uuid.UUID, tuple[datetime, datetime]]:
        rows = db.session.query(Slot).filter_by(offering_id=self.offering_id, holds=True).all()
        db.session.commit()
        return {row.uuid: (row.start, row.end) for row in rows}

    def check(self) -> None:
        """Google holds exactly the bookings, and what we believe of it is so."""
        assert self.shown() == self.wanted()
        live = self.google.live(self.calendar_id)
        assert self.mirror() == {event_id(slot): live[event_id(slot)].etag for slot in self.wanted()}


def connected(organization: Organization) -> GoogleConnection:
    """A connection of this organization that works."""
    uuid, box = builders.unknown(), secret_box()
    connection: GoogleConnection = builders.add(
        GoogleConnection(
            uuid=uuid,
            organization_id=organization.id,
            account_email="facility@lab.example",
            account_sub="1",
            scopes=list(SCOPES),
            refresh_token=box.encrypt("1//refresh", refresh_token_place(uuid)),
            access_token=box.encrypt("ya29.access", access_token_place(uuid)),
            access_expires=utcnow() + timedelta(days=365),
        )
    )
    return connection


@pytest.fixture
@builders.together()
def stage(db_session: Any) -> Stage:
    offering: Offering = builders.offering(
        "Confocal microscope", attributes={"booking_rules": {"time_zone": "Europe/Tallinn"}}
    )
    assert offering.organization
    return Stage(offering.id, offering.uuid, connected(offering.organization).id)
