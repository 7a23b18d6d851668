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
from portal.queries.availability import ParsedAttributes, build_availability, parse_attributes_json, stale_offerings
from portal.queries.catalogue import Candidates
from portal.queries.obstacles import obstacles_of_offerings

# Attributes read by one statement.
BATCH = 500
# Longer than any local day.
AROUND = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class FreeTimeQuery:
    """A search for `duration` on a local day, optionally within local times (None: from midnight, to midnight)."""

    day: date
    duration: timedelta
    after: time | None = None
    before: time | None = None

    def window(self, zone: ZoneInfo) -> Period | None:
        """The period meant in a zone; None if it does not exist there."""
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
    """The first `period` in `window` that a schedule leaves open; `gap` is the minimum time between two bookings.

    `strict`: out-of-date busy times close the offering.
    """

    window: Period
    period: Period
    gap: timedelta
    strict: bool

    @property
    def with_gap(self) -> Period:
        """The period with the gaps before and after it."""
        return Period(self.period.start - self.gap, self.period.end + self.gap)


@dataclass(frozen=True, slots=True)
class FreeOfferings:
    """The offerings found. Their first free period is in `later`, else that of their schedule in `openings`."""

    among: Candidates
    openings: Mapping[int, ScheduleOpening]
    later: Mapping[int, Period]

    def periods(self, offering_ids: Collection[int]) -> dict[int, Period]:
        """The first free period of each of these offerings that was found."""
        wanted, found = set(offering_ids), {}
        for offering_id, schedule in zip(self.among.ids, self.among.schedules, strict=True):
            if offering_id in wanted:
                found[offering_id] = self.later.get(offering_id) or self.openings[schedule].period
        return found


def find_free_offerings(among: Candidates, wanted: FreeTimeQuery, now: datetime) -> FreeOfferings:
    """The offerings (all Active) that are free for the query by their own schedules and rules, without user quotas.

    Three SQL statements for up to 500 different schedules; one more if out-of-date busy times may close something.
    """
    ids, hashes = among.ids, among.schedules
    first: dict[int, ParsedAttributes] = {}
    openings = _openings(among, wanted, now, first)
    places = array("i", (place for place, schedule in enumerate(hashes) if schedule in openings))
    if not places:
        return FreeOfferings(_select(among, places), {}, {})
    strict = [ids[place] for place in places if openings[hashes[place]].strict]
    closed = stale_offerings(strict, now) if strict else set()
    of_period: dict[Period, list[int]] = {}
    by_hash = {schedule: of_period.setdefault(it.with_gap, []) for schedule, it in openings.items()}
    for place in places:
        by_hash[hashes[place]].append(ids[place])
    taken_ids = _occupied(of_period)
    occupied = [place for place in places if ids[place] in taken_ids] if taken_ids else []
    later = {}
    taken = obstacles_of_offerings(taken_ids, _covering(openings.values()), ANONYMOUS) if occupied else {}
    for place, parsed in _parsed_offerings(among, occupied, first):
        window = openings[hashes[place]].window
        free = build_availability(parsed, now, taken[ids[place]])
        if (period := free.next_free(window.start, window.end, wanted.duration)) is not None:
            later[ids[place]] = period
    gone = closed | {ids[place] for place in occupied if ids[place] not in later}
    left = array("i", (place for place in places if ids[place] not in gone)) if gone else places
    return FreeOfferings(_select(among, left), openings, later)


def _select(among: Candidates, places: Sequence[int]) -> Candidates:
    return Candidates(
        array("i", (among.ids[place] for place in places)), array("i", (among.schedules[place] for place in places))
    )


def _covering(openings: Collection[ScheduleOpening]) -> Period:
    widest = max(it.gap for it in openings)
    return Period(min(it.window.start for it in openings) - widest, max(it.window.end for it in openings) + widest)


# Pairs of an offering and a period. Materialized, so that each list of ids is parsed once.
_PAIRS = {
    "sqlite": text(
        """
        WITH bound AS MATERIALIZED (
            SELECT
                json_extract(value, '$[0]') AS begin, json_extract(value, '$[1]') AS finish,
                json_extract(value, '$[2]') AS ids
            FROM json_each(:pairs)
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
def _occupied_statement(dialect: str) -> Select[Any]:
    """The offerings with a booking or busy time in their period."""
    pair = _PAIRS[dialect].columns(id=Integer, begin=UTCDateTime, finish=UTCDateTime).subquery("pairs").c
    # Slots of an offering never overlap, so the first one that ends after the beginning decides.
    first = (
        select(Slot.start)
        .where(Slot.offering_id == pair.id, Slot.holds.is_(True), Slot.end > pair.begin)
        .order_by(Slot.end)
        .limit(1)
        .scalar_subquery()
    )
    busy = exists().where(
        BusyPeriod.offering_id == pair.id, BusyPeriod.start < pair.finish, BusyPeriod.end > pair.begin
    )
    return select(pair.id).where(or_(first < pair.finish, busy))


def _occupied(periods: Mapping[Period, Sequence[int]]) -> set[int]:
    """The offerings that have a booking or busy time in their period. One SQL statement."""
    dialect = db.engine.dialect
    if dialect.name == "sqlite":
        written: Any = UTCDateTime().dialect_impl(dialect).bind_processor(dialect)
        lists = [(written(it.start), written(it.end), ids) for it, ids in periods.items()]
        given: dict[str, Any] = {"pairs": orjson.dumps(lists).decode()}
    else:
        given = {
            "begins": [it.start for it in periods],
            "finishes": [it.end for it in periods],
            "ids": [offering_id for ids in periods.values() for offering_id in ids],
            "places": [place for place, ids in enumerate(periods.values(), start=1) for _id in ids],
        }
    return set(db.session.execute(_occupied_statement(dialect.name), given).scalars())


def _openings(
    among: Candidates, wanted: FreeTimeQuery, now: datetime, first: dict[int, ParsedAttributes]
) -> dict[int, ScheduleOpening]:
    """What each schedule leaves open, by schedule hash. The first schedules are also put into `first`, parsed."""
    examples = dict(zip(among.schedules, among.ids, strict=True))
    of_zone: dict[ZoneInfo, Period | None] = {}
    # Schedules that only differ outside the window count as one.
    alike: dict[Any, ScheduleOpening | None] = {}
    found = {}
    hashes = sorted(examples)
    for schedule, parsed in _parsed_schedules(hashes, [examples[schedule] for schedule in hashes]):
        if parsed.zone not in of_zone:
            of_zone[parsed.zone] = wanted.window(parsed.zone)
        window = of_zone[parsed.zone]
        if window is None or window.end <= now:
            continue
        key = (_around(parsed.schedule.periods, window), parsed.schedule.config, parsed.rules, parsed.zone.key)
        if key not in alike:
            alike[key] = _opening(parsed, window, wanted, now)
        if (it := alike[key]) is not None:
            if len(first) < BATCH:
                first[schedule] = parsed
            found[schedule] = it
    return found


def _opening(parsed: ParsedAttributes, window: Period, wanted: FreeTimeQuery, now: datetime) -> ScheduleOpening | None:
    period = build_availability(parsed, now, []).next_free(window.start, window.end, wanted.duration)
    if period is None:
        return None
    return ScheduleOpening(window, period, parsed.rules.gap, parsed.rules.stale_busy == "refuse")


def _around(periods: Sequence[Period], window: Period) -> tuple[Period, ...]:
    """The parts of the periods in the window and the days around it."""
    beside = Period(window.start - AROUND, window.end + AROUND)
    return tuple(occupied for it in periods if (occupied := it.intersection(beside)) is not None)


def _parsed_offerings(
    among: Candidates, places: Sequence[int], first: Mapping[int, ParsedAttributes]
) -> Iterator[tuple[int, ParsedAttributes]]:
    """The parsed attributes of the offerings at these positions; those in `first` are not read again."""
    by_hash: dict[int, list[int]] = {}
    for place in places:
        by_hash.setdefault(among.schedules[place], []).append(place)
    unread = [schedule for schedule in by_hash if schedule not in first]
    examples = [among.ids[by_hash[schedule][0]] for schedule in unread]
    for schedule, parsed in chain(first.items(), _parsed_schedules(unread, examples)):
        for place in by_hash.get(schedule, ()):
            yield place, parsed


def _parsed_schedules(hashes: Sequence[int], examples: Sequence[int]) -> Iterator[tuple[int, ParsedAttributes]]:
    """Each schedule, parsed from an offering that has it."""
    rest = iter(zip(examples, hashes, strict=True))
    while batch := dict(islice(rest, BATCH)):
        statement = select(Offering.id, cast(Offering.attributes, Text)).where(Offering.id.in_(batch))
        for offering_id, attributes in db.session.execute(statement).all():
            yield batch[offering_id], parse_attributes_json(attributes)


def _instants(day: date, clock: time, zone: ZoneInfo) -> tuple[datetime, ...]:
    return instants_at(datetime.combine(day, clock), zone)
