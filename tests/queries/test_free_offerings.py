"""What is free among many: the same as asking each offering for itself, however they are read."""

from datetime import date, time, timedelta

import orjson
import pytest
from sqlalchemy import update

from portal.documents import store as documents
from portal.domain.periods import Period
from portal.domain.schedule_hash import schedule_hash
from portal.extensions import db
from portal.models import Booking, BusyPeriod, GoogleCalendar, GoogleConnection, Offering, Slot
from portal.policies import ANONYMOUS
from portal.queries import availability, free_offerings
from portal.queries.availability import offering_availability
from portal.queries.catalogue import Search, bookable_candidates, browse
from portal.queries.free_offerings import FreeTimeQuery, find_free_offerings
from tests.support import builders as make
from tests.support.builders import NOW

HOUR = timedelta(hours=1)
DAY = date(2026, 3, 3)
QUERIES = (
    FreeTimeQuery(DAY, HOUR),
    FreeTimeQuery(DAY, 5 * HOUR),
    FreeTimeQuery(DAY, HOUR, time(9), time(12)),
    FreeTimeQuery(DAY, 24 * HOUR),
    FreeTimeQuery(DAY + timedelta(days=400), HOUR),
)
CLOCKS = (
    {},
    {"booking_rules": {"time_zone": "Australia/Lord_Howe"}},
    {"booking_rules": {"time_zone": "Europe/Tallinn", "buffer_after_minutes": 90}},
    {"booking_rules": {"minimum_notice_minutes": 1800}},
    {"booking_rules": {"closures": [{"start": "2026-03-03", "end": "2026-03-03", "reason": "Service"}]}},
    {"schedules": []},
)


@pytest.fixture
@make.together()
def world(db_session):
    """Two offerings of each clock and one that is paused; some have things in their day."""
    organizations = [make.organization("Photon Source"), make.organization("Rooms")]
    made = []
    for number, clock in enumerate(CLOCKS * 2):
        attributes = {"schedules": make.schedule(slotDuration="01:00:00"), **clock}
        made.append(make.offering(f"Thing {number:02}", of=organizations[number % 2], attributes=attributes))
    make.offering("Thing asleep", of=organizations[0], state="Paused")
    person = make.user()
    for number, hours in ((0, (20, 44)), (1, (30, 31)), (2, (17, 20)), (7, (0, 200)), (8, (24, 25)), (9, (26, 28))):
        place = {"start": NOW + hours[0] * HOUR, "end": NOW + hours[1] * HOUR, "offering_id": made[number].id}
        db_session.add(
            Booking(offering_id=made[number].id, user_id=person.id, state="confirmed", slots=[Slot(**place)])
        )
    calendar = make.add(GoogleCalendar(offering_id=made[6].id, state="OK"))
    busy = {"start": NOW + 15 * HOUR, "end": NOW + 60 * HOUR, "offering_id": made[6].id}
    db_session.add(BusyPeriod(calendar_id=calendar.id, event_id="x", **busy))
    db_session.commit()
    return made


def one_by_one(wanted):
    found = {}
    for offering in db.session.query(Offering).filter_by(state="Active"):
        zone = offering_availability(offering.id, offering.attributes, Period(NOW, NOW + HOUR), NOW).zone
        window = wanted.window(zone)
        availability = offering_availability(offering.id, offering.attributes, window, NOW)
        if window.end > NOW and (periods := availability.free(window, wanted.duration)):
            found[offering.id] = periods[0]
    return found


@pytest.mark.parametrize("batch", [500, 1])
def test_many_are_found_as_each_is(world, monkeypatch, batch):
    monkeypatch.setattr(free_offerings, "BATCH", batch)
    among = bookable_candidates(ANONYMOUS, Search())
    for wanted in QUERIES:
        found, expected = find_free_offerings(among, wanted, NOW), one_by_one(wanted)
        assert found.periods([it.id for it in world]) == expected
        assert list(found.among.ids) == [it.id for it in world if it.id in expected]


def test_something_is_free_and_something_is_not(world):
    """Or the comparison above would say nothing."""
    assert 2 < len(one_by_one(QUERIES[0])) < len(world) - 2
    assert one_by_one(QUERIES[-1]) == {}


def test_facets_count_what_is_free(world):
    search = Search(organization=(str(world[0].organization.uuid),))
    found = find_free_offerings(bookable_candidates(ANONYMOUS, search), QUERIES[0], NOW)
    page = browse(ANONYMOUS, search, among=found.among.ids)
    expected = one_by_one(QUERIES[0])
    assert [row.id for row in page.rows] == [it.id for it in world[::2] if it.id in expected]
    # The other organization's number is what choosing it as well would add.
    counts = {choice.label: choice.count for choice in page.facets["organization"]}
    assert counts == {
        "Photon Source": len([it for it in world[::2] if it.id in expected]),
        "Rooms": len([it for it in world[1::2] if it.id in expected]),
    }
    assert page.tally == {"Active": len(page.rows)}


def test_offerings_that_are_alike_share_a_clock(world):
    assert len(set(bookable_candidates(ANONYMOUS, Search()).schedules)) == len(CLOCKS)
    world[0].attributes = {**world[0].attributes, "booking_rules": {"buffer_after_minutes": 15}}
    documents.refresh(db.session(), [world[0].id])
    db.session.commit()
    assert len(set(bookable_candidates(ANONYMOUS, Search()).schedules)) == len(CLOCKS) + 1


def test_a_book_among_the_attributes_is_not_kept_in_memory(world):
    availability._parse_json.cache_clear()
    texts = [orjson.dumps({"schedules": [], "book": length * "x"}).decode() for length in (9, 10_000)]
    short, long = (availability.parse_attributes_json(text) for text in texts)
    assert short == long
    assert availability._parse_json.cache_info().currsize == 1


def test_what_says_nothing_of_times_makes_no_clock_of_its_own(world):
    # Waldur's interface gives each entry an id with the instant in it.
    schedules = [{**entry, "id": "booking1-1741944413589", "title": "Run"} for entry in make.schedule()]
    schedules[0]["extendedProps"] = {**schedules[0]["extendedProps"], "config": {"slotDuration": "01:00:00"}}
    world[0].attributes = {**world[0].attributes, "schedules": schedules, "colour": "red"}
    documents.refresh(db.session(), [world[0].id])
    db.session.commit()
    assert len(set(bookable_candidates(ANONYMOUS, Search()).schedules)) == len(CLOCKS)


@pytest.mark.parametrize("part", ["start", "end", "type", "slotDuration", "weekends", "businessHours"])
def test_whatever_a_schedule_is_read_for_is_in_the_clock(part):
    [entry] = schedules = make.schedule(slotDuration="01:00:00", weekends=True)
    before = schedule_hash({"schedules": schedules})
    extended = entry["extendedProps"]
    if part in ("start", "end"):
        entry[part] = (NOW + 5 * HOUR).isoformat()
    elif part == "type":
        extended["type"] = "Other"
    else:
        extended["config"][part] = {"slotDuration": "02:00:00", "weekends": False}.get(part, {"startTime": "08:00"})
    assert schedule_hash({"schedules": schedules}) != before


def test_an_offering_that_is_closed_while_its_busy_times_are_old(world):
    offering = world[3]
    strict = {**offering.attributes, "booking_rules": {"stale_busy": "refuse"}}
    connection = GoogleConnection(
        organization_id=offering.organization_id, account_email="x@example.org", scopes=[], refresh_token="x"
    )
    make.add(connection)
    row = GoogleCalendar(offering_id=offering.id, state="OK", last_synced=NOW, next_read=NOW)
    make.add(row)
    offering.attributes = strict
    documents.refresh(db.session(), [offering.id])
    db.session.commit()

    def found():
        among = bookable_candidates(ANONYMOUS, Search())
        return find_free_offerings(among, QUERIES[0], NOW).periods([offering.id])

    assert offering.id in found()
    db.session.execute(update(GoogleCalendar).where(GoogleCalendar.id == row.id).values(last_synced=NOW - 48 * HOUR))
    db.session.commit()
    assert found() == {}


def test_long_schedules_are_read_anew_each_time(db_session):
    """What is kept of an offering is small, however many entries its schedule has."""
    availability._parse.cache_clear()
    entries = [{"start": f"2026-03-{day:02}T08:00:00Z", "end": f"2026-03-{day:02}T18:00:00Z"} for day in range(1, 29)]
    short, long = ({"schedules": entries}, {"schedules": entries * 20})
    for _ in range(2):
        assert availability.parse_attributes(short).cache_key is not None
        assert availability.parse_attributes(long).cache_key is None
        assert (
            availability.parse_attributes(long).schedule.periods
            == availability.parse_attributes(short).schedule.periods
        )
    assert availability._parse.cache_info().currsize == 1
