"""A living portal with enough in it that the published clients need several pages."""

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from portal.documents import store as documents
from portal.domain.periods import Period
from portal.extensions import db
from portal.models import GoogleCalendar, GoogleConnection, Offering
from portal.models.base import utcnow
from portal.services import accounts, bookings
from portal.transfer.importer import import_offerings
from tests.support import builders as make

SAMPLE = Path(__file__).parents[1] / "data" / "sample_offering.json"
PROGRAM = Path(__file__).with_name("program.py")
OFFERINGS = 204  # three pages of a hundred


@dataclass
class World:
    """Where the portal is, and who and what is in it. `names` are what its owner sees, in order.

    The sample's offering is restricted to a group that only staff see into.
    """

    url: str
    owner: str
    stranger: str
    staff: str
    username: str
    sample: str
    empty: str
    names: list[str]
    acts: dict[str, str] = field(default_factory=dict)
    booked: str = ""
    bookings: list[str] = field(default_factory=list)


def token(user):
    return accounts.create_token(make.actor(user), user.id, "test").key


@pytest.fixture
def world(live_portal):
    with live_portal.app.app_context():
        import_offerings(io.BytesIO(SAMPLE.read_bytes()))
        organization, category = make.organization("Photon Source"), make.category()
        made = [
            Offering(
                name=f"Instrument {number:03}",
                sort_key=f"instrument {number:03}",
                organization=organization,
                category=category,
                state="Active",
                shared=True,
            )
            for number in range(OFFERINGS)
        ]
        db.session.add_all(made)
        db.session.flush()
        acts = {name: str(one.uuid) for name, one in zip(("sync", "share", "unshare", "async"), made, strict=False)}
        public = GoogleCalendar(offering_id=made[2].id, state="OK", backend_id="a@b", public=True, want_public=True)
        db.session.add_all([public, GoogleConnection(organization_id=organization.id, refresh_token="encrypted")])
        documents.refresh_all(db.session())
        db.session.commit()
        owner = make.role(make.user("ada@example.org", password=make.PASSWORD), organization, "owner")
        sample = json.loads(SAMPLE.read_text(encoding="utf-8"))
        booked, booker = made[10], make.role(make.user("grace@example.org"), organization, "member")
        booked.attributes = {"schedules": make.schedule(utcnow())}
        db.session.commit()
        start = utcnow().replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
        periods = [Period(start + timedelta(hours=n), start + timedelta(hours=n + 1)) for n in range(2)]
        wishes = [bookings.BookingRequest(booked.uuid, [period], name=f"Visit {n}") for n, period in enumerate(periods)]
        asked = [str(bookings.request_booking(make.actor(booker), wish).uuid) for wish in wishes]
        yield World(
            live_portal.url,
            token(owner),
            token(make.user()),
            token(make.user(staff=True)),
            owner.email,
            sample["uuid"],
            str(made[-1].uuid),
            [one.name for one in made],
            acts,
            str(booked.uuid),
            asked,
        )


@pytest.fixture
def run_client(waldur_client_dirs, world):
    """`run_client(version, "listing", ...)`: what the program of that version of the client was answered."""

    def run(version, *steps, **more):
        wanted = {
            **vars(world),
            "token": world.owner,
            "uuid": world.sample,
            "password": make.PASSWORD,
            "steps": steps,
            **more,
        }
        environ = {**os.environ, "PYTHONPATH": str(waldur_client_dirs[version])}
        done = subprocess.run(
            [sys.executable, str(PROGRAM)],
            env=environ,
            input=json.dumps(wanted),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
