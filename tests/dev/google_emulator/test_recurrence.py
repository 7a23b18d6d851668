"""Series: expansion, exceptions, and what increments tell of them."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal.dev.google_emulator.clock import to_ms
from portal.dev.google_emulator.errors import ApiError
from portal.dev.google_emulator.recurrence import occurrences


@pytest.fixture
def weekly(emulator, events, at) -> str:
    """Five Mondays from 12 October 2026, 10:00 to 12:00 in Tallinn, where the clocks change on 25 October."""
    emulator.state.clock.freeze(_moment("2026-10-01T00:00:00+00:00"))
    body = at("2026-10-12T10:00:00", "2026-10-12T12:00:00", "Europe/Tallinn")
    events.insert(id="lesson", summary="Weekly", recurrence=["RRULE:FREQ=WEEKLY;COUNT=5"], **body).execute()
    return "lesson"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _starts(items) -> list[str]:
    return [item["start"].get("dateTime") or item["start"]["date"] for item in items]


def _single(events, **query):
    return events.all(singleEvents=True, **query)


def test_every_occurrence_stays_on_the_wall_clock(events, weekly) -> None:
    items, token = _single(events)
    assert [item["id"] for item in items] == [
        "lesson_20261012T070000Z",
        "lesson_20261019T070000Z",
        "lesson_20261026T080000Z",
        "lesson_20261102T080000Z",
        "lesson_20261109T080000Z",
    ]
    assert _starts(items)[1:3] == ["2026-10-19T10:00:00+03:00", "2026-10-26T10:00:00+02:00"]
    assert items[2]["end"]["dateTime"] == "2026-10-26T12:00:00+02:00"
    assert items[0]["recurringEventId"] == "lesson"
    assert items[0]["originalStartTime"] == items[0]["start"]
    assert "recurrence" not in items[0]
    assert _single(events, syncToken=token)[0] == []


def test_without_expansion_the_series_is_one_event(events, weekly) -> None:
    (master,) = events.all()[0]
    assert master["recurrence"] == ["RRULE:FREQ=WEEKLY;COUNT=5"]
    assert [item["id"] for item in events.all(timeMin="2026-11-09T00:00:00Z")[0]] == ["lesson"]
    assert events.all(timeMin="2026-11-10T00:00:00Z")[0] == []


def test_a_window_cuts_occurrences(events, weekly) -> None:
    items, _ = _single(events, timeMin="2026-10-20T00:00:00Z", timeMax="2026-11-02T08:00:00Z")
    assert [item["id"] for item in items] == ["lesson_20261026T080000Z"]


def test_one_occurrence_is_moved_and_one_cancelled(events, weekly, at, refused) -> None:
    _, token = _single(events)
    moved = at("2026-10-20T15:00:00+03:00", "2026-10-20T16:00:00+03:00")
    events.patch("lesson_20261019T070000Z", **moved).execute()
    events.delete("lesson_20261102T080000Z").execute()
    refused(events.delete("lesson_20261102T080000Z"), 410, "deleted")
    refused(events.get("lesson_20261103T080000Z"), 404, "notFound")
    changed, newer = _single(events, syncToken=token)
    assert [(item["id"], item["status"]) for item in changed] == [
        ("lesson_20261019T070000Z", "confirmed"),
        ("lesson_20261102T080000Z", "cancelled"),
    ]
    assert changed[0]["start"]["dateTime"] == "2026-10-20T15:00:00+03:00"
    assert changed[0]["originalStartTime"]["dateTime"] == "2026-10-19T10:00:00+03:00"
    assert changed[1]["recurringEventId"] == "lesson"
    assert len(_single(events)[0]) == 4
    folded = {item["id"]: item["status"] for item in events.all()[0]}
    assert folded == {
        "lesson": "confirmed",
        "lesson_20261019T070000Z": "confirmed",
        "lesson_20261102T080000Z": "cancelled",
    }
    assert _starts(events.instances("lesson").execute()["items"])[1] == "2026-10-20T15:00:00+03:00"
    shown = events.instances("lesson", showDeleted=True, maxResults=2).execute()
    assert len(shown["items"]) == 2
    assert len(events.instances("lesson", showDeleted=True).execute()["items"]) == 5
    assert _single(events, syncToken=newer)[0] == []


def test_a_shortened_series_tells_which_occurrences_are_gone(events, weekly) -> None:
    _, token = _single(events)
    events.patch("lesson_20261109T080000Z", summary="Changed").execute()
    events.patch("lesson", recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"]).execute()
    changed = {item["id"]: item["status"] for item in _single(events, syncToken=token)[0]}
    assert changed == {
        "lesson_20261012T070000Z": "confirmed",
        "lesson_20261019T070000Z": "confirmed",
        "lesson_20261026T080000Z": "confirmed",
        "lesson_20261102T080000Z": "cancelled",
        "lesson_20261109T080000Z": "cancelled",
    }
    assert len(_single(events)[0]) == 3


def test_a_deleted_series_takes_every_occurrence_with_it_and_brings_them_back(events, weekly) -> None:
    _, token = _single(events)
    events.delete("lesson").execute()
    changed, token = _single(events, syncToken=token)
    assert len(changed) == 5
    assert {item["status"] for item in changed} == {"cancelled"}
    assert changed[2]["originalStartTime"]["dateTime"] == "2026-10-26T10:00:00+02:00"
    assert _single(events)[0] == []
    events.patch("lesson", status="confirmed").execute()
    changed, _ = _single(events, syncToken=token)
    assert [item["status"] for item in changed] == ["confirmed"] * 5


def test_a_single_event_that_becomes_a_series_is_replaced_by_its_occurrences(events, at) -> None:
    body = at("2026-10-12T10:00:00", "2026-10-12T12:00:00", "Europe/Tallinn")
    events.insert(id="abcde", **body).execute()
    _, token = _single(events)
    events.patch("abcde", recurrence=["RRULE:FREQ=DAILY;COUNT=2"]).execute()
    changed, token = _single(events, syncToken=token)
    assert {item["id"]: item["status"] for item in changed} == {
        "abcde": "cancelled",
        "abcde_20261012T070000Z": "confirmed",
        "abcde_20261013T070000Z": "confirmed",
    }
    events.patch("abcde", recurrence=None).execute()
    changed, _ = _single(events, syncToken=token)
    assert {item["id"]: item["status"] for item in changed} == {
        "abcde": "confirmed",
        "abcde_20261012T070000Z": "cancelled",
        "abcde_20261013T070000Z": "cancelled",
    }


def test_an_endless_series_ends_at_a_horizon_unless_asked_beyond(emulator, events, at) -> None:
    emulator.state.clock.freeze(_moment("2026-10-01T00:00:00+00:00"))
    body = at("2026-10-12", "2026-10-13")
    events.insert(id="stand", recurrence=["RRULE:FREQ=DAILY"], **body).execute()
    items, _ = _single(events, maxResults=2500)
    assert items[0]["id"] == "stand_20261012"
    assert items[-1]["start"]["date"] == "2028-09-30"
    beyond, _ = _single(events, timeMin="2031-01-01T00:00:00Z", timeMax="2031-01-02T12:00:00Z")
    assert _starts(beyond) == ["2031-01-01", "2031-01-02"]


UNTIL = to_ms(_moment("2030-01-01T00:00:00+00:00"))


def _expand(*lines: str, start: str = "2026-03-27T02:30:00", zone: str = "Europe/Berlin") -> list[str]:
    local = _moment(start).replace(tzinfo=ZoneInfo(zone))
    edges = [{"dateTime": moment.isoformat(), "timeZone": zone} for moment in (local, local + timedelta(hours=1))]
    body = {"start": edges[0], "end": edges[1], "recurrence": list(lines)}
    return [found.suffix for found in occurrences(body, ZoneInfo("UTC"), UNTIL)]


def test_a_time_that_the_clocks_leave_out_moves_an_hour_on() -> None:
    assert _expand("RRULE:FREQ=DAILY;COUNT=4") == [
        "20260327T013000Z",
        "20260328T013000Z",
        "20260329T013000Z",
        "20260330T003000Z",
    ]


@pytest.mark.parametrize(
    ("lines", "days"),
    [
        (["RRULE:FREQ=DAILY;UNTIL=20260328T013000Z"], ["27", "28"]),
        (["RRULE:FREQ=DAILY;UNTIL=20260329"], ["27", "28", "29"]),
        (["RRULE:FREQ=DAILY;COUNT=3", "EXDATE;TZID=Europe/Berlin:20260328T023000"], ["27", "29"]),
        (["RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20260328T013000Z"], ["27", "29"]),
        (["RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20260328,20260329"], ["27"]),
        (["RRULE:FREQ=DAILY;COUNT=2", "RDATE;TZID=Europe/Berlin:20260405T023000"], ["27", "28", "05"]),
        (["RRULE:FREQ=DAILY;COUNT=4", "EXRULE:FREQ=DAILY;INTERVAL=2;COUNT=2"], ["28", "30"]),
    ],
)
def test_rules_dates_and_exceptions(lines: list[str], days: list[str]) -> None:
    assert [suffix[6:8] for suffix in _expand(*lines)] == days


@pytest.mark.parametrize(
    "line", ["FREQ=DAILY", "RRULE:FREQ=SOMETIMES", "RRULE:", "EXDATE:yesterday", "DTSTART:20260101"]
)
def test_bad_rules_are_refused(line: str) -> None:
    with pytest.raises(ApiError, match="Invalid recurrence rule"):
        _expand(line)


def test_a_bad_rule_is_a_400_on_the_wire(events, at, refused) -> None:
    body = at("2026-10-12T10:00:00", "2026-10-12T12:00:00", "Europe/Tallinn")
    refused(events.insert(recurrence=["RRULE:FREQ=SOMETIMES"], **body), 400, "invalid")
