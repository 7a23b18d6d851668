"""The whole portal: a web server, a worker process, the Google Calendar emulator, an owner and a booked offering."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from portal.dev.google_emulator.settings import google_settings
from portal.dev.google_emulator.testing import RunningEmulator, running_emulator
from portal.domain.periods import Period
from portal.policies import SYSTEM
from portal.services import accounts, bookings, sign_in
from tests.support import builders as make
from tests.support.portal import LivePortal, MakeLivePortal

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a long enough password"


@dataclass
class House:
    """What a test needs to know of it. `booked` are the periods that the calendar has to show."""

    portal: LivePortal
    emulator: RunningEmulator
    organization: str
    offering: UUID
    booked: list[Period]
    owner_token: str

    def command(self, *arguments: str, stdin: str = "") -> str:
        """Run a command of the portal, in this process; answers what it printed."""
        done = self.portal.app.test_cli_runner().invoke(args=arguments, input=stdin)
        assert done.exit_code == 0, done.output
        return done.stdout


@pytest.fixture
def house(make_live_portal: MakeLivePortal, tmp_path: Path) -> Iterator[House]:
    """Everything running; the organization is not connected to Google yet."""
    with running_emulator(tmp_path / "emulator.db", consent="page") as emulator:
        portal = make_live_portal(**google_settings(emulator.base_url))
        with portal.app.app_context():
            found = build(portal, emulator)
        with worker(portal):
            yield found


def build(portal: LivePortal, emulator: RunningEmulator) -> House:
    lab = make.organization("Light Lab")
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
    offering = make.offering("Confocal", of=lab, attributes={"schedules": make.schedule(start - timedelta(days=9))})
    accounts.create_user(SYSTEM, "owner@example.org", full_name="Olga Owner", password=PASSWORD)
    accounts.set_role(SYSTEM, "owner@example.org", "Light Lab", "owner")
    booker = make.actor(make.user("booker@example.org"))
    booked = [Period(start + timedelta(hours=hour), start + timedelta(hours=hour + 1)) for hour in (0, 3, 30)]
    for period in booked:
        bookings.request_booking(booker, bookings.BookingRequest(offering.uuid, [period], name="Secret project"))
    owner = sign_in.sign_in("owner@example.org", PASSWORD, "")
    token = accounts.create_token(make.actor(owner), owner.id, f"test {secrets.token_hex(2)}").key
    return House(portal, emulator, "Light Lab", offering.uuid, booked, token)


@contextlib.contextmanager
def worker(portal: LivePortal) -> Iterator[None]:
    """The worker as `make worker` starts it."""
    log = Path(portal.database.environ["INSTANCE_PATH"]) / "worker.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "worker"],
            cwd=ROOT,
            env={**os.environ, **portal.database.environ},
            stdout=output,
            stderr=output,
        )
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise AssertionError(f"the worker did not end: {log.read_text()}") from None
