"""Loads the demo: media, offerings through the importer, people, roles, bookings, connections to the emulator.

Nothing is written past the services, so the demo is also a run of the real thing on real input.
"""

from __future__ import annotations

import io
import uuid as uuidlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import requests
from sqlalchemy import select

from portal.config import Settings
from portal.dev.demo import accounts
from portal.dev.demo.accounts import SignIn
from portal.dev.demo.bookings import BookingSpec, plan_bookings
from portal.dev.demo.content import groups, media, offering_documents, organizations, people
from portal.dev.google_emulator import settings as emulator
from portal.domain.booking_states import BookingState
from portal.domain.google import SCOPES
from portal.domain.periods import Period
from portal.errors import PortalError
from portal.extensions import db, settings, transaction
from portal.models import Booking, User
from portal.policies import SYSTEM, Actor
from portal.queries.accounts import find_user
from portal.services import accounts as account_services
from portal.services import bookings, connections
from portal.services import organizations as organization_services
from portal.services.mail import nobody_told
from portal.services.media import store_media
from portal.services.wishes import Wish
from portal.transfer.importer import import_offerings

# This organization is left unconnected, so that connecting can be tried out.
UNCONNECTED = "campus"
TOKEN_NAME = "made on the first start of the demo"  # noqa: S105 - a name, not a secret


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the first start made: the sign-ins, and a staff API token that is never shown again."""

    sign_ins: list[SignIn]
    token: str


def is_loaded() -> bool:
    """Whether this database has the demo's staff account."""
    staff = next(person for person in people() if person.is_staff)
    return db.session.execute(select(User.id).where(User.email == staff.email)).first() is not None


def load(now: datetime, say: Callable[[str], None]) -> Loaded:
    """Load everything around `now` (UTC). `say` takes a line of progress. Raises PortalError if something is refused.

    The staff account comes last: a load that was cut off is repeated whole at the next start, and every part of it
    can be repeated.
    """
    configured = settings()
    say("Demo: pictures and files")
    for spec in media():
        store_media(SYSTEM, spec.name, spec.content_type, spec.data, spec.uuid)
    documents = list(offering_documents(configured.public_url, now))
    say(f"Demo: {len(documents)} offerings, through the importer")
    report = import_offerings(io.BytesIO(orjson.dumps(documents)))
    if report.failed:
        raise PortalError(f"The demo's own data was refused: {report.failed[0]}")
    for organization in organizations():
        for slug in organization.groups:
            group = next(it for it in groups() if it.slug == slug)
            organization_services.set_group(SYSTEM, str(organization.uuid), str(group.uuid))
    sign_ins = _people(configured)
    if configured.google_client_id == emulator.CLIENT_ID:
        say("Demo: connecting the organizations to the Google Calendar emulator")
        _connect(configured)
    say("Demo: a few weeks of bookings")
    _bookings(plan_bookings(documents, people(), now))
    staff = next(person for person in people() if person.is_staff)
    token = _finish(staff.email, sign_ins)
    return Loaded(sign_ins, token)


def _people(configured: Settings) -> list[SignIn]:
    kept = {it.email: it for it in accounts.kept(configured.instance_path)}
    names = {str(organization.uuid): organization.name for organization in organizations()}
    sign_ins = []
    for person in people():
        what = (
            ", ".join(f"{role} of {names[str(uuid)]}" for uuid, role in person.roles()) or "staff: manages everything"
        )
        known = kept.get(person.email)
        sign_in = SignIn(person.email, known.password if known else accounts.new_password(), what)
        sign_ins.append(sign_in)
    accounts.keep(configured.instance_path, sign_ins)
    for person, sign_in in zip(people(), sign_ins, strict=True):
        if person.is_staff or find_user(person.email) is not None:
            continue
        with transaction():
            account_services.create_user(SYSTEM, person.email, full_name=person.full_name, password=sign_in.password)
            for uuid, role in person.roles():
                account_services.set_role(SYSTEM, person.email, str(uuid), role)
    return sign_ins


def _bookings(planned: list[BookingSpec]) -> None:
    with nobody_told(), transaction() as session:
        if session.execute(select(Booking.id).limit(1)).first() is not None:
            return
        ids = {row.email: row for row in session.execute(select(User.id, User.email)).all()}
        for spec in planned:
            row = ids[spec.user_email]
            wish = Wish(
                spec.offering_uuid,
                [Period(start, end) for start, end in spec.slots],
                name=spec.name,
                note=spec.note,
                plan_uuid=spec.plan_uuid,
                answers=spec.answers,
            )
            booker = Actor(row.id, name=row.email)
            uuid = bookings.request_booking(booker, wish, now=spec.asked)
            _answer(uuid, spec, booker, spec.asked + timedelta(hours=5))


def _answer(uuid: uuidlib.UUID, spec: BookingSpec, booker: Actor, at: datetime) -> None:
    state = spec.state
    if state == BookingState.CONFIRMED and not spec.automatic:
        bookings.accept_booking(SYSTEM, uuid, now=at)
    elif state == BookingState.REJECTED:
        bookings.reject_booking(SYSTEM, uuid, "The instrument is being serviced in that week.", now=at)
    elif state == BookingState.CANCELLED:
        bookings.cancel_booking(booker, uuid, now=at)


def _connect(configured: Settings) -> None:
    """Connect all organizations but one, as if their owners had consented in the emulator."""
    for organization in organizations():
        if organization.slug == UNCONNECTED:
            continue
        answer = _call_emulator(
            f"{configured.google_api_root}/emulator/token",
            json={
                "account": f"calendar@{organization.domain}",
                "scopes": list(SCOPES),
                "client_id": configured.google_client_id,
            },
        )
        connections.connect_with_refresh_token(SYSTEM, organization.uuid, answer["refresh_token"])


def _call_emulator(address: str, json: dict[str, Any]) -> dict[str, Any]:
    try:
        answer = requests.post(address, json=json, timeout=10)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
    except requests.RequestException as error:
        raise PortalError(
            "The Google Calendar emulator does not respond: `make run` starts it with the demo."
        ) from error
    return found


def _finish(email: str, sign_ins: list[SignIn]) -> str:
    person = next(it for it in people() if it.email == email)
    password = next(it.password for it in sign_ins if it.email == email)
    with transaction() as session:
        account_services.create_user(SYSTEM, email, full_name=person.full_name, password=password, is_staff=True)
        user_id = session.execute(select(User.id).where(User.email == email)).scalar_one()
        return account_services.create_token(SYSTEM, user_id, TOKEN_NAME).key
