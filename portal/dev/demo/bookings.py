"""Bookings around the demo's day, planned from the offerings' own schedules: pure, no clock, no database.

Every slot lies on steps of the offering's opening hours, as `portal.domain.availability` cuts them, and satisfies its
booking rules; slots of one offering never overlap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from portal.dev.demo.content import PersonSpec, groups, organizations
from portal.domain.availability import Availability
from portal.domain.booking_states import HOLDING
from portal.domain.order_form import Question, read_form
from portal.domain.periods import Period
from portal.domain.refusals import Code, Obstacle
from portal.domain.rules import Rules
from portal.domain.schedules import read_schedules
from portal.domain.zones import day_start
from portal.queries.availability import Own, Understood, assembled, understood

WEEKS_BACK, WEEKS_AHEAD = 2, 3

Step = tuple[datetime, datetime]


@dataclass(frozen=True)
class BookingSpec:
    """A booking to be made: slots are aware UTC instants, `state` is requested, confirmed, rejected or cancelled.

    `asked` is when it is asked for; `automatic`: the offering confirms it by itself, so nobody answers it.
    """

    offering_uuid: UUID
    user_email: str
    slots: tuple[Step, ...]
    asked: datetime
    state: str
    name: str
    note: str
    plan_uuid: UUID | None
    answers: Mapping[str, Any] = field(default_factory=dict)
    automatic: bool = False


@dataclass
class _Rulebook:
    """What the booking rules of an offering let people hold of it, as the portal itself will judge."""

    known: Understood
    taken: list[Obstacle] = field(default_factory=list)
    held: defaultdict[str, list[Period]] = field(default_factory=lambda: defaultdict(list))

    def permitted(self, stay: tuple[Step, ...], email: str, asked: datetime) -> tuple[Step, ...]:
        """As much of the stay, from its start, as this person may book; () where that is nothing."""
        if self.known.rules == Rules():
            return stay
        ahead = sum(it.end > asked for it in self.held[email])
        free = assembled(self.known, asked, self.taken, Own(tuple(self.held[email]), ahead))
        while stay and free.explain(Period(stay[0][0], stay[-1][1])) is not None:
            stay = stay[:-1]
        return stay

    def add(self, booking: BookingSpec) -> None:
        if booking.state in HOLDING:
            periods = [Period(*slot) for slot in booking.slots]
            self.taken += [Obstacle(it, Code.BOOKED) for it in periods]
            self.held[booking.user_email] += periods


@dataclass(frozen=True)
class _Habit:
    """How a category is used: share of steps taken on workdays and weekends, longest stay in hours, and for what."""

    busy: float
    weekend: float
    longest: int
    names: tuple[str, ...]
    mornings: bool = False


HABITS = {
    "Microscopy": _Habit(
        0.6,
        0.15,
        8,
        (
            "Ribosome, apo state",
            "Grid screening",
            "Live-cell series",
            "Tomography, lamella 3",
            "Course practical",
            "Membrane protein, batch 7",
        ),
    ),
    "Beam lines and lasers": _Habit(
        0.48,
        0.4,
        24,
        ("Battery cathode, cycle 40", "Fragment screen", "Wood fibres under load", "Catalyst at 500 K", "Calibration"),
    ),
    "Spectroscopy and analysis": _Habit(
        0.36,
        0.2,
        16,
        ("Overnight queue", "Titration", "Plasma samples 1–24", "Side scatter test", "Relaxation series"),
    ),
    "Clean room": _Habit(
        0.4, 0.06, 8, ("Metasurface run 12", "Wafer 4B", "Gate contacts", "Resist test", "Student project")
    ),
    "Computing": _Habit(0.34, 0.25, 24, ("Segmentation model", "Deep learning course", "Scaling test", "Deadline run")),
    "Rooms and venues": _Habit(
        0.26,
        0.03,
        4,
        (
            "Group meeting",
            "Journal club",
            "Steering committee",
            "Thesis defence",
            "Interview",
            "Project kick-off",
            "Workshop",
        ),
        mornings=True,
    ),
    "Astronomy": _Habit(
        0.4, 0.4, 6, ("NGC 253", "Transit of a hot planet", "Comet monitoring", "Standard stars", "School visit")
    ),
    "Field and marine": _Habit(
        0.36, 0.12, 8, ("Kelp transect", "Fjord section B", "Mooring service", "Student cruise")
    ),
    "Workshops and laboratories": _Habit(
        0.3, 0.1, 6, ("Bracket prototypes", "Sample preparation", "Open house", "Model for teaching")
    ),
    "Controlled environments": _Habit(0.4, 0.3, 24, ("Thermal cycling", "Buoy model", "Tomato trial", "Salt fog test")),
}

NOTES = (
    "",
    "",
    "",
    "First time, please show us round.",
    "We bring our own samples.",
    "Two guests from a partner group.",
    "Please keep the room as it is after us.",
    "Follow-up of last week's session.",
)


def _availability(document: dict[str, Any]) -> Availability:
    attributes = document["attributes"]
    return Availability(read_schedules(attributes["schedules"]), ZoneInfo(attributes["booking_rules"]["time_zone"]))


def day_steps(document: dict[str, Any], day: date) -> list[Step]:
    """The bookable steps of one day by the clocks of the offering, in UTC."""
    open_times = _availability(document)
    begin, end = (day_start(day + timedelta(days=number), open_times.zone) for number in (0, 1))
    return [(step.start, step.end) for step in open_times.steps(Period(begin, end))]


def _places(person: PersonSpec) -> set[str]:
    return {slug for slug, _ in person.memberships}


def _may(person: PersonSpec, restricted: Sequence[dict[str, Any]]) -> bool:
    """Whether somebody is in one of the groups that an offering or a plan is restricted to (nobody asked: yes)."""
    if not restricted:
        return True
    wanted = {group["uuid"] for group in restricted}
    inside = {slug for house in organizations() if house.slug in _places(person) for slug in house.groups}
    return any(str(group.uuid) in wanted for group in groups() if group.slug in inside)


def _guests(document: dict[str, Any], people: Iterable[PersonSpec]) -> list[PersonSpec]:
    """Who may book; those who work there come more often, so they stand in the list several times."""
    home = next(house.slug for house in organizations() if str(house.uuid) == document["customer_uuid"])
    chosen: list[PersonSpec] = []
    for person in people:
        inside = home in _places(person)
        visible = inside or (document["shared"] and _may(person, document["organization_groups"]))
        if person.memberships and visible:
            chosen += [person] * (3 if inside else 1)
    return chosen


def _plan(document: dict[str, Any], person: PersonSpec, random: Random) -> UUID | None:
    open_to = [
        plan
        for plan in document["plans"]
        # A plan for so many at most (a subscription) would soon be taken up.
        if not plan["archived"] and plan["max_amount"] is None and _may(person, plan["organization_groups"])
    ]
    return UUID(random.choice(open_to)["uuid"]) if open_to else None


def _answer(question: Question, day: date, random: Random) -> Any:
    """What somebody fills into a field of the order form."""
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


def _answers(document: dict[str, Any], day: date, random: Random) -> dict[str, Any]:
    asked = [it for it in read_form(document["options"]) if it.required or random.random() < 0.3]
    return {question.key: _answer(question, day, random) for question in asked}


def _state(past: bool, automatic: bool, random: Random) -> str:
    chance = random.random()
    if automatic:
        return "confirmed" if chance < 0.92 else "cancelled"
    if past:
        return "confirmed" if chance < 0.92 else "cancelled" if chance < 0.97 else "rejected"
    return (
        "confirmed" if chance < 0.68 else "requested" if chance < 0.91 else "cancelled" if chance < 0.96 else "rejected"
    )


def _stays(steps: Sequence[Step], habit: _Habit, share: float, random: Random) -> Iterator[tuple[Step, ...]]:
    """Runs of consecutive free steps of one day that somebody takes."""
    number = 0
    while number < len(steps):
        early = number < len(steps) // 2
        tendency = (1.3 if early else 0.5) if habit.mornings else 0.9
        if random.random() >= share * tendency:
            number += 1
            continue
        length = steps[number][1] - steps[number][0]
        most = max(1, int(timedelta(hours=habit.longest) / length))
        taken = steps[number : number + random.randint(1, max(1, min(most, 8)))]
        yield tuple(step for at, step in enumerate(taken) if at == 0 or step[0] == taken[at - 1][1])
        number += len(taken)


def plan_bookings(
    documents: Iterable[dict[str, Any]], people: Iterable[PersonSpec], now: datetime, seed: int | str = 0
) -> list[BookingSpec]:
    """Bookings from two weeks before `now` (aware) to three weeks after, the same for the same arguments.

    Only Active offerings can be booked. A slot of a booking is one step of the
    schedule; a longer stay is several consecutive slots merged into one. Only requests of the future are open.
    """
    folk = list(people)
    planned: list[BookingSpec] = []
    for document in documents:
        if document["state"] != "Active":
            continue
        random = Random(f"{seed}|{document['uuid']}")  # noqa: S311 - a demo, not a secret
        habit = HABITS[document["category_title"]]
        guests = _guests(document, folk)
        known = understood(document["attributes"])
        rulebook, zone, automatic = _Rulebook(known), known.zone, known.rules.accept == "automatic"
        today = now.astimezone(zone).date()
        for offset in range(-7 * WEEKS_BACK, 7 * WEEKS_AHEAD + 1):
            day = today + timedelta(days=offset)
            share = habit.weekend if day.isoweekday() > 5 else habit.busy
            # Far ahead there is less: people have not planned yet.
            share *= 1.0 if offset < 8 else 0.7 if offset < 16 else 0.4
            for stay in _stays(day_steps(document, day), habit, share, random):
                begin = stay[0][0]
                # Some days before it begins, or yesterday.
                asked = min(now - timedelta(days=1), begin - timedelta(days=3))
                person = random.choice(guests)
                permitted = rulebook.permitted(stay, person.email, asked)
                if not permitted:
                    continue
                booking = BookingSpec(
                    UUID(document["uuid"]),
                    person.email,
                    ((begin, permitted[-1][1]),),
                    asked,
                    _state(begin <= now, automatic, random),
                    random.choice(habit.names),
                    random.choice(NOTES),
                    _plan(document, person, random),
                    _answers(document, day, random),
                    automatic,
                )
                rulebook.add(booking)
                planned.append(booking)
    return planned
