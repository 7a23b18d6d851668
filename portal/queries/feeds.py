"""The content of calendar feeds, bounded in time and number."""

from __future__ import annotations

import uuid as uuidlib
from collections import namedtuple
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Row, Select, func, or_, select, type_coerce
from sqlalchemy.orm import raiseload
from sqlalchemy.types import NullType

from portal.domain.booking_details import details_from_json
from portal.domain.booking_states import HOLDING, BookingState
from portal.domain.ics import IcsEvent
from portal.domain.periods import Period
from portal.domain.rules import rules_of
from portal.domain.texts import shortened
from portal.errors import NotFound
from portal.extensions import db
from portal.models import Booking, CalendarFeed, Offering, Organization, Slot, User
from portal.policies import Actor, managed_organizations, own_bookings, visible_offerings
from portal.queries.bookings import get_booking

# How far back a feed reaches, and how long it lists cancelled bookings.
PAST = timedelta(days=90)
GONE = timedelta(days=30)
MOST = 5000
# Cancelled bookings have their own limit, so that repeated cancellations do not push out other bookings.
MAX_GONE = 500
BOOKED = "Booked"
# Characters, in a feed of many bookings.
MAX_TITLE = 200
MAX_NOTE = 500


@dataclass(frozen=True, slots=True)
class Feed:
    """The name and the events of a feed, in order. Events may be a generator.

    Feeds with the same `version` (not empty) are the same: it is a digest of everything that the feed is made of.
    """

    name: str
    events: Iterable[IcsEvent]
    version: bytes = b""


def offering_feed(actor: Actor, uuid: uuidlib.UUID, now: datetime) -> Feed:
    """The bookings of an offering that the actor may see: times only, unless its rules publish titles.

    Raises NotFound.
    """
    offering = db.session.execute(
        select(Offering).where(Offering.uuid == uuid, visible_offerings(actor)).options(raiseload("*"))
    ).scalar_one_or_none()
    if offering is None:
        raise NotFound("Offering")
    titles = rules_of(offering.attributes).publish == "titles"
    slots = _slots(actor, [Slot.offering_id == offering.id], now)
    return Feed(
        offering.name,
        (_event(row, shortened(row.name, MAX_TITLE) if titles else BOOKED, offering.name) for row in slots),
        slots.version(offering.name, titles),
    )


def secret_feed(digest: bytes, now: datetime, base: str) -> Feed:
    """The feed with this secret. Raises NotFound if its creator may no longer see what it shows.

    A deactivated user has no feed, and an organization's feed requires that its creator still manages the organization.
    `base` is the portal's address, for links to the bookings.
    """
    row = db.session.execute(
        select(CalendarFeed.organization_id, User.id, User.is_staff, User.full_name, User.email)
        .join(User, User.id == func.coalesce(CalendarFeed.user_id, CalendarFeed.maker_id))
        .where(CalendarFeed.digest == digest, User.is_active.is_(True))
    ).one_or_none()
    if row is None:
        raise NotFound("Feed")
    actor = Actor(row.id, row.is_staff)
    if row.organization_id is None:
        slots = _slots(actor, [own_bookings(actor)], now)
        title = f"Bookings of {row.full_name or row.email}"
        return Feed(title, (_shortened(_own_event(it, base)) for it in slots), slots.version(title, base))
    name = db.session.execute(
        select(Organization.name).where(Organization.id == row.organization_id, managed_organizations(actor))
    ).scalar_one_or_none()
    if name is None:
        raise NotFound("Feed")
    slots = _slots(actor, [Offering.organization_id == row.organization_id], now)
    return Feed(
        f"Bookings at {name}",
        (
            _shortened(_full_event(it, it.offering, it.provider, f"{it.offering}: {_booker_and_name(it)}", base))
            for it in slots
        ),
        slots.version(name, base),
    )


def booking_events(actor: Actor, uuid: uuidlib.UUID, base: str) -> Feed:
    """The events of one booking that the actor may see. Raises NotFound."""
    booking = get_booking(actor, uuid).booking
    rows = db.session.execute(_rows(actor).where(Slot.booking_id == booking.id)).all()
    return Feed(booking.name, [_own_event(row, base) for row in rows])


def has_user_feed(actor: Actor) -> datetime | None:
    """When the actor's feed was created, or None."""
    return db.session.execute(
        select(CalendarFeed.created).where(CalendarFeed.user_id == actor.user_id)
    ).scalar_one_or_none()


@dataclass(frozen=True, slots=True)
class OrganizationFeed:
    """The feed of an organization, if there is one: when and by whom it was created, and whether it still works."""

    organization: str
    created: datetime | None
    maker: str
    works: bool


def organization_feed(actor: Actor, uuid: uuidlib.UUID) -> OrganizationFeed:
    """The feed of an organization that the actor manages. Raises NotFound."""
    row = db.session.execute(
        select(
            Organization.id,
            Organization.name,
            CalendarFeed.created,
            User.id.label("maker_id"),
            User.is_staff,
            User.is_active,
            User.full_name,
            User.email,
        )
        .outerjoin(CalendarFeed, CalendarFeed.organization_id == Organization.id)
        .outerjoin(User, User.id == CalendarFeed.maker_id)
        .where(Organization.uuid == uuid, managed_organizations(actor))
    ).one_or_none()
    if row is None:
        raise NotFound("Organization")
    works = False
    if row.maker_id is not None and row.is_active:
        maker = managed_organizations(Actor(row.maker_id, row.is_staff))
        works = db.session.execute(select(Organization.id).where(Organization.id == row.id, maker)).first() is not None
    return OrganizationFeed(row.name, row.created, row.full_name or row.email or "", works)


def _rows(actor: Actor) -> Select[Any]:
    """Slots with what a feed shows of them, as columns: a busy year has thousands of rows."""
    columns: Any = select(
        Slot.uuid,
        Slot.start,
        Slot.end,
        Booking.uuid.label("booking"),
        Booking.state,
        Booking.name,
        Booking.note,
        Booking.sequence,
        Booking.created,
        Booking.modified,
        Offering.name.label("offering"),
        Organization.name.label("provider"),
        User.full_name,
        User.email,
        Booking.as_booked,
        visible_offerings(actor).label("sees"),
    )
    found: Select[Any] = (
        columns.join(Booking, Booking.id == Slot.booking_id)
        .join(Offering, Offering.id == Booking.offering_id)
        .outerjoin(Organization, Organization.id == Offering.organization_id)
        .outerjoin(User, User.id == Booking.user_id)
    )
    return found


class _Slots:
    """Rows as the driver returns them. They are only converted when iterated, which is most of the work of a feed."""

    def __init__(self, query: Select[Any]) -> None:
        columns = list(query.selected_columns)
        raw = [type_coerce(it, NullType()).label(it.key) for it in columns]
        dialect = db.session.get_bind().dialect
        self._readers = [it.type.dialect_impl(dialect).result_processor(dialect, None) for it in columns]
        # mypy knows named tuples with literal fields only.
        self._row: Any = namedtuple("Row", [it.key for it in columns])  # type: ignore[misc]
        result = db.session.execute(query.with_only_columns(*raw, maintain_column_froms=True))
        self._rows = [tuple(it) for it in result]

    def __iter__(self) -> Iterator[Any]:
        readers = self._readers
        for row in self._rows:
            yield self._row(*(read(it) if read else it for read, it in zip(readers, row, strict=True)))

    def version(self, *beside: object) -> bytes:
        """A digest of all rows and of what else the feed is made of."""
        return blake2b(orjson.dumps([beside, self._rows], default=str), digest_size=16).digest()


def _slots(actor: Actor, clauses: Sequence[ColumnElement[bool]], now: datetime) -> _Slots:
    """The booked and recently cancelled slots of a feed, by time; of too many, the latest. One statement."""
    holding = [it.value for it in HOLDING]

    def latest(*more: ColumnElement[bool], most: int) -> Select[Any]:
        return (
            select(Slot.id)
            .join(Booking, Booking.id == Slot.booking_id)
            .join(Offering, Offering.id == Booking.offering_id)
            .where(*clauses, Slot.end > now - PAST, *more)
            .order_by(Slot.end.desc(), Slot.id)
            .limit(most)
        )

    held = latest(Booking.state.in_(holding), most=MOST)
    gone = latest(Booking.state.not_in(holding), Booking.modified > now - GONE, most=MAX_GONE)
    shown = or_(Slot.id.in_(held), Slot.id.in_(gone))
    return _Slots(_rows(actor).where(shown).order_by(Slot.start, Slot.end, Slot.uuid))


def _booker_and_name(row: Row[Any]) -> str:
    booker = row.full_name or row.email
    return f"{booker}, {row.name}" if booker else str(row.name)


def _event(row: Row[Any], summary: str, location: str, *, note: str = "", url: str = "") -> IcsEvent:
    return IcsEvent(
        row.uuid,
        Period(row.start, row.end),
        BookingState(row.state),
        summary,
        row.sequence,
        row.created,
        row.modified,
        location=location,
        description=note,
        url=url,
    )


def _own_event(row: Row[Any], base: str) -> IcsEvent:
    """An event for the booker. If they can no longer see the offering, with the names stored at booking."""
    if row.sees:
        return _full_event(row, row.offering, row.provider, f"{row.name} ({row.offering})", base)
    booked = details_from_json(row.as_booked, row.name)
    summary = f"{row.name} ({booked.offering})" if booked.offering != row.name else row.name
    return _full_event(row, booked.offering, booked.provider, summary, base)


def _full_event(row: Row[Any], offering: str, provider: str | None, summary: str, base: str) -> IcsEvent:
    """An event with all details."""
    place = f"{offering}, {provider}" if provider else offering
    return _event(row, summary, place, note=row.note, url=f"{base}/bookings/{row.booking}/")


def _shortened(event: IcsEvent) -> IcsEvent:
    """The event with long texts shortened, for a feed of many."""
    title, note = shortened(event.summary, MAX_TITLE), shortened(event.description, MAX_NOTE)
    return replace(event, summary=title, description=note)
