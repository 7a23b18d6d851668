"""A portal on a database of its own, connected to the Google Calendar emulator, whose workers are processes."""

import contextlib
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

from portal.app import create_app
from portal.calendar_sync import consent
from portal.calendar_sync.provider import OPEN_PROVIDER
from portal.calendar_sync.providers.google.scopes import SCOPES
from portal.config import load_settings
from portal.dev.google_emulator.settings import google_settings
from portal.extensions import db, transaction
from portal.models import Booking, GoogleCalendar, Slot, WorkerHeartbeat
from portal.models.base import utcnow
from portal.policies import SYSTEM
from portal.services import calendars
from portal.worker.enqueue import queue_of
from tests.support import builders

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60


class Site:
    """A portal on a database of its own, connected to an emulator; workers are processes."""

    def __init__(self, database, emulator, log):
        self.environ = {**database.environ, **google_settings(emulator.base_url)}
        self.app = create_app(load_settings(self.environ))
        self.emulator = emulator
        self.log = log
        self.workers = []
        with self.app.app_context():
            offering = builders.offering("Room")
            self.offering_id, self.uuid = offering.id, offering.uuid
            scopes = [scope.rpartition("/")[2] for scope in SCOPES]
            token = emulator.grant("alice@lab.example", *scopes)["refresh_token"]
            organization = offering.organization.uuid
            db.session.commit()
            consent.connect_with_refresh_token(SYSTEM, organization, token)

    def book(self, number):
        start = utcnow().replace(microsecond=0)
        with self.app.app_context(), transaction() as session:
            booking = Booking(offering_id=self.offering_id, state="confirmed")
            session.add(booking)
            session.flush()
            for at in range(number):
                begin = start + timedelta(hours=at)
                end = begin + timedelta(minutes=30)
                session.add(Slot(booking_id=booking.id, offering_id=self.offering_id, start=begin, end=end))
            calendars.offerings_changed(session, [self.offering_id])

    def share(self):
        with self.app.app_context():
            calendars.share_google_calendar(SYSTEM, self.uuid)

    def row(self):
        with self.app.app_context():
            found = db.session.query(GoogleCalendar).one()
            db.session.expunge(found)
            db.session.rollback()
            return found

    def heartbeats(self):
        with self.app.app_context():
            found = db.session.query(WorkerHeartbeat).count()
            db.session.rollback()
            return found

    def start(self):
        environ = {**os.environ, **self.environ, "PYTHONPATH": str(ROOT), "LOG_LEVEL": "info"}
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "worker"],
            cwd=ROOT,
            env=environ,
            stdout=self.log,
            stderr=self.log,
        )
        self.workers.append(process)
        self.wait(lambda: self.heartbeats() >= 1, process)
        return process

    def wait(self, happened, process=None):
        end = time.monotonic() + PATIENCE
        while not happened():
            if process is not None:
                assert process.poll() is None, "the worker ended by itself"
            assert time.monotonic() < end, Path(self.log.name).read_text()
            time.sleep(0.05)

    def close(self):
        for process in self.workers:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.app.extensions[OPEN_PROVIDER].close()
        with contextlib.suppress(AttributeError):
            queue_of(self.app).huey.storage.close()
        with self.app.app_context():
            db.engine.dispose()
