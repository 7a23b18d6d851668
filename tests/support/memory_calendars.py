"""A calendar provider in memory for tests of the sync engine, with the behaviour of Google that the engine relies on.

tests/calendar_sync/test_contract.py runs against this and against the real client. As at Google, deleted events stay as
tombstones, their ids stay taken, every change gets a new etag, and a sync token is a position in the sequence of
changes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from portal.calendar_sync.errors import (
    CalendarNotFound,
    EventChanged,
    EventIdTaken,
    EventNotFound,
    PermissionMissing,
    ProviderError,
    RequestRejected,
    SyncTokenExpired,
)
from portal.calendar_sync.plan import EventContent, RemoteEvent
from portal.calendar_sync.provider import (
    MAX_BATCH,
    EventPage,
    EventWrite,
    NotificationChannel,
    RemoteCalendar,
    WriteKind,
    WriteResult,
)
from portal.models.base import utcnow

PAGE = 250


@dataclass(slots=True)
class MemoryCalendar:
    """One calendar: its properties, its events and when each changed last, and whether everyone may read it."""

    properties: RemoteCalendar
    events: dict[str, RemoteEvent] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    shared: bool = False
    channels: dict[str, tuple[str, str]] = field(default_factory=dict)
    oldest_token: int = 0


@dataclass(slots=True)
class MemoryGoogle:
    """All calendars, and hooks for the tests.

    `before` and `after` are called with a method's name around each call; raising in them makes a call fail without,
    or with, its effect.
    """

    calendars: dict[str, MemoryCalendar] = field(default_factory=dict)
    before: Callable[[str], None] = lambda _method: None
    after: Callable[[str], None] = lambda _method: None
    calls: list[str] = field(default_factory=list)
    now: Callable[[], datetime] = utcnow
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def put(self, calendar_id: str, event: RemoteEvent) -> RemoteEvent:
        """Write an event as a person at Google does."""
        calendar = self.calendars[calendar_id]
        number = next(self._numbers)
        stored = replace(event, etag=f'"{number}"')
        calendar.events[event.id] = stored
        calendar.changed[event.id] = number
        return stored

    def delete(self, calendar_id: str, event_id: str) -> None:
        """Delete an event as a person at Google does; a tombstone stays."""
        self.put(calendar_id, RemoteEvent(event_id, "", cancelled=True))

    def forget_tokens(self, calendar_id: str) -> None:
        """Invalidate every sync token."""
        self.calendars[calendar_id].oldest_token = next(self._numbers)

    def number(self) -> int:
        """The next change number."""
        return next(self._numbers)

    def live(self, calendar_id: str) -> dict[str, RemoteEvent]:
        """The events that are not deleted."""
        return {key: event for key, event in self.calendars[calendar_id].events.items() if not event.cancelled}


class MemoryCalendars:
    """Implements portal.calendar_sync.provider.CalendarProvider on a MemoryGoogle."""

    def __init__(self, google: MemoryGoogle, app: str, *, may_share: bool = True, may_list: bool = True) -> None:
        self._google = google
        self._app = app
        self._may_share = may_share
        self._may_list = may_list

    def create_calendar(self, summary: str, description: str, time_zone: str) -> RemoteCalendar:
        self._begin("create_calendar")
        made = RemoteCalendar(f"c{self._google.number()}@memory.example", summary, description, time_zone)
        self._google.calendars[made.id] = MemoryCalendar(made)
        self._end("create_calendar")
        return made

    def get_calendar(self, calendar_id: str) -> RemoteCalendar:
        self._begin("get_calendar")
        return self._calendar(calendar_id).properties

    def rename_calendar(self, calendar_id: str, summary: str) -> None:
        self._begin("rename_calendar")
        calendar = self._calendar(calendar_id)
        calendar.properties = replace(calendar.properties, summary=summary)
        self._end("rename_calendar")

    def delete_calendar(self, calendar_id: str) -> None:
        self._begin("delete_calendar")
        self._calendar(calendar_id)
        del self._google.calendars[calendar_id]
        self._end("delete_calendar")

    def find_calendar(self, mark: str) -> RemoteCalendar | None:
        self._begin("find_calendar")
        if not self._may_list:
            raise PermissionMissing("the list of calendars was not granted")
        found = (calendar.properties for calendar in self._google.calendars.values())
        return next((properties for properties in found if mark in properties.description), None)

    def read_events(self, calendar_id: str, *, sync_token: str = "", page: str = "") -> EventPage:
        self._begin("read_events")
        calendar = self._calendar(calendar_id)
        since = int(sync_token or 0)
        if sync_token and since < calendar.oldest_token:
            raise SyncTokenExpired("the sync token is too old")
        keys = sorted(
            (key for key, number in calendar.changed.items() if number > since), key=calendar.changed.__getitem__
        )
        events = [calendar.events[key] for key in keys]
        if not sync_token:
            events = [event for event in events if not event.cancelled]
        at = int(page or 0)
        last = at + PAGE >= len(events)
        return EventPage(
            events=tuple(events[at : at + PAGE]),
            next_page="" if last else str(at + PAGE),
            sync_token=str(max([*calendar.changed.values(), calendar.oldest_token, 1])) if last else "",
            time_zone=calendar.properties.time_zone,
        )

    def get_event(self, calendar_id: str, event_id: str) -> RemoteEvent:
        self._begin("get_event")
        found = self._calendar(calendar_id).events.get(event_id)
        if found is None:
            raise EventNotFound(event_id)
        return found

    def write_events(self, calendar_id: str, writes: Sequence[EventWrite]) -> list[WriteResult]:
        if len(writes) > MAX_BATCH:
            raise ValueError(f"at most {MAX_BATCH} writes go into one batch")
        self._begin("write_events")
        results = [self._write(calendar_id, write) for write in writes]
        self._end("write_events")
        return results

    def share(self, calendar_id: str) -> None:
        self._share("share", calendar_id, shared=True)

    def unshare(self, calendar_id: str) -> None:
        try:
            self._share("unshare", calendar_id, shared=False)
        except CalendarNotFound:
            return

    def is_shared(self, calendar_id: str) -> bool:
        self._begin("is_shared")
        if not self._may_share:
            raise PermissionMissing("sharing was not granted")
        found = self._google.calendars.get(calendar_id)
        return found is not None and found.shared

    def watch(self, calendar_id: str, channel_id: str, token: str, address: str) -> NotificationChannel:
        self._begin("watch")
        if not address.startswith(("https://", "http://127.0.0.1")):
            raise RequestRejected("a channel needs an https address")
        self._calendar(calendar_id).channels[channel_id] = (token, address)
        self._end("watch")
        return NotificationChannel(channel_id, f"resource of {calendar_id}", self._google.now() + timedelta(days=7))

    def stop_channel(self, channel_id: str, resource_id: str) -> None:
        self._begin("stop_channel")
        calendar = self._google.calendars.get(resource_id.removeprefix("resource of "))
        if calendar is not None:
            calendar.channels.pop(channel_id, None)
        self._end("stop_channel")

    def _share(self, method: str, calendar_id: str, *, shared: bool) -> None:
        self._begin(method)
        if not self._may_share:
            raise PermissionMissing("sharing was not granted")
        self._calendar(calendar_id).shared = shared
        self._end(method)

    def _write(self, calendar_id: str, write: EventWrite) -> WriteResult:
        try:
            events = self._calendar(calendar_id).events
            found = events.get(write.event_id)
            if write.kind is WriteKind.INSERT:
                if found is not None:
                    raise EventIdTaken(write.event_id)
            elif found is None or (write.kind is WriteKind.DELETE and found.cancelled):
                raise EventNotFound(write.event_id)
            elif write.etag and write.etag != found.etag:
                raise EventChanged(write.event_id)
            if write.kind is WriteKind.DELETE:
                self._google.delete(calendar_id, write.event_id)
                return None
            return self._google.put(calendar_id, self._event(write))
        except ProviderError as problem:
            return problem

    def _event(self, write: EventWrite) -> RemoteEvent:
        content: EventContent | None = write.content
        assert content is not None
        start, end = (moment.replace(microsecond=0) for moment in (content.start, content.end))
        if start >= end:
            raise RequestRejected("the event is empty")
        return RemoteEvent(
            id=write.event_id,
            etag="",
            start=start,
            end=end,
            title=content.title,
            description=content.description,
            location=content.location,
            private={"app": self._app, "booking": content.slot_uuid.hex},
        )

    def _calendar(self, calendar_id: str) -> MemoryCalendar:
        found = self._google.calendars.get(calendar_id)
        if found is None:
            raise CalendarNotFound(calendar_id)
        return found

    def _begin(self, method: str) -> None:
        self._google.calls.append(method)
        self._google.before(method)

    def _end(self, method: str) -> None:
        self._google.after(method)
