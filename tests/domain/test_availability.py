"""Availability against the wall clock: whatever it says of a time must be true of every instant in it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from cachetools import LRUCache
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from portal.domain import timetable
from portal.domain.availability import Availability
from portal.domain.periods import Period, merge, subtract
from portal.domain.refusals import Code, Obstacle, Refusal, past_obstacle
from portal.domain.schedules import Config, Schedule
from portal.domain.timetable import Span

QUARTER = timedelta(minutes=15)
TALLINN = ZoneInfo("Europe/Tallinn")
# A zone and days around which its clocks change (a plain day in UTC).
DAYS = [
    ("Europe/Tallinn", date(2026, 3, 29)),
    ("Europe/Tallinn", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("America/Havana", date(2026, 3, 8)),
    ("America/Havana", date(2026, 11, 1)),
    ("UTC", date(2026, 6, 7)),
]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def span(start: str, end: str) -> Period:
    return Period(at(start), at(end))


def quarters(period: Period) -> list[datetime]:
    """Instants a quarter of an hour apart: everything below changes at quarters alone."""
    return [period.start + number * QUARTER for number in range(int(period.duration / QUARTER))]


clock_quarters = st.integers(0, 96).map(lambda number: number * 900)
# Nights end outside the hours that clocks repeat: see the test of a night of a clock change.
nights = st.tuples(st.integers(16, 95), st.integers(0, 79)).map(
    lambda it: (min(95, it[0] + it[1]) * 900, (96 + it[0]) * 900)
)
hours = st.tuples(clock_quarters, clock_quarters).filter(lambda it: it[0] < it[1]) | st.just((0, 86400)) | nights
configs = st.builds(
    lambda slot, opening, days, weekends: Config(slot, opening[0], opening[1], days, weekends),
    st.sampled_from([15, 30, 45, 60, 120, 240, 300, 480, 1440]).map(lambda minutes: timedelta(minutes=minutes)),
    hours,
    st.just(frozenset(range(7))) | st.frozensets(st.integers(0, 6)),
    st.booleans(),
)
codes = st.sampled_from([Code.BOOKED, Code.REQUESTED, Code.BUSY, Code.CLOSURE, Code.TOO_SOON])


@st.composite
def cases(draw: st.DrawFn) -> tuple[Availability, Period, list[Obstacle]]:
    name, day = draw(st.sampled_from(DAYS))
    zone = ZoneInfo(name)
    base = datetime.combine(day, datetime.min.time(), UTC) - timedelta(days=2)

    def some(longest: int) -> Period:
        start = base + draw(st.integers(0, 4 * 96)) * QUARTER
        return Period(start, start + draw(st.integers(1, longest)) * QUARTER)

    periods = [some(300) for _ in range(draw(st.integers(0, 3)))]
    if draw(st.booleans()):
        periods.append(Period(base - timedelta(days=9), base + timedelta(days=20)))
    obstacles = [Obstacle(some(40), draw(codes), mine=draw(st.booleans())) for _ in range(draw(st.integers(0, 5)))]
    if draw(st.booleans()):
        obstacles.append(past_obstacle(base + draw(st.integers(0, 300)) * QUARTER))
    schedule = Schedule(tuple(merge(periods)), draw(configs))
    return Availability(schedule, zone, obstacles), some(200), obstacles


def is_open(availability: Availability, instant: datetime) -> bool:
    """Whether the wall clock shows business hours of an open day, worked out from the clock alone."""
    config = availability.schedule.config
    shown = instant.astimezone(availability.zone)
    weekday = (shown.weekday() + 1) % 7
    seconds = shown.hour * 3600 + shown.minute * 60
    days = config.days if config.weekends else config.days - {0, 6}
    today = weekday in days and config.opens <= seconds < config.closes
    return today or ((weekday - 1) % 7 in days and config.opens <= seconds + 86400 < config.closes)


@settings(max_examples=120)
@given(cases())
def test_every_instant_is_free_or_has_a_reason(case: tuple[Availability, Period, list[Obstacle]]) -> None:
    availability, window, obstacles = case
    blocks = availability.blocks(window)
    assert blocks[0].start <= window.start
    assert blocks[-1].end >= window.end
    assert all(one.end == other.start for one, other in pairwise(blocks))
    scheduled = availability.schedule.periods
    for it in blocks:
        if it.is_free:
            assert it.is_slot
            assert it.reason == ""
        else:
            assert it.reason
        if it.is_slot:
            hindered = any(obstacle.period.overlaps(it.period) for obstacle in obstacles)
            assert it.is_free == (not hindered)
            assert any(period.contains(it.period) for period in scheduled)
            assert all(is_open(availability, instant) for instant in quarters(it.period))
            continue
        assert window.contains(it.period)
        assert it.refusal is not None
        inside = [any(period.contains_instant(instant) for period in scheduled) for instant in quarters(it.period)]
        opened = [is_open(availability, instant) for instant in quarters(it.period)]
        if it.refusal.code is Code.OUTSIDE_SCHEDULE:
            assert not any(inside)
        else:
            assert all(inside)
            assert all(opened) if it.refusal.code is Code.REMAINDER else not any(opened)


@settings(max_examples=70)
@given(cases())
def test_slots_last_as_long_as_set_except_where_clocks_change(
    case: tuple[Availability, Period, list[Obstacle]],
) -> None:
    availability, window, _ = case
    length, zone = availability.schedule.config.slot, availability.zone
    for slot in availability.slots(window):
        # A boundary in the skipped hour falls on the change, so the slot that begins there may be cut short as well.
        seen = [slot.start - timedelta(microseconds=1), *quarters(slot), slot.end]
        offsets = {instant.astimezone(zone).utcoffset() for instant in seen}
        if len(offsets) == 1 and length < timedelta(days=1):
            assert slot.duration == length
        else:
            assert slot.duration <= length + timedelta(hours=1)


@settings(max_examples=70)
@given(cases())
def test_open_time_is_lost_at_edges_alone(case: tuple[Availability, Period, list[Obstacle]]) -> None:
    """Time within schedule and hours that is no step is less than a slot long, and touches closed time."""
    availability, window, _ = case
    slot = availability.schedule.config.slot
    assume(slot < timedelta(days=1))
    widened = Period(window.start - timedelta(days=3), window.end + timedelta(days=3))
    blocks = availability.blocks(widened)
    for before, it, behind in zip(blocks, blocks[1:], blocks[2:], strict=False):
        if it.refusal is not None and it.refusal.code is Code.REMAINDER:
            # Opening and closing with too little in between, on neighbouring days, may meet at midnight.
            assert it.period.duration < 2 * slot + timedelta(hours=1)
            assert not (before.is_slot and behind.is_slot) or is_edge(availability, it.period)


def is_edge(availability: Availability, period: Period) -> bool:
    """Whether a period begins with the opening or ends with the closing of a day, or at its midnight."""
    config = availability.schedule.config
    first, last = (instant.astimezone(availability.zone) for instant in (period.start, period.end))
    opening = first.hour * 3600 + first.minute * 60 == config.opens
    closing = last.hour * 3600 + last.minute * 60 == config.closes % 86400
    # Where midnight is skipped the day ends when clocks show 01:00.
    return opening or closing or (period.end - QUARTER).astimezone(availability.zone).date() < last.date()


@settings(max_examples=70)
@given(cases())
def test_table_window_and_question_agree(case: tuple[Availability, Period, list[Obstacle]]) -> None:
    """A block has the same refusal in the window, in the table of its day, and in explain()."""
    availability, window, _ = case
    first = window.start.astimezone(availability.zone).date()
    table = {it.period: it for day in availability.days(first - timedelta(days=1), 8) for it in day.blocks}
    for it in availability.blocks(window):
        refusal = availability.explain(it.period)
        assert (refusal and refusal.text) == (it.refusal and it.refusal.text)
        if it.is_slot and it.period in table:
            assert table[it.period] == it
    found = availability.free(window)
    assert found == [it.period for it in availability.blocks(window) if it.is_free and window.contains(it.period)]
    assert all(availability.explain(period) is None for period in found)


@settings(max_examples=70)
@given(cases(), st.integers(1, 24).map(lambda number: number * QUARTER))
def test_free_runs_are_bookable_long_enough_and_as_short_as_can_be(
    case: tuple[Availability, Period, list[Obstacle]], duration: timedelta
) -> None:
    availability, window, obstacles = case
    slots = availability.free(window)
    runs = availability.free(window, duration)
    for run in runs:
        assert window.contains(run)
        assert availability.explain(run) is None
        assert not any(obstacle.period.overlaps(run) for obstacle in obstacles)
        last = next(slot for slot in slots if slot.end == run.end)
        assert run.duration >= duration
        assert last.start - run.start < duration
    # What is free together is as long as the steps: no start is left out that could be had.
    expected = [
        slot.start
        for slot in slots
        if any(piece.start <= slot.start and slot.start + duration <= piece.end for piece in merge(slots))
    ]
    assert [run.start for run in runs] == expected


@settings(max_examples=70)
@given(cases(), st.none() | st.integers(1, 24).map(lambda number: number * QUARTER))
def test_the_next_free_time_is_the_first_of_all(
    case: tuple[Availability, Period, list[Obstacle]], duration: timedelta | None
) -> None:
    availability, window, _ = case
    everything = availability.free(window, duration)
    assert availability.next_free(window.start, window.end, duration) == (everything[0] if everything else None)


@settings(max_examples=70)
@given(cases())
def test_a_period_is_bookable_exactly_if_whole_free_steps_make_it(
    case: tuple[Availability, Period, list[Obstacle]],
) -> None:
    availability, period, _ = case
    around = Period(period.start - timedelta(days=2), period.end + timedelta(days=2))
    slots = [slot for slot in availability.free(around) if slot.overlaps(period)]
    made = bool(slots) and merge(slots) == [period]
    assert (availability.explain(period) is None) == made


@settings(max_examples=50)
@given(cases())
def test_conflicts_are_reported_only_where_another_booking_is(
    case: tuple[Availability, Period, list[Obstacle]],
) -> None:
    availability, period, obstacles = case
    for refusal in availability.refusals(period):
        if refusal.is_conflict:
            assert refusal.period.overlaps(period)
            assert any(it.period == refusal.period and it.code == refusal.code for it in obstacles)


@settings(max_examples=30)
@given(cases())
def test_days_are_whole_days(case: tuple[Availability, Period, list[Obstacle]]) -> None:
    availability, window, _ = case
    first = window.start.astimezone(availability.zone).date()
    days = availability.days(first, 7)
    assert [day.date for day in days] == [first + timedelta(days=number) for number in range(7)]
    everything = [it for day in days for it in day.blocks]
    assert all(one.end == other.start for one, other in pairwise(everything))
    crossing = bool(availability.schedule.config.turn)
    for day in days:
        start = day.blocks[0].start.astimezone(availability.zone).date()
        end = (day.blocks[-1].end - timedelta(seconds=1)).astimezone(availability.zone).date()
        assert start == day.date or (crossing and day is days[0] and day.blocks[0].is_slot)
        assert end == day.date or (crossing and day.blocks[-1].is_slot)
        assert day.slots == [it for it in day.blocks if it.is_slot]


ROUND_THE_CLOCK = (span("2026-01-01T00:00Z", "2027-01-01T00:00Z"),)


@pytest.mark.parametrize(
    ("day", "slot", "clocks"),
    [
        (date(2026, 3, 29), 1, ["01:00 EET–02:00 EET", "02:00 EET–04:00 EEST", "04:00 EEST–05:00 EEST"]),
        (date(2026, 3, 29), 2, ["00:00 EET–02:00 EET", "02:00 EET–04:00 EEST", "04:00 EEST–06:00 EEST"]),
        (
            date(2026, 10, 25),
            1,
            ["02:00 EEST–03:00 EEST", "03:00 EEST–03:00 EET", "03:00 EET–04:00 EET", "04:00 EET–05:00 EET"],
        ),
        (date(2026, 10, 25), 2, ["00:00 EEST–02:00 EEST", "02:00 EEST–04:00 EET", "04:00 EET–06:00 EET"]),
        (date(2026, 10, 25), 24, ["00:00 EEST–00:00 EET"]),
    ],
)
def test_the_nights_in_which_clocks_change(day: date, slot: int, clocks: list[str]) -> None:
    availability = Availability(Schedule(ROUND_THE_CLOCK, Config(slot=timedelta(hours=slot))), TALLINN)
    (local_day,) = availability.days(day, 1)
    shown = [f"{it.start.astimezone(TALLINN):%H:%M %Z}–{it.end.astimezone(TALLINN):%H:%M %Z}" for it in local_day.slots]
    first = shown.index(clocks[0])
    assert shown[first : first + len(clocks)] == clocks
    assert all(it.is_slot for it in local_day.blocks)


WORKDAYS = Config(timedelta(hours=2), 8 * 3600, 20 * 3600, frozenset({1, 2, 3, 4, 5}), weekends=False)


def working(*obstacles: Obstacle) -> Availability:
    return Availability(Schedule(ROUND_THE_CLOCK, WORKDAYS), TALLINN, obstacles)


# Monday 2 March 2026; Tallinn is two hours ahead of UTC.
NOON = span("2026-03-02T10:00Z", "2026-03-02T12:00Z")


@pytest.mark.parametrize(
    ("period", "code", "text"),
    [
        (span("2026-03-02T05:00Z", "2026-03-02T06:00Z"), Code.OUTSIDE_HOURS, "Outside business hours (08:00–20:00)."),
        (span("2026-03-01T10:00Z", "2026-03-01T12:00Z"), Code.WEEKEND, "Closed at weekends."),
        (
            span("2027-03-01T10:00Z", "2027-03-01T12:00Z"),
            Code.OUTSIDE_SCHEDULE,
            "The offering is not available at this time.",
        ),
        (
            span("2026-03-02T10:30Z", "2026-03-02T12:00Z"),
            Code.BOUNDARY,
            "Book whole slots. Nearest: Mon 2 Mar 2026, 12:00–14:00.",
        ),
        (span("2026-03-02T10:00Z", "2028-03-02T10:00Z"), Code.TOO_LONG, "A booking lasts at most 366 days."),
    ],
)
def test_rules_are_reported_in_words(period: Period, code: Code, text: str) -> None:
    refusal = working().explain(period)
    assert refusal is not None
    assert (refusal.code, refusal.text, refusal.is_conflict) == (code, text, False)


def test_a_closed_weekday_is_named() -> None:
    config = Config(days=frozenset({1, 2, 3, 4, 6, 0}))
    refusal = Availability(Schedule(ROUND_THE_CLOCK, config), TALLINN).explain(
        span("2026-03-06T10:00Z", "2026-03-06T11:00Z")
    )
    assert refusal is not None
    assert (refusal.code, refusal.text) == (Code.DAY_CLOSED, "Closed on Fridays.")


@pytest.mark.parametrize(
    ("code", "mine", "state", "text"),
    [
        (Code.BOOKED, False, "booked", "Already booked: Mon 2 Mar 2026, 12:00–14:00."),
        (Code.BOOKED, True, "mine", "You have booked this: Mon 2 Mar 2026, 12:00–14:00."),
        (
            Code.REQUESTED,
            False,
            "requested",
            "Held by a request that has not been answered yet: Mon 2 Mar 2026, 12:00–14:00.",
        ),
        (Code.BUSY, False, "busy", "Blocked in the offering’s calendar: Mon 2 Mar 2026, 12:00–14:00."),
    ],
)
def test_conflicts_are_reported_with_their_period(code: Code, mine: bool, state: str, text: str) -> None:
    refusal = working(Obstacle(NOON, code, mine=mine)).explain(NOON)
    assert refusal is not None
    assert (refusal.code, refusal.state, refusal.text, refusal.period, refusal.is_conflict) == (
        code,
        state,
        text,
        NOON,
        True,
    )


def test_an_obstacle_may_have_words_of_its_own() -> None:
    refusal = working(Obstacle(NOON, Code.CLOSURE, "Service day (%(period)s).")).explain(NOON)
    assert refusal is not None
    assert (refusal.text, refusal.state) == ("Service day (Mon 2 Mar 2026, 12:00–14:00).", "closed")


def test_a_broken_rule_is_reported_before_a_conflict_and_all_are_listed() -> None:
    inside = span("2026-03-02T10:30Z", "2026-03-02T11:00Z")
    busy = Obstacle(inside, Code.BUSY)
    assert [it.code for it in working(busy, past_obstacle(NOON.end)).refusals(NOON)] == [Code.PAST]
    assert [it.code for it in working(busy, past_obstacle(at("2026-03-02T10:15Z"))).refusals(NOON)] == [
        Code.PAST,
        Code.BUSY,
    ]


def test_a_step_that_has_begun_is_past() -> None:
    availability = working(past_obstacle(NOON.start + timedelta(minutes=1)))
    (slot,) = (it for it in availability.blocks(NOON) if it.is_slot)
    assert slot.state == "past"
    assert availability.next_free(NOON.start + timedelta(minutes=1), NOON.end + timedelta(days=1)) == Period(
        NOON.end, NOON.end + timedelta(hours=2)
    )


def test_what_is_left_before_closing_time_says_so() -> None:
    config = Config(timedelta(hours=5), 8 * 3600, 20 * 3600)
    (day,) = Availability(Schedule(ROUND_THE_CLOCK, config), TALLINN).days(date(2026, 3, 2), 1)
    assert [it.period.duration / timedelta(hours=1) for it in day.blocks] == [8, 5, 5, 2, 4]
    assert day.blocks[3].reason == "Too short for a whole slot."


def test_a_slot_of_a_day_is_the_business_day() -> None:
    config = Config(timedelta(days=1), 8 * 3600, 20 * 3600)
    (day,) = Availability(Schedule(ROUND_THE_CLOCK, config), TALLINN).days(date(2026, 3, 2), 1)
    assert [it.period for it in day.slots] == [span("2026-03-02T06:00Z", "2026-03-02T18:00Z")]


def test_closing_time_in_the_hour_that_is_shown_twice_closes_twice() -> None:
    config = Config(timedelta(minutes=30), 2 * 3600, 3 * 3600 + 1800)
    (day,) = Availability(Schedule(ROUND_THE_CLOCK, config), TALLINN).days(date(2026, 10, 25), 1)
    shown = [(f"{it.start.astimezone(TALLINN):%H:%M %Z}", it.is_slot) for it in day.blocks]
    assert shown == [
        ("00:00 EEST", False),
        ("02:00 EEST", True),
        ("02:30 EEST", True),
        ("03:00 EEST", True),
        ("03:30 EEST", False),
        ("03:00 EET", True),
        ("03:30 EET", False),
    ]


def test_a_morning_and_an_evening_entry_offer_each_step_once() -> None:
    entries = (span("2026-03-02T06:00Z", "2026-03-02T10:00Z"), span("2026-03-02T12:00Z", "2026-03-02T16:00Z"))
    availability = Availability(Schedule(entries, WORKDAYS), TALLINN)
    day = span("2026-03-02T00:00Z", "2026-03-03T00:00Z")
    assert availability.free(day) == availability.slots(day)
    assert [it.start.hour for it in availability.free(day)] == [6, 8, 12, 14]
    assert [it.start.hour for it in availability.free(day, timedelta(hours=4))] == [6, 12]


def test_slots_do_not_move_with_the_start_of_an_entry() -> None:
    config = Config(timedelta(hours=2), 8 * 3600, 20 * 3600)
    late = Schedule((span("2026-03-02T09:13:42Z", "2026-03-03T00:00Z"),), config)
    assert Availability(late, TALLINN).slots(span("2026-03-02T00:00Z", "2026-03-02T13:00Z")) == [NOON]


def test_checks_see_whole_requests_and_are_used() -> None:
    def short(period: Period) -> Refusal | None:
        if period.duration >= timedelta(hours=4):
            return None
        return Refusal(Code.TOO_SHORT, "At least 4 hours.", period)

    availability = Availability(Schedule(ROUND_THE_CLOCK, WORKDAYS), TALLINN, checks=[short])
    refusal = availability.explain(NOON)
    assert refusal is not None
    assert refusal.text == "At least 4 hours."
    assert availability.explain(Period(NOON.start, NOON.end + timedelta(hours=2))) is None


def test_a_schedule_for_ever_and_questions_at_the_ends_of_time() -> None:
    ever = Schedule((Period(at("0001-01-02T00:00Z"), at("9999-12-31T00:00Z")),), Config())
    availability = Availability(ever, TALLINN)
    early, late = span("1969-12-31T00:00Z", "1970-01-03T00:00Z"), span("9998-12-30T00:00Z", "9999-12-31T00:00Z")
    for window in (early, late, span("0001-01-02T00:00Z", "0001-01-03T00:00Z")):
        blocks = availability.blocks(window)
        assert not subtract([window], [it.period for it in blocks])
        assert all(one.end == other.start for one, other in pairwise(blocks))
        assert availability.explain(window) is not None
    assert availability.next_free(at("2400-01-01T00:00Z"), at("9999-12-31T00:00Z")) is not None


def test_a_day_the_zone_never_had_is_empty() -> None:
    apia = ZoneInfo("Pacific/Apia")
    schedule = Schedule((span("2011-12-01T00:00Z", "2012-01-31T00:00Z"),), Config())
    days = Availability(schedule, apia).days(date(2011, 12, 29), 3)
    assert [len(day.slots) for day in days] == [24, 0, 24]


def test_a_search_that_ends_before_it_begins_finds_nothing() -> None:
    assert working().next_free(NOON.start, NOON.start) is None


def test_obstacles_in_great_number_and_on_top_of_each_other() -> None:
    """A year of bookings, each on half of its neighbours: what stands at an instant is what is told first."""
    start = at("2026-01-01T00:00Z")
    bookings = [
        Obstacle(
            Period(start + number * timedelta(minutes=25), start + (number + 2) * timedelta(minutes=25)),
            Code.BOOKED if number % 2 else Code.BUSY,
        )
        for number in range(20_000)
    ]
    availability = Availability(Schedule(ROUND_THE_CLOCK, Config()), TALLINN, reversed(bookings))
    week = availability.days(date(2026, 6, 1), 7)
    assert {it.state for day in week for it in day.slots} == {"booked"}
    assert availability.next_free(start, start + timedelta(days=365)) == Period(
        at("2026-12-14T06:00Z"), at("2026-12-14T07:00Z")
    )


def demanding(case: Availability, shortest: timedelta, longest: timedelta) -> Availability:
    """The same offering with a minimum and a maximum duration."""

    def check(period: Period) -> Refusal | None:
        if period.duration < shortest:
            return Refusal(Code.TOO_SHORT, "Too short.", period)
        return Refusal(Code.TOO_LONG, "Too long.", period) if period.duration > longest else None

    found = Availability(case.schedule, case.zone, (), [check], shortest=shortest)
    found._track = case._track
    return found


lengths = st.integers(1, 24).map(lambda number: number * QUARTER)


@given(cases(), lengths, st.none() | lengths)
def test_an_offer_is_slots_that_can_be_booked_and_reasons_for_all_the_rest(
    case: tuple[Availability, Period, list[Obstacle]], shortest: timedelta, duration: timedelta | None
) -> None:
    availability, window, _ = case
    for found in (availability, demanding(availability, shortest, shortest + 4 * QUARTER)):
        slots, refused = found.bookable_and_refused(window, duration)
        assert slots == found.free(window, duration)
        assert all(found.explain(slot) is None for slot in slots)
        assert all(window.contains(slot) for slot in slots)
        assert all(block.refusal is not None and block.reason for block in refused)
        covered = merge([*slots, *(it.period for it in refused)])
        assert subtract([window], covered) == []
        taken = merge(slots)
        assert all(not subtract([it.period], subtract([it.period], taken)) for it in refused)


@given(cases(), lengths)
def test_the_nearest_can_be_booked_and_nothing_is_nearer(
    case: tuple[Availability, Period, list[Obstacle]], length: timedelta
) -> None:
    availability, window, _ = case
    requested = Period(window.start, window.start + length)
    within = timedelta(days=2)
    found = availability.nearest(requested, within)
    every = availability.free(Period(requested.start - within, requested.end + within), length)
    assert len(found) == min(3, len(every))
    assert all(availability.explain(it) is None and it.duration >= length for it in found)
    farthest = max((abs(it.start - requested.start) for it in found), default=timedelta())
    assert all(abs(it.start - requested.start) >= farthest for it in every if it not in found)


def test_what_is_kept_of_days_is_bounded_for_all_schedules_together(monkeypatch: pytest.MonkeyPatch) -> None:
    cache: LRUCache[tuple[int, date], list[Span]] = LRUCache(30, getsizeof=len)
    monkeypatch.setattr(timetable, "_shared_days", cache)
    schedules = [Schedule(ROUND_THE_CLOCK, Config(slot=QUARTER)), Schedule(ROUND_THE_CLOCK, WORKDAYS)]
    for number in range(20):
        for cache_key, schedule in enumerate(schedules):
            day = date(2026, 3, 2) + timedelta(days=number)
            [kept] = Availability(schedule, TALLINN, cache_key=cache_key).days(day, 1)
            assert [kept] == Availability(schedule, TALLINN).days(day, 1)
            assert (cache_key, day) in cache
            assert 0 < cache.currsize <= 30
    assert (0, date(2026, 3, 2)) not in cache
    [again] = Availability(schedules[0], TALLINN, cache_key=0).days(day, 1)
    assert len(again.slots) == 96
