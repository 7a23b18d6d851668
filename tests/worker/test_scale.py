"""Large calendars and many calendars, over Google's client library: calls, quotas, workers killed repeatedly.

The suite plays small; the full runs, which print their figures:

    SCALE_BOOKINGS=1000 SCALE_KILLS=20 SCALE_CALENDARS=200 SCALE_QUOTA=600 \\
        .venv/bin/python -m pytest tests/worker/test_scale.py -n 0 -q -s
"""

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from portal.calendar_sync.calls import Clock
from portal.calendar_sync.due import due_calendars
from portal.calendar_sync.engine import RunOutcome
from portal.calendar_sync.provider import MAX_BATCH
from portal.dev.google_emulator.testing import running_emulator
from portal.extensions import db, transaction
from portal.models import Booking, GoogleCalendar, Offering, Slot
from portal.models.base import utcnow
from portal.policies import SYSTEM
from portal.services import calendars
from portal.worker.tasks import engine_of, run_calendar
from tests.support import builders
from tests.support.site import ROOT, Site

pytestmark = pytest.mark.sqlite_only

BOOKINGS = int(os.environ.get("SCALE_BOOKINGS", "150"))
KILLS = int(os.environ.get("SCALE_KILLS", "4"))
CALENDARS = int(os.environ.get("SCALE_CALENDARS", "24"))
QUOTA = int(os.environ.get("SCALE_QUOTA", "72"))


@pytest.fixture
def site(live_database, tmp_path):
    with running_emulator(tmp_path / "emulator.db") as emulator, (tmp_path / "worker.log").open("w") as log:
        found = Site(live_database, emulator, log)
        yield found
        found.close()


def spent(site):
    """What came over the wire since this was asked last: calls of the Calendar API, HTTP requests, tokens fetched."""
    report = site.emulator.state.counters.report()
    site.emulator.state.counters.reset()
    http = report["http"]
    return sum(report["calls"].values()), http.get("calendar", 0) + http.get("batch", 0), http.get("token", 0)


def run(site):
    with site.app.app_context():
        return engine_of(site.app).run(db.session.query(GoogleCalendar.id).scalar())


def sync(site):
    with site.app.app_context():
        calendars.sync_google_calendar(SYSTEM, site.uuid)


def cancel(site, number):
    with site.app.app_context(), transaction() as session:
        for slot in session.query(Slot).filter_by(holds=True).limit(number):
            slot.holds = False
        calendars.offerings_changed(session, [site.offering_id])


def at_google(site):
    """The instants between which our events lie, as the emulator has them, and how many calendars there are."""
    with site.emulator.state.store.read() as database:
        events = [
            (row["start"], row["finish"])
            for row in database.execute("SELECT start, finish FROM events WHERE status != 'cancelled'")
        ]
        number = database.execute("SELECT count(*) FROM calendars WHERE NOT is_primary AND NOT deleted").fetchone()[0]
    return sorted(events), number


def booked(site):
    with site.app.app_context():
        rows = db.session.query(Slot.start, Slot.end).filter_by(holds=True).all()
        db.session.rollback()
    return sorted((round(row.start.timestamp() * 1000), round(row.end.timestamp() * 1000)) for row in rows)


def batches(number):
    return -(-number // MAX_BATCH)


@pytest.mark.parametrize("bookings", [10, 300, 3000])
def test_what_a_sync_costs_at_every_size(site, bookings):
    site.book(bookings)
    sync(site)
    spent(site)
    assert run(site) is RunOutcome.DONE
    calls, requests, tokens = spent(site)
    assert (calls, requests) == (2 + bookings, 2 + batches(bookings))
    assert tokens <= 1
    sync(site)
    assert run(site) is RunOutcome.DONE
    assert spent(site)[0] <= 1 + bookings, "our own writes may come back, and are not written again"
    sync(site)
    assert run(site) is RunOutcome.DONE
    assert spent(site) == (1, 1, 0), "nothing changed"
    for changed in (1, 3, min(bookings // 2, 120)):
        cancel(site, changed)
        assert run(site) is RunOutcome.DONE
        assert spent(site) == (1 + changed, 1 + batches(changed), 0)


def test_the_result_is_exact_after_many_kills(site):
    """A first sync whose worker is killed with -9 at random moments; each time another one goes on."""
    generator = random.Random(os.environ.get("SCALE_SEED", "1"))
    site.book(BOOKINGS)
    sync(site)
    site.emulator.state.faults.add("delay", path="/batch", where="http", seconds=0.6, times=100_000)
    begun = time.monotonic()
    ends = Counter()
    written_at = []
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.killer"],
        cwd=ROOT,
        env={**os.environ, **site.environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as killer:
        reach = 0.5
        while ends["killed"] < KILLS or not any(0 < number < BOOKINGS for number in written_at):
            assert len(written_at) < 10 * KILLS, f"none died in its work: {written_at}"
            # Some die before their first call, some between two batches; on a slow machine later.
            killer.stdin.write(f"{0.15 + generator.random() * reach}\n")
            killer.stdin.flush()
            ends[killer.stdout.readline().strip()] += 1
            written_at.append(len(at_google(site)[0]))
            # Slower than a batch, so that no longer wait is longer than all of the work.
            reach += 0 if written_at[-1] else 0.3
            with site.app.app_context(), transaction() as session:
                # The lease of the dead, without waiting for it.
                row = session.query(GoogleCalendar).one()
                row.lease_until = row.lease_owner = None
        killer.stdin.close()
    run(site)
    written, number = at_google(site)
    assert written == booked(site)
    assert number == 1
    for _again in range(2):
        sync(site)
        run(site)
    spent(site)
    sync(site)
    assert run(site) is RunOutcome.DONE
    assert spent(site)[:2] == (1, 1)
    took = time.monotonic() - begun
    print(f"\n{BOOKINGS} bookings, {dict(ends)}, at Google after each: {written_at}; exact after {took:.1f} s")  # noqa: T201


class Apart:
    """Looks at every call of every worker: `met` are calendars at which two were at once."""

    def __init__(self):
        self.lock = threading.Lock()
        self.at = set()
        self.met = []

    def watching(self, open_provider):
        """The same provider, looked at."""
        return lambda connection_id: Looked(open_provider(connection_id), self)


class Looked:
    def __init__(self, provider, apart):
        self.provider, self.apart = provider, apart

    def __getattr__(self, name):
        method = getattr(self.provider, name)

        def call(calendar_id, *args, **more):
            apart = self.apart
            with apart.lock:
                if calendar_id in apart.at:
                    apart.met.append(calendar_id)
                apart.at.add(calendar_id)
            try:
                return method(calendar_id, *args, **more)
            finally:
                with apart.lock:
                    apart.at.discard(calendar_id)

        return call


class Simulated:
    """One time for the portal's clock and the emulator's: who waits moves it on."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.lock = threading.Lock()
        self.begun = utcnow()
        self.passed = 0.0
        emulator.state.clock.freeze(self.begun)

    def now(self):
        return self.begun + timedelta(seconds=self.passed)

    def sleep(self, seconds):
        with self.lock:
            self.passed += seconds
            self.emulator.state.clock.freeze(self.now())


def test_two_workers_keep_many_calendars_in_sync_below_the_quota(site):
    """CALENDARS of one account with three bookings each under QUOTA calls a minute; time is simulated."""
    with site.app.app_context(), transaction() as session:
        first = session.get(Offering, site.offering_id)
        offerings = [first, *(builders.offering(f"Room {n}", of=first.organization) for n in range(1, CALENDARS))]
        ids = {offering.id: offering.uuid for offering in offerings}
        for offering_id in ids:
            booking = Booking(offering_id=offering_id, state="confirmed")
            session.add(booking)
            session.flush()
            for hour in range(3):
                start = utcnow().replace(microsecond=0) + timedelta(hours=hour)
                end = start + timedelta(minutes=30)
                session.add(Slot(booking_id=booking.id, offering_id=offering_id, start=start, end=end))
    for uuid in ids.values():
        with site.app.app_context():
            calendars.sync_google_calendar(SYSTEM, uuid)
    site.emulator.state.counters.reset()
    site.emulator.state.counters.quota.per_minute = QUOTA
    simulated = Simulated(site.emulator)
    problems, outcomes = [], Counter()
    apart = Apart()

    def work(name):
        engine = engine_of(site.app, Clock(now=simulated.now, sleep=simulated.sleep))
        engine = replace(engine, worker=name, open_provider=apart.watching(engine.open_provider))
        try:
            while simulated.passed < 3600:
                with site.app.app_context():
                    due = due_calendars(simulated.now(), 4)
                    if due:
                        outcomes[run_calendar(engine, random.choice(due))] += 1
                    elif not waiting():
                        return
                    else:
                        simulated.sleep(1)
        except Exception as problem:
            problems.append(problem)

    def waiting():
        row = db.session.query(GoogleCalendar.id).filter(GoogleCalendar.wanted != GoogleCalendar.done).first()
        db.session.rollback()
        return row is not None

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert not apart.met, "two workers were at one calendar"
    with site.app.app_context():
        states = Counter(db.session.query(GoogleCalendar.state, GoogleCalendar.error).all())
        db.session.rollback()
    assert states == {("OK", ""): CALENDARS}
    written, number = at_google(site)
    assert number == CALENDARS
    assert written == booked(site)
    report = site.emulator.state.counters.report()
    assert sum(report["units"].values())
    refused = sum(number for answer, number in report["responses"].items() if answer.startswith("403"))
    print(  # noqa: T201
        f"\n{CALENDARS} calendars in sync after {simulated.passed / 60:.1f} simulated minutes under {QUOTA} calls a "
        f"minute: {sum(report['calls'].values())} calls, {refused} refused and waited out, runs {dict(outcomes)}"
    )
