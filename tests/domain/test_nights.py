"""Business hours that end on the next day, and the last minute of a day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from portal.domain.availability import Availability
from portal.domain.periods import Period, merge
from portal.domain.refusals import Code
from portal.domain.schedules import Config, Schedule, read_config
from portal.domain.timetable import TimeBlock

TALLINN = ZoneInfo("Europe/Tallinn")


def span(start: str, end: str) -> Period:
    return Period(datetime.fromisoformat(start), datetime.fromisoformat(end))


ROUND_THE_CLOCK = (span("2026-01-01T00:00Z", "2027-01-01T00:00Z"),)


def night(slot: int = 2, **config: Any) -> Config:
    return Config(timedelta(hours=slot), 22 * 3600, 30 * 3600, **config)


def local_times(blocks: Iterable[TimeBlock | Period], zone: ZoneInfo = TALLINN) -> list[str]:
    return [f"{it.start.astimezone(zone):%a %H:%M}–{it.end.astimezone(zone):%a %H:%M}" for it in blocks]


def test_a_night_shift_belongs_to_the_day_on_which_it_begins() -> None:
    # Friday 6 March 2026 to Monday.
    weekdays = night(4, days=frozenset({1, 2, 3, 4, 5}), weekends=False)
    window = span("2026-03-06T10:00Z", "2026-03-10T10:00Z")
    availability = Availability(Schedule(ROUND_THE_CLOCK, weekdays), TALLINN)
    assert local_times(availability.slots(window)) == [
        "Fri 22:00–Sat 02:00",
        "Sat 02:00–Sat 06:00",
        "Mon 22:00–Tue 02:00",
        "Tue 02:00–Tue 06:00",
    ]
    assert local_times(availability.days(date(2026, 3, 7), 1)[0].slots) == [
        "Fri 22:00–Sat 02:00",
        "Sat 02:00–Sat 06:00",
    ]
    closed = [it for it in availability.blocks(window) if not it.is_slot]
    assert [it.refusal.code for it in closed if it.refusal] == [
        Code.OUTSIDE_HOURS, Code.OUTSIDE_HOURS, Code.WEEKEND, Code.OUTSIDE_HOURS, Code.WEEKEND, Code.OUTSIDE_HOURS,
        Code.OUTSIDE_HOURS,
    ]  # fmt: skip
    assert closed[0].reason == "Outside business hours (22:00–06:00)."
    refused = availability.explain(span("2026-03-08T22:00Z", "2026-03-09T02:00Z"))
    assert refused is not None
    assert refused.code is Code.WEEKEND


def test_a_closed_night_says_which() -> None:
    availability = Availability(Schedule(ROUND_THE_CLOCK, night(days=frozenset({1}))), TALLINN)
    refused = availability.explain(span("2026-03-04T00:00Z", "2026-03-04T02:00Z"))
    assert refused is not None
    assert refused.text == "Closed in the night from Tuesday to Wednesday."


@pytest.mark.parametrize(
    ("first", "slots"),
    [
        # 03:00 to 04:00 is skipped in the night to 29 March 2026, and repeated in the one to 25 October.
        (date(2026, 3, 28), ["22:00 EET", "00:00 EET", "02:00 EET", "04:00 EEST", "06:00 EEST"]),
        (date(2026, 10, 24), ["22:00 EEST", "00:00 EEST", "02:00 EEST", "04:00 EET", "06:00 EET"]),
    ],
)
def test_a_night_in_which_clocks_change(first: date, slots: list[str]) -> None:
    availability = Availability(Schedule(ROUND_THE_CLOCK, night()), TALLINN)
    start = datetime.combine(first, datetime.min.time(), TALLINN) + timedelta(hours=12)
    found = availability.slots(Period(start.astimezone(UTC), (start + timedelta(days=1)).astimezone(UTC)))
    shown = [it.start for it in found] + [found[-1].end]
    assert [f"{it.astimezone(TALLINN):%H:%M %Z}" for it in shown] == slots


def test_a_night_that_ends_in_the_repeated_hour_lasts_until_its_second_time() -> None:
    config = Config(timedelta(minutes=30), 22 * 3600, (24 + 3) * 3600 + 1800)
    availability = Availability(Schedule(ROUND_THE_CLOCK, config), TALLINN)
    found = merge(availability.slots(span("2026-10-24T12:00Z", "2026-10-25T12:00Z")))
    # 22:00 to 03:30 summer time, then 03:00 to 03:30 winter time.
    assert found == [span("2026-10-24T19:00Z", "2026-10-25T00:30Z"), span("2026-10-25T01:00Z", "2026-10-25T01:30Z")]


def test_a_day_may_turn_in_the_morning() -> None:
    config = Config(timedelta(days=1), 8 * 3600, 32 * 3600, frozenset({1, 2}))
    availability = Availability(Schedule(ROUND_THE_CLOCK, config), TALLINN)
    found = availability.slots(span("2026-03-01T00:00Z", "2026-03-08T00:00Z"))
    assert local_times(found) == ["Mon 08:00–Tue 08:00", "Tue 08:00–Wed 08:00"]


def test_the_last_hour_of_a_day_that_ends_at_23_59() -> None:
    hours = {"startTime": "00:00", "endTime": "23:59"}
    config = read_config({"slotDuration": "01:00:00", "businessHours": hours})
    assert config is not None
    availability = Availability(Schedule(ROUND_THE_CLOCK, config), TALLINN)
    assert availability.explain(span("2026-03-02T21:00Z", "2026-03-02T22:00Z")) is None
    assert len(availability.days(date(2026, 3, 2), 1)[0].slots) == 24
