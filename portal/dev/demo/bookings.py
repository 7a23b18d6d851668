"""Plans bookings around the day the demo is loaded, from the offerings' own schedules. No clock, no database.

Every booking takes whole slots of the offering's opening hours, as `portal.domain.availability` computes them, and
satisfies its booking rules; bookings of one offering never overlap.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from portal.dev.demo.content import DemoPerson, booking_habits, organizations
from portal.domain.availability import Availability
from portal.domain.booking_states import HOLDING, BookingState
from portal.domain.order_form import FormQuestion, read_form
from portal.domain.periods import Period
from portal.domain.refusals import Code, Obstacle
from portal.domain.rules import Rules
from portal.domain.schedules import read_schedules
from portal.domain.zones import day_start
from portal.queries.availability import OwnBookings, ParsedAttributes, build_availability, parse_attributes

WEEKS_BACK, WEEKS_AHEAD = 2, 3
# Below the portal's own limits, so that visitors who sign in as one of these people can still book.
MAX_REQUESTS, MAX_AHEAD = 12, timedelta(hours=175)

Slot = tuple[datetime, datetime]
Offering = Mapping[str, Any]


@dataclass(frozen=True)
class PlannedBooking:
    """A booking to create. `start`, `end` and `requested` are aware UTC instants.

    `state` is requested, confirmed, rejected or cancelled. `automatic`: the offering confirms it by itself.
    """

    offering_uuid: UUID
    user_email: str
    start: datetime
    end: datetime
    requested: datetime
    state: str
    name: str
    note: str
    plan_uuid: UUID | None
    answers: Mapping[str, Any] = field(default_factory=dict)
    automatic: bool = False


@dataclass
class _RuleCheck:
    """Applies an offering's booking rules to the bookings planned so far."""

    known: ParsedAttributes
    taken: list[Obstacle] = field(default_factory=list)
    held: defaultdict[str, list[Period]] = field(default_factory=lambda: defaultdict(list))

    def permitted(self, slots: tuple[Slot, ...], email: str, requested: datetime) -> tuple[Slot, ...]:
        """The longest leading part of consecutive slots that this person may book; () for none."""
        if self.known.rules == Rules():
            return slots
        ahead = sum(it.end > requested for it in self.held[email])
        free = build_availability(self.known, requested, self.taken, OwnBookings(tuple(self.held[email]), ahead))
        while slots and free.explain(Period(slots[0][0], slots[-1][1])) is not None:
            slots = slots[:-1]
        return slots

    def add(self, booking: PlannedBooking) -> None:
        if booking.state in HOLDING:
            period = Period(booking.start, booking.end)
            self.taken.append(Obstacle(period, Code.BOOKED))
            self.held[booking.user_email].append(period)


@dataclass
class _Held:
    """What people hold of all offerings from `now` on."""

    now: datetime
    requests: Counter[str] = field(default_factory=Counter)
    time: defaultdict[str, timedelta] = field(default_factory=lambda: defaultdict(timedelta))

    def with_room(self, people: Iterable[DemoPerson], slots: Sequence[Slot]) -> list[DemoPerson]:
        """Those who may hold these slots in addition."""
        more = self._ahead(slots[0][0], slots[-1][1])
        return [
            it
            for it in people
            if not more or (self.requests[it.email] < MAX_REQUESTS and self.time[it.email] + more <= MAX_AHEAD)
        ]

    def add(self, booking: PlannedBooking) -> None:
        if booking.state in HOLDING:
            self.requests[booking.user_email] += booking.state == BookingState.REQUESTED
            self.time[booking.user_email] += self._ahead(booking.start, booking.end)

    def _ahead(self, start: datetime, end: datetime) -> timedelta:
        return max(end - max(start, self.now), timedelta())


def day_slots(offering: Offering, day: date) -> list[Slot]:
    """The bookable slots of one day in the offering's time zone, in UTC."""
    attributes = offering["attributes"]
    zone = ZoneInfo(attributes["booking_rules"]["time_zone"])
    open_times = Availability(read_schedules(attributes["schedules"]), zone)
    start, end = (day_start(day + timedelta(days=number), zone) for number in (0, 1))
    return [(step.start, step.end) for step in open_times.slots(Period(start, end))]


def _in_groups(person: DemoPerson, restricted_to: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a person's organizations are in one of the groups that an offering or plan is restricted to."""
    if not restricted_to:
        return True
    groups = {
        name for organization in organizations() if organization.name in person.roles for name in organization.groups
    }
    return any(group["name"] in groups for group in restricted_to)


def _candidates(offering: Offering, people: Iterable[DemoPerson]) -> list[DemoPerson]:
    """Who may book. Members of the offering's organization are in the list three times: they book more often."""
    chosen: list[DemoPerson] = []
    for person in people:
        member = offering["customer_name"] in person.roles
        visible = member or (offering["shared"] and _in_groups(person, offering.get("organization_groups", ())))
        if person.roles and visible:
            chosen += [person] * (3 if member else 1)
    return chosen


def _plan(offering: Offering, person: DemoPerson, random: Random) -> UUID | None:
    plans = [
        plan
        for plan in offering["plans"]
        # A plan with a limit (a subscription) would soon be full.
        if not plan.get("archived")
        and plan.get("max_amount") is None
        and _in_groups(person, plan.get("organization_groups", ()))
    ]
    return UUID(random.choice(plans)["uuid"]) if plans else None


def _answer(question: FormQuestion, day: date, random: Random) -> Any:
    if question.choices:
        chosen = random.choice(question.choices)[0]
        return [chosen] if question.takes_many else chosen
    if question.type == "boolean":
        return True
    if question.type in ("integer", "money"):
        return int(question.low or 0) + random.randint(0, 1)
    if question.type == "date":
        return day.isoformat()
    if question.type == "time":
        return f"{random.randint(9, 16):02}:00"
    return f"{day.year % 100}-{random.randint(100, 999)}"


def _answers(offering: Offering, day: date, random: Random) -> dict[str, Any]:
    """Answers to the order form: all required questions, and some others."""
    form = read_form(offering.get("options", {}))
    answered = [question for question in form if question.required or random.random() < 0.3]
    return {question.key: _answer(question, day, random) for question in answered}


def _state(past: bool, automatic: bool, random: Random) -> str:
    chance = random.random()
    if automatic:
        return "confirmed" if chance < 0.92 else "cancelled"
    if past:
        return "confirmed" if chance < 0.92 else "cancelled" if chance < 0.97 else "rejected"
    return (
        "confirmed" if chance < 0.68 else "requested" if chance < 0.91 else "cancelled" if chance < 0.96 else "rejected"
    )


def _choose_slots(
    slots: Sequence[Slot], habits: Mapping[str, Any], share: float, random: Random
) -> Iterator[tuple[Slot, ...]]:
    """Runs of consecutive slots of one day."""
    number = 0
    while number < len(slots):
        early = number < len(slots) // 2
        likelihood = (1.3 if early else 0.5) if habits.get("mostly_mornings") else 0.9
        if random.random() >= share * likelihood:
            number += 1
            continue
        length = slots[number][1] - slots[number][0]
        most = max(1, int(timedelta(hours=habits["longest_hours"]) / length))
        run = slots[number : number + random.randint(1, max(1, min(most, 8)))]
        yield tuple(slot for at, slot in enumerate(run) if at == 0 or slot[0] == run[at - 1][1])
        number += len(run)


def plan_bookings(
    offerings: Iterable[Offering], people: Sequence[DemoPerson], now: datetime, seed: int | str = 0
) -> list[PlannedBooking]:
    """Bookings from two weeks before `now` (aware) to three weeks after, the same for the same arguments.

    Only Active offerings are booked. A longer booking is several consecutive slots. Only bookings in the future can
    still be requests.
    """
    habits = booking_habits()
    planned: list[PlannedBooking] = []
    held = _Held(now)
    for offering in offerings:
        if offering["state"] == "Active":
            random = Random(f"{seed}|{offering['uuid']}")  # noqa: S311 - a demo, not a secret
            category = habits["categories"][offering["category_title"]]
            planned += _plan_offering(offering, people, held, random, category, habits["notes"])
    return planned


def _plan_offering(
    offering: Offering,
    people: Sequence[DemoPerson],
    held: _Held,
    random: Random,
    habits: Mapping[str, Any],
    notes: Sequence[str],
) -> Iterator[PlannedBooking]:
    candidates, now = _candidates(offering, people), held.now
    known = parse_attributes(offering["attributes"])
    rules, automatic = _RuleCheck(known), known.rules.accept == "automatic"
    today = now.astimezone(known.zone).date()
    for offset in range(-7 * WEEKS_BACK, 7 * WEEKS_AHEAD + 1):
        day = today + timedelta(days=offset)
        share = habits["weekend_share"] if day.isoweekday() > 5 else habits["weekday_share"]
        # Fewer bookings far ahead.
        share *= 1.0 if offset < 8 else 0.5 if offset < 16 else 0.25
        for slots in _choose_slots(day_slots(offering, day), habits, share, random):
            start = slots[0][0]
            requested = min(now - timedelta(days=1), start - timedelta(days=3))
            able = held.with_room(candidates, slots)
            if not able:
                continue
            person = random.choice(able)
            permitted = rules.permitted(slots, person.email, requested)
            if not permitted:
                continue
            booking = PlannedBooking(
                UUID(offering["uuid"]),
                person.email,
                start,
                permitted[-1][1],
                requested,
                _state(start <= now, automatic, random),
                random.choice(habits["names"]),
                random.choice(notes),
                _plan(offering, person, random),
                _answers(offering, day, random),
                automatic,
            )
            rules.add(booking)
            held.add(booking)
            yield booking
