"""Calendars as the engine sees them. portal.google implements this with Google's API, the tests have one in memory.

Every method may raise the errors of portal.domain.google, and nothing else. None of them retries: when to repeat a
call is the engine's decision, because only it knows whether that is harmless.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from portal.domain.google import ProviderError
from portal.domain.sync_plan import Content, RemoteEvent

# Where an application keeps what opens a provider for an organization.
OPEN_PROVIDER = "portal.open_provider"
# Google's own advice for a batch; the client library would take 1000.
MAX_BATCH = 50


@dataclass(frozen=True, slots=True)
class RemoteCalendar:
    """A calendar as it is at Google."""

    id: str
    summary: str
    description: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page of events. `next_page` is "" on the last one, which alone carries `sync_token`.

    `skipped` are sentences about events that could not be understood.
    """

    events: tuple[RemoteEvent, ...]
    next_page: str
    sync_token: str
    time_zone: str
    skipped: tuple[str, ...] = ()


class WriteKind(StrEnum):
    """What is done to an event."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Write:
    """One change of one event. An update replaces the whole event, and revives a deleted one.

    `etag`: only if it is still as it was then (Changed otherwise); "" writes over whatever is there.
    """

    kind: WriteKind
    event_id: str
    content: Content | None = None
    etag: str = ""


# Of each write: the event as it is now, None after a deletion, or what went wrong with it alone.
WriteResult = RemoteEvent | ProviderError | None


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of notifications: its id (ours), Google's id of what is watched, and when it ends by itself."""

    id: str
    resource_id: str
    expires: datetime


class CalendarProvider(Protocol):
    """One connected account's calendars. Not for several threads at once."""

    def create_calendar(self, summary: str, description: str, time_zone: str) -> RemoteCalendar:
        """Make a calendar. Not idempotent: after Unreachable there may or may not be one."""

    def get_calendar(self, calendar_id: str) -> RemoteCalendar:
        """A calendar's properties. Raises CalendarMissing."""

    def rename_calendar(self, calendar_id: str, summary: str) -> None:
        """Give it another name and leave the rest alone. Raises CalendarMissing."""

    def delete_calendar(self, calendar_id: str) -> None:
        """Delete it with everything in it. Raises CalendarMissing."""

    def find_calendar(self, mark: str) -> RemoteCalendar | None:
        """The account's calendar whose description holds the mark. Raises ScopeMissing where that is not granted."""

    def read_events(self, calendar_id: str, *, sync_token: str = "", page: str = "") -> Page:
        """A page of all events (series expanded), or with a token of those changed since.

        Raises TokenExpired, CalendarMissing.
        """

    def get_event(self, calendar_id: str, event_id: str) -> RemoteEvent:
        """One event, perhaps a cancelled one. Raises EventMissing."""

    def write_events(self, calendar_id: str, writes: Sequence[Write]) -> list[WriteResult]:
        """Make up to MAX_BATCH changes in one request; the results in the writes' order. Nobody is mailed.

        Raises only what concerns the request as a whole; then any of the changes may or may not have been made.
        """

    def share(self, calendar_id: str) -> None:
        """Let everyone read it. Doing it twice is doing it once. Raises ScopeMissing, CalendarMissing."""

    def unshare(self, calendar_id: str) -> None:
        """Take that back. Not being shared is success. Raises ScopeMissing."""

    def is_shared(self, calendar_id: str) -> bool:
        """Whether everyone may read it. Raises ScopeMissing."""

    def watch(self, calendar_id: str, channel_id: str, token: str, address: str) -> Channel:
        """Have Google post to `address` whenever events change, with the token. Raises CalendarMissing, Refused."""

    def stop_channel(self, channel_id: str, resource_id: str) -> None:
        """End a channel. One that is not known (any more) is success."""
