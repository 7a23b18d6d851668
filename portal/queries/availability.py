"""What is free of an offering: its schedule, bookings and busy times, read and handed to portal.domain.availability."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import (
    select,
)

from portal.calendar_sync.freshness import STALE, is_stale
from portal.domain.availability import Availability
from portal.domain.periods import Period
from portal.domain.refusals import ALL_TIME, Code, Obstacle, Refusal, past_obstacle
from portal.domain.rules import NO_RULES, Rules, buffer_obstacles, read_rules, rule_checks, rule_obstacles
from portal.domain.schedules import Schedule, read_schedules
from portal.domain.timetable import TimeBlock, Timetable
from portal.domain.zones import parse_zone
from portal.extensions import db, settings
from portal.models import Booking, GoogleCalendar, GoogleConnection, Offering, Slot
from portal.policies import ANONYMOUS, Actor
from portal.queries.obstacles import among_ids, id_parameter, obstacles_of_offerings

# How far ahead a "next free" search looks.
HORIZON = timedelta(days=92)
# Most have something free this soon, and a busy year need not be read for it.
NEAR = timedelta(days=8)
# Attributes are kept to be recognized, unless they are as long as a book: people write into them what they like.
LONGEST_KEPT = 10_000


def zone_of(attributes: Mapping[str, Any]) -> ZoneInfo:
    """The offering's time zone: `attributes.booking_rules.time_zone`, else the portal's (TIMEZONE)."""
    rules = attributes.get("booking_rules")
    if isinstance(rules, Mapping):
        try:
            return parse_zone(rules.get("time_zone"))
        except ValueError:
            pass
    return ZoneInfo(settings().timezone)


# No step is longer, whatever its slot duration and however clocks change.
LONGEST_STEP = timedelta(days=2)
OUT_OF_DATE = Obstacle(ALL_TIME, Code.CLOSURE, STALE)


@dataclass(frozen=True, slots=True)
class ParsedAttributes:
    """What the attributes of an offering say of its time: read once for all who ask while they are asked often.

    `cache_key` stands for it where days are kept as they are cut (None: they are not).
    """

    schedule: Schedule
    rules: Rules
    zone: ZoneInfo
    cache_key: object | None


@lru_cache(maxsize=1024)
def _understood(schedules: bytes, booking_rules: bytes, zone: str) -> ParsedAttributes:
    rules = orjson.loads(booking_rules)
    return ParsedAttributes(read_schedules(orjson.loads(schedules)), read_rules(rules), ZoneInfo(zone), object())


def parse_attributes(attributes: Mapping[str, Any]) -> ParsedAttributes:
    """The schedule, rules and zone of an offering. Those of long schedules are read anew each time."""
    zone, rules = zone_of(attributes), attributes.get("booking_rules")
    given = orjson.dumps(attributes.get("schedules")), orjson.dumps(rules)
    if sum(map(len, given)) > LONGEST_KEPT:
        return ParsedAttributes(read_schedules(attributes.get("schedules")), read_rules(rules), zone, None)
    return _understood(*given, zone.key)


@lru_cache(maxsize=1024)
def _understood_text(attributes: str, default_zone: str) -> ParsedAttributes:
    del default_zone  # the zone of an offering that names none
    return parse_attributes(orjson.loads(attributes))


def parse_attributes_json(attributes: str) -> ParsedAttributes:
    """The same from the attributes as JSON: they need not be read again while they are the same (and not too long)."""
    if len(attributes) > LONGEST_KEPT:
        return parse_attributes(orjson.loads(attributes))
    return _understood_text(attributes, settings().timezone)


@dataclass(frozen=True, slots=True)
class AvailabilityPage:
    """What can be booked of a window (`slots`) and, with reasons, the rest (`refused`).

    `following`: where the answer goes on, if it ends before the window does.
    """

    slots: list[Period]
    refused: list[TimeBlock]
    following: datetime | None


@dataclass(frozen=True, slots=True)
class OwnBookings:
    """What the person asking holds of an offering: periods, and the number of bookings that are not over."""

    periods: tuple[Period, ...] = ()
    upcoming: int = 0


NO_BOOKINGS = OwnBookings()


def offering_availability(
    offering_id: int,
    attributes: Mapping[str, Any],
    window: Period,
    now: datetime,
    actor: Actor = ANONYMOUS,
    *,
    except_booking: int | None = None,
    also_requested: Iterable[Period] = (),
) -> Availability:
    """The availability of one offering within the window. One SQL statement; two if a quota limits the actor.

    `except_booking` is the id of a booking that does not count (it is being moved or accepted). `also_requested` are
    other periods of the same request.
    """
    parsed = parse_attributes(attributes)
    obstacles = _obstacles(offering_id, parsed, window, now, actor, except_booking)
    own = _own_of(offering_id, parsed, window, now, actor, except_booking)
    return build_availability(parsed, now, obstacles, OwnBookings((*own.periods, *also_requested), own.upcoming))


def availability_page(
    offering_id: int,
    attributes: Mapping[str, Any],
    window: Period,
    duration: timedelta | None,
    most: int,
    now: datetime,
    actor: Actor,
) -> AvailabilityPage:
    """What can be booked of the window, for `duration` at least, and with reasons what can't: at most `most` entries.

    As `of_offering`. Where there are more, what is taken later is not read.
    """
    parsed = parse_attributes(attributes)
    timetable = Timetable(parsed.schedule, parsed.zone, parsed.cache_key)
    reach = timetable.end_of_first(window, most)
    # So long a slot that begins before then can last.
    longest = max(duration or timedelta(), parsed.rules.minimum_duration or timedelta()) + LONGEST_STEP
    read = Period(window.start, min(window.end, reach + longest))
    slots, refused = offering_availability(offering_id, attributes, read, now, actor).bookable_and_refused(
        window, duration, reach
    )
    return AvailabilityPage(slots, refused, reach if reach < window.end else None)


def _obstacles(
    offering_id: int,
    parsed: ParsedAttributes,
    window: Period,
    now: datetime,
    actor: Actor,
    except_booking: int | None = None,
) -> list[Obstacle]:
    found = obstacles_of_offerings([offering_id], _wider(window, parsed.rules), actor, except_booking)
    add_stale(found, {offering_id: parsed}, now)
    return found[offering_id]


def _own_of(
    offering_id: int,
    parsed: ParsedAttributes,
    window: Period,
    now: datetime,
    actor: Actor,
    except_booking: int | None = None,
) -> OwnBookings:
    counts = parsed.rules.limits_user and actor.signed_in
    return _own(offering_id, window, now, actor, except_booking) if counts else NO_BOOKINGS


def availability_and_next_free(
    offering_id: int, attributes: Mapping[str, Any], window: Period, now: datetime, actor: Actor, *, bookable: bool
) -> tuple[Availability, Period | None]:
    """The availability of one offering in a window, and the next period that can be booked (None: `bookable` is not).

    A quota of the actor's does not decide what is next. One SQL statement where the window is these days' and
    something in them is free.
    """
    near = Period(now, now + NEAR)
    if not bookable or window.start > near.end or window.end < now:
        free = next_free([(offering_id, attributes)], now).get(offering_id) if bookable else None
        return offering_availability(offering_id, attributes, window, now, actor), free
    hull = Period(min(window.start, near.start), max(window.end, near.end))
    parsed = parse_attributes(attributes)
    obstacles = _obstacles(offering_id, parsed, hull, now, actor)
    free = build_availability(parsed, now, obstacles).next_free(near.start, near.end)
    if free is None:
        free = next_free([(offering_id, attributes)], now, horizons=(HORIZON,)).get(offering_id)
    return build_availability(parsed, now, obstacles, _own_of(offering_id, parsed, hull, now, actor)), free


def explain(offering: Offering, period: Period, now: datetime, actor: Actor = ANONYMOUS) -> Refusal | None:
    """Why a period of the offering cannot be booked at `now`, or None where it can. One or two SQL statements."""
    return offering_availability(offering.id, offering.attributes, period, now, actor).explain(period)


def next_free(
    offerings: Iterable[tuple[int, Mapping[str, Any]]],
    now: datetime,
    actor: Actor = ANONYMOUS,
    horizons: Sequence[timedelta] = (NEAR, HORIZON),
) -> dict[int, Period]:
    """The next period of each offering (id, attributes) that can be booked, within the horizon; those without one are
    left out. A quota of the actor's is not asked.

    One SQL statement for the days ahead; a second one for those that have nothing free in them.
    """
    left = {offering_id: parse_attributes(attributes) for offering_id, attributes in offerings}
    found: dict[int, Period] = {}
    for horizon in horizons:
        if left:
            window = Period(now, now + horizon)
            widest = max((it.rules for it in left.values()), key=lambda it: it.gap)
            obstacles = obstacles_of_offerings(list(left), _wider(window, widest), actor)
            add_stale(obstacles, left, now)
            for offering_id, it in list(left.items()):
                step = build_availability(it, now, obstacles[offering_id]).next_free(window.start, window.end)
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
        .where(among_ids(GoogleCalendar.offering_id, dialect), GoogleCalendar.next_read.is_not(None)),
        {"ids": id_parameter(offering_ids, dialect)},
    )
    return {row.offering_id for row in rows if is_stale(row.last_synced, now)}


def add_stale(
    obstacles: defaultdict[int, list[Obstacle]], parsed: Mapping[int, ParsedAttributes], now: datetime
) -> None:
    """Close what its owner wants closed while its busy times are out of date. No statement where none wants that."""
    asked = [offering_id for offering_id, it in parsed.items() if it.rules.stale_busy == "refuse"]
    for offering_id in stale_offerings(asked, now) if asked else ():
        obstacles[offering_id].append(OUT_OF_DATE)


def build_availability(
    parsed: ParsedAttributes, now: datetime, taken: list[Obstacle], own: OwnBookings = NO_BOOKINGS
) -> Availability:
    """What is free of an offering, given what is taken of it."""
    rules, zone = parsed.rules, parsed.zone
    obstacles = [past_obstacle(now), *taken]
    if rules is not NO_RULES:
        obstacles += rule_obstacles(rules, zone, now)
        if rules.gap:
            obstacles += [beside for it in taken for beside in buffer_obstacles(rules, it)]
    checks = rule_checks(rules, zone, own.periods, own.upcoming)
    return Availability(
        parsed.schedule, zone, obstacles, checks, shortest=rules.minimum_duration, cache_key=parsed.cache_key
    )


def _wider(window: Period, rules: Rules) -> Period:
    """The window with what may reach into it from beside it."""
    return Period(window.start - rules.gap, window.end + rules.gap) if rules.gap else window


def _own(offering_id: int, window: Period, now: datetime, actor: Actor, except_booking: int | None) -> OwnBookings:
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
            Booking.id != (except_booking or 0),
        )
    ).all()
    upcoming = {row.booking_id for row in rows if row.end > now}
    return OwnBookings(tuple(Period(row.start, row.end) for row in rows), len(upcoming))
