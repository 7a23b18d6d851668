"""Planned bookings lie on steps of the schedules, never overlap, and are made by people who may make them."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from portal.dev.demo.bookings import BookingSpec, day_steps, plan_bookings
from portal.dev.demo.content import groups, offering_documents, organizations, people
from portal.domain.availability import Availability
from portal.domain.periods import Period
from portal.domain.schedules import read_schedules

BASE = "https://demo.example.org"
# An ordinary day; the weeks around the changes of clocks in Europe and in Chile; a new year.
DAYS = [
    datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
    datetime(2026, 10, 26, 3, 0, tzinfo=UTC),
    datetime(2027, 3, 29, 22, 0, tzinfo=UTC),
    datetime(2027, 4, 5, 12, 0, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 59, tzinfo=UTC),
]


@pytest.fixture(scope="module", params=DAYS, ids=lambda day: day.date().isoformat())
def plan(request: pytest.FixtureRequest) -> tuple[datetime, dict[str, dict[str, Any]], list[BookingSpec]]:
    now = request.param
    documents = {document["uuid"]: document for document in offering_documents(BASE, now)}
    return now, documents, plan_bookings(documents.values(), people(), now, 7)


Planned = tuple[datetime, dict[str, dict[str, Any]], list[BookingSpec]]


def test_bookings_of_one_offering_never_overlap(plan: Planned) -> None:
    _, _, bookings = plan
    by_offering: dict[UUID, list[tuple[datetime, datetime]]] = defaultdict(list)
    for booking in bookings:
        by_offering[booking.offering_uuid] += booking.slots
    for slots in by_offering.values():
        assert all(before[1] <= after[0] for before, after in pairwise(sorted(slots)))


def test_slots_are_wall_clock_steps_within_the_opening_hours(plan: Planned) -> None:
    _, documents, bookings = plan
    for booking in bookings:
        attributes = documents[str(booking.offering_uuid)]["attributes"]
        zone = ZoneInfo(attributes["booking_rules"]["time_zone"])
        # Read from the wire, apart from the code under test.
        config = attributes["schedules"][0]["extendedProps"]["config"]
        hours, step = config["businessHours"], int(config["slotDuration"][:2])
        for begin, end in booking.slots:
            start = begin.astimezone(zone)
            if start.utcoffset() != (start.replace(hour=0, minute=0) + timedelta(days=1)).utcoffset():
                continue  # the clocks change that day: the test against the portal's own rules covers it
            length = (end - begin) / timedelta(hours=1)
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
            assert any(run[0] <= begin < run[1] for run in runs)
            assert any(run[0] < end <= run[1] for run in runs)


def test_states_fit_the_day(plan: Planned) -> None:
    now, documents, bookings = plan
    assert {booking.state for booking in bookings} == {"requested", "confirmed", "rejected", "cancelled"}
    for booking in bookings:
        begin = booking.slots[0][0]
        assert now - timedelta(days=23) < begin < now + timedelta(days=30)
        assert booking.state != "requested" or begin > now
        assert documents[str(booking.offering_uuid)]["state"] == "Active"


def test_people_book_only_what_they_may(plan: Planned) -> None:
    _, documents, bookings = plan
    houses = {house.slug: house for house in organizations()}
    folk = {person.email: person for person in people()}
    slug_of = {str(group.uuid): group.slug for group in groups()}
    for booking in bookings:
        document = documents[str(booking.offering_uuid)]
        person = folk[booking.user_email]
        own = [houses[slug] for slug, _ in person.memberships]
        inside = document["customer_uuid"] in {str(house.uuid) for house in own}
        mine = {group for house in own for group in house.groups}
        wanted = {slug_of[group["uuid"]] for group in document["organization_groups"]}
        assert inside or (document["shared"] and (not wanted or wanted & mine))
        chosen = next((one for one in document["plans"] if one["uuid"] == str(booking.plan_uuid)), None)
        if booking.plan_uuid is not None:
            assert chosen
            assert not chosen["archived"]
            assert chosen["is_active"]
            wanted = {slug_of[group["uuid"]] for group in chosen["organization_groups"]}
            assert not wanted or wanted & mine


def test_the_demo_is_alive_but_not_full(plan: Planned) -> None:
    now, documents, bookings = plan
    assert 800 < len(bookings) < 2500
    used: dict[str, timedelta] = defaultdict(timedelta)
    for booking in bookings:
        for begin, end in booking.slots:
            used[str(booking.offering_uuid)] += end - begin
    for uuid, document in documents.items():
        if document["state"] != "Active":
            continue
        days = [(now + timedelta(days=number)).date() for number in range(-20, 28)]
        there = sum((end - begin for day in days for begin, end in day_steps(document, day)), timedelta())
        assert timedelta() < used[uuid] < there * 0.85, document["name"]


def test_bookings_keep_the_rules_of_their_offerings(plan: Planned) -> None:
    _, documents, bookings = plan
    kept = set()
    for uuid, document in documents.items():
        rules = document["attributes"]["booking_rules"]
        zone = ZoneInfo(rules["time_zone"])
        holding = [it for it in bookings if str(it.offering_uuid) == uuid and it.state in ("requested", "confirmed")]
        ordered = sorted(slot for it in holding for slot in it.slots)
        gap = timedelta(minutes=sum(rules.get(f"buffer_{side}_minutes", 0) for side in ("before", "after")))
        assert all(before[1] + gap <= after[0] for before, after in pairwise(ordered))
        if len(rules) > 1 and holding:
            kept.add(uuid)
        weeks: dict[tuple[str, int], timedelta] = defaultdict(timedelta)
        for booking in holding:
            begin, end = booking.slots[0]
            for closure in rules.get("closures", ()):
                assert not closure["start"] <= begin.astimezone(zone).date().isoformat() <= closure["end"]
            assert end - begin <= timedelta(minutes=rules.get("maximum_duration_minutes", 10**6))
            assert end - begin >= timedelta(minutes=rules.get("minimum_duration_minutes", 0))
            assert begin - booking.asked >= timedelta(minutes=rules.get("minimum_notice_minutes", 0))
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
        assert [open_times.explain(Period(*slot)) for slot in booking.slots] == [None] * len(booking.slots)
