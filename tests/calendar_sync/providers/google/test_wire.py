"""Events from Google's JSON: what can be read, and what is left out without stopping the others."""

import json
from datetime import UTC, date, datetime

import pytest

from portal.calendar_sync.plan import RemoteEvent
from portal.calendar_sync.providers.google.wire import read_event

WHOLE = {"id": "a", "etag": "1"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"date": "0001-01-01"}', date(1, 1, 1)),
        ('{"date": "9999-12-31"}', date(9999, 12, 31)),
        ('{"date": "10000-01-01"}', None),
        ('{"dateTime": "2026-03-02T10:00:00Z"}', datetime(2026, 3, 2, 10, tzinfo=UTC)),
        ('{"dateTime": "2026-02-30T10:00:00Z"}', None),
        ('{"dateTime": "2026-03-02T10:00:00", "timeZone": "Mars/Olympus"}', None),
        ('{"dateTime": "2026-03-02T10:00:00", "timeZone": "a\\u0000b"}', None),
        ('{"dateTime": "2026-03-02T10:00:00", "timeZone": "\\ud83d"}', None),
        ('{"dateTime": "2026-03-02T10:00:00", "timeZone": "../../etc/passwd"}', None),
        ('{"dateTime": "2026-03-02T10:00:00", "timeZone": ["UTC"]}', None),
        ('{"dateTime": 5}', None),
        ('{"date": 5}', None),
        ("{}", None),
        ("[]", None),
        ("null", None),
    ],
)
def test_times_that_do_not_exist_are_none(text, expected):
    assert read_event({**WHOLE, "start": json.loads(text)}).start == expected


def test_texts_that_are_missing_or_null_are_empty():
    empty = dict.fromkeys(("summary", "description", "location", "recurringEventId", "extendedProperties"))
    assert read_event({**WHOLE, **empty}) == RemoteEvent("a", "1")


@pytest.mark.parametrize(
    "item",
    [{}, {"id": 5}, {"id": ""}, {"id": "a\x00"}, {"id": "\ud83d"}, {"id": "a" * 1025}, {"id": "a", "etag": "\udfff"}],
)
def test_an_event_whose_id_cannot_be_stored_is_refused_with_a_storable_reason(item):
    with pytest.raises(ValueError, match=r"it has no id|its id cannot be stored \([a?]{1,60}\)"):
        read_event(item)
