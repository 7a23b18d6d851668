"""Listing: pages, windows, filters, increments."""

import pytest


def _names(items) -> list[str]:
    return [item["id"] for item in items]


@pytest.fixture
def twelve(events, at) -> list[str]:
    """Twelve events, one a day from 1 December 2026, 10:00 to 11:00 UTC; their ids."""
    for day in range(1, 13):
        body = at(f"2026-12-{day:02}T10:00:00Z", f"2026-12-{day:02}T11:00:00Z")
        private = {"app": "portal", "odd": "yes" if day % 2 else "no"}
        events.insert(
            id=f"dec{day:02}", summary=f"Day {day}", extendedProperties={"private": private}, **body
        ).execute()
    return [f"dec{day:02}" for day in range(1, 13)]


def test_pages_follow_each_other_and_only_the_last_has_a_sync_token(events, twelve, refused) -> None:
    first = events.list(maxResults=5).execute()
    assert len(first["items"]) == 5
    assert "nextSyncToken" not in first
    assert _names(events.all(maxResults=5)[0]) == twelve
    refused(events.list(maxResults=5, pageToken="x"), 400, "invalid")
    other = events.list(maxResults=5, pageToken=first["nextPageToken"], singleEvents=True)
    refused(other, 400, "invalid")
    refused(events.list(maxResults=0), 400, "invalidParameter")


def test_what_changes_between_two_pages_is_in_the_next_increment(events, twelve, at) -> None:
    first = events.list(maxResults=5).execute()
    events.insert(id="aaaaa", **at("2026-12-24", "2026-12-25")).execute()
    events.delete("dec01").execute()
    rest = events.list(maxResults=250, pageToken=first["nextPageToken"]).execute()
    changed, _ = events.all(syncToken=rest["nextSyncToken"])
    assert _names(changed) == ["aaaaa", "dec01"]


def test_default_and_largest_page(events, google, calendar) -> None:
    batch = google.new_batch_http_request()
    for number in range(260):
        body = {"id": f"mann{number:03}", "start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}}
        batch.add(google.events().insert(calendarId=calendar, body=body))
    batch.execute()
    assert len(events.list().execute()["items"]) == 250
    assert len(events.all()[0]) == 260
    assert len(events.list(maxResults=9999).execute()["items"]) == 260


def test_increments_hold_changes_and_deletions_only(events, twelve, at) -> None:
    _, token = events.all()
    assert events.all(syncToken=token)[0] == []
    events.patch("dec02", summary="Renamed").execute()
    events.delete("dec03").execute()
    events.insert(id="novel", **at("2026-12-24", "2026-12-25")).execute()
    changed, newer = events.all(syncToken=token, maxResults=1)
    assert _names(changed) == ["dec02", "dec03", "novel"]
    assert changed[0]["summary"] == "Renamed"
    assert set(changed[1]) == {"kind", "etag", "id", "status"}
    assert changed[1]["status"] == "cancelled"
    assert events.all(syncToken=newer)[0] == []
    assert _names(events.all(syncToken=token)[0]) == ["dec02", "dec03", "novel"]


@pytest.mark.parametrize(
    "query",
    [
        {"timeMin": "2026-12-01T00:00:00Z"},
        {"timeMax": "2026-12-01T00:00:00Z"},
        {"updatedMin": "2026-12-01T00:00:00Z"},
        {"q": "x"},
        {"orderBy": "updated"},
        {"iCalUID": "x"},
        {"privateExtendedProperty": "a=b"},
        {"sharedExtendedProperty": "a=b"},
        {"showDeleted": False},
        {"singleEvents": True},
    ],
)
def test_what_does_not_go_with_a_sync_token(events, refused, query) -> None:
    _, token = events.all()
    refused(events.list(syncToken=token, **query), 400, "invalid")


def test_dead_and_garbled_sync_tokens(emulator, google, events, calendar, twelve, refused) -> None:
    _, token = events.all()
    refused(events.list(syncToken="garbled"), 400, "invalid")
    other = google.calendars().insert(body={"summary": "Other"}).execute()["id"]
    refused(google.events().list(calendarId=other, syncToken=token), 400, "invalid")
    with emulator.state.store.write() as db:
        db.execute("UPDATE calendars SET epoch = epoch + 1 WHERE id = ?", (calendar,))
    error = refused(events.list(syncToken=token), 410, "fullSyncRequired")
    assert error["errors"][0]["locationType"] == "parameter"
    assert events.all(syncToken=events.all()[1])[0] == []


def test_windows_are_open_at_both_ends(events, twelve, refused) -> None:
    inside, _ = events.all(timeMin="2026-12-02T11:00:00Z", timeMax="2026-12-05T10:00:00Z")
    assert _names(inside) == ["dec03", "dec04"]
    touching, _ = events.all(timeMin="2026-12-02T12:59:59+02:00", timeMax="2026-12-05T12:00:01+02:00")
    assert _names(touching) == ["dec02", "dec03", "dec04", "dec05"]
    refused(events.list(timeMin="2026-12-02T11:00:00Z", timeMax="2026-12-02T11:00:00Z"), 400, "timeRangeEmpty")
    refused(events.list(timeMin="2026-12-02T11:00:00"), 400, "badRequest")


def test_increments_reach_outside_the_first_window(events, twelve) -> None:
    _, token = events.all(timeMin="2026-12-10T00:00:00Z")
    events.patch("dec01", summary="x").execute()
    assert _names(events.all(syncToken=token)[0]) == ["dec01"]


def test_all_day_events_are_placed_by_the_calendars_midnight(google, events, calendar, at) -> None:
    events.insert(id="alldaa", **at("2026-12-01", "2026-12-02")).execute()
    window = {"timeMin": "2026-12-01T22:00:00Z", "timeMax": "2026-12-01T23:00:00Z"}
    assert events.all(**window)[0] == []
    google.calendars().patch(calendarId=calendar, body={"timeZone": "UTC"}).execute()
    assert _names(events.all(**window)[0]) == ["alldaa"]


def test_filters(events, twelve, refused) -> None:
    odd, _ = _found(events, privateExtendedProperty=["app=portal", "odd=yes"])
    assert odd == twelve[::2]
    assert _found(events, privateExtendedProperty=["app=portal", "odd=maybe"])[0] == []
    found, token = _found(events, q="day 12")
    assert (found, token) == (["dec12"], None)
    refused(events.list(privateExtendedProperty="noequals"), 400, "invalidParameter")


def _found(events, **query):
    answer = events.list(**query).execute()
    return _names(answer["items"]), answer.get("nextSyncToken")


def test_orders(emulator, events, twelve, refused) -> None:
    refused(events.list(orderBy="startTime"), 400, "invalid")
    events.patch("dec12", start={"dateTime": "2026-11-30T10:00:00Z"}).execute()
    assert _found(events, orderBy="startTime", singleEvents=True)[0] == ["dec12", *twelve[:11]]
    emulator.state.clock.advance(5)
    events.patch("dec01", summary="x").execute()
    assert _found(events, orderBy="updated")[0][-1] == "dec01"


def test_deleted_events_are_shown_on_request(emulator, events, twelve, refused) -> None:
    events.delete("dec01").execute()
    assert "dec01" not in _found(events)[0]
    deleted = events.list(showDeleted=True).execute()["items"][0]
    assert (deleted["id"], deleted["status"], deleted["summary"]) == ("dec01", "cancelled", "Day 1")
    emulator.state.clock.advance(10)
    since = emulator.state.clock.now().isoformat().replace("+00:00", "Z")
    emulator.state.clock.advance(10)
    events.delete("dec02").execute()
    assert _found(events, updatedMin=since)[0] == ["dec02"]
    refused(events.list(updatedMin="2020-01-01T00:00:00Z"), 410, "updatedMinTooLongAgo")
