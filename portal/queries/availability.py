"""What is free of an offering: its schedule, bookings and busy times, read and handed to portal.domain.availability."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

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
from sqlalchemy.orm import aliased

from portal.domain.availability import Availability, Code, Obstacle, Refusal, past
from portal.domain.booking_states import BookingState
from portal.domain.freshness import STALE, is_stale
from portal.domain.periods import Period
from portal.domain.refusals import EVER
from portal.domain.rules import NO_RULES, Rules, buffers, checks_of, obstacles_of, read_rules
from portal.domain.schedules import Schedule, read_schedules
from portal.domain.zones import parse_zone
from portal.extensions import db, settings
from portal.models import Booking, BusyPeriod, GoogleCalendar, GoogleConnection, Offering, Slot
from portal.models.base import UTCDateTime
from portal.policies import NOBODY, Actor

# How far ahead a "next free" search looks.
HORIZON = timedelta(days=92)
# Most have something free this soon, and a busy year need not be read for it.
NEAR = timedelta(days=8)
# Attributes are kept to be recognized, unless they are as long as a book: people write into them what they like.
LONGEST_KEPT = 10_000
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


OUT_OF_DATE = Obstacle(EVER, Code.CLOSURE, STALE)


@dataclass(frozen=True, slots=True)
class Understood:
    """What the attributes of an offering say of its time: read once for all who ask while they are asked often.

    `memo` stands for it where days are kept as they are cut.
    """

    schedule: Schedule
    rules: Rules
    zone: ZoneInfo
    memo: object


@lru_cache(maxsize=1024)
def _understood(schedules: bytes, booking_rules: bytes, zone: str) -> Understood:
    rules = orjson.loads(booking_rules)
    return Understood(read_schedules(orjson.loads(schedules)), read_rules(rules), ZoneInfo(zone), object())


def understood(attributes: Mapping[str, Any]) -> Understood:
    """The schedule, rules and zone of an offering."""
    rules = attributes.get("booking_rules")
    return _understood(orjson.dumps(attributes.get("schedules")), orjson.dumps(rules), zone_of(attributes).key)


@lru_cache(maxsize=1024)
def _understood_text(attributes: str, default_zone: str) -> Understood:
    del default_zone  # the zone of an offering that names none
    return understood(orjson.loads(attributes))


def understood_text(attributes: str) -> Understood:
    """The same from the attributes as JSON: they need not be read again while they are the same (and not too long)."""
    if len(attributes) > LONGEST_KEPT:
        return understood(orjson.loads(attributes))
    return _understood_text(attributes, settings().timezone)


@dataclass(frozen=True, slots=True)
class Own:
    """What the person asking holds of an offering: periods, and the number of bookings that are not over."""

    periods: tuple[Period, ...] = ()
    upcoming: int = 0


NOTHING = Own()


def of_offering(
    offering_id: int,
    attributes: Mapping[str, Any],
    window: Period,
    now: datetime,
    actor: Actor = NOBODY,
    *,
    without: int | None = None,
    also: Iterable[Period] = (),
) -> Availability:
    """The availability of one offering; questions must stay inside the window. One SQL statement, or two where a
    quota counts what the actor holds.

    `without` is a booking (id) that does not count, because it is the one that is moved or answered. `also` are periods
    that the actor asks for at the same time.
    """
    known = understood(attributes)
    obstacles = _obstacles(offering_id, known, window, now, actor, without)
    own = _own_of(offering_id, known, window, now, actor, without)
    return assembled(known, now, obstacles, Own((*own.periods, *also), own.upcoming))


def _obstacles(
    offering_id: int, known: Understood, window: Period, now: datetime, actor: Actor, without: int | None = None
) -> list[Obstacle]:
    found = obstacles_of_offerings([offering_id], _wider(window, known.rules), actor, without)
    add_stale(found, {offering_id: known}, now)
    return found[offering_id]


def _own_of(
    offering_id: int, known: Understood, window: Period, now: datetime, actor: Actor, without: int | None = None
) -> Own:
    counts = known.rules.counts_own and actor.signed_in
    return _own(offering_id, window, now, actor, without) if counts else NOTHING


def near_and_far(
    offering_id: int, attributes: Mapping[str, Any], window: Period, now: datetime, actor: Actor, *, bookable: bool
) -> tuple[Availability, Period | None]:
    """The availability of one offering in a window, and the next period that can be booked (None: `bookable` is not).

    A quota of the actor's does not decide what is next. One SQL statement where the window is these days' and
    something in them is free.
    """
    near = Period(now, now + NEAR)
    if not bookable or window.start > near.end or window.end < now:
        free = next_free([(offering_id, attributes)], now).get(offering_id) if bookable else None
        return of_offering(offering_id, attributes, window, now, actor), free
    hull = Period(min(window.start, near.start), max(window.end, near.end))
    known = understood(attributes)
    obstacles = _obstacles(offering_id, known, hull, now, actor)
    free = assembled(known, now, obstacles).next_free(near.start, near.end)
    if free is None:
        free = next_free([(offering_id, attributes)], now, horizons=(HORIZON,)).get(offering_id)
    return assembled(known, now, obstacles, _own_of(offering_id, known, hull, now, actor)), free


def explain(offering: Offering, period: Period, now: datetime, actor: Actor = NOBODY) -> Refusal | None:
    """Why a period of the offering cannot be booked at `now`, or None where it can. One or two SQL statements."""
    return of_offering(offering.id, offering.attributes, period, now, actor).explain(period)


def next_free(
    offerings: Iterable[tuple[int, Mapping[str, Any]]],
    now: datetime,
    actor: Actor = NOBODY,
    horizons: Sequence[timedelta] = (NEAR, HORIZON),
) -> dict[int, Period]:
    """The next period of each offering (id, attributes) that can be booked, within the horizon; those without one are
    left out. A quota of the actor's is not asked.

    One SQL statement for the days ahead; a second one for those that have nothing free in them.
    """
    left = {offering_id: understood(attributes) for offering_id, attributes in offerings}
    found: dict[int, Period] = {}
    for horizon in horizons:
        if left:
            window = Period(now, now + horizon)
            widest = max((it.rules for it in left.values()), key=lambda it: it.gap)
            obstacles = obstacles_of_offerings(list(left), _wider(window, widest), actor)
            add_stale(obstacles, left, now)
            for offering_id, it in list(left.items()):
                step = assembled(it, now, obstacles[offering_id]).next_free(window.start, window.end)
                if step is not None:
                    found[offering_id] = step
                    del left[offering_id]
    return found


def stale_offerings(offering_ids: Collection[int], now: datetime) -> set[int]:
    """Those of the offerings whose busy times are read from Google, and have not been for too long. One statement."""
    dialect = db.engine.dialect.name
    rows = db.session.execute(
        select(GoogleCalendar.offering_id, GoogleCalendar.last_synced)
        .join(Offering, Offering.id == GoogleCalendar.offering_id)
        .join(GoogleConnection, GoogleConnection.organization_id == Offering.organization_id)
        .where(_among(GoogleCalendar.offering_id, dialect), GoogleCalendar.next_read.is_not(None)),
        {"ids": _named(offering_ids, dialect)},
    )
    return {row.offering_id for row in rows if is_stale(row.last_synced, now)}


def add_stale(obstacles: defaultdict[int, list[Obstacle]], known: Mapping[int, Understood], now: datetime) -> None:
    """Close what its owner wants closed while its busy times are out of date. No statement where none wants that."""
    asked = [offering_id for offering_id, it in known.items() if it.rules.stale_busy == "refuse"]
    for offering_id in stale_offerings(asked, now) if asked else ():
        obstacles[offering_id].append(OUT_OF_DATE)


def assembled(known: Understood, now: datetime, taken: list[Obstacle], own: Own = NOTHING) -> Availability:
    """What is free of an offering, given what is taken of it."""
    rules, zone = known.rules, known.zone
    obstacles = [past(now), *taken]
    if rules is not NO_RULES:
        obstacles += obstacles_of(rules, zone, now)
        if rules.gap:
            obstacles += [beside for it in taken for beside in buffers(rules, it)]
    checks = checks_of(rules, zone, own.periods, own.upcoming)
    return Availability(known.schedule, zone, obstacles, checks, shortest=rules.minimum_duration, memo=known.memo)


def _wider(window: Period, rules: Rules) -> Period:
    """The window with what may reach into it from beside it."""
    return Period(window.start - rules.gap, window.end + rules.gap) if rules.gap else window


def _own(offering_id: int, window: Period, now: datetime, actor: Actor, without: int | None) -> Own:
    """What the actor holds of the offering in the months that the window touches, and from now on."""
    month = timedelta(days=32)
    rows = db.session.execute(
        select(Slot.booking_id, Slot.start, Slot.end)
        .join(Booking, Booking.id == Slot.booking_id)
        .where(
            Slot.offering_id == offering_id,
            Slot.holds.is_(True),
            Slot.end > min(now, window.start - month),
            Booking.user_id == actor.user_id,
            Booking.id != (without or 0),
        )
    ).all()
    upcoming = {row.booking_id for row in rows if row.end > now}
    return Own(tuple(Period(row.start, row.end) for row in rows), len(upcoming))


def obstacles_of_offerings(
    offering_ids: Collection[int], window: Period, actor: Actor, without: int | None = None
) -> defaultdict[int, list[Obstacle]]:
    """What is taken of offerings in a window, by offering. One SQL statement."""
    found: defaultdict[int, list[Obstacle]] = defaultdict(list)
    for offering_id, obstacle in _rows(offering_ids, window, actor, without):
        found[offering_id].append(obstacle)
    return found


def _rows(
    offering_ids: Collection[int], window: Period, actor: Actor, without: int | None
) -> Iterator[tuple[int, Obstacle]]:
    dialect = db.engine.dialect.name
    given = {"ids": _named(offering_ids, dialect), "begin": window.start, "finish": window.end, "without": without or 0}
    for offering_id, start, end, kind, user_id in db.session.execute(_taken(dialect), given).all():
        mine = actor.signed_in and user_id == actor.user_id
        yield offering_id, Obstacle(Period(start, end), _CODES[kind], mine=mine)


def _among(key: Any, dialect: str) -> ColumnElement[bool]:
    """Clause: the key is one of the parameter `ids`, which `_named` makes."""
    if dialect == "postgresql":
        return key == func.any(bindparam("ids", type_=ARRAY(Integer)))
    return key.in_(select(column("value")).select_from(func.json_each(bindparam("ids", type_=Text))))


def _named(offering_ids: Collection[int], dialect: str) -> Any:
    # One value, however many: as many parameters take longer than what is asked with them, and there may be too many.
    return list(offering_ids) if dialect == "postgresql" else orjson.dumps(list(offering_ids)).decode()


@cache
def _taken(dialect: str) -> CompoundSelect[Any]:
    """What is taken of the offerings `ids` between `begin` and `finish`, but for the booking `without`.

    Made once: putting such a statement together takes longer than running it.
    """

    begin, finish = (bindparam(name, type_=UTCDateTime) for name in ("begin", "finish"))
    columns = (Slot.offering_id, Slot.start, Slot.end, Booking.state, Booking.user_id)
    # Held slots of an offering lie in order, so an index on their ends serves both: those that end in the window, and
    # of those that end later the first one, if it begins before.
    ending = (
        select(*columns)
        .join(Booking, Booking.id == Slot.booking_id)
        .where(_among(Slot.offering_id, dialect), Slot.holds.is_(True), Slot.end > begin, Slot.end <= finish)
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
        .where(_among(Offering.id, dialect), Slot.start < finish)
    )
    busy = select(
        BusyPeriod.offering_id, BusyPeriod.start, BusyPeriod.end, literal("busy"), literal(None, Booking.user_id.type)
    ).where(_among(BusyPeriod.offering_id, dialect), BusyPeriod.start < finish, BusyPeriod.end > begin)
    return union_all(*(it.where(Booking.id != bindparam("without", type_=Integer)) for it in (ending, reaching)), busy)
