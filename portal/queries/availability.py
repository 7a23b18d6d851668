"""The availability of offerings in the database: portal.domain.availability over their schedules and bookings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import select

from portal.calendar_sync.freshness import STALE, is_stale
from portal.domain.availability import LONGEST_REQUEST, Availability
from portal.domain.periods import Period, merge
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
# Alternatives to a refused period are looked for this close to it first, and are no longer than this.
ALTERNATIVES_WITHIN = timedelta(days=7)
LONGEST_ALTERNATIVE = timedelta(days=62)
# Searched first: most offerings have something free this soon, and a year of bookings need not be read.
NEAR = timedelta(days=8)
# Characters of JSON. Longer attributes are parsed each time instead of cached.
LONGEST_CACHED = 10_000


def zone_of(attributes: Mapping[str, Any]) -> ZoneInfo:
    """The offering's time zone: `attributes.booking_rules.time_zone`, else the portal's (TIMEZONE)."""
    rules = attributes.get("booking_rules")
    if isinstance(rules, Mapping):
        try:
            return parse_zone(rules.get("time_zone"))
        except ValueError:
            pass
    return ZoneInfo(settings().timezone)


# No slot is longer, even when the offset from UTC changes.
LONGEST_SLOT = timedelta(days=2)
OUT_OF_DATE = Obstacle(ALL_TIME, Code.CLOSURE, STALE)


@dataclass(frozen=True, slots=True)
class ParsedAttributes:
    """The schedule, rules and time zone of an offering. `cache_key` is for portal.domain.timetable (None: no cache)."""

    schedule: Schedule
    rules: Rules
    zone: ZoneInfo
    cache_key: object | None


@lru_cache(maxsize=1024)
def _parse(schedules: bytes, booking_rules: bytes, zone: str) -> ParsedAttributes:
    rules = orjson.loads(booking_rules)
    return ParsedAttributes(read_schedules(orjson.loads(schedules)), read_rules(rules), ZoneInfo(zone), object())


def parse_attributes(attributes: Mapping[str, Any]) -> ParsedAttributes:
    """Parse an offering's attributes. The latest are cached, except long ones."""
    zone, rules = zone_of(attributes), attributes.get("booking_rules")
    given = orjson.dumps(attributes.get("schedules")), orjson.dumps(rules)
    if sum(map(len, given)) > LONGEST_CACHED:
        return ParsedAttributes(read_schedules(attributes.get("schedules")), read_rules(rules), zone, None)
    return _parse(*given, zone.key)


@lru_cache(maxsize=1024)
def _parse_json(attributes: str, default_zone: str) -> ParsedAttributes:
    del default_zone  # part of the cache key: the zone of an offering without its own
    return parse_attributes(orjson.loads(attributes))


def parse_attributes_json(attributes: str) -> ParsedAttributes:
    """The same from JSON text."""
    if len(attributes) > LONGEST_CACHED:
        return parse_attributes(orjson.loads(attributes))
    return _parse_json(attributes, settings().timezone)


@dataclass(frozen=True, slots=True)
class AvailabilityPage:
    """The bookable `slots` of a window, and the rest `refused` with reasons. The next page starts at `following`."""

    slots: list[Period]
    refused: list[TimeBlock]
    following: datetime | None


@dataclass(frozen=True, slots=True)
class OwnBookings:
    """The actor's own bookings of an offering: their periods, and how many bookings are not over."""

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
    own = _own_bookings(offering_id, parsed, window, now, actor, except_booking)
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
    """What can be booked in the window for at least `duration`, and the rest with reasons: at most `most` entries.

    One or two SQL statements, which read no more than these entries need.
    """
    parsed = parse_attributes(attributes)
    timetable = Timetable(parsed.schedule, parsed.zone, parsed.cache_key)
    reach = timetable.end_of_first(window, most)
    # A run that starts before then may end this much later.
    longest = max(duration or timedelta(), parsed.rules.minimum_duration or timedelta()) + LONGEST_SLOT
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
    covering = _with_buffers(whole_slots(window, parsed), parsed.rules)
    found = obstacles_of_offerings([offering_id], covering, actor, except_booking)
    add_stale(found, {offering_id: parsed}, now)
    return found[offering_id]


def availability_and_next_free(
    offering_id: int, attributes: Mapping[str, Any], window: Period, now: datetime, actor: Actor, *, bookable: bool
) -> tuple[Availability, Period | None]:
    """The availability of one offering in a window, and the next period that anybody can book (None if not `bookable`).

    One SQL statement if the window is near and something in it is free.
    """
    near = Period(now, now + NEAR)
    if not bookable or window.start > near.end or window.end < now:
        free = next_free([(offering_id, attributes)], now).get(offering_id) if bookable else None
        return offering_availability(offering_id, attributes, window, now, actor), free
    covering = Period(min(window.start, near.start), max(window.end, near.end))
    parsed = parse_attributes(attributes)
    obstacles = _obstacles(offering_id, parsed, covering, now, actor)
    free = build_availability(parsed, now, obstacles).next_free(near.start, near.end)
    if free is None:
        free = next_free([(offering_id, attributes)], now, horizons=(HORIZON,)).get(offering_id)
    return build_availability(parsed, now, obstacles, _own_bookings(offering_id, parsed, covering, now, actor)), free


def explain(offering: Offering, period: Period, now: datetime, actor: Actor = ANONYMOUS) -> Refusal | None:
    """Why a period of the offering cannot be booked at `now`, or None if it can. One or two SQL statements."""
    return offering_availability(offering.id, offering.attributes, period, now, actor).explain(period)


def explain_all(
    offering_id: int,
    attributes: Mapping[str, Any],
    periods: Iterable[Period],
    now: datetime,
    booker: Actor,
    *,
    except_booking: int | None = None,
) -> Iterator[tuple[Period, Refusal | None]]:
    """The periods of one request in order, each with why this person cannot book it (None: they can).

    Periods that can't be in one request (overlapping ones) are not looked for here. Searches only as it is read.
    """
    ordered = sorted(periods)
    if not ordered:
        return
    hull = Period(ordered[0].start, max(it.end for it in ordered))
    # One statement for all periods, unless each is judged with those before it, or bookings of many years lie between.
    together = hull.duration <= LONGEST_REQUEST and not parse_attributes(attributes).rules.limits_user
    free = None
    for number, period in enumerate(ordered):
        if free is None or not together:
            window = hull if together else Period(period.start, min(period.end, period.start + LONGEST_REQUEST))
            free = offering_availability(
                offering_id,
                attributes,
                window,
                now,
                booker,
                except_booking=except_booking,
                also_requested=ordered[:number],
            )
        yield period, free.explain(period)


def nearest_free(
    offering_id: int,
    attributes: Mapping[str, Any],
    asked: Period,
    now: datetime,
    booker: Actor,
    *,
    except_booking: int | None = None,
    most: int = 3,
) -> list[Period]:
    """Periods that this person can book instead of the one asked for, nearest to it in time, in order.

    As long as that one and within a week of it; else within HORIZON; else after `now`. Where no period is free for so
    long, shorter ones.
    """
    start = max(asked.start, now)
    for center, distance in ((start, ALTERNATIVES_WITHIN), (start, HORIZON), (now, HORIZON)):
        for length in (min(asked.duration, LONGEST_ALTERNATIVE), timedelta(seconds=1)):
            wanted = Period(center, center + length)
            window = Period(max(center - distance, now - LONGEST_SLOT), wanted.end + distance)
            free = offering_availability(offering_id, attributes, window, now, booker, except_booking=except_booking)
            if found := free.nearest(wanted, distance, most):
                return found
    return []


def slots_within(attributes: Mapping[str, Any], period: Period) -> list[Period]:
    """The slots of the schedule that a period consists of, free or not; the period itself if it is not whole slots."""
    parsed = parse_attributes(attributes)
    if period.duration > LONGEST_ALTERNATIVE:
        return [period]
    slots = Availability(parsed.schedule, parsed.zone, cache_key=parsed.cache_key).slots(period)
    return slots if merge(slots) == [period] else [period]


def next_free(
    offerings: Iterable[tuple[int, Mapping[str, Any]]],
    now: datetime,
    actor: Actor = ANONYMOUS,
    horizons: Sequence[timedelta] = (NEAR, HORIZON),
) -> dict[int, Period]:
    """The next bookable period of each offering (id, attributes) that has one within the horizons, without user quotas.

    One SQL statement for each horizon that is needed.
    """
    left = {offering_id: parse_attributes(attributes) for offering_id, attributes in offerings}
    found: dict[int, Period] = {}
    for horizon in horizons:
        if left:
            window = Period(now, now + horizon)
            widest = max((it.rules for it in left.values()), key=lambda it: it.gap)
            obstacles = obstacles_of_offerings(list(left), _with_buffers(window, widest), actor)
            add_stale(obstacles, left, now)
            for offering_id, it in list(left.items()):
                period = build_availability(it, now, obstacles[offering_id]).next_free(window.start, window.end)
                if period is not None:
                    found[offering_id] = period
                    del left[offering_id]
    return found


def stale_offerings(offering_ids: Collection[int], now: datetime) -> set[int]:
    """The offerings whose busy times from Google are out of date. One statement."""
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
    """Close the offerings whose rules refuse bookings while busy times are out of date. At most one statement."""
    strict = [offering_id for offering_id, it in parsed.items() if it.rules.stale_busy == "refuse"]
    for offering_id in stale_offerings(strict, now) if strict else ():
        obstacles[offering_id].append(OUT_OF_DATE)


def build_availability(
    parsed: ParsedAttributes, now: datetime, taken: list[Obstacle], own: OwnBookings = NO_BOOKINGS
) -> Availability:
    """The availability of an offering, given its bookings and busy times (`taken`)."""
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


def whole_slots(window: Period, parsed: ParsedAttributes) -> Period:
    """The window, with the time around it that slots at its edges may cover if they cross midnight."""
    if not parsed.schedule.config.turn or not ALL_TIME.contains(window):
        return window
    return Period(window.start - LONGEST_SLOT, window.end + LONGEST_SLOT)


def _with_buffers(window: Period, rules: Rules) -> Period:
    """The window and the time around it whose bookings have buffers inside it."""
    return Period(window.start - rules.gap, window.end + rules.gap) if rules.gap else window


def _own_bookings(
    offering_id: int,
    parsed: ParsedAttributes,
    window: Period,
    now: datetime,
    actor: Actor,
    except_booking: int | None = None,
) -> OwnBookings:
    """The actor's bookings of the offering from now on and in the months around the window, if a rule counts them."""
    if not (parsed.rules.limits_user and actor.signed_in):
        return NO_BOOKINGS
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
