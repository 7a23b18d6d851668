"""Trouble to order, as the client library meets it."""

import http.client
import json

import httplib2
import pytest
import requests
from google.auth.exceptions import RefreshError
from googleapiclient.errors import HttpError

from portal.standin.faults import Faults

DAY = {"start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}}


def _order(standin, **fault) -> None:
    answer = requests.post(standin.base_url + "/standin/faults", json=fault, timeout=5)
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
def test_any_refusal_before_or_after_taking_effect(standin, events, refused, status: int, reason: str, applied) -> None:
    _order(standin, kind="status", method="POST", path="/events$", status=status, reason=reason, apply=applied)
    refused(events.insert(id="abcde", **DAY), status, reason)
    assert [item["id"] for item in events.all()[0]] == (["abcde"] if applied else [])
    events.insert(id="fghij", **DAY).execute()
    assert standin.world.counters.report()["calls"]["events.insert"] == 2


def test_retry_after_is_sent(standin, events) -> None:
    _order(standin, kind="status", status=429, reason="rateLimitExceeded", headers={"Retry-After": "7"})
    with pytest.raises(HttpError) as caught:
        events.list().execute()
    assert caught.value.resp["retry-after"] == "7"


@pytest.mark.parametrize("applied", [False, True])
def test_a_connection_closed_without_an_answer_is_tried_again_by_the_library(standin, events, refused, applied) -> None:
    _order(standin, kind="close", method="POST", path="/events$", apply=applied)
    insert = events.insert(id="abcde", **DAY)
    if applied:
        refused(insert, 409, "duplicate")
    else:
        assert insert.execute()["id"] == "abcde"
    assert standin.world.faults.pending() == []


@pytest.mark.parametrize("applied", [False, True])
def test_a_reset_connection_is_an_error_whatever_took_effect(standin, events, applied) -> None:
    _order(standin, kind="reset", method="POST", path="/events$", apply=applied)
    with pytest.raises(ConnectionResetError):
        events.insert(id="abcde", **DAY).execute()
    assert [item["id"] for item in events.all()[0]] == (["abcde"] if applied else [])


def test_a_connection_lost_again_and_again_is_an_error(standin, events) -> None:
    _order(standin, kind="reset", method="GET", path="/events$", times=None)
    with pytest.raises((ConnectionError, http.client.HTTPException, httplib2.HttpLib2Error)):
        events.list().execute()
    requests.delete(standin.base_url + "/standin/faults", timeout=5)
    assert events.all()[0] == []


def test_a_cut_answer_is_an_error_though_it_took_effect(standin, events) -> None:
    _order(standin, kind="truncate", method="POST", path="/events$")
    with pytest.raises(http.client.IncompleteRead):
        events.insert(id="abcde", **DAY).execute()
    assert [item["id"] for item in events.all()[0]] == ["abcde"]


def test_broken_json_comes_back_as_text(standin, events) -> None:
    _order(standin, kind="broken_json", method="GET", path="/events$", apply=True)
    assert isinstance(events.list().execute(), str)


def test_html_comes_back_as_an_error_without_json(standin, events) -> None:
    _order(standin, kind="html", status=502)
    with pytest.raises(HttpError) as caught:
        events.list().execute()
    assert caught.value.resp.status == 502
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(caught.value.content)


def test_a_late_answer_meets_the_clients_time_out(standin, service_for) -> None:
    hasty = service_for("calendar", timeout=0.2)
    _order(standin, kind="delay", seconds=1, method="GET", times=None)
    with pytest.raises(TimeoutError):
        hasty.calendars().get(calendarId="primary").execute()


def test_faults_wait_for_their_request_and_may_let_some_pass(standin, events, refused) -> None:
    _order(standin, faults=[{"kind": "status", "method": "GET", "path": "/events$", "skip": 1, "times": 2}])
    events.insert(id="abcde", **DAY).execute()
    assert events.all()[0]
    refused(events.list(), 503, "backendError")
    refused(events.list(), 503, "backendError")
    assert events.all()[0]


def test_the_token_endpoint_can_fail_too(standin, google, calendar) -> None:
    standin.world.clock.advance(3600)
    body = {"error": "invalid_client", "error_description": "The OAuth client was not found."}
    _order(standin, kind="status", path="^/token$", status=401, body=body)
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
def test_bad_orders_are_refused(standin, order) -> None:
    answer = requests.post(standin.base_url + "/standin/faults", json=order, timeout=5)
    assert answer.status_code == 400
    assert standin.world.faults.pending() == []


def test_the_quota_is_a_sliding_minute_of_units(standin, service_for, events, refused) -> None:
    quota = {"per_minute": 4, "reason": "userRateLimitExceeded"}
    requests.post(standin.base_url + "/standin/quota", json=quota, timeout=5)
    events.insert(id="abcde", **DAY).execute()
    events.patch("abcde", summary="x").execute()
    refused(events.list(), 403, "userRateLimitExceeded")
    other = service_for("calendar", account="bob@other.example")
    assert other.calendars().get(calendarId="primary").execute()
    standin.world.clock.advance(61)
    assert len(events.all()[0]) == 1
    requests.post(
        standin.base_url + "/standin/quota", json={"per_minute": 0, "status": 429, "retry_after": 3}, timeout=5
    )
    with pytest.raises(HttpError) as caught:
        events.list().execute()
    assert (caught.value.resp.status, caught.value.resp["retry-after"]) == (429, "3")


def test_sync_and_access_tokens_can_be_killed(standin, google, events, refused) -> None:
    _, token = events.all()
    requests.post(standin.base_url + "/standin/expire-sync-tokens", json={}, timeout=5)
    refused(events.list(syncToken=token), 410, "fullSyncRequired")
    before = google.credentials.token
    requests.post(standin.base_url + "/standin/expire-access-tokens", json={}, timeout=5)
    assert events.all()[0] == []
    assert google.credentials.token != before


def test_time_can_be_set_and_counts_forgotten(standin, events) -> None:
    answer = requests.post(standin.base_url + "/standin/now", json={"now": "2030-01-02T03:04:05+00:00"}, timeout=5)
    assert answer.json() == {"now": "2030-01-02T03:04:05+00:00"}
    assert requests.post(standin.base_url + "/standin/now", json={"now": None}, timeout=5).status_code == 200
    events.all()
    counts = requests.get(standin.base_url + "/standin/calls", params={"log": "true"}, timeout=5).json()
    assert counts["calls"] == {"calendars.insert": 1, "events.list": 1}
    assert counts["log"][-1]["status"] == 200
    requests.delete(standin.base_url + "/standin/calls", timeout=5)
    assert requests.get(standin.base_url + "/standin/calls", timeout=5).json()["calls"] == {}
    token = requests.post(
        standin.base_url + "/standin/token", json={"account": "x@y.example", "scopes": ["calendar.events"]}, timeout=5
    ).json()
    assert token["scope"].endswith("/auth/calendar.events")


def test_a_get_too_long_for_an_address_arrives_as_a_post(standin, events) -> None:
    events.insert(id="abcde", **DAY).execute()
    items, _ = events.all(timeZone="UTC", timeMin="2026-11-01T00:00:00Z")
    assert items
    request = events.list(q="x" * 3000)
    assert len(request.uri) > 2048
    assert request.execute()["items"] == []
    assert standin.world.counters.report()["calls"]["events.list"] == 2
