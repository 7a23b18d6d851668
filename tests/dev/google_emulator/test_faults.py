"""Trouble to order, as the client library meets it."""

import http.client
import json

import pytest
import requests
from google.auth.exceptions import RefreshError
from googleapiclient.errors import HttpError

from portal.dev.google_emulator.faults import Faults

DAY = {"start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}}


def _order(emulator, **fault) -> None:
    answer = requests.post(emulator.base_url + "/emulator/faults", json=fault, timeout=5)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (403, "rateLimitExceeded"),
        (403, "quotaExceeded"),
        (403, "accessNotConfigured"),
        (404, "notFound"),
        (412, "conditionNotMet"),
        (429, "rateLimitExceeded"),
        (500, "backendError"),
        (503, "backendError"),
    ],
)
@pytest.mark.parametrize("applied", [False, True])
def test_any_refusal_before_or_after_taking_effect(
    emulator, events, refused, status: int, reason: str, applied
) -> None:
    _order(emulator, kind="status", method="POST", path="/events$", status=status, reason=reason, apply=applied)
    refused(events.insert(id="abcde", **DAY), status, reason)
    assert [item["id"] for item in events.all()[0]] == (["abcde"] if applied else [])
    events.insert(id="fghij", **DAY).execute()
    assert emulator.state.counters.report()["calls"]["events.insert"] == 2


def test_retry_after_is_sent(emulator, events) -> None:
    _order(emulator, kind="status", status=429, reason="rateLimitExceeded", headers={"Retry-After": "7"})
    with pytest.raises(HttpError) as caught:
        events.list().execute()
    assert caught.value.resp["retry-after"] == "7"


@pytest.mark.parametrize("applied", [False, True])
def test_a_connection_closed_without_an_answer_is_tried_again_by_the_library(
    emulator, events, refused, applied
) -> None:
    _order(emulator, kind="close", method="POST", path="/events$", apply=applied)
    insert = events.insert(id="abcde", **DAY)
    if applied:
        refused(insert, 409, "duplicate")
    else:
        assert insert.execute()["id"] == "abcde"
    assert emulator.state.faults.pending() == []


@pytest.mark.parametrize("applied", [False, True])
def test_a_reset_connection_is_an_error_whatever_took_effect(emulator, events, applied) -> None:
    _order(emulator, kind="reset", method="POST", path="/events$", apply=applied)
    with pytest.raises(ConnectionResetError):
        events.insert(id="abcde", **DAY).execute()
    assert [item["id"] for item in events.all()[0]] == (["abcde"] if applied else [])


def test_a_connection_lost_again_and_again_is_an_error(emulator, events) -> None:
    _order(emulator, kind="reset", method="GET", path="/events$", times=None)
    with pytest.raises(ConnectionResetError):
        events.list().execute()
    requests.delete(emulator.base_url + "/emulator/faults", timeout=5)
    assert events.all()[0] == []


def test_a_cut_answer_is_an_error_though_it_took_effect(emulator, events) -> None:
    _order(emulator, kind="truncate", method="POST", path="/events$")
    with pytest.raises(http.client.IncompleteRead):
        events.insert(id="abcde", **DAY).execute()
    assert [item["id"] for item in events.all()[0]] == ["abcde"]


def test_broken_json_comes_back_as_text(emulator, events) -> None:
    _order(emulator, kind="broken_json", method="GET", path="/events$", apply=True)
    assert isinstance(events.list().execute(), str)


def test_html_comes_back_as_an_error_without_json(emulator, events) -> None:
    _order(emulator, kind="html", status=502)
    with pytest.raises(HttpError) as caught:
        events.list().execute()
    assert caught.value.resp.status == 502
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(caught.value.content)


def test_a_late_answer_meets_the_clients_time_out(emulator, service_for) -> None:
    hasty = service_for("calendar", timeout=0.2)
    _order(emulator, kind="delay", seconds=1, method="GET", times=None)
    with pytest.raises(TimeoutError):
        hasty.calendars().get(calendarId="primary").execute()


def test_faults_wait_for_their_request_and_may_let_some_pass(emulator, events, refused) -> None:
    _order(emulator, faults=[{"kind": "status", "method": "GET", "path": "/events$", "skip": 1, "times": 2}])
    events.insert(id="abcde", **DAY).execute()
    assert events.all()[0]
    refused(events.list(), 503, "backendError")
    refused(events.list(), 503, "backendError")
    assert events.all()[0]


def test_the_token_endpoint_can_fail_too(emulator, google, calendar) -> None:
    emulator.state.clock.advance(3600)
    body = {"error": "invalid_client", "error_description": "The OAuth client was not found."}
    _order(emulator, kind="status", path="^/token$", status=401, body=body)
    with pytest.raises(RefreshError, match="invalid_client"):
        google.calendars().get(calendarId=calendar).execute()


def test_chance_is_repeatable() -> None:
    def struck() -> list[bool]:
        faults = Faults()
        faults.add("status", times=None, chance=0.5)
        return [faults.take("GET", "/") is not None for _ in range(50)]

    assert struck() == struck()
    assert 10 < sum(struck()) < 40


@pytest.mark.parametrize(
    "order", [{"kind": "explode"}, {"kind": "status", "colour": "red"}, {}, {"kind": "status", "where": "up"}]
)
def test_bad_orders_are_refused(emulator, order) -> None:
    answer = requests.post(emulator.base_url + "/emulator/faults", json=order, timeout=5)
    assert answer.status_code == 400
    assert emulator.state.faults.pending() == []


def test_the_quota_is_a_sliding_minute_of_units(emulator, service_for, events, refused) -> None:
    quota = {"per_minute": 4, "reason": "userRateLimitExceeded"}
    requests.post(emulator.base_url + "/emulator/quota", json=quota, timeout=5)
    events.insert(id="abcde", **DAY).execute()
    events.patch("abcde", summary="x").execute()
    refused(events.list(), 403, "userRateLimitExceeded")
    other = service_for("calendar", account="bob@other.example")
    assert other.calendars().get(calendarId="primary").execute()
    emulator.state.clock.advance(61)
    assert len(events.all()[0]) == 1
    requests.post(
        emulator.base_url + "/emulator/quota", json={"per_minute": 0, "status": 429, "retry_after": 3}, timeout=5
    )
    with pytest.raises(HttpError) as caught:
        events.list().execute()
    assert (caught.value.resp.status, caught.value.resp["retry-after"]) == (429, "3")


def test_sync_and_access_tokens_can_be_killed(emulator, google, events, refused) -> None:
    _, token = events.all()
    requests.post(emulator.base_url + "/emulator/expire-sync-tokens", json={}, timeout=5)
    refused(events.list(syncToken=token), 410, "fullSyncRequired")
    before = google.credentials.token
    requests.post(emulator.base_url + "/emulator/expire-access-tokens", json={}, timeout=5)
    assert events.all()[0] == []
    assert google.credentials.token != before


def test_time_can_be_set_and_counts_forgotten(emulator, events) -> None:
    answer = requests.post(emulator.base_url + "/emulator/now", json={"now": "2030-01-02T03:04:05+00:00"}, timeout=5)
    assert answer.json() == {"now": "2030-01-02T03:04:05+00:00"}
    assert requests.post(emulator.base_url + "/emulator/now", json={"now": None}, timeout=5).status_code == 200
    events.all()
    counts = requests.get(emulator.base_url + "/emulator/calls", params={"log": "true"}, timeout=5).json()
    assert counts["calls"] == {"calendars.insert": 1, "events.list": 1}
    assert counts["log"][-1]["status"] == 200
    requests.delete(emulator.base_url + "/emulator/calls", timeout=5)
    assert requests.get(emulator.base_url + "/emulator/calls", timeout=5).json()["calls"] == {}
    token = requests.post(
        emulator.base_url + "/emulator/token", json={"account": "x@y.example", "scopes": ["calendar.events"]}, timeout=5
    ).json()
    assert token["scope"].endswith("/auth/calendar.events")


def test_a_get_too_long_for_an_address_arrives_as_a_post(emulator, events) -> None:
    events.insert(id="abcde", **DAY).execute()
    items, _ = events.all(timeZone="UTC", timeMin="2026-11-01T00:00:00Z")
    assert items
    request = events.list(q="x" * 3000)
    assert len(request.uri) > 2048
    assert request.execute()["items"] == []
    assert emulator.state.counters.report()["calls"]["events.list"] == 2
