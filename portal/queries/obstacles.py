"""The bookings, requests and busy times of offerings, read in one statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CompoundSelect,
    Integer,
    Text,
    bindparam,
    column,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased

from portal.domain.booking_states import BookingState
from portal.domain.periods import Period
from portal.domain.refusals import Code, Obstacle
from portal.extensions import db
from portal.models import Booking, BusyPeriod, Offering, Slot
from portal.models.base import UTCDateTime
from portal.policies import Actor

_CODES = {BookingState.CONFIRMED.value: Code.BOOKED, BookingState.REQUESTED.value: Code.REQUESTED, "busy": Code.BUSY}


def obstacles_of_offerings(
    offering_ids: Collection[int], window: Period, actor: Actor, except_booking: int | None = None
) -> defaultdict[int, list[Obstacle]]:
    """Bookings, requests and busy times in a window, by offering. One SQL statement."""
    found: defaultdict[int, list[Obstacle]] = defaultdict(list)
    for offering_id, obstacle in _rows(offering_ids, window, actor, except_booking):
        found[offering_id].append(obstacle)
    return found


def _rows(
    offering_ids: Collection[int], window: Period, actor: Actor, except_booking: int | None
) -> Iterator[tuple[int, Obstacle]]:
    dialect = db.engine.dialect.name
    ids = id_parameter(offering_ids, dialect)
    given = {"ids": ids, "begin": window.start, "finish": window.end, "without": except_booking or 0}
    for offering_id, start, end, kind, user_id in db.session.execute(_taken(dialect), given).all():
        mine = actor.signed_in and user_id == actor.user_id
        yield offering_id, Obstacle(Period(start, end), _CODES[kind], mine=mine)


def among_ids(key: InstrumentedAttribute[int], dialect: str) -> ColumnElement[bool]:
    """Clause: the key is one of the parameter `ids`, which `id_parameter` makes."""
    if dialect == "postgresql":
        return key == func.any(bindparam("ids", type_=ARRAY(Integer)))
    return key.in_(select(column("value")).select_from(func.json_each(bindparam("ids", type_=Text))))


def id_parameter(offering_ids: Collection[int], dialect: str) -> Any:
    """The value of the parameter `ids`."""
    # One parameter for all ids: thousands of parameters are slow, and databases limit their number.
    return list(offering_ids) if dialect == "postgresql" else orjson.dumps(list(offering_ids)).decode()


@cache
def _taken(dialect: str) -> CompoundSelect[Any]:
    """Bookings and busy times of the offerings `ids` between `begin` and `finish`, except for the booking `without`.

    Built once, since building it takes longer than running it.
    """
    begin, finish = (bindparam(name, type_=UTCDateTime) for name in ("begin", "finish"))
    columns = (Slot.offering_id, Slot.start, Slot.end, Booking.state, Booking.user_id)
    # Slots of an offering never overlap, so an index on their ends finds both: those that end in the window, and the
    # first one that ends later, if it starts before the window ends.
    ending = (
        select(*columns)
        .join(Booking, Booking.id == Slot.booking_id)
        .where(among_ids(Slot.offering_id, dialect), Slot.holds.is_(True), Slot.end > begin, Slot.end <= finish)
    )
    later = aliased(Slot)
    first_later = (
        select(later.id)
        .where(later.offering_id == Offering.id, later.holds.is_(True), later.end > finish)
        .order_by(later.end)
        .limit(1)
        .correlate(Offering)
        .scalar_subquery()
    )
    reaching = (
        select(*columns)
        .select_from(Offering)
        .join(Slot, Slot.id == first_later)
        .join(Booking, Booking.id == Slot.booking_id)
        .where(among_ids(Offering.id, dialect), Slot.start < finish)
    )
    busy = select(
        BusyPeriod.offering_id, BusyPeriod.start, BusyPeriod.end, literal("busy"), literal(None, Booking.user_id.type)
    ).where(among_ids(BusyPeriod.offering_id, dialect), BusyPeriod.start < finish, BusyPeriod.end > begin)
    return union_all(*(it.where(Booking.id != bindparam("without", type_=Integer)) for it in (ending, reaching)), busy)
