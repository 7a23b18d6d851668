"""Pages for people: the public calendar, and changing events by hand."""

import re

import pytest
import requests

READER = {"role": "reader", "scope": {"type": "default"}}


@pytest.fixture
def embed(emulator, calendar):
    """Open the public page of the calendar."""

    def get(**query: str) -> requests.Response:
        return requests.get(emulator.base_url + "/calendar/embed", params={"src": calendar, **query}, timeout=5)

    return get


def test_the_public_page_opens_only_while_shared(google, calendar, events, embed, at) -> None:
    events.insert(
        summary="Booked <b>", location="Lab 1", **at("2026-12-01T10:00:00Z", "2026-12-01T11:00:00Z")
    ).execute()
    closed = embed()
    assert closed.status_code == 404
    assert "This calendar is not public" in closed.text
    assert "Microscope" not in closed.text
    google.acl().insert(calendarId=calendar, body=READER).execute()
    shown = embed(**{"from": "2026-12-01"})
    assert shown.status_code == 200
    for words in ("Microscope", "Booked &lt;b&gt;", "Lab 1", "12:00–13:00", "Tuesday, 1 December 2026", "not Google"):
        assert words in shown.text
    assert "11:00–12:00" in embed(ctz="Europe/Berlin", **{"from": "2026-12-01"}).text
    assert "12:00–13:00" in embed(ctz="Mars/Base", **{"from": "2026-12-01"}).text
    google.acl().delete(calendarId=calendar, ruleId="default").execute()
    assert embed().status_code == 404


def test_the_public_page_hides_what_the_rules_hide(google, calendar, events, embed, at) -> None:
    events.insert(summary="Secret", visibility="private", **at("2026-12-01", "2026-12-03")).execute()
    events.insert(
        summary="Open", transparency="transparent", **at("2026-12-02T22:00:00", "2026-12-04T06:00:00", "Europe/Tallinn")
    ).execute()
    google.acl().insert(calendarId=calendar, body=READER).execute()
    page = embed(**{"from": "2026-12-01"}).text
    assert "Secret" not in page
    assert page.count(">all day<") == 3
    assert (page.count("from 22:00"), page.count("until 06:00"), page.count("(free)")) == (1, 1, 3)
    google.acl().insert(calendarId=calendar, body={**READER, "role": "freeBusyReader"}).execute()
    assert "Open" not in embed(**{"from": "2026-12-01"}).text


def test_every_page_says_that_it_is_not_google(emulator, calendar, embed) -> None:
    paths = ("/", f"/calendars/{calendar}", "/nowhere", "/calendar/embed?src=x", "/o/oauth2/v2/auth")
    for path in paths:
        answer = requests.get(emulator.base_url + path, timeout=5)
        assert "Google Calendar emulator — not Google" in answer.text, path
        assert answer.headers["X-Emulator"] == "portal"
        assert not re.search(r"<script|https?://(?!127)", answer.text), path


def test_events_are_added_changed_and_deleted_by_hand(emulator, calendar, events) -> None:
    page = f"{emulator.base_url}/calendars/{calendar}"
    _, token = events.all()
    form = {"title": "Maintenance", "start": "2026-12-01T10:00", "end": "2026-12-01T12:00", "show_as": "busy"}
    assert requests.post(page, data=form, timeout=5).url == page
    (event,), token = events.all(syncToken=token)
    assert event["summary"] == "Maintenance"
    assert event["start"] == {"dateTime": "2026-12-01T10:00:00+02:00", "timeZone": "Europe/Tallinn"}
    form_page = requests.get(f"{page}/events/{event['id']}", timeout=5).text
    assert 'value="2026-12-01T10:00"' in form_page
    changed = form | {"all_day": "1", "end": "2026-12-02T12:00", "show_as": "free", "action": "save"}
    requests.post(f"{page}/events/{event['id']}", data=changed, timeout=5)
    (event,), token = events.all(syncToken=token)
    assert (event["start"], event["end"]) == ({"date": "2026-12-01"}, {"date": "2026-12-03"})
    assert event["transparency"] == "transparent"
    assert 'value="2026-12-02T00:00"' in requests.get(f"{page}/events/{event['id']}", timeout=5).text
    requests.post(f"{page}/events/{event['id']}", data={"action": "delete"}, timeout=5)
    assert [item["status"] for item in events.all(syncToken=token)[0]] == ["cancelled"]


def test_what_the_form_does_not_show_stays(emulator, calendar, events, at) -> None:
    pair = {"private": {"booking": "7"}}
    events.insert(id="abcde", extendedProperties=pair, **at("2026-12-01", "2026-12-02")).execute()
    form = {
        "title": "Renamed",
        "start": "2026-12-05T00:00",
        "end": "2026-12-05T00:00",
        "all_day": "1",
        "action": "save",
    }
    requests.post(f"{emulator.base_url}/calendars/{calendar}/events/abcde", data=form, timeout=5)
    event = events.get("abcde").execute()
    assert (event["summary"], event["extendedProperties"]) == ("Renamed", pair)
    assert event["end"] == {"date": "2026-12-06"}


def test_a_bad_form_says_why_and_changes_nothing(emulator, calendar, events) -> None:
    for end in ("2026-12-01T09:00", ""):
        form = {"title": "x", "start": "2026-12-01T10:00", "end": end, "show_as": "busy"}
        answer = requests.post(f"{emulator.base_url}/calendars/{calendar}", data=form, timeout=5)
        assert answer.status_code == 400
        assert "was not saved" in answer.text
    assert events.all()[0] == []


def test_sharing_and_deleting_a_calendar_by_hand(emulator, google, calendar, embed, refused) -> None:
    page = f"{emulator.base_url}/calendars/{calendar}"
    requests.post(f"{page}/sharing", data={"action": "share"}, timeout=5)
    assert embed().status_code == 200
    requests.post(f"{page}/sharing", data={"action": "unshare"}, timeout=5)
    assert embed().status_code == 404
    assert calendar in requests.get(emulator.base_url, timeout=5).text
    assert requests.post(f"{page}/delete", timeout=5).status_code == 200
    refused(google.calendars().get(calendarId=calendar), 404, "notFound")
    primary = f"{emulator.base_url}/calendars/alice@lab.example/delete"
    assert requests.post(primary, timeout=5).status_code == 403


def test_the_state_is_there_as_json(emulator, calendar, events, at) -> None:
    events.insert(id="abcde", **at("2026-12-01", "2026-12-02")).execute()
    state = requests.get(emulator.base_url + "/emulator/state", timeout=5).json()
    (found,) = [item for item in state["calendars"] if item["id"] == calendar]
    assert [event["id"] for event in found["events"]] == ["abcde"]
    assert [account["email"] for account in state["accounts"]] == [
        "alice@lab.example",
        "facility.owner@emulator.example",
        "lab.manager@emulator.example",
    ]
