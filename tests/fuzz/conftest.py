"""What the fuzz tests share: a portal with something of everything, and how many cases they try."""

import io
import os
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

from portal.domain.periods import Period
from portal.extensions import db, settings, transaction
from portal.mail.compose import unsubscribe_token
from portal.models import Membership, Offering, OutgoingMail, User
from portal.models.base import utcnow
from portal.policies import SYSTEM, Actor
from portal.services import accounts, bookings, email_change, feeds, mail, registration
from portal.services.booking_requests import BookingRequest
from portal.transfer.importer import import_offerings
from tests.support import builders as make
from tests.web.conftest import build_world, connect_google

SAMPLE = Path(__file__).parents[1] / "data" / "sample_offering.json"
KINDS = ("string", "integer", "money", "date", "time", "boolean", "conditional_cascade")
ORDER_FORM = {"options": {f"q{number}": {"type": kind, "label": kind} for number, kind in enumerate(KINDS)}}
RULES = {
    "time_zone": "America/Los_Angeles",
    "buffer_before_minutes": 60,
    "quota_hours_per_user": 100,
    "closures": [{"start": "2031-12-24", "end": "2031-12-26", "reason": "Holidays"}],
}


# All cases of a full run; unset as a part of the suite, which tries a few of them.
FULL = bool(os.environ.get("FUZZ_CASES"))


def cases(few: int) -> int:
    """How many cases a test tries: FUZZ_CASES, or a few as a part of the suite."""
    return int(os.environ["FUZZ_CASES"]) if FULL else few


def user_named(name):
    return db.session.query(User).filter_by(email=f"{name}@example.org").one()


def build_full_world():
    """The people of build_world(), an offering with everything, bookings, tokens, feeds and mailed links."""
    world = build_world()
    connect_google(world.lab)
    scope = db.session.query(Offering).filter_by(uuid=world.scope).one()
    scope.options = ORDER_FORM
    scope.attributes = {**scope.attributes, "booking_rules": RULES}
    db.session.commit()
    make.plan(scope, "Academic")
    make.plan(scope, "Industry")
    report = import_offerings(io.BytesIO(SAMPLE.read_bytes()))
    assert (report.created, report.failed) == (1, [])
    owner, stranger = user_named("owner"), user_named("stranger")
    rich = db.session.query(Offering).filter(Offering.organization_id != scope.organization_id).one()
    db.session.add(Membership(user_id=owner.id, organization_id=rich.organization_id, role="owner"))
    db.session.commit()
    start = utcnow().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=3)
    plan = scope.plans[0].uuid
    made = {}
    for name, user, hour in (("theirs", stranger, 8), ("own", owner, 12), ("next", stranger, 16)):
        period = Period(start + timedelta(hours=hour), start + timedelta(hours=hour + 2))
        wish = BookingRequest(scope.uuid, [period], name=name, plan_uuid=plan, answers={"q5": True})
        made[name] = bookings.request_booking(Actor(user.id), wish).uuid
    bookings.accept_booking(SYSTEM, made["own"])
    for user in (owner, stranger):
        accounts.create_token(Actor(user.id), user.id, "A program")
        feeds.create_user_feed(Actor(user.id))
    feeds.create_organization_feed(Actor(owner.id), world.lab)
    return SimpleNamespace(**vars(world), rich=rich.uuid, booking=made["theirs"])


def mailed_links(stranger):
    """The addresses that only a mail tells."""
    with transaction() as session:
        links = {
            purpose: registration.make_link(session, purpose, email, "192.0.2.1", utcnow())
            for purpose, email in (("register", "new@example.org"), ("password", "member@example.org"))
        }
    email_change.ask_for_email(Actor(stranger.id), "newer@example.org", "192.0.2.1")
    row = db.session.query(OutgoingMail).filter_by(kind="new_email").one()
    return {
        "register": f"/register/{links['register']}/",
        "password": f"/password/{links['password']}/",
        "email": f"/email/{mail.link_secret(row)}/",
        "off": f"/mail/off/{unsubscribe_token(settings(), stranger.id, 'bookings')}/",
    }
