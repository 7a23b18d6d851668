"""Calendars, the list of them, and their sharing rules."""

from typing import Any

import pytest
from googleapiclient.errors import HttpError

READER = {"role": "reader", "scope": {"type": "default"}}


def test_a_calendar_from_insert_to_delete(google, refused) -> None:
    body = {"summary": "NMR", "timeZone": "Europe/Tallinn", "description": "marker", "location": "Room 1"}
    made = google.calendars().insert(body=body).execute()
    assert made["id"].endswith("@group.calendar.emulator.example")
    assert body.items() <= made.items()
    assert google.calendars().insert(body=body).execute()["id"] != made["id"]
    renamed = google.calendars().patch(calendarId=made["id"], body={"summary": "NMR 600"}).execute()
    assert (renamed["summary"], renamed["description"]) == ("NMR 600", "marker")
    assert renamed["etag"] != made["etag"]
    replaced = google.calendars().update(calendarId=made["id"], body={"summary": "NMR"}).execute()
    assert "description" not in replaced
    assert replaced["timeZone"] == "Europe/Tallinn"
    google.calendars().delete(calendarId=made["id"]).execute()
    refused(google.calendars().get(calendarId=made["id"]), 404, "notFound")
    refused(google.calendars().delete(calendarId=made["id"]), 404, "notFound")
    refused(google.events().list(calendarId=made["id"]), 404, "notFound")


def test_bad_calendars_are_refused(google, refused) -> None:
    refused(google.calendars().insert(body={}), 400, "required")
    refused(google.calendars().insert(body={"summary": " "}), 400, "required")
    refused(google.calendars().insert(body={"summary": "x", "timeZone": "Mars/Base"}), 400, "invalid")
    refused(google.calendars().delete(calendarId="primary"), 403, "forbidden")


def test_a_stale_etag_is_refused(google, calendar, refused) -> None:
    old = google.calendars().get(calendarId=calendar).execute()["etag"]
    google.calendars().patch(calendarId=calendar, body={"summary": "New"}).execute()
    request = google.calendars().patch(calendarId=calendar, body={"summary": "Newer"})
    request.headers["If-Match"] = old
    refused(request, 412, "conditionNotMet")
    assert google.calendars().get(calendarId=calendar).execute()["summary"] == "New"


def _listed(google: Any, **query: Any) -> tuple[list[dict[str, Any]], str]:
    items, page = [], {}
    while True:
        answer = google.calendarList().list(**query, **page).execute()
        items += answer["items"]
        if "nextSyncToken" in answer:
            return items, answer["nextSyncToken"]
        page = {"pageToken": answer["nextPageToken"]}


def test_the_list_is_paged_and_tells_what_changed(google, calendar) -> None:
    made = [google.calendars().insert(body={"summary": f"C{n}"}).execute()["id"] for n in range(5)]
    items, token = _listed(google, maxResults=2)
    assert {item["id"] for item in items} == {*made, calendar, "alice@lab.example"}
    assert [item["id"] for item in items if item.get("primary")] == ["alice@lab.example"]
    assert next(item for item in items if item["id"] == calendar)["description"] == "portal:x:1"
    assert _listed(google, syncToken=token)[0] == []
    google.calendars().delete(calendarId=made[0]).execute()
    google.calendars().patch(calendarId=made[1], body={"summary": "Renamed"}).execute()
    google.calendarList().patch(calendarId=made[2], body={"summaryOverride": "Mine"}).execute()
    changed = {item["id"]: item for item in _listed(google, syncToken=token)[0]}
    assert set(changed) == set(made[:3])
    assert changed[made[0]]["deleted"] is True
    assert changed[made[1]]["summary"] == "Renamed"
    assert changed[made[2]]["summaryOverride"] == "Mine"
    google.calendarList().delete(calendarId=made[3]).execute()
    assert made[3] not in [item["id"] for item in _listed(google)[0]]
    assert google.calendars().get(calendarId=made[3]).execute()["id"] == made[3]


def test_sharing_with_everybody_and_back(emulator, google, calendar, refused) -> None:
    refused(google.acl().get(calendarId=calendar, ruleId="default"), 404, "notFound")
    refused(google.acl().delete(calendarId=calendar, ruleId="default"), 404, "notFound")
    first = google.acl().insert(calendarId=calendar, body=READER).execute()
    assert first == google.acl().insert(calendarId=calendar, body=READER).execute()
    assert first["id"] == "default"
    assert first["scope"] == {"type": "default"}
    rules = google.acl().list(calendarId=calendar).execute()
    assert [rule["id"] for rule in rules["items"]] == ["default", "user:alice@lab.example"]
    google.acl().delete(calendarId=calendar, ruleId="default").execute()
    refused(google.acl().delete(calendarId=calendar, ruleId="default"), 404, "notFound")
    ids = [rule["id"] for rule in google.acl().list(calendarId=calendar).execute()["items"]]
    assert ids == ["user:alice@lab.example"]
    shown = google.acl().list(calendarId=calendar, showDeleted=True).execute()["items"]
    assert [rule["role"] for rule in shown if rule["id"] == "default"] == ["none"]
    changed = google.acl().list(calendarId=calendar, syncToken=rules["nextSyncToken"]).execute()["items"]
    assert [(rule["id"], rule["role"]) for rule in changed] == [("default", "none")]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"role": "writer", "scope": {"type": "default"}}, "invalid"),
        ({"role": "king", "scope": {"type": "default"}}, "invalid"),
        ({"scope": {"type": "default"}}, "required"),
        ({"role": "reader"}, "required"),
        ({"role": "reader", "scope": {"type": "user"}}, "invalid"),
        ({"role": "reader", "scope": {"type": "moon"}}, "invalid"),
    ],
)
def test_bad_rules_are_refused(google, calendar, refused, rule: dict[str, Any], reason: str) -> None:
    refused(google.acl().insert(calendarId=calendar, body=rule), 400, reason)


def test_the_owner_cannot_lock_themself_out(google, calendar, refused) -> None:
    own = "user:alice@lab.example"
    refused(google.acl().delete(calendarId=calendar, ruleId=own), 403, "cannotChangeOwnAcl")
    refused(google.acl().patch(calendarId=calendar, ruleId=own, body={"role": "reader"}), 403, "cannotChangeOwnAcl")


def test_a_change_of_sharing_kills_the_sync_token(google, calendar, events, refused) -> None:
    _, token = events.all()
    google.acl().insert(calendarId=calendar, body=READER).execute()
    refused(events.list(syncToken=token), 410, "fullSyncRequired")
    _, token = events.all()
    google.acl().insert(calendarId=calendar, body=READER).execute()
    assert events.all(syncToken=token)[0] == []


def test_free_busy_merges_and_leaves_out_what_is_free(google, calendar, events, at) -> None:
    events.insert(**at("2026-11-24T08:00:00Z", "2026-11-24T09:00:00Z")).execute()
    events.insert(**at("2026-11-24T08:30:00Z", "2026-11-24T10:00:00Z")).execute()
    events.insert(transparency="transparent", **at("2026-11-24T12:00:00Z", "2026-11-24T13:00:00Z")).execute()
    body = {
        "timeMin": "2026-11-24T00:00:00Z",
        "timeMax": "2026-11-25T00:00:00Z",
        "items": [{"id": calendar}, {"id": "nobody@x.example"}],
    }
    answer = google.freebusy().query(body=body).execute()["calendars"]
    assert answer[calendar]["busy"] == [{"start": "2026-11-24T08:00:00Z", "end": "2026-11-24T10:00:00Z"}]
    assert answer["nobody@x.example"]["errors"][0]["reason"] == "notFound"


def test_partial_answers(google, calendar) -> None:
    rules = google.acl().list(calendarId=calendar, fields="items(id,scope/type)").execute()
    assert rules == {"items": [{"id": "user:alice@lab.example", "scope": {"type": "user"}}]}
    with pytest.raises(HttpError):
        google.acl().list(calendarId=calendar, fields="items(id").execute()
