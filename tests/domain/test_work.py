"""How much is done for an answer about free time: steps are counted as they are made, not timed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.domain.availability import Availability
from portal.domain.closures import Closure
from portal.domain.periods import Period, merge
from portal.domain.refusals import Code, Obstacle
from portal.domain.rules import Rules, rule_checks, rule_obstacles
from portal.domain.schedules import Config, Schedule
from portal.domain.slot_grid import SlotGrid
from portal.domain.timetable import Timetable
from tests.domain.test_availability import QUARTER, cases, lengths

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
YEARS = (Period(NOW - DAY, NOW + 800 * DAY),)
HORIZON = NOW + 92 * DAY
STEPS = 92 * 24 * 60
TALLINN = ZoneInfo("Europe/Tallinn")


@dataclass
class Made:
    """Edges of steps that were made."""

    edges: int = 0


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    counted = Made()
    original = SlotGrid.__getitem__

    def counting(grid: SlotGrid, index: int | slice) -> datetime | SlotGrid:
        counted.edges += isinstance(index, int)
        return original(grid, index)

    monkeypatch.setattr(SlotGrid, "__getitem__", counting)
    return counted


@contextmanager
def at_most(made: Made, number: int) -> Iterator[None]:
    before = made.edges
    yield
    assert made.edges - before <= number


def minutes(rules: Rules = Rules(), own: tuple[Period, ...] = (), *obstacles: Obstacle) -> Availability:  # noqa: B008
    """An offering that is open round the clock in slots of a minute: 132,480 of them in the 92 days of a search."""
    every = [*obstacles, *rule_obstacles(rules, TALLINN, NOW)]
    checks = rule_checks(rules, TALLINN, own, 0)
    return Availability(Schedule(YEARS, Config(slot=MINUTE)), TALLINN, every, checks, rules.minimum_duration)


@pytest.mark.parametrize(
    ("rules", "own", "found"),
    [
        (Rules(), (), Period(NOW, NOW + MINUTE)),
        (Rules(minimum_duration=366 * DAY), (), None),
        (Rules(minimum_duration=80 * DAY), (), Period(NOW, NOW + 80 * DAY)),
        (Rules(closures=(Closure(NOW - DAY, NOW + 400 * DAY),)), (), None),
        (Rules(closures=(Closure(NOW, NOW + 90 * DAY),)), (), Period(NOW + 90 * DAY, NOW + 90 * DAY + MINUTE)),
        (Rules(maximum_advance_days=0, closures=(Closure(NOW, NOW + DAY),)), (), None),
        (Rules(minimum_duration=3 * HOUR, quota_hours=1, quota_period="day"), (), None),
        (Rules(upcoming_bookings=0), (), None),
        # All of March is used up, and all but a minute of April.
        (
            Rules(quota_hours=31 * 24 - 1, quota_period="month", minimum_duration=HOUR),
            (Period(NOW - 40 * DAY, datetime(2026, 4, 1, tzinfo=TALLINN)),),
            Period(datetime(2026, 4, 1, tzinfo=TALLINN), datetime(2026, 4, 1, 1, tzinfo=TALLINN)),
        ),
    ],
)
def test_a_search_does_not_look_at_every_step(
    made: Made, rules: Rules, own: tuple[Period, ...], found: Period | None
) -> None:
    with at_most(made, STEPS // 5):
        assert minutes(rules, own).next_free(NOW, HORIZON) == found


def test_a_refusal_of_a_year_of_minutes_does_not_look_at_every_step(made: Made) -> None:
    asked = Period(NOW, NOW + 366 * DAY)
    taken = Obstacle(Period(NOW + 200 * DAY, NOW + 200 * DAY + MINUTE), Code.BOOKED)
    free = minutes(Rules(), (), taken)
    with at_most(made, 366 * 40):
        told = free.explain(asked)
        assert told is not None
        assert (told.code, told.period) == (Code.BOOKED, taken.period)
    # Those that begin in the week before are looked at, to find the last of them.
    with at_most(made, 7 * 24 * 60 * 30):
        nearest = free.nearest(Period(NOW + 100 * DAY, NOW + 201 * DAY), 7 * DAY)
    # What ends when the booking begins, as late as that is possible.
    assert [it.end for it in nearest] == [taken.period.start - n * MINUTE for n in (2, 1, 0)]


def test_an_answer_of_two_months_of_minutes_ends_early(made: Made) -> None:
    free, window = minutes(), Period(NOW, NOW + 62 * DAY)
    until = Timetable(free.schedule, TALLINN).end_of_first(window, 5000)
    assert until == NOW + 5000 * MINUTE
    for duration in (None, HOUR, 41 * DAY, 62 * DAY):
        with at_most(made, 300_000):
            slots, refused = free.bookable_and_refused(window, duration, until)
        assert len(slots) + len(refused) <= 5000
        assert merge([*slots, *(it.period for it in refused)])[0].contains(Period(NOW, until))


@settings(max_examples=60)
@given(cases(), st.integers(1, 60), st.none() | lengths)
def test_an_offer_in_parts_says_of_every_instant_what_the_whole_says(case, most, duration) -> None:
    availability, window, _ = case
    timetable = Timetable(availability.schedule, availability.zone)
    slots, covered, at = [], [], window.start
    while at < window.end:
        part = Period(at, window.end)
        until = timetable.end_of_first(part, most)
        assert at < until <= window.end
        offered, refused = availability.bookable_and_refused(part, duration, until)
        assert len(offered) + len(refused) <= most
        assert all(it.start < until for it in offered)
        slots += offered
        covered += [*offered, *(it.period for it in refused)]
        at = until
    assert slots == availability.free(window, duration)
    assert any(it.contains(window) for it in merge(covered))


@settings(max_examples=40)
@given(cases())
def test_spans_are_the_stretches_together(case) -> None:
    availability, window, _ = case
    spans = list(availability.spans(window))
    apart = [it for span in spans for it in span.blocks]
    assert all(one.end == other.start for one, other in pairwise(apart))
    assert [it for it in apart if it.is_slot] == [it for it in availability.blocks(window) if it.is_slot]


rules = st.builds(
    Rules,
    minimum_duration=st.none() | lengths,
    maximum_duration=st.none() | lengths,
    quota_hours=st.none() | st.integers(1, 40),
    quota_period=st.sampled_from(["day", "week", "month"]),
    upcoming_bookings=st.none() | st.integers(0, 1),
)


@settings(max_examples=80)
@given(cases(), rules, st.lists(st.tuples(st.integers(0, 400), lengths), max_size=4), st.none() | lengths)
def test_passing_over_what_is_refused_leaves_out_nothing_that_is_not(case, rules, held, duration) -> None:
    bare, window, obstacles = case
    own = merge(Period(window.start + n * QUARTER, window.start + n * QUARTER + length) for n, length in held)
    checks = rule_checks(rules, bare.zone, own, len(own))
    free = Availability(bare.schedule, bare.zone, obstacles, checks, rules.minimum_duration)
    every = list(islice(free._runs(window, duration), 2000))
    assert free.free(window, duration) == [run for run in every if not any(check(run) for check in checks)]


def test_steps_that_are_made_are_counted(made: Made) -> None:
    assert len(list(minutes().slots(Period(NOW, NOW + DAY)))) == 24 * 60
    assert made.edges >= 24 * 60
