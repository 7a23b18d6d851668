"""Page, API, day view, catalogue filter and booking service say the same of every step, in the same words."""

import html
import re
from datetime import UTC, date, datetime, timedelta
from itertools import count, pairwise
from zoneinfo import ZoneInfo

import time_machine
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from portal.documents import store as documents
from portal.domain.instants import parse_instant
from portal.domain.periods import Period
from portal.domain.zones import day_start
from portal.extensions import db
from portal.models import Booking, BusyPeriod, GoogleCalendar, Slot
from portal.policies import ANONYMOUS
from portal.queries import catalogue
from portal.queries.availability import explain, offering_availability
from portal.queries.free_offerings import FreeTimeQuery, find_free_offerings
from portal.web.week import parse_slot
from tests.support import builders as make

# A day before each of which clocks change within the week that follows (but for UTC).
WEEKS = [
    ("Europe/Tallinn", date(2026, 3, 26)),
    ("Europe/Tallinn", date(2026, 10, 22)),
    ("America/New_York", date(2026, 3, 5)),
    ("America/New_York", date(2026, 10, 29)),
    ("Australia/Lord_Howe", date(2026, 4, 2)),
    ("Australia/Lord_Howe", date(2026, 10, 1)),
    ("UTC", date(2026, 6, 4)),
]
HOUR = timedelta(hours=1)
HOURS = [
    ("01:00:00", "00:00", "24:00"),
    ("02:00:00", "08:00", "20:00"),
    ("00:45:00", "07:30", "22:00"),
    ("04:00:00", "22:00", "06:00"),
    ("03:00:00", "20:00", "29:00"),
    ("00:00", "08:00", "08:00"),
]
number = count()
ALL = Period(datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))


@st.composite
def worlds(draw):
    """The attributes of an offering, the first day of a week, and what is taken of it (in hours from that day)."""
    name, first = draw(st.sampled_from(WEEKS))
    zone = ZoneInfo(name)
    begin = day_start(first, zone)
    slot, opens, closes = draw(st.sampled_from(HOURS))
    config = {
        "slotDuration": slot,
        "weekends": draw(st.booleans()),
        "businessHours": {
            "startTime": opens,
            "endTime": closes,
            "daysOfWeek": sorted(draw(st.sets(st.integers(0, 6), min_size=3))),
        },
    }
    entry = {
        "id": "x",
        "start": (begin + draw(st.integers(-60, 40)) * HOUR).isoformat(),
        "end": (begin + draw(st.integers(60, 260)) * HOUR).isoformat(),
        "extendedProps": {"type": "Availability", "config": config},
    }
    closed = (first + timedelta(days=2)).isoformat()
    optional = {
        "minimum_notice_minutes": st.sampled_from([60, 600]),
        "maximum_advance_days": st.integers(1, 6),
        "buffer_after_minutes": st.sampled_from([30, 60]),
        "closures": st.just([{"start": closed, "end": closed, "reason": "Service"}]),
    }
    rules = {key: draw(values) for key, values in optional.items() if draw(st.booleans())}
    edges = sorted(draw(st.sets(st.integers(-80, 260), max_size=10)))
    kinds = st.sampled_from(["requested", "confirmed", "busy"])
    taken = [(start, end, draw(kinds)) for start, end in pairwise(edges)]
    taken = [it for it in taken if draw(st.booleans())]
    return zone, first, {"schedules": [entry], "booking_rules": {"time_zone": name, **rules}}, taken


# Nights of the week in which clocks go forward; one slot of each crosses midnight, and one of those is booked.
NIGHTS = (
    ZoneInfo("Europe/Tallinn"),
    date(2026, 3, 26),
    {
        "schedules": [
            {
                "id": "x",
                "start": "2026-03-01T00:00:00Z",
                "end": "2026-05-01T00:00:00Z",
                "extendedProps": {
                    "type": "Availability",
                    "config": {
                        "slotDuration": "04:00:00",
                        "weekends": False,
                        "businessHours": {"startTime": "22:00", "endTime": "06:00", "daysOfWeek": [1, 2, 3, 4, 5]},
                    },
                },
            }
        ],
        "booking_rules": {"time_zone": "Europe/Tallinn"},
    },
    [(46, 50, "confirmed"), (-1, 1, "confirmed"), (166, 169, "busy")],
)
# Clocks go back in the middle of it, and both of the hours that they show twice are free.
TWICE = (
    ZoneInfo("America/New_York"),
    date(2026, 10, 29),
    {
        "schedules": [{"id": "x", "start": "2026-10-29T04:00:00Z", "end": "2026-11-01T09:00:00Z"}],
        "booking_rules": {"time_zone": "America/New_York"},
    },
    [],
)


@given(world=worlds(), ahead=st.integers(0, 50))
@example(world=TWICE, ahead=0)
@example(world=NIGHTS, ahead=0)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_everybody_says_the_same_of_every_step(db_session, client, who, owned, world, ahead):
    zone, first, attributes, taken = world
    begin = day_start(first, zone)
    window = Period(begin, day_start(first + timedelta(days=7), zone))
    now = begin + ahead * HOUR + timedelta(minutes=20)
    name = f"Microscope {next(number)}x"
    offering = make.offering(name, of=owned[0], attributes=attributes)
    calendar = make.add(GoogleCalendar(offering_id=offering.id, state="OK"))
    for start, end, what in taken:
        place = {"start": begin + start * HOUR, "end": begin + end * HOUR, "offering_id": offering.id}
        if what == "busy":
            db_session.add(BusyPeriod(calendar_id=calendar.id, event_id=f"{start}", **place))
        else:
            booking = Booking(offering_id=offering.id, user_id=owned[1]["member"].id, state=what, slots=[Slot(**place)])
            db_session.add(booking)
    documents.refresh(db.session(), [offering.id])
    db_session.commit()
    with time_machine.travel(now, tick=False):
        service = offering_availability(offering.id, attributes, window, now)
        steps = [it for it in service.blocks(window) if it.is_slot]
        query = {"start": window.start.isoformat(), "end": window.end.isoformat()}
        address = f"/api/booking-offerings/{offering.uuid}/availability/"
        told = client.get(address, query_string=query, headers=who["stranger"]).json
        page = client.get(f"/offerings/{offering.uuid}/?from={first.isoformat()}").text
        lanes = [
            client.get(f"/timeline/?q={name}&day={(first + timedelta(days=day)).isoformat()}").text for day in range(7)
        ]
        whole = {it.period for it in steps if it.is_free and window.contains(it.period)}
        # The service, one step at a time, from the database.
        for step in steps:
            refusal = explain(offering, step.period, now)
            assert (refusal is None) == step.is_free, step
            assert refusal is None or refusal.text == step.reason
        # The API.
        slots = {Period(parse_instant(it["start"]), parse_instant(it["end"])) for it in told["slots"]}
        assert slots == whole
        refused = {(parse_instant(it["start"]), parse_instant(it["end"])): it["reason"] for it in told["refused"]}
        for step in steps:
            if not step.is_free:
                assert refused[step.period.start, step.period.end] == step.reason
        # The page: boxes for what is free, and every reason. It does not show days before today.
        if now < window.start + timedelta(days=1):
            boxes = {
                Period(*map(parse_instant, it.split("/"))) for it in re.findall(r'name="slot" value="([^"]+)"', page)
            }
            assert whole <= boxes
            shown = html.unescape(page)
            assert all(step.reason in shown for step in steps if not step.is_free and step.period.end > now)
        # The day view shows whole days from the portal's today on.
        linked = {
            parse_slot(found)
            for lane in lanes
            for found in re.findall(rf"/offerings/{offering.uuid}/book/\?slot=([^\"]+)\"", lane)
        }
        later = {it for it in whole if it.start.astimezone(zone).date() > now.date() + timedelta(days=1)}
        assert (
            later
            <= linked
            <= {it.period for it in offering_availability(offering.id, attributes, ALL, now).blocks(ALL)}
        )
        # The filter.
        for day_number in range(7):
            day = first + timedelta(days=day_number)
            for hours in (1, 3):
                wanted = FreeTimeQuery(day, hours * HOUR)
                span = wanted.window(zone)
                expected = service.free(span, wanted.duration) if span.end > now else []
                among = catalogue.bookable_candidates(ANONYMOUS, catalogue.Search(q=name))
                found = find_free_offerings(among, wanted, now).periods([offering.id])
                assert found.get(offering.id) == (expected[0] if expected else None)


def test_long_bookings_that_reach_over_the_window_are_seen(db_session, owned):
    now = datetime(2026, 3, 2, tzinfo=UTC)
    offering = make.offering("Ship", of=owned[0], attributes={"schedules": make.schedule(now, days=300)})
    for start, end in ((10, 11), (24 * 5, 24 * 90), (24 * 95, 24 * 96)):
        place = {"start": now + start * HOUR, "end": now + end * HOUR, "offering_id": offering.id}
        db_session.add(Booking(offering_id=offering.id, state="confirmed", slots=[Slot(**place)]))
    db_session.commit()
    for day, free in ((0, 23), (1, 24), (20, 0), (89, 0), (90, 24), (94, 24), (95, 0), (96, 24)):
        window = Period(now + day * 24 * HOUR, now + (day + 1) * 24 * HOUR)
        assert len(offering_availability(offering.id, offering.attributes, window, now).free(window)) == free, day
