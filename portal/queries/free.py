"""Which offerings are free on a day for so long: few SQL statements and arithmetic, however many there are.

What their clocks leave free is found once for all that are alike (portal.domain.clocks). What is taken only ever makes
less free, so it is looked at only where it meets that.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import chain, islice
from zoneinfo import ZoneInfo

from sqlalchemy import Text, cast, select

from portal.domain.availability import Obstacle
from portal.domain.periods import Period, PeriodError
from portal.domain.zones import day_start, instants_at
from portal.extensions import db
from portal.models import Offering
from portal.policies import NOBODY, Actor
from portal.queries.availability import (
    Understood,
    assembled,
    obstacles_of_offerings,
    stale_offerings,
    understood_text,
)
from portal.queries.catalogue import Among

# So many offerings are not named one by one: what is taken of all is read.
MANY = 5_000
# So many attributes are read at once.
BATCH = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """A day, a part of it by the wall clock (None: from its beginning, to its end), and how long."""

    day: date
    duration: timedelta
    after: time | None = None
    before: time | None = None

    def window(self, zone: ZoneInfo) -> Period | None:
        """The instants that are meant in a zone; None where the zone never had them."""
        start = day_start(self.day, zone) if self.after is None else _at(self.day, self.after, zone)[0]
        end = (
            day_start(self.day + timedelta(days=1), zone)
            if self.before is None
            else _at(self.day, self.before, zone)[-1]
        )
        try:
            return Period(start, end)
        except PeriodError:
            return None


@dataclass(frozen=True, slots=True)
class Clear:
    """What a clock leaves free of what is wanted: the window, the first such period in it, and what has to lie between
    two bookings. `strict`: out-of-date busy times close the offering.
    """

    window: Period
    period: Period
    gap: timedelta
    strict: bool

    def met_by(self, taken: Iterable[Obstacle]) -> bool:
        """Whether something that is taken lies in the period or too near."""
        start, end = self.period.start - self.gap, self.period.end + self.gap
        return any(it.period.start < end and it.period.end > start for it in taken)


@dataclass(frozen=True, slots=True)
class Free:
    """What was found: the offerings, and the first free period of each."""

    among: Among
    clear: Mapping[int, Clear]
    later: Mapping[int, Period]

    def periods(self, offering_ids: Collection[int]) -> dict[int, Period]:
        """The first period of each of these that is free as wanted; those without one are left out."""
        shelf, wanted, found = self.among.shelf, set(offering_ids), {}
        for place in self.among.places:
            if (offering_id := shelf.ids[place]) in wanted:
                found[offering_id] = self.later.get(offering_id) or self.clear[shelf.clocks[place]].period
        return found


def free_among(among: Among, wanted: Wanted, now: datetime, actor: Actor = NOBODY) -> Free:
    """Those of the offerings (all Active) that are free as wanted, each by its own clocks and rules.

    A quota of the actor's is not asked. Two SQL statements where there are no more than 500 clocks; one more where busy
    times that are out of date close something.
    """
    ids, clocks = among.shelf.ids, among.shelf.clocks
    first: dict[int, Understood] = {}
    clear = _clear(among, wanted, now, first)
    places = array("i", (place for place in among.places if clocks[place] in clear))
    if not places:
        return Free(Among(among.shelf, places), {}, {})
    widest = max(it.gap for it in clear.values())
    hull = Period(
        min(it.window.start for it in clear.values()) - widest, max(it.window.end for it in clear.values()) + widest
    )
    named = [ids[place] for place in places] if len(places) < MANY else None
    taken = obstacles_of_offerings(named, hull, actor)
    strict = [ids[place] for place in places if clear[clocks[place]].strict]
    closed = stale_offerings(strict, now) if strict else set()
    met = [place for place in places if ids[place] in taken and clear[clocks[place]].met_by(taken[ids[place]])]
    later = {}
    for place, known in _known(among, met, first):
        window = clear[clocks[place]].window
        free = assembled(known, now, taken[ids[place]])
        if (period := free.next_free(window.start, window.end, wanted.duration)) is not None:
            later[ids[place]] = period
    gone = closed | {ids[place] for place in met if ids[place] not in later}
    left = array("i", (place for place in places if ids[place] not in gone)) if gone else places
    return Free(Among(among.shelf, left), clear, later)


def _clear(among: Among, wanted: Wanted, now: datetime, first: dict[int, Understood]) -> dict[int, Clear]:
    """What the clocks of these offerings leave free; those that leave nothing are left out.

    What the first of them say is put into `first`.
    """
    clocks, examples = among.shelf.clocks, among.shelf.examples
    of_zone: dict[ZoneInfo, Period | None] = {}
    found = {}
    asked = sorted({clocks[place] for place in among.places})
    for clock, known in _understood(asked, [examples[clock] for clock in asked]):
        if known.zone not in of_zone:
            of_zone[known.zone] = wanted.window(known.zone)
        window = of_zone[known.zone]
        if window is None or window.end <= now or not _may_be_open(known.schedule.periods, window):
            continue
        period = assembled(known, now, []).next_free(window.start, window.end, wanted.duration)
        if period is not None:
            if len(first) < BATCH:
                first[clock] = known
            found[clock] = Clear(window, period, known.rules.gap, known.rules.stale_busy == "refuse")
    return found


def _known(among: Among, places: Sequence[int], first: Mapping[int, Understood]) -> Iterator[tuple[int, Understood]]:
    """What the attributes of the offerings at these places say of their time; not read again where it is in `first`."""
    shelf = among.shelf
    of_clock: dict[int, list[int]] = {}
    for place in places:
        of_clock.setdefault(shelf.clocks[place], []).append(place)
    unread = [clock for clock in of_clock if clock not in first]
    for clock, known in chain(first.items(), _understood(unread, [shelf.examples[clock] for clock in unread])):
        for place in of_clock.get(clock, ()):
            yield place, known


def _understood(clocks: Sequence[int], examples: Sequence[int]) -> Iterator[tuple[int, Understood]]:
    """What each clock says, read from an offering that has it."""
    rest = iter(zip(examples, clocks, strict=True))
    while batch := dict(islice(rest, BATCH)):
        statement = select(Offering.id, cast(Offering.attributes, Text)).where(Offering.id.in_(batch))
        for offering_id, attributes in db.session.execute(statement).all():
            yield batch[offering_id], understood_text(attributes)


def _may_be_open(periods: Sequence[Period], window: Period) -> bool:
    return any(it.start < window.end and it.end > window.start for it in periods)


def _at(day: date, clock: time, zone: ZoneInfo) -> tuple[datetime, ...]:
    return instants_at(datetime.combine(day, clock), zone)
