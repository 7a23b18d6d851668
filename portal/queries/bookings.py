"""Bookings that an actor may see, in lists or alone. The number of statements does not depend on that of bookings."""

from __future__ import annotations

import uuid as uuidlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import joinedload, raiseload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from portal.domain.booking_details import BookingDetails
from portal.domain.booking_states import HOLDING, BookingState
from portal.domain.choices import BillingType
from portal.domain.limits import Usage
from portal.domain.periods import Period
from portal.errors import Forbidden, NotFound
from portal.extensions import db
from portal.models import (
    Booking,
    BookingChange,
    BusyPeriod,
    Offering,
    Plan,
    PlanComponent,
    Project,
    Slot,
    User,
)
from portal.policies import Actor, managed_offerings, own_bookings, usable_projects, visible_bookings, visible_in_list
from portal.queries import booking_list
from portal.queries.booking_components import billed
from portal.queries.booking_details import Visibility, details_for, visibility_columns
from portal.queries.booking_list import BY_START, Order
from portal.queries.page import Page

PAGE_SIZE = 20
# Nearby bookings that are shown with a request.
MAX_NEARBY = 5
# A person's other bookings at the same time that are shown.
MAX_OVERLAPPING = 10
_NEAR = timedelta(hours=12)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class BookingView:
    """A booking with everything loaded (lazy loading raises), and the actor's relation to it.

    `visibility` says which of the things it refers to the actor may see; `details` are their names. `usage_based` and
    `limit_based`: the offering has components that are billed so.
    """

    booking: Booking
    manages: bool
    mine: bool
    usage_based: bool
    limit_based: bool
    visibility: Visibility
    details: BookingDetails

    @property
    def uuid(self) -> uuidlib.UUID:
        return self.booking.uuid


@dataclass(frozen=True, slots=True)
class BookingPage:
    """One page of bookings."""

    bookings: list[BookingView]
    page: Page


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A request that waits for a decision.

    `nearby`: other bookings and busy times within half a day. `other_bookings`: how many the booker has here.
    """

    booking: Booking
    nearby: list[NearbyBooking] = field(default_factory=list)
    other_bookings: int = 0


@dataclass(frozen=True, slots=True)
class NearbyBooking:
    """A booking or busy time near a request. `what` is requested, confirmed or busy; `name` is the booker's."""

    period: Period
    what: str
    name: str


def last_end() -> ColumnElement[datetime]:
    """When a booking's last slot ends."""
    return select(func.max(Slot.end)).where(Slot.booking_id == Booking.id).correlate(Booking).scalar_subquery()


def bookings_count(actor: Actor, clauses: Sequence[ColumnElement[bool]] = ()) -> int:
    """How many visible bookings satisfy all clauses (over Booking joined with Offering)."""
    return booking_list.count([visible_in_list(actor), *clauses])


def bookings_slice(
    actor: Actor, clauses: Sequence[ColumnElement[bool]], order: Sequence[Order], offset: int, limit: int, total: int
) -> list[BookingView]:
    """A slice of the `total` visible bookings that satisfy all clauses. Ties are ordered by id."""
    return _slice(
        actor, [visible_in_list(actor), *clauses], booking_list.without_common_type(order), offset, limit, total
    )


def get_booking(actor: Actor, uuid: uuidlib.UUID, *, priced: bool = False) -> BookingView:
    """One booking. Raises NotFound if there is none that the actor may see.

    `priced`: with the components of its plan, which takes one more statement.
    """
    return _get(actor, Booking.uuid == uuid, "Resource", priced=priced)


def get_booking_of_order(actor: Actor, order_uuid: uuidlib.UUID) -> BookingView:
    """The booking with this order. Raises NotFound if there is none that the actor may see."""
    return _get(actor, Booking.order_uuid == order_uuid, "Order")


def _get(actor: Actor, clause: ColumnElement[bool], what: str, *, priced: bool = False) -> BookingView:
    query = _visible(actor, [clause], *_columns(actor)).options(*_loaded(priced=priced))
    row = db.session.execute(query).unique().one_or_none()
    if row is None:
        raise NotFound(what)
    return _view(row)


def get_managed_booking(actor: Actor, uuid: uuidlib.UUID) -> BookingView:
    """A booking of an offering that the actor manages. Raises NotFound, or Forbidden if they may only see it."""
    view = get_booking(actor, uuid)
    if not view.manages:
        raise Forbidden
    return view


def view_of(actor: Actor, booking: Booking) -> BookingView:
    """A booking of this session, as the actor may see it. One statement, and what is not loaded yet."""
    manages, mine, usage, limit, *seen = map(bool, db.session.execute(_view_columns(actor), {"id": booking.id}).one())
    found = Visibility(*seen)
    return BookingView(booking, manages, mine, usage, limit, found, details_for(booking, found))


@lru_cache(maxsize=256)
def _view_columns(actor: Actor) -> Select[Any]:
    return _visible(actor, [Booking.id == bindparam("id")], *_columns(actor)[1:])


def own_page(actor: Actor, now: datetime, *, past: bool, number: int, size: int = PAGE_SIZE) -> BookingPage:
    """The actor's own bookings: upcoming ones, the next first; or past and ended ones, the latest first."""
    ahead = and_(Booking.state.in_([it.value for it in HOLDING]), last_end() > now)
    clauses = [own_bookings(actor), ~ahead if past else ahead]
    return _page(actor, clauses, [replace(BY_START, descending=past)], number, size)


def pending_count(actor: Actor, most: int | None = None) -> int:
    """How many requests the actor has to decide on; counting stops at `most`."""
    query = (
        select(Booking.id)
        .join(Offering, Offering.id == Booking.offering_id)
        .where(Booking.state == BookingState.REQUESTED.value, managed_offerings(actor))
        .limit(most)
    )
    return int(db.session.execute(select(func.count()).select_from(query.subquery())).scalar_one())


def pending_page(actor: Actor, number: int, size: int = PAGE_SIZE) -> tuple[list[PendingRequest], Page]:
    """The requests that the actor has to decide on, by start, each with what is nearby."""
    clauses = [Booking.state == BookingState.REQUESTED.value, managed_offerings(actor)]
    found = _page(actor, clauses, [BY_START], number, size)
    bookings = [view.booking for view in found.bookings]
    nearby = _nearby_of(bookings)
    held = _bookings_of({it.user_id for it in bookings}, {it.offering_id for it in bookings})
    shown = [
        PendingRequest(it, nearby[it.id][:MAX_NEARBY], held.get((it.user_id, it.offering_id), 1) - 1) for it in bookings
    ]
    return shown, found.page


def usage_of(user_id: int, now: datetime, except_booking: int = 0) -> Usage:
    """The open requests and hours of a user from `now` on, without the booking `except_booking`. One SQL statement.

    A request whose first slot has begun counts as expired, even if the worker has not recorded that yet.
    """
    rows = db.session.execute(
        select(Booking.id, Booking.state, Slot.start, Slot.end)
        .join(Slot, Slot.booking_id == Booking.id)
        .where(
            Booking.user_id == user_id,
            Booking.state.in_([it.value for it in HOLDING]),
            Slot.holds.is_(True),
            or_(Slot.end > now, Booking.state == BookingState.REQUESTED.value),
            Booking.id != except_booking,
        )
    ).all()
    requested = BookingState.REQUESTED.value
    over = {row.id for row in rows if row.state == requested and row.start <= now}
    held = [row for row in rows if row.id not in over]
    return Usage(
        len({row.id for row in held if row.state == requested}),
        sum((row.end - max(row.start, now) for row in held), timedelta()),
    )


def own_bookings_during(actor: Actor, periods: Sequence[Period], *, except_booking: int = 0) -> list[BookingView]:
    """The actor's own bookings, of any offering, that hold time within these periods. The first MAX_OVERLAPPING."""
    if not periods:
        return []
    overlaps = or_(*(and_(Slot.start < it.end, Slot.end > it.start) for it in periods))
    during = exists(select(Slot.id).where(Slot.booking_id == Booking.id, Slot.holds.is_(True), overlaps))
    clauses = [own_bookings(actor), during, Booking.id != except_booking]
    query = _visible(actor, clauses, *_columns(actor)).options(*_loaded()).order_by(Booking.id).limit(MAX_OVERLAPPING)
    return [_view(row) for row in db.session.execute(query).unique()]


def upcoming_count(user_id: int, now: datetime) -> int:
    """How many requests and bookings of a person are not over at `now` (UTC)."""
    held = Booking.state.in_([it.value for it in HOLDING])
    query = select(func.count(Booking.id)).where(Booking.user_id == user_id, held, last_end() > now)
    return int(db.session.execute(query).scalar_one())


def projects_of(actor: Actor) -> list[Project]:
    """The projects that the actor's bookings may be for, by name. Empty for staff, for whom there are too many."""
    if actor.is_staff or not actor.signed_in:
        return []
    query = select(Project).where(usable_projects(actor)).options(raiseload("*")).order_by(Project.name, Project.id)
    return list(db.session.execute(query.limit(200)).scalars())


def _page(
    actor: Actor, clauses: Sequence[ColumnElement[bool]], order: Sequence[Order], number: int, size: int
) -> BookingPage:
    """A page of bookings that satisfy clauses by which the actor sees them."""
    page = Page.of(number, size, booking_list.count(clauses))
    return BookingPage(_slice(actor, clauses, order, page.offset, page.size, page.total), page)


def _slice(
    actor: Actor, clauses: Sequence[ColumnElement[bool]], order: Sequence[Order], offset: int, limit: int, total: int
) -> list[BookingView]:
    if offset >= total:
        return []
    ids = booking_list.page_ids(clauses, order, offset, limit, total).subquery()
    query = _columns_of(actor).join(ids, ids.c.id == Booking.id).options(*_loaded())
    rows = db.session.execute(query.order_by(*booking_list.terms(order)))
    return [_view(row) for row in rows.unique()]


def _columns_of(actor: Actor) -> Select[Any]:
    return select(*_columns(actor)).join(Offering, Offering.id == Booking.offering_id)


def _visible(actor: Actor, clauses: Sequence[ColumnElement[bool]], *what: Any) -> Select[Any]:
    return select(*what).join(Offering, Offering.id == Booking.offering_id).where(visible_bookings(actor), *clauses)


def _columns(actor: Actor) -> tuple[Any, ...]:
    return (
        Booking,
        managed_offerings(actor).label("manages"),
        own_bookings(actor).label("mine"),
        billed(BillingType.USAGE).label("usage_based"),
        billed(BillingType.LIMIT).label("limit_based"),
        *visibility_columns(actor),
    )


def _view(row: Row[Any]) -> BookingView:
    manages, mine, usage, limit, *visible = map(bool, row[1:])
    seen = Visibility(*visible)
    return BookingView(row.Booking, manages, mine, usage, limit, seen, details_for(row.Booking, seen))


def _loaded(*, priced: bool = False) -> list[ORMOption]:
    parts = selectinload(Plan.components).joinedload(PlanComponent.component)
    return [
        raiseload("*"),
        joinedload(Booking.offering).joinedload(Offering.organization),
        joinedload(Booking.offering).joinedload(Offering.category),
        joinedload(Booking.offering).joinedload(Offering.parent).load_only(Offering.uuid, Offering.name),
        joinedload(Booking.project).joinedload(Project.organization),
        joinedload(Booking.plan).options(parts if priced else raiseload(Plan.components)),
        joinedload(Booking.user),
        selectinload(Booking.slots),
        selectinload(Booking.changes).joinedload(BookingChange.user),
    ]


def _nearby_of(bookings: Sequence[Booking]) -> defaultdict[int, list[NearbyBooking]]:
    """Other bookings and busy times around each booking, of the same offering. Two statements."""
    found: defaultdict[int, list[NearbyBooking]] = defaultdict(list)
    if not bookings:
        return found
    ids = {it.offering_id for it in bookings}
    start = min(it.slots[0].start for it in bookings if it.slots)
    end = max(it.slots[-1].end for it in bookings if it.slots)
    query = (
        select(Slot.offering_id, Slot.start, Slot.end, Booking.state, User.full_name, User.email, Booking.id)
        .join(Booking, Booking.id == Slot.booking_id)
        .join(User, User.id == Booking.user_id)
        .where(Slot.offering_id.in_(ids), Slot.holds.is_(True), Slot.end > start - _DAY, Slot.start < end + _DAY)
        .order_by(Slot.start)
    )
    busy = select(BusyPeriod.offering_id, BusyPeriod.start, BusyPeriod.end).where(
        BusyPeriod.offering_id.in_(ids), BusyPeriod.end > start - _DAY, BusyPeriod.start < end + _DAY
    )
    by_offering: defaultdict[int, list[tuple[int, NearbyBooking]]] = defaultdict(list)
    for offering_id, begin, until, state, name, email, booking_id in db.session.execute(query):
        by_offering[offering_id].append((booking_id, NearbyBooking(Period(begin, until), state, name or email)))
    for offering_id, begin, until in db.session.execute(busy):
        by_offering[offering_id].append((0, NearbyBooking(Period(begin, until), "busy", "")))
    for booking in bookings:
        around = Period(booking.slots[0].start - _NEAR, booking.slots[-1].end + _NEAR)
        beside = by_offering[booking.offering_id]
        others = [it for owner, it in beside if owner != booking.id and around.overlaps(it.period)]
        others.sort(key=lambda it: abs(it.period.start - booking.slots[0].start))
        found[booking.id] = sorted(others[:MAX_NEARBY], key=lambda it: it.period)
    return found


def _bookings_of(user_ids: set[int | None], offering_ids: set[int]) -> dict[tuple[int | None, int], int]:
    if not user_ids:
        return {}
    query = (
        select(Booking.user_id, Booking.offering_id, func.count())
        .where(
            Booking.user_id.in_(user_ids),
            Booking.offering_id.in_(offering_ids),
            Booking.state.in_([it.value for it in HOLDING]),
        )
        .group_by(Booking.user_id, Booking.offering_id)
    )
    return {(user_id, offering_id): number for user_id, offering_id, number in db.session.execute(query)}
