"""The emulator on a free port, and Google's own client library pointed at it."""

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import httplib2
import pytest
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import HttpError

from portal.dev.google_emulator.settings import CLIENT_ID, CLIENT_SECRET
from portal.dev.google_emulator.testing import RunningEmulator, running_emulator

ALICE, BOB = "alice@lab.example", "bob@other.example"


@pytest.fixture(scope="package")
def _shared_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    with running_emulator(tmp_path_factory.mktemp("emulator") / "emulator.db") as running:
        yield running


@pytest.fixture
def emulator(_shared_emulator: RunningEmulator) -> RunningEmulator:
    """An emulator as on its first start, with automatic consent."""
    _shared_emulator.reset()
    _shared_emulator.state.consent = "auto"
    _shared_emulator.state.batch_limit = 1000
    return _shared_emulator


@pytest.fixture(scope="session")
def discovery_document() -> dict[str, Any]:
    """The description of the Calendar API that the client library ships."""
    return json.loads(get_static_doc("calendar", "v3"))


@pytest.fixture
def service_for(emulator: RunningEmulator, discovery_document: dict[str, Any]) -> Iterator[Callable[..., Any]]:
    """service_for("calendar.app.created", account=…): the client library with exactly these scopes granted."""
    opened: list[Any] = []

    def make(*scopes: str, account: str = ALICE, token: dict[str, str] | None = None, timeout: float = 10) -> Any:
        token = token or emulator.grant(account, *scopes)
        credentials = Credentials(
            token["access_token"],
            refresh_token=token["refresh_token"],
            token_uri=emulator.base_url + "/token",
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
        )
        http = AuthorizedHttp(credentials, httplib2.Http(timeout=timeout))
        service = build_from_document(dict(discovery_document, rootUrl=emulator.base_url + "/"), http=http)
        service.credentials = credentials
        opened.append(service)
        return service

    yield make
    for service in opened:
        service.close()


@pytest.fixture
def google(service_for: Callable[..., Any]) -> Any:
    """Alice's service with the whole `calendar` scope."""
    return service_for("openid", "email", "calendar")


@pytest.fixture
def calendar(google: Any) -> str:
    """The id of a calendar of Alice's in Tallinn."""
    body = {"summary": "Microscope", "timeZone": "Europe/Tallinn", "description": "portal:x:1"}
    return google.calendars().insert(body=body).execute()["id"]


@pytest.fixture
def refused() -> Callable[..., Any]:
    """refused(request, 409, "duplicate"): execute, expect that answer, return the whole error document."""

    def check(request: Any, status: int, reason: str) -> Any:
        with pytest.raises(HttpError) as caught:
            request.execute()
        error = json.loads(caught.value.content)["error"]
        assert (caught.value.resp.status, error["code"], error["errors"][0]["reason"]) == (status, status, reason)
        return error

    return check


@pytest.fixture
def events(google: Any, calendar: str) -> SimpleNamespace:
    """Short hands for the events of `calendar`."""
    resource = google.events()

    def everything(**query: Any) -> tuple[list[dict[str, Any]], str | None]:
        items: list[dict[str, Any]] = []
        page: dict[str, Any] = {}
        while True:
            answer = resource.list(calendarId=calendar, **query, **page).execute()
            assert ("nextPageToken" in answer) != ("nextSyncToken" in answer) or "orderBy" in str(query)
            items += answer["items"]
            if "nextPageToken" not in answer:
                return items, answer.get("nextSyncToken")
            page = {"pageToken": answer["nextPageToken"]}

    return SimpleNamespace(
        insert=lambda **body: resource.insert(calendarId=calendar, body=body),
        get=lambda name, **query: resource.get(calendarId=calendar, eventId=name, **query),
        update=lambda name, **body: resource.update(calendarId=calendar, eventId=name, body=body),
        patch=lambda name, **body: resource.patch(calendarId=calendar, eventId=name, body=body),
        delete=lambda name, **query: resource.delete(calendarId=calendar, eventId=name, **query),
        instances=lambda name, **query: resource.instances(calendarId=calendar, eventId=name, **query),
        list=lambda **query: resource.list(calendarId=calendar, **query),
        all=everything,
    )


@pytest.fixture
def at() -> Callable[..., dict[str, Any]]:
    """at("2026-11-24T10:00:00+02:00", "…"): start and end; dates make it all-day; zone= names the zone."""

    def edges(start: str, end: str, zone: str | None = None) -> dict[str, Any]:
        kind = "dateTime" if "T" in start else "date"
        extra = {"timeZone": zone} if zone else {}
        return {"start": {kind: start, **extra}, "end": {kind: end, **extra}}

    return edges
