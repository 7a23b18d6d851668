"""Find the offerings that are free on a day for a given duration, in few SQL statements however many there are.

What a schedule leaves open is computed once for all offerings with the same schedule hash. Bookings and busy times can
only take time away, so the first query asks which offerings have any in that period; only theirs are then loaded.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import chain, islice
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Integer, Select, Text, cast, exists, or_, select, text

from portal.domain.periods import Period, PeriodError
from portal.domain.zones import day_start, instants_at
from portal.extensions import db
from portal.models import BusyPeriod, Offering, Slot
from portal.models.base import UTCDateTime
from portal.policies import ANONYMOUS
from portal.queries.availability import (
    ParsedAttributes,
    build_availability,
    parse_attributes_json,
    stale_offerings,
)
from portal.queries.catalogue import Candidates
from portal.queries.obstacles import obstacles_of_offerings

# So many attributes are read at once.
BATCH = 500
# Days are cut by the wall clock, and none is longer than this.
AROUND = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class FreeTimeQuery:
    """A day, a part of it by the wall clock (None: from its beginning, to its end), and how long."""

    day: date
    duration: timedelta
    after: time | None = None
    before: time | None = None

    def window(self, zone: ZoneInfo) -> Period | None:
        """The instants that are meant in a zone; None where the zone never had them."""
        start = day_start(self.day, zone) if self.after is None else _instants(self.day, self.after, zone)[0]
        end = (
            day_start(self.day + timedelta(days=1), zone)
            if self.before is None
            else _instants(self.day, self.before, zone)[-1]
        )
        try:
            return Period(start, end)
        except PeriodError:
            return None


@dataclass(frozen=True, slots=True)
class ScheduleOpening:
    """What a clock leaves free of what is wanted: the window, the first such period in it, and what has to lie between
    two bookings. `strict`: out-of-date busy times close the offering.
    """

    window: Period
    period: Period
    gap: timedelta
    strict: bool

    @property
    def kept(self) -> Period:
        """The period, and what has to be free beside it."""
        return Period(self.period.start - self.gap, self.period.end + self.gap)


@dataclass(frozen=True, slots=True)
class FreeOfferings:
    """What was found: the offerings, and the first free period of each."""

    among: Candidates
    clear: Mapping[int, ScheduleOpening]
    later: Mapping[int, Period]

    def periods(self, offering_ids: Collection[int]) -> dict[int, Period]:
        """The first period of each of these that is free as wanted; those without one are left out."""
        wanted, found = set(offering_ids), {}
        for offering_id, schedule in zip(self.among.ids, self.among.schedules, strict=True):
            if offering_id in wanted:
                found[offering_id] = self.later.get(offering_id) or self.clear[schedule].period
        return found


def find_free_offerings(among: Candidates, wanted: FreeTimeQuery, now: datetime) -> FreeOfferings:
    """Those of the offerings (all Active) that are free as wanted, each by its own clocks and rules.

    Nobody's quota is asked. Three SQL statements where there are no more than 500 clocks; one more where busy times
    that are out of date close something.
    """
    ids, clocks = among.ids, among.schedules
    first: dict[int, ParsedAttributes] = {}
    clear = _clear(among, wanted, now, first)
    places = array("i", (place for place, clock in enumerate(clocks) if clock in clear))
    if not places:
        return FreeOfferings(_at(among, places), {}, {})
    strict = [ids[place] for place in places if clear[clocks[place]].strict]
    closed = stale_offerings(strict, now) if strict else set()
    of_period: dict[Period, list[int]] = {}
    of_clock = {clock: of_period.setdefault(it.kept, []) for clock, it in clear.items()}
    for place in places:
        of_clock[clocks[place]].append(ids[place])
    taken_ids = _met(of_period)
    met = [place for place in places if ids[place] in taken_ids] if taken_ids else []
    later = {}
    taken = obstacles_of_offerings(taken_ids, _hull(clear.values()), ANONYMOUS) if met else {}
    for place, parsed in _known(among, met, first):
        window = clear[clocks[place]].window
        free = build_availability(parsed, now, taken[ids[place]])
        if (period := free.next_free(window.start, window.end, wanted.duration)) is not None:
            later[ids[place]] = period
    gone = closed | {ids[place] for place in met if ids[place] not in later}
    left = array("i", (place for place in places if ids[place] not in gone)) if gone else places
    return FreeOfferings(_at(among, left), clear, later)


def _at(among: Candidates, places: Sequence[int]) -> Candidates:
    return Candidates(
        array("i", (among.ids[place] for place in places)), array("i", (among.schedules[place] for place in places))
    )


def _hull(clear: Collection[ScheduleOpening]) -> Period:
    widest = max(it.gap for it in clear)
    return Period(min(it.window.start for it in clear) - widest, max(it.window.end for it in clear) + widest)


# Offerings with the instants between which they are asked about. Materialized: each list is read once, not for each id.
_ASKED = {
    "sqlite": text(
        """
        WITH bound AS MATERIALIZED (
            SELECT
                json_extract(value, '$[0]') AS begin, json_extract(value, '$[1]') AS finish,
                json_extract(value, '$[2]') AS ids
            FROM json_each(:asked)
        )
        SELECT o.value AS id, bound.begin, bound.finish FROM bound, json_each(bound.ids) AS o
        """
    ),
    "postgresql": text(
        """
        SELECT o.id, bound.begin, bound.finish
        FROM unnest(CAST(:begins AS timestamptz[]), CAST(:finishes AS timestamptz[])) WITH ORDINALITY
            AS bound (begin, finish, place)
        JOIN unnest(CAST(:ids AS integer[]), CAST(:places AS integer[])) AS o (id, place) ON o.place = bound.place
        """
    ),
}


@cache
def _meeting(dialect: str) -> Select[Any]:
    """The offerings asked about of which something is taken between their bounds. Made once."""
    asked = _ASKED[dialect].columns(id=Integer, begin=UTCDateTime, finish=UTCDateTime).subquery("asked").c
    # Held slots of an offering lie in order: only the first one that ends later than the beginning is to be looked at.
    first = (
        select(Slot.start)
        .where(Slot.offering_id == asked.id, Slot.holds.is_(True), Slot.end > asked.begin)
        .order_by(Slot.end)
        .limit(1)
        .scalar_subquery()
    )
    busy = exists().where(
        BusyPeriod.offering_id == asked.id, BusyPeriod.start < asked.finish, BusyPeriod.end > asked.begin
    )
    return select(asked.id).where(or_(first < asked.finish, busy))


def _met(asked: Mapping[Period, Sequence[int]]) -> set[int]:
    """Those of the offerings of which something is taken in the period that they are asked about. One SQL statement."""
    dialect = db.engine.dialect
    if dialect.name == "sqlite":
        written: Any = UTCDateTime().dialect_impl(dialect).bind_processor(dialect)
        lists = [(written(it.start), written(it.end), ids) for it, ids in asked.items()]
        given: dict[str, Any] = {"asked": orjson.dumps(lists).decode()}
    else:
        given = {
            "begins": [it.start for it in asked],
            "finishes": [it.end for it in asked],
            "ids": [offering_id for ids in asked.values() for offering_id in ids],
            "places": [place for place, ids in enumerate(asked.values(), start=1) for _id in ids],
        }
    return set(db.session.execute(_meeting(dialect.name), given).scalars())


def _clear(
    among: Candidates, wanted: FreeTimeQuery, now: datetime, first: dict[int, ParsedAttributes]
) -> dict[int, ScheduleOpening]:
    """What the clocks of these offerings leave free; those that leave nothing are left out.

    What the first of them say is put into `first`.
    """
    examples = dict(zip(among.schedules, among.ids, strict=True))
    of_zone: dict[ZoneInfo, Period | None] = {}
    # Clocks that differ at other times alone are the same here.
    alike: dict[Any, ScheduleOpening | None] = {}
    found = {}
    asked = sorted(examples)
    for clock, parsed in _understood(asked, [examples[clock] for clock in asked]):
        if parsed.zone not in of_zone:
            of_zone[parsed.zone] = wanted.window(parsed.zone)
        window = of_zone[parsed.zone]
        if window is None or window.end <= now:
            continue
        key = (_near(parsed.schedule.periods, window), parsed.schedule.config, parsed.rules, parsed.zone.key)
        if key not in alike:
            alike[key] = _clear_of(parsed, window, wanted, now)
        if (it := alike[key]) is not None:
            if len(first) < BATCH:
                first[clock] = parsed
            found[clock] = it
    return found


def _clear_of(parsed: ParsedAttributes, window: Period, wanted: FreeTimeQuery, now: datetime) -> ScheduleOpening | None:
    period = build_availability(parsed, now, []).next_free(window.start, window.end, wanted.duration)
    if period is None:
        return None
    return ScheduleOpening(window, period, parsed.rules.gap, parsed.rules.stale_busy == "refuse")


def _near(periods: Sequence[Period], window: Period) -> tuple[Period, ...]:
    """What of the periods lies in the window or in the days beside it: days are cut for themselves."""
    beside = Period(window.start - AROUND, window.end + AROUND)
    return tuple(met for it in periods if (met := it.intersection(beside)) is not None)


def _known(
    among: Candidates, places: Sequence[int], first: Mapping[int, ParsedAttributes]
) -> Iterator[tuple[int, ParsedAttributes]]:
    """What the offerings at these places say of their time; not read again where it is in `first`."""
    of_clock: dict[int, list[int]] = {}
    for place in places:
        of_clock.setdefault(among.schedules[place], []).append(place)
    unread = [clock for clock in of_clock if clock not in first]
    examples = [among.ids[of_clock[clock][0]] for clock in unread]
    for clock, parsed in chain(first.items(), _understood(unread, examples)):
        for place in of_clock.get(clock, ()):
            yield place, parsed


def _understood(clocks: Sequence[int], examples: Sequence[int]) -> Iterator[tuple[int, ParsedAttributes]]:
    """What each clock says, read from an offering that has it."""
    rest = iter(zip(examples, clocks, strict=True))
    while batch := dict(islice(rest, BATCH)):
        statement = select(Offering.id, cast(Offering.attributes, Text)).where(Offering.id.in_(batch))
        for offering_id, attributes in db.session.execute(statement).all():
            yield batch[offering_id], parse_attributes_json(attributes)


def _instants(day: date, clock: time, zone: ZoneInfo) -> tuple[datetime, ...]:
    return instants_at(datetime.combine(day, clock), zone)
