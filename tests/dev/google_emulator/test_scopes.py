"""Who may call what, as the discovery document says."""

import json
import urllib.request
from typing import Any
from urllib.error import HTTPError

import pytest
from googleapiclient.errors import HttpError

from portal.dev.google_emulator.api import METHODS
from portal.dev.google_emulator.scopes import CALENDAR_SCOPES, METHOD_SCOPES, PREFIX, canonical


def _methods(document: dict[str, Any]) -> dict[str, Any]:
    return {
        method["id"].removeprefix("calendar."): method
        for resource in document["resources"].values()
        for method in resource["methods"].values()
    }


def test_the_tables_agree_with_the_discovery_document(discovery_document: dict[str, Any]) -> None:
    published = _methods(discovery_document)
    assert len(METHODS) == len(METHOD_SCOPES) == 28
    for method in METHODS:
        told = published[method.id]
        assert method.verb == told["httpMethod"]
        path = method.path.replace("<", "{").replace(">", "}").removeprefix("/")
        assert path == told["path"]
        assert {scope.removeprefix(PREFIX) for scope in told["scopes"]} == METHOD_SCOPES[method.id], method.id
    known = {scope.removeprefix(PREFIX) for scope in discovery_document["auth"]["oauth2"]["scopes"]}
    assert known - {"calendar.settings"} == set(CALENDAR_SCOPES)


def test_email_comes_back_under_its_long_name() -> None:
    assert canonical("openid email email bogus") == (["openid", PREFIX + "userinfo.email"], ["bogus"])


def test_app_created_reaches_only_what_the_client_made(emulator, service_for, refused) -> None:
    narrow = service_for("calendar.app.created")
    own = narrow.calendars().insert(body={"summary": "Own"}).execute()["id"]
    assert narrow.calendarList().get(calendarId=own).execute()["accessRole"] == "owner"
    refused(narrow.calendars().get(calendarId="primary"), 404, "notFound")
    refused(narrow.events().list(calendarId="alice@lab.example"), 404, "notFound")
    refused(narrow.calendarList().list(), 403, "insufficientPermissions")
    refused(narrow.freebusy().query(body={}), 403, "insufficientPermissions")
    rule = {"role": "reader", "scope": {"type": "default"}}
    error = refused(narrow.acl().insert(calendarId=own, body=rule), 403, "insufficientPermissions")
    assert error["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    sharing = service_for("calendar.app.created", "calendar.acls")
    assert sharing.acl().insert(calendarId=own, body=rule).execute()["id"] == "default"
    lister = service_for("calendar.calendarlist.readonly")
    assert own in [item["id"] for item in lister.calendarList().list().execute()["items"]]


def test_a_stranger_finds_nothing_and_a_reader_writes_nothing(google, calendar, service_for, refused, at) -> None:
    stranger = service_for("calendar", account="bob@other.example")
    refused(stranger.calendars().get(calendarId=calendar), 404, "notFound")
    rule = {"role": "reader", "scope": {"type": "user", "value": "bob@other.example"}}
    google.acl().insert(calendarId=calendar, body=rule).execute()
    assert stranger.calendars().get(calendarId=calendar).execute()["summary"] == "Microscope"
    body = at("2026-11-24", "2026-11-25")
    refused(stranger.events().insert(calendarId=calendar, body=body), 403, "requiredAccessLevel")
    refused(stranger.acl().list(calendarId=calendar), 403, "forbidden")
    refused(stranger.calendars().delete(calendarId=calendar), 403, "forbidden")
    entry = stranger.calendarList().insert(body={"id": calendar}).execute()
    assert entry["accessRole"] == "reader"


def test_free_busy_readers_see_no_titles(google, calendar, service_for, events, at) -> None:
    events.insert(summary="Secret", location="Lab", **at("2026-11-24", "2026-11-25")).execute()
    rule = {"role": "freeBusyReader", "scope": {"type": "domain", "value": "other.example"}}
    google.acl().insert(calendarId=calendar, body=rule).execute()
    stranger = service_for("calendar", account="bob@other.example")
    (item,) = stranger.events().list(calendarId=calendar).execute()["items"]
    assert item["start"] == {"date": "2026-11-24"}
    assert item["visibility"] == "private"
    assert not {"summary", "location", "organizer"} & set(item)


@pytest.mark.parametrize(
    ("header", "reason"), [(None, "required"), ("Bearer nonsense", "authError"), ("Basic YTpi", "authError")]
)
def test_without_a_valid_token_it_is_401(emulator, header: str | None, reason: str) -> None:
    request = urllib.request.Request(emulator.base_url + "/calendar/v3/calendars/primary")
    if header:
        request.add_header("Authorization", header)
    with pytest.raises(HTTPError) as caught:
        urllib.request.urlopen(request)
    with caught.value as answer:
        error = json.loads(answer.read())["error"]
        assert (answer.status, error["errors"][0]["reason"]) == (401, reason)
        assert error["errors"][0]["location"] == "Authorization"
        assert answer.headers["X-Emulator"] == "portal"


def test_an_expired_access_token_is_refreshed_by_the_client_itself(emulator, google, calendar) -> None:
    before = google.credentials.token
    emulator.state.clock.advance(3600)
    assert google.calendars().get(calendarId=calendar).execute()["id"] == calendar
    assert google.credentials.token != before
    assert emulator.state.counters.report()["http"]["token"] == 1


def test_what_is_not_offered_is_said_as_json(google, calendar) -> None:
    with pytest.raises(HttpError) as caught:
        google.calendars().clear(calendarId=calendar).execute()
    assert caught.value.resp.status == 404
    assert json.loads(caught.value.content)["error"]["errors"][0]["reason"] == "notFound"
