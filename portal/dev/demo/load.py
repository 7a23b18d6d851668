"""Loads the demo: media, offerings through the importer, people, roles, connections to the emulator, bookings.

Everything is written by the importer and the services, so the demo also exercises them.
"""

from __future__ import annotations

import io
import uuid as uuidlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import requests
from sqlalchemy import select

from portal.calendar_sync import consent
from portal.calendar_sync.providers.google.scopes import SCOPES
from portal.config import Settings
from portal.dev.demo import accounts, content
from portal.dev.demo.accounts import SignIn
from portal.dev.demo.bookings import PlannedBooking, plan_bookings
from portal.dev.google_emulator import settings as emulator
from portal.domain.booking_states import BookingState
from portal.domain.periods import Period
from portal.errors import PortalError
from portal.extensions import db, settings, transaction
from portal.models import Booking, User
from portal.policies import SYSTEM, Actor
from portal.queries.accounts import find_user
from portal.services import accounts as account_services
from portal.services import bookings, organizations
from portal.services.booking_requests import BookingRequest
from portal.services.mail import suppress_mail
from portal.services.media import store_media
from portal.transfer.importer import import_offerings

TOKEN_NAME = "made on the first start of the demo"  # noqa: S105 - a name, not a secret


@dataclass(frozen=True, slots=True)
class LoadedDemo:
    """The sign-ins, and a staff API token that is never shown again."""

    sign_ins: list[SignIn]
    token: str


def is_loaded() -> bool:
    """Whether this database has the demo's staff account."""
    return db.session.execute(select(User.id).where(User.email == content.staff().email)).first() is not None


def load(now: datetime, report: Callable[[str], None]) -> LoadedDemo:
    """Load everything around `now` (UTC). `report` takes a line of progress. Raises PortalError if something fails.

    The staff account comes last: an interrupted load is repeated at the next start, and every step can be repeated.
    """
    configured = settings()
    report("Demo: pictures and files")
    for file in content.media():
        store_media(SYSTEM, file.name, file.content_type, file.data, file.uuid)
    offerings = content.offerings(configured.public_url, now)
    report(f"Demo: {len(offerings)} offerings, through the importer")
    imported = import_offerings(io.BytesIO(orjson.dumps(offerings)))
    if imported.failed:
        raise PortalError(f"An offering of the demo cannot be imported: {imported.failed[0]}")
    for organization in content.organizations():
        for group in organization.groups:
            organizations.set_group(SYSTEM, organization.name, group)
    sign_ins = _create_people(configured)
    if configured.google_client_id == emulator.CLIENT_ID:
        report("Demo: connecting the organizations to the Google Calendar emulator")
        _connect(configured)
    report("Demo: a few weeks of bookings")
    _create_bookings(plan_bookings(offerings, content.people(), now))
    return LoadedDemo(sign_ins, _create_staff(sign_ins))


def _create_people(configured: Settings) -> list[SignIn]:
    known = {it.email: it.password for it in accounts.read_sign_ins(configured.instance_path)}
    sign_ins = []
    for person in content.people():
        roles = ", ".join(f"{role} of {organization}" for organization, role in person.roles.items())
        password = known.get(person.email) or accounts.new_password()
        sign_ins.append(SignIn(person.email, password, roles or "staff: manages everything"))
    accounts.save_sign_ins(configured.instance_path, sign_ins)
    for person, sign_in in zip(content.people(), sign_ins, strict=True):
        if person.is_staff or find_user(person.email) is not None:
            continue
        with transaction():
            account_services.create_user(SYSTEM, person.email, full_name=person.full_name, password=sign_in.password)
            for organization, role in person.roles.items():
                account_services.set_role(SYSTEM, person.email, organization, role)
    return sign_ins


def _create_bookings(planned: Iterable[PlannedBooking]) -> None:
    with suppress_mail(), transaction() as session:
        if session.execute(select(Booking.id).limit(1)).first() is not None:
            return
        actors = {row.email: Actor(row.id, name=row.email) for row in session.execute(select(User.id, User.email))}
        for booking in planned:
            request = BookingRequest(
                booking.offering_uuid,
                [Period(booking.start, booking.end)],
                name=booking.name,
                note=booking.note,
                plan_uuid=booking.plan_uuid,
                answers=booking.answers,
            )
            actor = actors[booking.user_email]
            uuid = bookings.request_booking(actor, request, limited=False, now=booking.requested).uuid
            _decide(uuid, booking, actor, booking.requested + timedelta(hours=5))


def _decide(uuid: uuidlib.UUID, booking: PlannedBooking, actor: Actor, at: datetime) -> None:
    """Bring a requested booking into its planned state."""
    if booking.state == BookingState.CONFIRMED and not booking.automatic:
        bookings.accept_booking(SYSTEM, uuid, now=at)
    elif booking.state == BookingState.REJECTED:
        bookings.reject_booking(SYSTEM, uuid, "The instrument is being serviced in that week.", now=at)
    elif booking.state == BookingState.CANCELLED:
        bookings.cancel_booking(actor, uuid, now=at)


def _connect(configured: Settings) -> None:
    """Connect organizations, as if their owners had consented in the emulator."""
    for organization in content.organizations():
        if not organization.calendar_account:
            continue
        tokens = _call_emulator(
            f"{configured.google_api_root}/emulator/token",
            json={
                "account": organization.calendar_account,
                "scopes": list(SCOPES),
                "client_id": configured.google_client_id,
            },
        )
        uuid = account_services.find_organization(organization.name).uuid
        consent.connect_with_refresh_token(SYSTEM, uuid, tokens["refresh_token"])


def _call_emulator(url: str, json: dict[str, Any]) -> dict[str, Any]:
    try:
        response = requests.post(url, json=json, timeout=10)
        response.raise_for_status()
        body: dict[str, Any] = response.json()
    except requests.RequestException as error:
        raise PortalError(
            "The Google Calendar emulator does not respond: `make run` starts it with the demo."
        ) from error
    return body


def _create_staff(sign_ins: list[SignIn]) -> str:
    """Create the staff account; returns an API token of it."""
    person = content.staff()
    password = next(it.password for it in sign_ins if it.email == person.email)
    with suppress_mail(), transaction() as session:
        account_services.create_user(SYSTEM, person.email, full_name=person.full_name, password=password, is_staff=True)
        user_id = session.execute(select(User.id).where(User.email == person.email)).scalar_one()
        return account_services.create_token(SYSTEM, user_id, TOKEN_NAME).key
