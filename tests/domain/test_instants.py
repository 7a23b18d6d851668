from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.instants import format_instant, parse_instant, parse_query_instant

offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
aware = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=offsets)  # noqa: DTZ001 - offsets are added


@given(aware)
def test_what_is_written_is_read_back(instant: datetime) -> None:
    text = format_instant(instant)
    assert text.endswith("Z")
    assert parse_instant(text) == instant
    assert parse_instant(text).tzinfo is UTC


@given(aware)
def test_any_offset_is_read(instant: datetime) -> None:
    assert parse_instant(instant.isoformat()) == instant


def test_the_documented_form() -> None:
    instant = datetime(2025, 3, 14, 11, 26, 53, 589793, tzinfo=timezone(timedelta(hours=2)))
    assert format_instant(instant) == "2025-03-14T09:26:53.589793Z"
    assert format_instant(instant.replace(microsecond=0)) == "2025-03-14T09:26:53Z"
    assert format_instant(instant.replace(microsecond=120)) == "2025-03-14T09:26:53.000120Z"


@pytest.mark.parametrize(
    "text",
    [
        "2031-09-01T05:00:00.000Z",
        "2031-09-01T05:00Z",
        "2031-09-01T08:00:00+0300",
        "2031-09-01T05:00:00.0000000Z",
        "2031-09-01T05:00:00.0Z",
        "2031-09-01t05:00:00.000000000z",
        "2031-09-01 05:00:00Z",
        "2031-09-01T05:00:00+00:00",
        "2031-09-01T05:00:00-00:00",
        "2031-09-01T04:59:00-00:01",
    ],
)
def test_forms_that_are_read(text: str) -> None:
    assert parse_instant(text) == datetime(2031, 9, 1, 5, tzinfo=UTC)


@given(aware, st.text("0123456789", max_size=30))
def test_any_number_of_digits_is_read(instant: datetime, digits: str) -> None:
    text = instant.replace(microsecond=0, tzinfo=None).isoformat()
    offset = instant.strftime("%z")
    read = parse_instant(f"{text}.0{digits}{offset}")
    assert read == instant.replace(microsecond=int(f"0{digits}"[:6].ljust(6, "0")))


def test_without_a_zone_the_time_is_in_utc_where_that_is_allowed() -> None:
    midnight = datetime(2031, 9, 1, tzinfo=UTC)
    for text in ("2031-09-01", "2031-09-01T00:00", "2031-09-01 00:00:00", "2031-09-01T02:00:00.0+02:00"):
        assert parse_instant(text, naive_is_utc=True) == midnight
    for text in ("2031-02-30", "2031-09", "tomorrow", ""):
        with pytest.raises(ValueError, match="“"):
            parse_instant(text, naive_is_utc=True)


def test_a_plus_sign_that_became_a_space_is_restored_in_queries() -> None:
    five = datetime(2031, 9, 1, 5, tzinfo=UTC)
    for text in ("2031-09-01T08:00:00 03:00", "2031-09-01 08:00:00.0 0300", "2031-09-01 05:00:00Z"):
        assert parse_query_instant(text) == five
    assert parse_query_instant("2031-09-01 05:00", naive_is_utc=True) == five


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2031-09-01", "without a time of day"),
        ("2031-09-01T05:00:00", "no time zone"),
        ("2031-09-01  05:00:00Z", "not a date and time such as"),
        ("2031-09-01_05:00:00Z", "not a date and time such as"),
        ("2031-09-01T05:00:00,5Z", "not a date and time such as"),
        ("2031-09-01T05:00:00.Z", "not a date and time such as"),
        ("2031-09-01T05:00.5Z", "not a date and time such as"),
        ("2031-09-01T05:00:00.5", "no time zone"),
        ("2031-09-01T05:00:60Z", "leap second"),
        ("2031-09-01T24:00:00Z", "exists"),
        ("2031-09-01T05:00:00+24:00", "exists"),
        ("2031-W36-1T05:00:00Z", "not a date and time such as"),
        ("20310901T050000Z", "not a date and time such as"),
        ("", "not a date and time such as"),
        ("２０３１-09-01T05:00:00Z", "not a date and time such as"),
        ("2031-02-30T05:00:00Z", "exists"),
        ("2031-09-01T25:00:00Z", "exists"),
        ("0001-01-01T00:00:00+05:00", "exists"),
        (None, "not a text"),
        (1741944413589, "not a text"),
    ],
)
def test_what_names_no_instant_is_refused_with_the_reason(text: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_instant(text)


def test_a_naive_instant_is_not_written() -> None:
    with pytest.raises(ValueError, match="time zone"):
        format_instant(datetime(2025, 1, 1))  # noqa: DTZ001 - the point
