"""Planned bookings take whole slots, never overlap, and are made by people who may make them."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from portal.config import load_settings
from portal.dev.demo.bookings import PlannedBooking, day_slots, plan_bookings
from portal.dev.demo.content import offerings, organizations, people
from portal.domain.availability import Availability
from portal.domain.booking_states import HOLDING
from portal.domain.periods import Period
from portal.domain.schedules import read_schedules

BASE = "https://demo.example.org"
# An ordinary day; the weeks around daylight-saving changes in Europe and in Chile; a new year.
DAYS = [
    datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
    datetime(2026, 10, 26, 3, 0, tzinfo=UTC),
    datetime(2027, 3, 29, 22, 0, tzinfo=UTC),
    datetime(2027, 4, 5, 12, 0, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 59, tzinfo=UTC),
]


@pytest.fixture(scope="module", params=DAYS, ids=lambda day: day.date().isoformat())
def plan(request: pytest.FixtureRequest) -> tuple[datetime, dict[str, dict[str, Any]], list[PlannedBooking]]:
    now = request.param
    documents = {document["uuid"]: document for document in offerings(BASE, now)}
    return now, documents, plan_bookings(documents.values(), people(), now, 7)


Planned = tuple[datetime, dict[str, dict[str, Any]], list[PlannedBooking]]


def test_bookings_of_one_offering_never_overlap(plan: Planned) -> None:
    _, _, bookings = plan
    by_offering: dict[UUID, list[tuple[datetime, datetime]]] = defaultdict(list)
    for booking in bookings:
        by_offering[booking.offering_uuid].append((booking.start, booking.end))
    for slots in by_offering.values():
        assert all(before[1] <= after[0] for before, after in pairwise(sorted(slots)))


def test_bookings_are_whole_slots_within_the_opening_hours(plan: Planned) -> None:
    _, documents, bookings = plan
    for booking in bookings:
        attributes = documents[str(booking.offering_uuid)]["attributes"]
        zone = ZoneInfo(attributes["booking_rules"]["time_zone"])
        # Read from the record, apart from the code under test.
        config = attributes["schedules"][0]["extendedProps"]["config"]
        hours, step = config["businessHours"], int(config["slotDuration"][:2])
        start = booking.start.astimezone(zone)
        if start.utcoffset() != (start.replace(hour=0, minute=0) + timedelta(days=1)).utcoffset():
            continue  # daylight saving changes that day: the test against the portal's own rules covers it
        length = (booking.end - booking.start) / timedelta(hours=1)
        assert length > 0
        assert length % step == 0
        assert start.isoweekday() % 7 in hours["daysOfWeek"]
        opens, closes = int(hours["startTime"][:2]), int(hours["endTime"][:2])
        assert (start.minute, (start.hour - opens) % step) == (0, 0)
        assert opens <= start.hour
        assert start.hour + length <= closes
        runs = [
            (datetime.fromisoformat(entry["start"]), datetime.fromisoformat(entry["end"]))
            for entry in attributes["schedules"]
        ]
        assert any(run[0] <= booking.start < run[1] for run in runs)
        assert any(run[0] < booking.end <= run[1] for run in runs)


def test_states_fit_the_day(plan: Planned) -> None:
    now, documents, bookings = plan
    assert {booking.state for booking in bookings} == {"requested", "confirmed", "rejected", "cancelled"}
    for booking in bookings:
        begin = booking.start
        assert now - timedelta(days=23) < begin < now + timedelta(days=30)
        assert booking.state != "requested" or begin > now
        assert documents[str(booking.offering_uuid)]["state"] == "Active"


def test_people_book_only_what_they_may(plan: Planned) -> None:
    _, documents, bookings = plan
    groups_of = {organization.name: organization.groups for organization in organizations()}
    by_email = {person.email: person for person in people()}
    for booking in bookings:
        document = documents[str(booking.offering_uuid)]
        person = by_email[booking.user_email]
        inside = document["customer_name"] in person.roles
        mine = {group for name in person.roles for group in groups_of[name]}
        wanted = {group["name"] for group in document.get("organization_groups", ())}
        assert inside or (document["shared"] and (not wanted or wanted & mine))
        chosen = next((one for one in document["plans"] if one["uuid"] == str(booking.plan_uuid)), None)
        if booking.plan_uuid is not None:
            assert chosen
            assert not chosen.get("archived")
            assert chosen.get("is_active", True)
            wanted = {group["name"] for group in chosen.get("organization_groups", ())}
            assert not wanted or wanted & mine


def test_the_demo_is_alive_but_not_full(plan: Planned) -> None:
    now, documents, bookings = plan
    assert 800 < len(bookings) < 2500
    used: dict[str, timedelta] = defaultdict(timedelta)
    for booking in bookings:
        used[str(booking.offering_uuid)] += booking.end - booking.start
    for uuid, document in documents.items():
        if document["state"] != "Active":
            continue
        days = [(now + timedelta(days=number)).date() for number in range(-20, 28)]
        there = sum((end - begin for day in days for begin, end in day_slots(document, day)), timedelta())
        assert timedelta() < used[uuid] < there * 0.85, document["name"]


def test_bookings_keep_the_rules_of_their_offerings(plan: Planned) -> None:
    _, documents, bookings = plan
    kept = set()
    for uuid, document in documents.items():
        rules = document["attributes"]["booking_rules"]
        zone = ZoneInfo(rules["time_zone"])
        holding = [it for it in bookings if str(it.offering_uuid) == uuid and it.state in ("requested", "confirmed")]
        ordered = sorted((it.start, it.end) for it in holding)
        gap = timedelta(minutes=sum(rules.get(f"buffer_{side}_minutes", 0) for side in ("before", "after")))
        assert all(before[1] + gap <= after[0] for before, after in pairwise(ordered))
        if len(rules) > 1 and holding:
            kept.add(uuid)
        weeks: dict[tuple[str, int], timedelta] = defaultdict(timedelta)
        for booking in holding:
            begin, end = booking.start, booking.end
            for closure in rules.get("closures", ()):
                assert not closure["start"] <= begin.astimezone(zone).date().isoformat() <= closure["end"]
            assert end - begin <= timedelta(minutes=rules.get("maximum_duration_minutes", 10**6))
            assert end - begin >= timedelta(minutes=rules.get("minimum_duration_minutes", 0))
            assert begin - booking.requested >= timedelta(minutes=rules.get("minimum_notice_minutes", 0))
            weeks[booking.user_email, begin.astimezone(zone).isocalendar()[1]] += end - begin
            assert booking.state != "requested" or rules.get("accept") != "automatic"
        if rules.get("quota_period") == "week":
            assert max(weeks.values()) <= timedelta(hours=rules["quota_hours_per_user"])
    assert len(kept) >= 8


def test_the_seed_decides(plan: Planned) -> None:
    now, documents, bookings = plan
    assert plan_bookings(documents.values(), people(), now, 7) == bookings
    assert plan_bookings(documents.values(), people(), now, 8) != bookings


def test_no_slot_is_refused_by_the_portal(plan: Planned) -> None:
    _, documents, bookings = plan
    for booking in bookings:
        attributes = documents[str(booking.offering_uuid)]["attributes"]
        zone = ZoneInfo(attributes["booking_rules"]["time_zone"])
        open_times = Availability(read_schedules(attributes["schedules"]), zone)
        assert open_times.explain(Period(booking.start, booking.end)) is None


def test_visitors_who_sign_in_as_one_of_these_people_can_still_book(plan: Planned) -> None:
    now, _, bookings = plan
    settings = load_settings({"SECRET_KEY": "0123456789abcdef0123456789abcdef"})
    held: dict[str, timedelta] = defaultdict(timedelta)
    for booking in bookings:
        if booking.state in HOLDING and booking.end > now:
            held[booking.user_email] += booking.end - max(booking.start, now)
    requests = Counter(booking.user_email for booking in bookings if booking.state == "requested")
    assert max(held.values()) <= timedelta(hours=settings.max_hours_ahead - 24)
    assert max(requests.values()) <= settings.max_open_requests - 5
    assert {UUID(uuid) for uuid, offering in plan[1].items() if offering["state"] == "Active"} == {
        booking.offering_uuid for booking in bookings
    }
