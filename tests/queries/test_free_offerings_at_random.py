"""What is free among many, in worlds made at random: clocks that change, wide buffers, facets, searches, any page."""

from collections import Counter
from datetime import date, time, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest

from portal.domain.periods import Period
from portal.domain.zones import day_start
from portal.extensions import db
from portal.models import Booking, BusyPeriod, GoogleCalendar, GoogleConnection, Offering, Slot
from portal.policies import ANONYMOUS
from portal.queries import free_offerings
from portal.queries.availability import offering_availability
from portal.queries.catalogue import FACETS, SORTS, Search, bookable_candidates, browse
from portal.queries.free_offerings import FreeTimeQuery, find_free_offerings
from tests.support import builders as make

HOUR = timedelta(hours=1)
HALF = timedelta(minutes=30)
# Clocks change on these days, but in Kathmandu.
DAYS = (
    ("Europe/Tallinn", date(2026, 3, 29)),
    ("Europe/Tallinn", date(2026, 10, 25)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Pacific/Chatham", date(2026, 4, 5)),
    ("America/Santiago", date(2026, 9, 6)),
    ("Asia/Kathmandu", date(2026, 4, 5)),
)
RULES = {
    "buffer_before_minutes": (15, 60, 3 * 1440),
    "buffer_after_minutes": (45, 4 * 1440),
    "minimum_notice_minutes": (60, 1000),
    "maximum_advance_days": (0, 1, 3),
    "minimum_duration_minutes": (60, 150),
    "maximum_duration_minutes": (150, 400),
    "stale_busy": ("refuse",),
}
PAGE = 5


def attributes(dice, zone, begin):
    """Schedules of one to three entries, or none, and some of the rules."""
    entries = []
    for number in range(dice.choice((0, 1, 1, 1, 2))):
        start = begin + dice.randint(-60, 6) * HOUR
        config = {
            "slotDuration": dice.choice(("01:00:00", "00:30:00", "00:45:00", "24:00:00")),
            "businessHours": {"startTime": dice.choice(("00:00", "02:30", "08:00")), "endTime": "20:00"},
        }
        props = {"type": "Availability", "config": config}
        end = start + dice.randint(12, 120) * HOUR
        entries.append({"id": str(number), "start": start.isoformat(), "end": end.isoformat(), "extendedProps": props})
    rules = {name: dice.choice(values) for name, values in RULES.items() if dice.random() < 0.25}
    return {"schedules": entries, "booking_rules": {**rules, "time_zone": dice.choice((zone, zone, "UTC"))}}


def take(dice, offering, person, begin, now):
    """Bookings that hold or do not, some over many days, and busy times that overlap each other."""
    edges = [-190, 190] if dice.random() < 0.1 else sorted(dice.sample(range(-30, 80), dice.choice((0, 4, 8))))
    for start, end in pairwise(edges):
        holds = dice.random() < 0.8
        state = dice.choice(("confirmed", "requested")) if holds else "canceled"
        slot = Slot(offering_id=offering.id, start=begin + start * HALF, end=begin + end * HALF, holds=holds)
        if dice.random() < 0.4:
            db.session.add(Booking(offering_id=offering.id, user_id=person.id, state=state, slots=[slot]))
    if dice.random() < 0.5:
        read = {"last_synced": dice.choice((None, now - 3 * HOUR, now)), "next_read": dice.choice((None, now, now))}
        calendar = make.add(GoogleCalendar(offering_id=offering.id, state="OK", **read))
        for number in range(dice.choice((0, 2, 4))):
            start = begin + dice.randint(-20, 50) * HALF
            place = {"start": start, "end": start + dice.randint(1, 20) * HALF, "offering_id": offering.id}
            db.session.add(BusyPeriod(calendar_id=calendar.id, event_id=str(number), **place))


def one_by_one(wanted, now):
    found = {}
    for offering in db.session.query(Offering).filter_by(state="Active"):
        zone = offering_availability(offering.id, offering.attributes, Period(now, now + HOUR), now).zone
        window = wanted.window(zone)
        if window is not None and window.end > now:
            periods = offering_availability(offering.id, offering.attributes, window, now).free(window, wanted.duration)
            if periods:
                found[offering.id] = periods[0]
    return found


def values_of(offering):
    return {
        "category": str(offering.category.uuid),
        "organization": str(offering.organization.uuid),
        "country": offering.country,
        "state": offering.state,
    }


@pytest.mark.parametrize("seed", range(6))
def test_a_world_is_found_as_each_offering_is(db_session, monkeypatch, seed):
    dice = Random(seed)
    monkeypatch.setattr(free_offerings, "BATCH", dice.choice((1, 2, 500)))
    zone, day = DAYS[seed % len(DAYS)]
    begin = day_start(day, ZoneInfo(zone))
    now = begin + dice.choice((-60, -30, -3, 0, 5)) * HOUR + dice.choice((0, 17)) * timedelta(minutes=1)
    organizations = [make.organization("Lab A"), make.organization("lab b")]
    categories = [make.category("Microscopes"), make.category("Rooms")]
    for it in organizations:
        make.add(GoogleConnection(organization_id=it.id, account_email="x@example.org", scopes=[], refresh_token="x"))
    clocks, person, known = [attributes(dice, zone, begin) for _ in range(6)], make.user(), {}
    for number in range(12):
        offering = make.offering(
            f"{dice.choice(('Thing', 'item'))} {number:02}",
            of=dice.choice(organizations),
            category=dice.choice(categories),
            attributes=dice.choice(clocks),
            state=dice.choice(("Active", "Active", "Active", "Paused")),
            country=dice.choice(("EE", "FI", "")),
            description=dice.choice(("thing with a laser", "")),
        )
        known[offering.id] = values_of(offering)
        take(dice, offering, person, begin, now)
    db_session.commit()
    for _again in range(12):
        length = dice.choice((0.25, 1, 1.5, 5, 24)) * HOUR
        after, before = dice.choice(((None, None), (time(2, 30), None), (time(2), time(3)), (None, time(12))))
        wanted = FreeTimeQuery(day + timedelta(days=dice.choice((0, 0, 1))), length, after, before)
        search = Search(
            q=dice.choice(("", "thing", "laser", "nothing")),
            category=tuple(str(it.uuid) for it in dice.sample(categories, dice.choice((0, 0, 1)))),
            organization=tuple(str(it.uuid) for it in dice.sample(organizations, dice.choice((0, 0, 1)))),
            country=dice.choice(((), ("EE",), ("EE", "FI"))),
            state=dice.choice(((), ("Active",), ("Paused",), ("Paused", "Active"))),
            sort=dice.choice(list(SORTS)),
            page=dice.choice((1, 2, 99)),
        )
        check(search, wanted, now, known)


def check(search, wanted, now, known):
    each = one_by_one(wanted, now)
    whole = browse(ANONYMOUS, Search(q=search.q, sort=search.sort), page_size=100).rows
    candidates = [row.id for row in whole if row.id in each]

    def passes(offering_id, less=""):
        chosen = {facet: getattr(search, facet) for facet in FACETS if facet != less}
        return all(not values or known[offering_id][facet] in values for facet, values in chosen.items())

    found = find_free_offerings(bookable_candidates(ANONYMOUS, search), wanted, now)
    page = browse(ANONYMOUS, search, among=found.among.ids, page_size=PAGE)
    expected = [it for it in candidates if passes(it)]
    first = (min(search.page, max(1, -(-len(expected) // PAGE))) - 1) * PAGE
    ids = [row.id for row in page.rows]
    assert (ids, page.page.total) == (expected[first : first + PAGE], len(expected))
    assert found.periods(ids) == {it: each[it] for it in ids}
    for facet in FACETS:
        counts = Counter(known[it][facet] for it in candidates if passes(it, less=facet))
        counts.pop("", None)
        assert {choice.value: choice.count for choice in page.facets[facet]} == counts
