"""What is free of an offering: its schedule, bookings and busy times, read and handed to portal.domain.availability."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import literal, select, union_all

from portal.domain.availability import Availability, Code, Obstacle, Refusal, past
from portal.domain.booking_states import BookingState
from portal.domain.periods import Period
from portal.domain.schedules import read_schedules
from portal.domain.zones import parse_zone
from portal.extensions import db, settings
from portal.models import Booking, BusyPeriod, Offering, Slot
from portal.policies import NOBODY, Actor

# How far ahead a "next free" search looks.
HORIZON = timedelta(days=92)
_CODES = {
    BookingState.CONFIRMED.value: Code.BOOKED,
    BookingState.REQUESTED.value: Code.REQUESTED,
    "busy": Code.BUSY,
}


def zone_of(attributes: Mapping[str, Any]) -> ZoneInfo:
    """The offering's time zone: `attributes.booking_rules.time_zone`, else the portal's (TIMEZONE)."""
    rules = attributes.get("booking_rules")
    if isinstance(rules, Mapping):
        try:
            return parse_zone(rules.get("time_zone"))
        except ValueError:
            pass
    return ZoneInfo(settings().timezone)


def of_offering(offering: Offering, window: Period, now: datetime, actor: Actor = NOBODY) -> Availability:
    """The availability of one offering; questions must stay inside the window. One SQL statement."""
    obstacles = _obstacles([offering.id], window, actor)[offering.id]
    return _availability(offering.attributes, [past(now), *obstacles])


def explain(offering: Offering, period: Period, now: datetime, actor: Actor = NOBODY) -> Refusal | None:
    """Why a period of the offering cannot be booked at `now`, or None where it can. One SQL statement."""
    return of_offering(offering, period, now, actor).explain(period)


def next_free(offerings: Iterable[tuple[int, Mapping[str, Any]]], now: datetime) -> dict[int, Period]:
    """The next free step of each offering (id, attributes) within the horizon; those without one are left out.

    One SQL statement, however many offerings.
    """
    wanted = dict(offerings)
    if not wanted:
        return {}
    horizon = Period(now, now + HORIZON)
    obstacles = _obstacles(list(wanted), horizon, NOBODY)
    found = {}
    for offering_id, attributes in wanted.items():
        step = _availability(attributes, obstacles[offering_id]).next_free(horizon.start, horizon.end)
        if step is not None:
            found[offering_id] = step
    return found


def _availability(attributes: Mapping[str, Any], obstacles: Iterable[Obstacle]) -> Availability:
    return Availability(read_schedules(attributes.get("schedules")), zone_of(attributes), obstacles)


def _obstacles(offering_ids: list[int], window: Period, actor: Actor) -> Mapping[int, list[Obstacle]]:
    found: defaultdict[int, list[Obstacle]] = defaultdict(list)
    for offering_id, obstacle in _rows(offering_ids, window, actor):
        found[offering_id].append(obstacle)
    return found


def _rows(offering_ids: list[int], window: Period, actor: Actor) -> Iterator[tuple[int, Obstacle]]:
    held = (
        select(Slot.offering_id, Slot.start, Slot.end, Booking.state, Booking.user_id)
        .join(Booking, Booking.id == Slot.booking_id)
        .where(
            Slot.offering_id.in_(offering_ids),
            Slot.holds.is_(True),
            Slot.start < window.end,
            Slot.end > window.start,
        )
    )
    busy = select(
        BusyPeriod.offering_id, BusyPeriod.start, BusyPeriod.end, literal("busy"), literal(None, Booking.user_id.type)
    ).where(BusyPeriod.offering_id.in_(offering_ids), BusyPeriod.start < window.end, BusyPeriod.end > window.start)
    for offering_id, start, end, kind, user_id in db.session.execute(union_all(held, busy)):
        mine = actor.signed_in and user_id == actor.user_id
        yield offering_id, Obstacle(Period(start, end), _CODES[kind], mine=mine)
