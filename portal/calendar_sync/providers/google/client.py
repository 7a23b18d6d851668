"""The calendars of a connected account, through Google's own client library.

Each thread builds one client, from the library's bundled API description (no network), and has one connection, because
httplib2 is not thread-safe.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import google_auth_httplib2
import httplib2
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc

from portal.calendar_sync.errors import CalendarNotFound, ProviderError, ProviderUnreachable
from portal.calendar_sync.plan import RemoteEvent
from portal.calendar_sync.provider import (
    MAX_BATCH,
    AccessToken,
    EventPage,
    EventWrite,
    NotificationChannel,
    RemoteCalendar,
    WriteKind,
    WriteResult,
)
from portal.calendar_sync.providers.google.errors import Subject, translate, translated
from portal.calendar_sync.providers.google.wire import FIELDS, event_body, read_event

TIMEOUT_SECONDS = 20
EVERYONE = "default"
# Roles of the access rule "default" (everyone) that can read events.
READING = frozenset({"reader", "writer", "writerWithoutPrivateAccess", "owner"})
EVENTS_PER_PAGE = 2500
CALENDARS_PER_PAGE = 250

# Returns a valid token; the argument is a token that Google has just rejected.
TokenSource = Callable[[str | None], AccessToken]


class OneShotHttp(httplib2.Http):
    """httplib2 repeats any request if the server closes the connection without a response; `once` prevents that.

    A repeated request to create a calendar would create two. `once` also uses a new connection, so that a connection
    closed by the server in the meantime is not mistaken for a lost response.
    """

    once = False

    def _conn_request(self, conn: Any, request_uri: str, method: str, body: Any, headers: Any) -> Any:
        if not self.once:
            return super()._conn_request(conn, request_uri, method, body, headers)
        conn.close()
        try:
            conn.request(method, request_uri, body, {**headers, "accept-encoding": "identity"})
            response = conn.getresponse()
            content = response.read()
        except BaseException:
            conn.close()
            raise
        return httplib2.Response(response), content


class GoogleClientPool:
    """The built client of each thread, for one API address."""

    def __init__(self, api_root: str) -> None:
        self._api_root = api_root
        self._local = threading.local()
        self._made: list[GoogleClient] = []

    def client(self) -> GoogleClient:
        """This thread's client."""
        found: GoogleClient | None = getattr(self._local, "client", None)
        if found is None:
            found = self._local.client = GoogleClient(self._api_root)
            self._made.append(found)
        return found

    def close(self) -> None:
        """Close all connections. No thread may use its client any more."""
        for client in self._made:
            client.http.close()
        self._made.clear()
        self._local = threading.local()


class GoogleClient:
    """The library's objects for one thread. They are stored because each call of `events()` rebuilds its methods."""

    def __init__(self, api_root: str) -> None:
        self.http = OneShotHttp(timeout=TIMEOUT_SECONDS)
        document = json.loads(get_static_doc("calendar", "v3"))
        # rootUrl changes the address of calls and, unlike api_endpoint, of batches.
        document["rootUrl"] = f"{api_root}/"
        document.pop("mtlsRootUrl", None)
        self.service = build_from_document(document, http=self.http)
        self.events = self.service.events()
        self.calendars = self.service.calendars()
        self.calendar_list = self.service.calendarList()
        self.acl = self.service.acl()
        self.channels = self.service.channels()


class GoogleCalendarProvider:
    """Implements portal.calendar_sync.provider.CalendarProvider for one connection. Not thread-safe."""

    def __init__(self, client: GoogleClient, tokens: TokenSource, app: str) -> None:
        self._client = client
        self._app = app
        first = tokens(None)

        def renew(_request: Any, scopes: Any = None) -> tuple[str, datetime]:
            fresh = tokens(self._credentials.token)
            return fresh.token, _naive(fresh.expires)

        self._credentials = Credentials(token=first.token, expiry=_naive(first.expires), refresh_handler=renew)
        self._http = google_auth_httplib2.AuthorizedHttp(self._credentials, http=client.http)

    def create_calendar(self, summary: str, description: str, time_zone: str) -> RemoteCalendar:
        body = {"summary": summary, "description": description, "timeZone": time_zone}
        self._client.http.once = True
        try:
            return _calendar(self._call(self._client.calendars.insert(body=body), Subject.CALENDAR))
        finally:
            self._client.http.once = False

    def get_calendar(self, calendar_id: str) -> RemoteCalendar:
        return _calendar(self._call(self._client.calendars.get(calendarId=calendar_id), Subject.CALENDAR))

    def rename_calendar(self, calendar_id: str, summary: str) -> None:
        request = self._client.calendars.patch(calendarId=calendar_id, body={"summary": summary})
        self._call(request, Subject.CALENDAR)

    def delete_calendar(self, calendar_id: str) -> None:
        self._call(self._client.calendars.delete(calendarId=calendar_id), Subject.CALENDAR, empty=True)

    def find_calendar(self, mark: str) -> RemoteCalendar | None:
        page = None
        while True:
            request = self._client.calendar_list.list(maxResults=CALENDARS_PER_PAGE, showHidden=True, pageToken=page)
            response = self._call(request, Subject.CALENDAR)
            for item in response.get("items") or []:
                if mark in item.get("description", "") and item.get("accessRole") == "owner":
                    return _calendar(item)
            page = response.get("nextPageToken")
            if not page:
                return None

    def read_events(self, calendar_id: str, *, sync_token: str = "", page: str = "") -> EventPage:
        request = self._client.events.list(
            calendarId=calendar_id,
            singleEvents=True,
            maxResults=EVENTS_PER_PAGE,
            syncToken=sync_token or None,
            pageToken=page or None,
            fields=f"nextPageToken,nextSyncToken,timeZone,items({FIELDS})",
        )
        response = self._call(request, Subject.INCREMENT if sync_token else Subject.CALENDAR)
        next_page, token = response.get("nextPageToken", ""), response.get("nextSyncToken", "")
        if not next_page and not token:
            raise ProviderUnreachable("the last page has no sync token")
        events, skipped = [], []
        for item in response.get("items", []):
            try:
                events.append(read_event(item))
            except (ValueError, AttributeError, TypeError) as error:
                skipped.append(f"An event at Google was left out: {error}.")
        return EventPage(tuple(events), next_page, token, response.get("timeZone", ""), tuple(skipped))

    def get_event(self, calendar_id: str, event_id: str) -> RemoteEvent:
        request = self._client.events.get(calendarId=calendar_id, eventId=event_id, fields=FIELDS)
        return self._event(self._call(request, Subject.EVENT))

    def write_events(self, calendar_id: str, writes: Sequence[EventWrite]) -> list[WriteResult]:
        if len(writes) > MAX_BATCH:
            raise ValueError(f"at most {MAX_BATCH} writes go into one batch")
        requests = [self._write(calendar_id, write) for write in writes]
        if len(requests) == 1:
            return [self._write_one(writes[0], requests[0])]
        results: dict[str, WriteResult] = {}

        def note(request_id: str, response: Any, error: Exception | None) -> None:
            write = writes[int(request_id)]
            results[request_id] = self._result(write, response, error)

        with self._clean(Subject.EVENT):
            batch = self._client.service.new_batch_http_request()
            for number, request in enumerate(requests):
                batch.add(request, callback=note, request_id=str(number))
            batch.execute(http=self._http)
        if len(results) != len(writes):
            raise ProviderUnreachable("parts of the response to a batch are missing")
        return [results[str(number)] for number in range(len(writes))]

    def share(self, calendar_id: str) -> None:
        body = {"role": "reader", "scope": {"type": EVERYONE}}
        request = self._client.acl.insert(calendarId=calendar_id, body=body, sendNotifications=False)
        self._call(request, Subject.CALENDAR)

    def unshare(self, calendar_id: str) -> None:
        try:
            self._call(self._client.acl.delete(calendarId=calendar_id, ruleId=EVERYONE), Subject.CALENDAR, empty=True)
        except CalendarNotFound:
            return  # no such rule or calendar: it is not public

    def is_shared(self, calendar_id: str) -> bool:
        try:
            rule = self._call(self._client.acl.get(calendarId=calendar_id, ruleId=EVERYONE), Subject.CALENDAR)
        except CalendarNotFound:
            return False
        return rule.get("role") in READING

    def watch(self, calendar_id: str, channel_id: str, token: str, address: str) -> NotificationChannel:
        body = {"id": channel_id, "type": "web_hook", "address": address, "token": token}
        response = self._call(self._client.events.watch(calendarId=calendar_id, body=body), Subject.CALENDAR)
        try:
            expires = datetime.fromtimestamp(int(response["expiration"]) / 1000, UTC)
            return NotificationChannel(channel_id, str(response["resourceId"]), expires)
        except (LookupError, TypeError, ValueError, OverflowError, OSError) as error:
            raise ProviderUnreachable(f"the response is no channel: {error}") from error

    def stop_channel(self, channel_id: str, resource_id: str) -> None:
        body = {"id": channel_id, "resourceId": resource_id}
        try:
            self._call(self._client.channels.stop(body=body), Subject.CALENDAR, empty=True)
        except CalendarNotFound:
            return  # it has expired, or belongs to another account

    def _write(self, calendar_id: str, write: EventWrite) -> Any:
        events = self._client.events
        if write.kind is WriteKind.DELETE:
            request = events.delete(calendarId=calendar_id, eventId=write.event_id, sendUpdates="none")
        else:
            assert write.content is not None
            body = event_body(write.content, self._app)
            if write.kind is WriteKind.INSERT:
                body["id"] = write.event_id
                request = events.insert(calendarId=calendar_id, body=body, sendUpdates="none", fields=FIELDS)
            else:
                request = events.update(
                    calendarId=calendar_id, eventId=write.event_id, body=body, sendUpdates="none", fields=FIELDS
                )
        if write.etag:
            request.headers["If-Match"] = write.etag
        return request

    def _write_one(self, write: EventWrite, request: Any) -> WriteResult:
        try:
            response = request.execute(http=self._http)
        except Exception as error:
            problem = translate(error, _subject(write))
            if isinstance(problem, ProviderUnreachable):
                self._client.http.close()
                raise problem from error
            return problem
        return self._result(write, response, None)

    def _result(self, write: EventWrite, response: Any, error: Exception | None) -> WriteResult:
        if error is not None:
            return translate(error, _subject(write))
        if write.kind is WriteKind.DELETE:
            return None
        try:
            return self._event(response)
        except ProviderError as problem:
            return problem

    def _event(self, response: Any) -> RemoteEvent:
        try:
            return read_event(response)
        except (ValueError, AttributeError, TypeError) as error:
            raise ProviderUnreachable(f"the response is no event: {error}") from error

    @contextmanager
    def _clean(self, subject: Subject) -> Iterator[None]:
        """Translate errors, and close the connection after a broken response."""
        try:
            with translated(subject):
                yield
        except ProviderUnreachable:
            self._client.http.close()
            raise

    def _call(self, request: Any, subject: Subject, *, empty: bool = False) -> Any:
        with self._clean(subject):
            response = request.execute(http=self._http)
        # The library returns a body that is not JSON as text, without an exception.
        if not empty and not isinstance(response, dict):
            raise ProviderUnreachable("the response is no JSON object")
        return response


def _subject(write: EventWrite) -> Subject:
    # If an insert responds "not found", that is the calendar.
    return Subject.CALENDAR if write.kind is WriteKind.INSERT else Subject.EVENT


def _calendar(response: Any) -> RemoteCalendar:
    if not response.get("id"):
        raise ProviderUnreachable("the response is no calendar")
    return RemoteCalendar(
        id=str(response["id"]),
        summary=str(response.get("summary", "")),
        description=str(response.get("description", "")),
        time_zone=str(response.get("timeZone", "")),
    )


def _naive(moment: datetime) -> datetime:
    # The library compares naive UTC times.
    return moment.astimezone(UTC).replace(tzinfo=None)
