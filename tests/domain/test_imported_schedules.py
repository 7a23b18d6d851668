"""Days and zero slot durations of other systems, in the form that all clients can read."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from portal.domain.imported_schedules import normalized_schedules
from portal.domain.schedules import check_schedules

TALLINN = ZoneInfo("Europe/Tallinn")


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        # The end of FullCalendar's days is the day after the last one; clocks change on 29 March.
        ("2026-03-01", "2026-04-01", ("2026-02-28T22:00:00Z", "2026-03-31T21:00:00Z")),
        ("2026-03-29", "2026-03-29", ("2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z")),
        ("2026-03-01", "2026-03-02T10:00:00Z", ("2026-02-28T22:00:00Z", "2026-03-02T10:00:00Z")),
        ("2026-03-01T10:00:00Z", "2026-03-02", ("2026-03-01T10:00:00Z", "2026-03-01T22:00:00Z")),
    ],
)
def test_days_are_those_of_the_time_zone(start: str, end: str, expected: tuple[str, str]) -> None:
    (found,) = normalized_schedules([{"id": 1, "start": start, "end": end, "allDay": True}], TALLINN)
    assert found == {"id": 1, "start": expected[0], "end": expected[1], "allDay": True}
    assert check_schedules([found]) == []


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ({"start": "2026-13-01", "end": "2026-03-02"}, "[0].start"),
        ({"start": "0001-01-01", "end": "9999-12-31"}, "[0].start"),
        ({"start": "2026-03-02", "end": "2026-03-01"}, "[0].end"),
        ({"start": "2026-03-02"}, "[0].end"),
        ({"start": "2026-03-02T10:00", "end": "2026-03-03"}, "[0].start"),
    ],
)
def test_what_is_invalid_stays_invalid(entry: dict[str, Any], path: str) -> None:
    problems = check_schedules(normalized_schedules([entry], TALLINN))
    assert path in [it.path for it in problems]


@pytest.mark.parametrize(("slot", "expected"), [("00:00", "24:00:00"), ("00:00:00", "24:00:00"), ("01:00", "01:00")])
def test_a_slot_of_no_time_is_a_day(slot: str, expected: str) -> None:
    entry = {"extendedProps": {"type": "Availability", "config": {"slotDuration": slot, "weekends": True}}}
    (found,) = normalized_schedules([entry], TALLINN)
    assert found["extendedProps"]["config"] == {"slotDuration": expected, "weekends": True}
    # What is given is not changed.
    assert entry["extendedProps"]["config"]["slotDuration"] == slot


@pytest.mark.parametrize("raw", [None, "x", {}, [3, None, {"extendedProps": 5}, {"extendedProps": {"config": []}}]])
def test_anything_else_is_left_as_it_is(raw: Any) -> None:
    assert normalized_schedules(raw, TALLINN) == raw
