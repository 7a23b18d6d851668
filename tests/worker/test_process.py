"""The worker process: it executes what a commit enqueued, shuts down gracefully, and others continue its work."""

import signal
from datetime import timedelta

import pytest

from portal.dev.google_emulator.testing import running_emulator
from portal.extensions import transaction
from portal.models import GoogleCalendar
from portal.models.base import utcnow
from tests.support.site import PATIENCE, Site


@pytest.fixture
def site(live_database, tmp_path):
    with running_emulator(tmp_path / "emulator.db") as emulator, (tmp_path / "worker.log").open("w") as log:
        found = Site(live_database, emulator, log)
        yield found
        found.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_click_reaches_google_and_the_worker_shuts_down_gracefully(site, number):
    worker = site.start()
    site.share()
    site.wait(lambda: site.row().public, worker)
    worker.send_signal(number)
    assert worker.wait(PATIENCE) == 0
    assert site.heartbeats() == 0


def test_another_worker_continues_the_run_of_a_killed_worker(site):
    site.emulator.state.faults.add("delay", path="/batch", where="http", seconds=1.5)
    site.book(120)
    site.share()
    worker = site.start()
    site.wait(lambda: site.row().backend_id is not None, worker)
    worker.kill()
    worker.wait()
    with site.app.app_context(), transaction() as session:
        # The lease of the dead, without waiting for it.
        row = session.query(GoogleCalendar).one()
        assert row.lease_owner
        row.lease_until = utcnow() - timedelta(seconds=1)
    site.start()
    site.wait(lambda: site.row().public)
    with site.emulator.state.store.read() as database:
        counted = "SELECT count(*) FROM events WHERE status != 'cancelled'"
        assert database.execute(counted).fetchone()[0] == 120
        assert database.execute("SELECT count(*) FROM calendars WHERE summary = 'Room'").fetchone()[0] == 1


def test_two_workers_share_the_work(site):
    first, second = site.start(), site.start()
    site.book(60)
    site.share()
    site.wait(lambda: site.row().public, first)
    assert second.poll() is None
    with site.emulator.state.store.read() as database:
        assert database.execute("SELECT count(*) FROM events").fetchone()[0] == 60
