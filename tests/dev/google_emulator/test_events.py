"""Events one by one: ids, bodies, tombstones, etags, guests."""

import json
from typing import Any

import pytest
import requests

HOUR = {"start": {"dateTime": "2026-11-24T10:00:00+01:00"}, "end": {"dateTime": "2026-11-24T09:30:00Z"}}


def test_an_event_comes_back_in_the_calendars_zone(events, calendar) -> None:
    made = events.insert(id="abcdv09", summary="Booking", **HOUR).execute()
    assert made["start"] == {"dateTime": "2026-11-24T11:00:00+02:00", "timeZone": "Europe/Tallinn"}
    assert made["end"] == {"dateTime": "2026-11-24T11:30:00+02:00", "timeZone": "Europe/Tallinn"}
    assert (made["status"], made["eventType"], made["sequence"]) == ("confirmed", "default", 0)
    assert made["organizer"]["email"] == calendar
    assert "transparency" not in made
    assert events.get("abcdv09").execute() == made
    assert events.get("abcdv09", timeZone="UTC").execute()["start"]["dateTime"] == "2026-11-24T09:00:00Z"


def test_all_day_events_keep_their_dates_and_local_times_their_zone(events, at) -> None:
    made = events.insert(**at("2026-11-24", "2026-11-26")).execute()
    assert (made["start"], made["end"]) == ({"date": "2026-11-24"}, {"date": "2026-11-26"})
    assert len(made["id"]) == 26
    made = events.insert(**at("2026-07-01T10:00:00", "2026-07-01T11:00:00", "America/New_York")).execute()
    assert made["start"] == {"dateTime": "2026-07-01T17:00:00+03:00", "timeZone": "America/New_York"}


@pytest.mark.parametrize("name", ["abcd", "abcdw", "ABCDE", "abc-de", "abc_de", "a" * 1025])
def test_bad_ids_are_refused(events, refused, name: str) -> None:
    refused(events.insert(id=name, **HOUR), 400, "invalid")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "required"),
        ({"start": HOUR["start"]}, "required"),
        ({"start": {"date": "2026-11-24"}, "end": HOUR["end"]}, "invalid"),
        ({"start": {"date": "2026-11-24"}, "end": {"date": "2026-11-24"}}, "timeRangeEmpty"),
        ({"start": HOUR["end"], "end": HOUR["start"]}, "timeRangeEmpty"),
        ({"start": {"dateTime": "2026-11-24T10:00:00"}, "end": HOUR["end"]}, "required"),
        ({"start": {"dateTime": "yesterday"}, "end": HOUR["end"]}, "invalid"),
        ({"start": {"date": "2026-02-30"}, "end": {"date": "2026-03-01"}}, "invalid"),
        ({"start": {"dateTime": "2026-11-24T10:00:00", "timeZone": "Mars/Base"}, "end": HOUR["end"]}, "invalid"),
        ({**HOUR, "recurrence": ["RRULE:FREQ=DAILY"]}, "required"),
        ({**HOUR, "transparency": "glass"}, "invalid"),
        ({**HOUR, "summary": 5}, "parseError"),
        ({**HOUR, "attendees": [{"displayName": "Nobody"}]}, "required"),
        ({**HOUR, "extendedProperties": {"private": {"k": 1}}}, "parseError"),
        ({**HOUR, "extendedProperties": {"private": {f"k{n}": "v" for n in range(301)}}}, "invalid"),
        ({**HOUR, "extendedProperties": {"private": {f"k{n}": "v" * 1024 for n in range(33)}}}, "invalid"),
    ],
)
def test_bad_events_are_refused_and_change_nothing(events, refused, body: dict[str, Any], reason: str) -> None:
    refused(events.insert(**body), 400, reason)
    assert events.all(showDeleted=True)[0] == []


def test_extended_properties_are_limited_without_a_word(events) -> None:
    pairs = {"booking": "1", "k" * 44: "kept", "k" * 45: "dropped", "long": "v" * 2000}
    made = events.insert(extendedProperties={"private": pairs, "shared": {"a": "b"}}, **HOUR).execute()
    assert made["extendedProperties"] == {
        "private": {"booking": "1", "k" * 44: "kept", "long": "v" * 1024},
        "shared": {"a": "b"},
    }


def test_an_id_is_taken_for_ever(events, refused) -> None:
    events.insert(id="abcde", **HOUR).execute()
    refused(events.insert(id="abcde", **HOUR), 409, "duplicate")
    assert events.delete("abcde").execute() == ""
    refused(events.insert(id="abcde", **HOUR), 409, "duplicate")
    refused(events.delete("abcde"), 410, "deleted")
    refused(events.delete("never"), 404, "notFound")
    refused(events.get("never"), 404, "notFound")
    refused(events.update("never", **HOUR), 404, "notFound")
    assert events.get("abcde").execute()["status"] == "cancelled"


def test_a_deleted_event_comes_back_only_as_confirmed(events, refused) -> None:
    events.insert(id="abcde", summary="One", **HOUR).execute()
    events.delete("abcde").execute()
    refused(events.update("abcde", summary="Two", **HOUR), 403, "forbidden")
    refused(events.patch("abcde", summary="Two"), 403, "forbidden")
    assert events.get("abcde").execute()["summary"] == "One"
    back = events.update("abcde", summary="Two", status="confirmed", **HOUR).execute()
    assert (back["status"], back["summary"]) == ("confirmed", "Two")


def test_tombstones_vanish_and_their_ids_may_stay_taken(emulator, events, refused) -> None:
    for reserve in (True, False):
        name = f"abcde{int(reserve)}"
        events.insert(id=name, **HOUR).execute()
        events.delete(name).execute()
        requests.post(emulator.base_url + "/emulator/purge-deleted", json={"reserve_ids": reserve}, timeout=5)
        refused(events.get(name), 404, "notFound")
        if reserve:
            refused(events.insert(id=name, **HOUR), 409, "duplicate")
        else:
            assert events.insert(id=name, **HOUR).execute()["status"] == "confirmed"


def test_update_replaces_and_patch_merges(events) -> None:
    events.insert(
        id="abcde", summary="A", location="Lab", extendedProperties={"private": {"a": "1", "b": "2"}}, **HOUR
    ).execute()
    patched = events.patch(
        "abcde", summary="B", extendedProperties={"private": {"b": None, "c": "3"}}, location=None
    ).execute()
    assert patched["extendedProperties"]["private"] == {"a": "1", "c": "3"}
    assert patched["summary"] == "B"
    assert "location" not in patched
    replaced = events.update("abcde", **HOUR).execute()
    assert not {"summary", "extendedProperties"} & set(replaced)
    assert replaced["iCalUID"] == patched["iCalUID"]


def test_from_all_day_to_timed_the_date_must_be_taken_away(events, refused, at) -> None:
    events.insert(id="abcde", **at("2026-11-24", "2026-11-25")).execute()
    refused(events.patch("abcde", **HOUR), 400, "invalid")
    timed = {name: {**edge, "date": None} for name, edge in HOUR.items()}
    assert "dateTime" in events.patch("abcde", **timed).execute()["start"]


def test_etags_guard_writes(events, refused) -> None:
    first = events.insert(id="abcde", **HOUR).execute()["etag"]
    second = events.patch("abcde", summary="x").execute()["etag"]
    assert first != second
    for request in (events.update("abcde", **HOUR), events.patch("abcde", summary="y"), events.delete("abcde")):
        request.headers["If-Match"] = first
        refused(request, 412, "conditionNotMet")
    request = events.delete("abcde")
    request.headers["If-Match"] = second
    assert request.execute() == ""


def test_sequence_grows_with_the_time_and_never_goes_back(events, refused, at) -> None:
    events.insert(id="abcde", **HOUR).execute()
    assert events.patch("abcde", summary="x").execute()["sequence"] == 0
    moved = at("2026-11-25T10:00:00Z", "2026-11-25T11:00:00Z")
    assert events.update("abcde", **moved).execute()["sequence"] == 1
    refused(events.update("abcde", sequence=0, **HOUR), 400, "invalid")
    assert events.update("abcde", sequence=7, **HOUR).execute()["sequence"] == 7


def test_guests_get_no_mail_unless_it_is_asked_for(emulator, google, calendar, events) -> None:
    guests = [{"email": "guest@x.example"}, {"email": "other@x.example", "displayName": "Other"}]
    made = events.insert(id="abcde", attendees=guests, **HOUR).execute()
    assert made["attendees"][0] == {"email": "guest@x.example", "responseStatus": "needsAction"}
    events.patch("abcde", summary="x").execute()
    google.events().update(
        calendarId=calendar, eventId="abcde", body={**HOUR, "attendees": guests}, sendUpdates="none"
    ).execute()
    mails = emulator.base_url + "/emulator/mails"
    assert requests.get(mails, timeout=5).json()["mails"] == []
    events.delete("abcde", sendUpdates="all").execute()
    (mail,) = requests.get(mails, timeout=5).json()["mails"]
    assert (mail["kind"], mail["recipients"]) == ("cancellation", ["guest@x.example", "other@x.example"])


def test_import_needs_an_ical_uid_and_search_finds_it(google, calendar, events, refused) -> None:
    refused(google.events().import_(calendarId=calendar, body=HOUR), 400, "required")
    body = {**HOUR, "iCalUID": "one@elsewhere.example", "summary": "From elsewhere"}
    made = google.events().import_(calendarId=calendar, body=body).execute()
    found = events.list(iCalUID="one@elsewhere.example").execute()["items"]
    assert [item["id"] for item in found] == [made["id"]]
    assert events.list(iCalUID="two@elsewhere.example").execute()["items"] == []


def test_broken_json_is_a_parse_error(emulator, calendar) -> None:
    token = emulator.grant("alice@lab.example")["access_token"]
    answer = requests.post(
        f"{emulator.base_url}/calendar/v3/calendars/{calendar}/events",
        data="{oops",
        headers={"Authorization": f"Bearer {token}"},
        timeout=5,
    )
    assert (answer.status_code, json.loads(answer.text)["error"]["errors"][0]["reason"]) == (400, "parseError")
