from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.domain.periods import Period, PeriodError
from portal.domain.zones import LocalDay, clock_text, day_start, instants_at, parse_zone, period_text, zone_names

# Sao Paulo and Havana changed their clocks at midnight, Lord Howe does by half an hour.
ZONES = [
    "Europe/Tallinn",
    "America/New_York",
    "Australia/Lord_Howe",
    "UTC",
    "America/Sao_Paulo",
    "America/Havana",
    "Asia/Kathmandu",
    "Pacific/Auckland",
]
zones = st.sampled_from(ZONES).map(ZoneInfo)
TALLINN, LORD_HOWE = ZoneInfo("Europe/Tallinn"), ZoneInfo("Australia/Lord_Howe")


@given(st.datetimes(datetime(2012, 1, 1), datetime(2035, 1, 1)), zones)  # noqa: DTZ001 - wall clocks
def test_clocks_show_the_time_at_its_instants(wall: datetime, zone: ZoneInfo) -> None:
    wall = wall.replace(microsecond=0)
    instants = instants_at(wall, zone)
    shown = [instant.astimezone(zone).replace(tzinfo=None) for instant in instants]
    assert list(instants) == sorted(set(instants))
    if shown != [wall] * len(instants):
        # Skipped: the instant of the change, just before which clocks show less and from which they show more.
        (change,) = instants
        before = (change - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
        assert before < wall < shown[0]


@given(st.datetimes(datetime(2012, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)), zones)  # noqa: DTZ001
def test_every_instant_is_among_those_of_the_time_it_shows(instant: datetime, zone: ZoneInfo) -> None:
    instant = instant.replace(microsecond=0)
    assert instant in instants_at(instant.astimezone(zone).replace(tzinfo=None), zone)


# Days on which some of these zones change their clocks, among all others.
days = st.dates(date(2012, 1, 1), date(2035, 1, 1)) | st.sampled_from(
    [
        date(2018, 2, 17),
        date(2018, 11, 4),
        date(2026, 3, 8),
        date(2026, 3, 29),
        date(2026, 4, 5),
        date(2026, 10, 4),
        date(2026, 10, 25),
        date(2026, 11, 1),
    ]
)


@given(days, zones)
def test_days_follow_each_other_without_a_gap(day: date, zone: ZoneInfo) -> None:
    local = LocalDay(day, zone)
    assert local.period.end == LocalDay(day + timedelta(days=1), zone).period.start
    assert local.period.start.astimezone(zone).date() == day
    assert (local.period.end - timedelta(seconds=1)).astimezone(zone).date() == day
    assert timedelta(hours=23) <= local.period.duration <= timedelta(hours=25)


@settings(max_examples=200)
@given(days, zones, st.integers(0, 86400))
def test_a_day_finds_its_own_instants(day: date, zone: ZoneInfo, seconds: int) -> None:
    local = LocalDay(day, zone)
    found = local.instants(seconds)
    assert found
    if seconds == 86400:
        assert found == (local.period.end,)
    else:
        assert found == instants_at(datetime.combine(day, time()) + timedelta(seconds=seconds), zone)
        skipped = [instant for instant in found if local.seconds(instant) != seconds]
        assert not skipped or len(found) == 1


@pytest.mark.parametrize(
    ("wall", "zone", "expected"),
    [
        ("2026-10-25T03:30", TALLINN, ["2026-10-25T00:30Z", "2026-10-25T01:30Z"]),
        ("2026-03-29T03:30", TALLINN, ["2026-03-29T01:00Z"]),
        ("2026-03-29T04:00", TALLINN, ["2026-03-29T01:00Z"]),
        ("2026-04-05T01:45", LORD_HOWE, ["2026-04-04T14:45Z", "2026-04-04T15:15Z"]),
        ("2026-10-04T02:10", LORD_HOWE, ["2026-10-03T15:30Z"]),
    ],
)
def test_both_days_on_which_clocks_change(wall: str, zone: ZoneInfo, expected: list[str]) -> None:
    assert list(instants_at(datetime.fromisoformat(wall), zone)) == [datetime.fromisoformat(one) for one in expected]


def test_the_change_of_a_day() -> None:
    assert LocalDay(date(2026, 3, 29), TALLINN).change == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert LocalDay(date(2026, 3, 28), TALLINN).change is None
    assert LocalDay(date(2026, 3, 29), TALLINN).period.duration == timedelta(hours=23)
    assert LocalDay(date(2026, 10, 25), TALLINN).period.duration == timedelta(hours=25)


def test_a_day_without_a_midnight_begins_at_its_first_instant() -> None:
    sao_paulo = ZoneInfo("America/Sao_Paulo")
    assert day_start(date(2018, 11, 4), sao_paulo) == datetime(2018, 11, 4, 3, tzinfo=UTC)
    # It lasts 23 hours, and 10:00 is nine hours after it began.
    assert LocalDay(date(2018, 11, 4), sao_paulo).instants(36000) == (datetime(2018, 11, 4, 12, tzinfo=UTC),)


def test_a_day_that_never_was() -> None:
    with pytest.raises(PeriodError):
        LocalDay(date(2011, 12, 30), ZoneInfo("Pacific/Apia"))


@pytest.mark.parametrize(
    "name",
    [
        "Mars/Olympus",
        "",
        "../../etc/passwd",
        "/etc/localtime",
        "Europe",
        None,
        3,
        "x" * 300,
        "right/Europe/Tallinn",
        "posix/Europe/Tallinn",
        "localtime",
        "posixrules",
        "Factory",
        "europe/tallinn",
    ],
)
def test_no_such_zone(name: object) -> None:
    with pytest.raises(ValueError, match="not a time zone such as Europe/Tallinn"):
        parse_zone(name)


def test_all_names_are_zones_that_browsers_know() -> None:
    assert {"UTC", "Europe/Tallinn", "Asia/Kolkata", "America/Argentina/Ushuaia", "EST5EDT"} <= zone_names()
    assert not {it for it in zone_names() if it.startswith(("right/", "posix/")) or it == "localtime"}


def test_a_zone_by_its_name() -> None:
    assert parse_zone("Europe/Tallinn").key == "Europe/Tallinn"


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        ("2026-03-02T08:00Z", "2026-03-02T10:00Z", "Mon 2 Mar 2026, 10:00–12:00"),
        ("2026-03-02T20:00Z", "2026-03-02T22:00Z", "Mon 2 Mar 2026, 22:00–24:00"),
        ("2026-03-02T20:00Z", "2026-03-03T00:00Z", "Mon 2 Mar 2026, 22:00 – Tue 3 Mar 2026, 02:00"),
        ("2026-03-01T22:00Z", "2026-03-03T22:00Z", "Mon 2 Mar 2026, 00:00 – Tue 3 Mar 2026, 24:00"),
        ("2026-10-25T00:00Z", "2026-10-25T01:00Z", "Sun 25 Oct 2026, 03:00 EEST–03:00 EET"),
        ("2026-03-29T00:00Z", "2026-03-29T01:00Z", "Sun 29 Mar 2026, 02:00 EET–04:00 EEST"),
    ],
)
def test_periods_in_words(start: str, end: str, text: str) -> None:
    assert period_text(Period(datetime.fromisoformat(start), datetime.fromisoformat(end)), TALLINN) == text


def test_clocks_in_words() -> None:
    assert [clock_text(seconds) for seconds in (0, 28800, 86400, 45)] == ["00:00", "08:00", "24:00", "00:00:45"]
