"""Batches through the client's own BatchHttpRequest."""

from typing import Any

import pytest
import requests
from googleapiclient.errors import HttpError


def _body(number: int) -> dict[str, Any]:
    return {"id": f"batch{number:03}", "start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}}


@pytest.fixture
def run(google):
    """Run requests as one batch; answers or errors by their place."""

    def perform(*wanted: Any, service: Any = google) -> list[Any]:
        results: dict[str, Any] = {}
        batch = service.new_batch_http_request(
            callback=lambda name, answer, error: results.update({name: error or answer})
        )
        for number, request in enumerate(wanted):
            batch.add(request, request_id=f"part {number}")
        batch.execute()
        return [results[f"part {number}"] for number in range(len(wanted))]

    return perform


def test_every_part_is_answered_on_its_own(emulator, google, calendar, events, run) -> None:
    events.insert(**_body(1)).execute()
    emulator.state.counters.reset()
    results = run(
        events.insert(**_body(0)),
        events.insert(**_body(1)),
        events.delete("batch001"),
        events.get("missing"),
        google.calendars().get(calendarId=calendar),
        events.patch("batch001", summary="Grüße"),
    )
    assert results[0]["id"] == "batch000"
    assert (results[1].resp.status, results[3].resp.status) == (409, 404)
    assert results[2] == ""
    assert results[4]["id"] == calendar
    report = emulator.state.counters.report()
    assert (report["http"], report["batch_parts"]) == ({"batch": 1, "total": 1}, 6)
    assert report["calls"]["events.insert"] == 2
    assert report["units"]["alice@lab.example"] == 8
    assert all(entry["part"] for entry in emulator.state.counters.log())


def test_parts_are_not_handled_in_order(emulator, events, run) -> None:
    assert all(answer["status"] == "confirmed" for answer in run(*(events.insert(**_body(n)) for n in range(40))))
    order = [item["id"] for item in sorted(events.all()[0], key=lambda item: item["etag"])]
    assert sorted(order) == [f"batch{n:03}" for n in range(40)]
    assert order != sorted(order)


def test_dead_tokens_are_refreshed_once_for_the_whole_batch(emulator, events, run) -> None:
    emulator.state.clock.advance(3600)
    results = run(*(events.insert(**_body(n)) for n in range(3)))
    assert [answer["id"] for answer in results] == ["batch000", "batch001", "batch002"]
    assert emulator.state.counters.report()["http"]["token"] == 1


def test_too_many_parts_are_refused_whole(emulator, events, run) -> None:
    answer = requests.post(emulator.base_url + "/emulator/batch-limit", json={"limit": 50}, timeout=5)
    assert answer.json() == {"limit": 50}
    with pytest.raises(HttpError) as caught:
        run(*(events.insert(**_body(n)) for n in range(51)))
    assert caught.value.resp.status == 400
    assert events.all()[0] == []
    assert len(run(*(events.insert(**_body(n)) for n in range(50)))) == 50


def test_one_part_alone_can_go_wrong(emulator, events, run) -> None:
    emulator.state.faults.add("status", path="/events", status=409, reason="conflict", where="part", skip=1)
    results = run(*(events.insert(**_body(n)) for n in range(3)))
    broken = [error for error in results if isinstance(error, HttpError)]
    assert [error.resp.status for error in broken] == [409]
    assert b"conflict" in broken[0].content
    assert len(events.all()[0]) == 2


def test_what_is_no_batch_is_refused(emulator) -> None:
    for body, kind in ((b"", "multipart/mixed; boundary=x"), (b"hello", "text/plain")):
        answer = requests.post(
            emulator.base_url + "/batch/calendar/v3", data=body, headers={"Content-Type": kind}, timeout=5
        )
        assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (400, "badRequest")
