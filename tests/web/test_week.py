"""The availability table: what is where, by the offering's clocks."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal.domain.periods import Period
from portal.domain.refusals import Code, Refusal
from portal.web.week import STATES, build_week, first_day, parse_slot, slot_value, span_of, ticks

TALLINN = "Europe/Tallinn"
MONDAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 10, tzinfo=UTC)


@dataclass
class Piece:
    start: datetime
    end: datetime
    state: str = "free"
    reason: str = ""
    is_slot: bool = True
    refusal: Refusal | None = None


def at(day: int, hour: int, hours: float = 2, state: str = "free", zone: str = TALLINN, **more: object) -> Piece:
    start = datetime(2026, 11, day, hour, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return Piece(start, start + timedelta(hours=hours), state, **more)


def week_of(*pieces: Piece, first: date = MONDAY, zone: str = TALLINN, next_free: datetime | None = None):
    return build_week(pieces, first, zone, NOON, next_free)


def widths(week) -> list[list[int]]:
    """How many columns each row fills, counting the boxes that reach down into it."""
    return [sum(1 for above in week.rows[: index + 1] for cell in above.cells
                if week.rows.index(above) + cell.rowspan > index) for index in range(len(week.rows))]  # fmt: skip


def test_every_row_fills_seven_columns():
    week = week_of(at(23, 8), at(23, 10, state="booked"), at(24, 9, 4), at(26, 8, 12, "booked"))
    assert widths(week) == [7] * len(week.rows)
    assert [row.label for row in week.rows] == ["08:00", "09:00", "10:00", "12:00", "13:00"]


def test_neighbours_that_say_the_same_are_one_box_but_free_ones_stay_apart():
    week = week_of(at(23, 8, state="booked"), at(23, 10, state="booked"), at(24, 8), at(24, 10))
    assert [(cell.look, cell.rowspan) for cell in week.rows[0].cells[:2]] == [("booked", 2), ("free", 1)]
    assert week.rows[0].cells[0].span == "08:00–12:00"


def test_different_reasons_are_told_apart():
    week = week_of(at(23, 8, state="booked", reason="one"), at(23, 10, state="booked", reason="two"))
    assert [row.cells[0].reason for row in week.rows] == ["one", "two"]


def test_kinds_of_closed_time_are_told_apart():
    def closed(hour: int, code: Code) -> Piece:
        slot = at(23, hour, state="closed")
        slot.refusal = Refusal(code, f"{code}.", Period(slot.start, slot.end))
        return slot

    codes = (Code.BUFFER, Code.CLOSURE, Code.WEEKEND, Code.OUTSIDE_HOURS)
    week = week_of(*(closed(8 + 2 * number, code) for number, code in enumerate(codes)))
    assert [(row.cells[0].look, row.cells[0].word) for row in week.rows] == [
        ("buffer", "Buffer"), ("closure", "Closure"), ("closed", "Weekend"), ("closed", "Closed"),
    ]  # fmt: skip
    assert len({state.mark for state in STATES.values()}) == len(STATES)


def test_a_slot_over_midnight_is_in_both_days():
    week = week_of(at(23, 22, 4))
    cells = {(row.label, index): cell.look for row in week.rows for index, cell in enumerate(row.cells)}
    assert cells["22:00", 0] == "free"
    assert week.rows[0].cells[1].look == "free"
    assert week.rows[0].label == "00:00"


def test_a_slot_over_midnight_is_picked_where_it_begins():
    week = week_of(at(22, 22, 4), at(23, 22, 4), at(24, 22, 4, "booked", reason="Booked."), at(25, 22, 2))
    boxes = [(row.label, index, cell) for row in week.rows for index, cell in enumerate(row.cells)]
    picked = {(label, index): cell.span for label, index, cell in boxes if cell.slot}
    assert picked == {("22:00", 0): "22:00–02:00", ("22:00", 2): "22:00–24:00"}
    later = {index: cell for label, index, cell in boxes if label == "00:00" and cell.look == "free"}
    assert {index: cell.span for index, cell in later.items()} == {0: "22:00–02:00", 1: "22:00–02:00"}
    assert later[1].reason == "Part of the slot that starts at 22:00 the day before"
    assert len(week.slots) == 2


def test_whole_days_are_one_row():
    week = week_of(at(23, 0, 24), at(24, 0, 24, "booked"))
    assert [row.label for row in week.rows] == ["All day"]


def test_nights_are_not_drawn_but_closed_hours_between_are():
    night = at(23, 0, 8, "closed", reason="Outside business hours.", is_slot=False)
    sunday = at(29, 0, 24, "closed", reason="Closed on Sunday.", is_slot=False)
    week = week_of(night, at(23, 8), at(24, 10), sunday)
    assert week.rows[0].label == "08:00"
    assert (week.rows[0].cells[6].look, week.rows[0].cells[6].reason) == ("closed", "Closed on Sunday.")
    assert week.rows[0].cells[6].rowspan == len(week.rows)


def test_without_a_step_there_is_no_table():
    week = week_of(at(23, 0, 24, "closed", is_slot=False))
    assert week.rows == []
    assert not week.any_free


def test_the_hour_that_comes_twice_is_one_box_that_says_both():
    # Clocks go back in Tallinn on 25 October 2026: 03:00–04:00 is shown twice.
    start = datetime(2026, 10, 25, 0, tzinfo=UTC)
    first, second = (
        Piece(start, start + timedelta(hours=1), "booked"),
        Piece(start + timedelta(hours=1), start + timedelta(hours=2)),
    )
    week = build_week([first, second], date(2026, 10, 25), TALLINN, NOON, None)
    cell = week.rows[0].cells[0]
    assert (cell.look, cell.word, cell.span) == ("free", "Booked / Free", "03:00–04:00")
    assert widths(week) == [7] * len(week.rows)


def test_both_of_the_hours_that_come_twice_can_be_picked():
    start = datetime(2026, 10, 25, 0, tzinfo=UTC)
    pieces = [Piece(start + timedelta(hours=hour), start + timedelta(hours=hour + 1)) for hour in range(3)]
    week = build_week(pieces, date(2026, 10, 25), TALLINN, NOON, None)
    assert week.slots == {slot_value(it.start, it.end) for it in pieces}
    assert [row.label for row in week.rows] == ["03:00", "04:00"]
    assert widths(week) == [7] * len(week.rows)


def test_the_table_begins_today_and_never_leads_into_the_past():
    assert week_of().previous is None
    later = week_of(first=MONDAY + timedelta(days=3))
    assert (later.previous, later.next) == (MONDAY, MONDAY + timedelta(days=10))


def test_an_empty_week_knows_the_next_free_day_by_local_clocks():
    # 22:30 UTC is the next day in Tallinn.
    week = week_of(next_free=datetime(2026, 12, 1, 22, 30, tzinfo=UTC))
    assert week.next_free_day == date(2026, 12, 2)


def test_a_day_asked_for_must_be_one():
    assert first_day("2026-12-01", MONDAY) == date(2026, 12, 1)
    for odd in (None, "", "tomorrow", "2026-11-22", "9999-12-31", "2026-13-01"):
        assert first_day(odd, MONDAY) == MONDAY


def test_a_span_is_seven_local_days_also_when_clocks_change():
    start, end = span_of(date(2026, 10, 20), TALLINN)
    assert end - start == timedelta(days=7)  # same wall clock
    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(days=7, hours=1)


def test_the_title_names_the_days():
    assert week_of().title == "23–29 November 2026"
    assert week_of(first=date(2026, 11, 27)).title == "27 Nov – 3 Dec 2026"
    assert week_of(first=date(2026, 12, 29)).title == "29 Dec 2026 – 4 Jan 2027"


def test_time_of_an_offering_that_takes_no_bookings_is_not_free():
    pieces = [at(23, 8), at(23, 10), at(23, 12, state="booked")]
    week = build_week(pieces, MONDAY, TALLINN, NOON, None, bookable=False)
    assert next((cell.look, cell.span) for row in week.rows for cell in row.cells) == ("held", "08:00–12:00")
    assert not week.any_free
    assert "booked" in {cell.look for row in week.rows for cell in row.cells}


def test_the_legend_leaves_out_what_looks_like_nothing():
    assert [look for look, _ in week_of(at(23, 8, state="past"), at(23, 10)).legend] == ["free", "closed"]


def test_picked_periods_are_ticks_in_their_boxes_and_the_rest_is_carried():
    first, second, taken = at(23, 8), at(23, 10), at(23, 12, state="booked")
    week = week_of(first, second, taken)
    both = Period(first.start, second.end)
    elsewhere = Period(first.start + timedelta(days=30), first.end + timedelta(days=30))
    boxes = {slot_value(it.start, it.end) for it in (first, second)}
    assert ticks(week, [both, elsewhere]) == (boxes, [slot_value(elsewhere.start, elsewhere.end)])
    typed = Period(first.start + timedelta(minutes=30), first.end)
    assert ticks(week, [typed]) == (frozenset(), [slot_value(typed.start, typed.end)])


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-23T08:00:00Z/2026-11-23T09:00:00Z",
        "2026-11-23t08:00:00.0000000z/2026-11-23 09:00:00-00:00",
        "2026-11-23T10:00:00+02:00/2026-11-23T11:00:00+02:00",
        # The plus sign of an address that was not escaped.
        "2026-11-23T10:00:00 02:00/2026-11-23T11:00:00 02:00",
    ],
)
def test_slots_are_read_in_every_form_of_rfc_3339(value):
    day = datetime(2026, 11, 23, tzinfo=UTC)
    assert parse_slot(value) == Period(day.replace(hour=8), day.replace(hour=9))


@pytest.mark.parametrize(
    "value", ["", "/", "x/y", "2026-11-23T08:00:60Z/2026-11-23T09:00:00Z", "0001-01-01/9999-12-31"]
)
def test_what_is_no_slot_is_none(value):
    assert parse_slot(value) is None
