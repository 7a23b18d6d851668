from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.instants import format_instant, parse_instant

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


@pytest.mark.parametrize("text", ["2031-09-01T05:00:00.000Z", "2031-09-01T05:00Z", "2031-09-01T08:00:00+0300"])
def test_forms_that_are_read(text: str) -> None:
    assert parse_instant(text) == datetime(2031, 9, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2031-09-01", "without a time of day"),
        ("2031-09-01T05:00:00", "no time zone"),
        ("2031-09-01 05:00:00Z", "not a date and time such as"),
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
