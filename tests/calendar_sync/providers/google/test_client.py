"""Properties of the real client only: tokens, sockets, broken responses, the address of batches."""

import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from portal.calendar_sync.errors import ConsentLost, ProviderUnreachable, QuotaExhausted, RateLimited, TemporaryFailure
from portal.calendar_sync.plan import EventContent, event_id
from portal.calendar_sync.provider import EventWrite, WriteKind
from portal.calendar_sync.providers.google.client import GoogleCalendarProvider, GoogleClientPool
from portal.calendar_sync.providers.google.wire import read_event

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def write(number, hour=0):
    start = START + timedelta(hours=hour)
    content = EventContent(uuid.UUID(int=number), start, start + timedelta(hours=1))
    return EventWrite(WriteKind.INSERT, event_id(content.slot_uuid), content)


@pytest.fixture
def calendar(calendars):
    return calendars.create_calendar("Microscope", "", "Europe/Tallinn").id


def http_requests(emulator):
    counters = emulator.state.counters
    return counters._http["calendar"], counters._http["batch"]


def test_a_batch_is_one_request_and_goes_where_the_calls_go(emulator, calendars, calendar):
    emulator.state.counters.reset()
    calendars.write_events(calendar, [write(number + 1) for number in range(50)])
    assert http_requests(emulator) == (0, 1)
    calendars.write_events(calendar, [write(100)])
    assert http_requests(emulator) == (1, 1)


def test_an_access_token_that_google_rejects_is_refreshed_once(emulator, calendars, calendar, tokens):
    with emulator.state.store.write() as db:
        db.execute("DELETE FROM access_tokens")
    tokens.asked.clear()
    assert calendars.get_calendar(calendar).id == calendar
    calendars.get_calendar(calendar)
    assert len(tokens.asked) == 1
    assert tokens.asked[0] is not None


def test_parts_of_a_batch_with_an_expired_token_are_sent_again(emulator, calendars, calendar):
    with emulator.state.store.write() as db:
        db.execute("DELETE FROM access_tokens")
    results = calendars.write_events(calendar, [write(1), write(2)])
    assert [result.id for result in results] == [write(1).event_id, write(2).event_id]


def test_a_lost_consent_is_passed_through_the_library(emulator, client, tokens):
    def gone(stale):
        if stale is None:
            return tokens(None)
        raise ConsentLost("invalid_grant")

    calendars = GoogleCalendarProvider(client, gone, "app")
    made = calendars.create_calendar("x", "", "UTC").id
    with emulator.state.store.write() as db:
        db.execute("DELETE FROM access_tokens")
    with pytest.raises(ConsentLost):
        calendars.get_calendar(made)


@pytest.mark.parametrize("kind", ["reset", "close", "truncate", "broken_json", "html"])
def test_a_missing_or_broken_response_is_unreachable(emulator, calendars, calendar, kind):
    emulator.state.faults.add(kind, path="/calendars/", times=3)
    with pytest.raises(ProviderUnreachable):
        calendars.get_calendar(calendar)


@pytest.mark.parametrize("kind", ["reset", "close", "truncate", "html"])
def test_a_batch_without_a_complete_response_is_unreachable(emulator, calendars, calendar, kind):
    emulator.state.faults.add(kind, path="/batch", where="http", times=3, apply=kind == "html")
    with pytest.raises(ProviderUnreachable):
        calendars.write_events(calendar, [write(1), write(2)])
    emulator.state.faults._queue.clear()
    results = calendars.write_events(calendar, [write(1), write(2)])
    assert len(results) == 2, "and can be repeated"


def test_the_creation_of_a_calendar_is_never_sent_twice(emulator, calendars):
    emulator.state.faults.add("close", path="/calendars$", apply=True)
    with pytest.raises(ProviderUnreachable):
        calendars.create_calendar("Microscope", "", "UTC")
    with emulator.state.store.read() as db:
        made = db.execute("SELECT count(*) FROM calendars WHERE summary = 'Microscope'").fetchone()[0]
    assert made == 1


def test_rate_limits_have_the_retry_after_of_the_response(emulator, calendars, calendar):
    emulator.state.faults.add("status", status=429, reason="rateLimitExceeded", headers={"Retry-After": "7"})
    with pytest.raises(RateLimited) as limited:
        calendars.get_calendar(calendar)
    assert limited.value.retry_after == 7
    emulator.state.faults.add("status", status=403, reason="quotaExceeded")
    with pytest.raises(QuotaExhausted):
        calendars.get_calendar(calendar)


def test_an_error_of_one_part_concerns_that_part_only(emulator, calendars, calendar):
    emulator.state.faults.add("status", status=409, reason="conflict", where="part")
    results = calendars.write_events(calendar, [write(1), write(2)])
    # Google works through a batch in any order; the results are in ours.
    [failed] = [number for number, result in enumerate(results) if isinstance(result, TemporaryFailure)]
    assert results[1 - failed].id == write(2 - failed).event_id


def test_the_timeout_is_set(client):
    assert client.http.timeout == 20


def test_each_thread_has_its_own_client(emulator):
    pool = GoogleClientPool(emulator.base_url)
    found = {0: pool.client()}
    thread = threading.Thread(target=lambda: found.update({1: pool.client()}))
    thread.start()
    thread.join()
    assert found[0] is pool.client()
    assert found[0] is not found[1]
    pool.close()


def test_no_mail_is_sent(emulator, calendars, calendar):
    calendars.write_events(calendar, [write(1), write(2)])
    with emulator.state.store.read() as db:
        assert db.execute("SELECT count(*) FROM mails").fetchone()[0] == 0


@pytest.mark.parametrize(
    "item",
    [
        {"id": "x", "start": {"dateTime": "nonsense"}, "end": {}},
        {"id": "x", "start": "2026", "end": None},
        {"id": "x", "start": {"date": "2026-13-45"}, "end": {"date": "2026-01-02"}},
    ],
)
def test_invalid_times_are_none(item):
    event = read_event(item)
    assert event.start is None


def test_an_event_without_an_id_is_rejected():
    with pytest.raises(ValueError, match="id"):
        read_event({"summary": "x"})


def test_a_time_without_an_offset_is_in_its_named_zone():
    event = read_event({"id": "x", "start": {"dateTime": "2026-07-01T10:00:00", "timeZone": "Europe/Tallinn"}})
    assert event.start.astimezone(UTC).hour == 7
