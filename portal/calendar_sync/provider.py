"""What a calendar provider implements: consent (OAuth) and the calendars of a connected account.

portal.calendar_sync.providers.google implements both protocols with Google's API; the tests have an implementation in
memory, and tests/calendar_sync/test_contract.py runs against both. Methods raise the errors of
portal.calendar_sync.errors and nothing else. They never retry: only the engine knows whether repeating is harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from portal.calendar_sync.errors import ProviderError
from portal.calendar_sync.plan import EventContent, RemoteEvent

# The key of the application's OpenProvider in `app.extensions`.
OPEN_PROVIDER = "portal.open_provider"
# Google's recommendation; its client library would accept 1000.
MAX_BATCH = 50


class Permission(StrEnum):
    """A permission that users grant, or leave out, when they connect an account."""

    # Create calendars, and read and change events in the created calendars.
    CALENDARS = "calendars"
    # Make calendars public or private.
    SHARING = "sharing"
    # List the account's calendars: finds a calendar whose creation was not confirmed, so that no second one is made.
    LISTING = "listing"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """Gives access to the provider's API until `expires` (aware, UTC)."""

    token: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class ConsentGrant:
    """The tokens and scopes that a consent gave. `refresh_token` is "" if the provider sent none."""

    refresh_token: str
    access: AccessToken
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProviderAccount:
    """The account that consented: the provider's permanent id of it, and its e-mail address."""

    sub: str
    email: str


@dataclass(frozen=True, slots=True)
class ConsentAddress:
    """The address of the consent page, and the PKCE verifier to keep until the user returns."""

    url: str
    code_verifier: str


class Consent(Protocol):
    """OAuth at the provider. Every method may raise ProviderError; none of them uses the portal's database."""

    def address(
        self, *, redirect_uri: str, state: str, permissions: Collection[Permission] = tuple(Permission)
    ) -> ConsentAddress:
        """The page where the user grants these permissions, in addition to those granted before.

        Requests offline access and shows the consent page every time.
        """

    def exchange(self, *, redirect_uri: str, code: str, code_verifier: str) -> ConsentGrant:
        """Exchange the code of the redirect for tokens. Raises RequestRejected if the code is used up or unknown."""

    def refresh(self, refresh_token: str) -> ConsentGrant:
        """A new access token. Raises ConsentLost if the consent was withdrawn or has expired."""

    def account(self, access_token: str) -> ProviderAccount:
        """The account of a token; empty if the user did not grant that."""

    def revoke(self, token: str) -> None:
        """Withdraw the consent. Succeeds if the token is invalid already."""


@dataclass(frozen=True, slots=True)
class RemoteCalendar:
    """A calendar as it is at the provider."""

    id: str
    summary: str
    description: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class EventPage:
    """A page of events. `next_page` is "" on the last page, which alone has a `sync_token`.

    `skipped` are sentences about events that could not be parsed.
    """

    events: tuple[RemoteEvent, ...]
    next_page: str
    sync_token: str
    time_zone: str
    skipped: tuple[str, ...] = ()


class WriteKind(StrEnum):
    """What a write does to an event."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class EventWrite:
    """One change of one event. An update replaces the whole event, and restores a deleted one.

    `etag`: write only if the event still has it (EventChanged otherwise); "" overwrites unconditionally.
    """

    kind: WriteKind
    event_id: str
    content: EventContent | None = None
    etag: str = ""


# The result of each write: the event as it is now, None after a deletion, or the error that concerns this event alone.
WriteResult = RemoteEvent | ProviderError | None


@dataclass(frozen=True, slots=True)
class NotificationChannel:
    """A channel of push notifications: the portal's id, the provider's id of the watched resource, and the expiry."""

    id: str
    resource_id: str
    expires: datetime


class CalendarProvider(Protocol):
    """The calendars of one connected account. Not thread-safe."""

    def create_calendar(self, summary: str, description: str, time_zone: str) -> RemoteCalendar:
        """Create a calendar. Not idempotent: after ProviderUnreachable it may or may not exist."""

    def get_calendar(self, calendar_id: str) -> RemoteCalendar:
        """A calendar's properties. Raises CalendarNotFound."""

    def rename_calendar(self, calendar_id: str, summary: str) -> None:
        """Change the name and nothing else. Raises CalendarNotFound."""

    def delete_calendar(self, calendar_id: str) -> None:
        """Delete the calendar with all its events. Raises CalendarNotFound."""

    def find_calendar(self, mark: str) -> RemoteCalendar | None:
        """The account's calendar whose description contains the mark. Raises PermissionMissing."""

    def read_events(self, calendar_id: str, *, sync_token: str = "", page: str = "") -> EventPage:
        """A page of all events (recurring events expanded), or of the events changed since the token was issued.

        Raises SyncTokenExpired, CalendarNotFound.
        """

    def get_event(self, calendar_id: str, event_id: str) -> RemoteEvent:
        """One event, perhaps a cancelled one. Raises EventNotFound."""

    def write_events(self, calendar_id: str, writes: Sequence[EventWrite]) -> list[WriteResult]:
        """Make up to MAX_BATCH changes in one request; the results have the order of the writes. Sends no mail.

        Raises only errors of the request as a whole; any of the changes may or may not have been made then.
        """

    def share(self, calendar_id: str) -> None:
        """Make the calendar readable for everyone. Idempotent. Raises PermissionMissing, CalendarNotFound."""

    def unshare(self, calendar_id: str) -> None:
        """Make the calendar private. Succeeds if it is private already. Raises PermissionMissing."""

    def is_shared(self, calendar_id: str) -> bool:
        """Whether everyone can read the calendar. Raises PermissionMissing."""

    def watch(self, calendar_id: str, channel_id: str, token: str, address: str) -> NotificationChannel:
        """Have a request with the token sent to `address` whenever events change.

        Raises CalendarNotFound, RequestRejected.
        """

    def stop_channel(self, channel_id: str, resource_id: str) -> None:
        """Stop a channel. Succeeds if there is no such channel (any more)."""


# Opens the calendars of a connection, given by its id.
OpenProvider = Callable[[int], CalendarProvider]
