"""What can go wrong with a calendar provider: one class for each reaction of the portal.

ProviderError                 the base class; `sentence` is shown to users, `detail` goes to the log
├── TemporaryFailure          may work later; the outcome can be unknown (`retry_after`: seconds, if the provider said)
│   ├── ProviderUnreachable   no response, a broken one or 5xx: the request may have been carried out all the same
│   ├── RateLimited           too many calls: wait some seconds
│   └── QuotaExhausted        a lasting limit: wait hours
├── ProviderMisconfigured     the portal's own client at the provider is wrong: an administrator has to fix it
├── ConsentLost               the consent was withdrawn or has expired: the owner has to connect again
├── PermissionMissing         the user did not grant what the call needs
├── CalendarAccessLost        the connected account has no rights on the calendar
├── CalendarNotFound          there is no such calendar (any more)
├── EventNotFound             there is no such event (any more)
├── EventIdTaken              the id is in use, perhaps by a deleted event
├── EventChanged              the event was changed since it was read
├── SyncTokenExpired          the sync token is invalid: read everything
└── RequestRejected           the provider does not accept the request: repeating it is pointless
"""

from __future__ import annotations

from typing import ClassVar

from portal.domain.messages import N_


class ProviderError(Exception):
    """A call to the calendar provider failed. `sentence` tells a user what that means and what to do."""

    sentence: ClassVar[str] = N_("Google Calendar could not be used.")

    def __init__(self, detail: str = "", *, sentence: str | None = None) -> None:
        super().__init__(detail or self.sentence)
        self.detail = detail
        self.words = sentence or self.sentence


class TemporaryFailure(ProviderError):
    """The same call may work later. `retry_after`: seconds to wait, if the provider said so."""

    sentence = N_("Google did not answer as expected. The portal will try again automatically.")

    def __init__(self, detail: str = "", *, sentence: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(detail, sentence=sentence)
        self.retry_after = retry_after


class ProviderUnreachable(TemporaryFailure):
    """There was no usable response: the request may have been carried out all the same."""

    sentence = N_("Google could not be reached. The portal will try again automatically.")


class RateLimited(TemporaryFailure):
    """Too many calls in a short time."""

    sentence = N_("Google asked the portal to slow down. This will resume automatically.")


class QuotaExhausted(TemporaryFailure):
    """A limit that lasts for hours is reached."""

    sentence = N_("Google's limits for this account are reached. This will resume automatically in a few hours.")


class ProviderMisconfigured(ProviderError):
    """The portal's own client at the provider is set up wrongly."""

    sentence = N_("Google Calendar is unavailable. An administrator needs to fix the Google configuration.")


class ConsentLost(ProviderError):
    """The consent was withdrawn or has expired."""

    sentence = N_("Google access was withdrawn or has expired: connect Google again.")


class PermissionMissing(ProviderError):
    """The user did not grant a permission that the call needs."""

    sentence = N_(
        "Google access does not include this permission: connect Google again and tick every box on its page."
    )


class CalendarAccessLost(ProviderError):
    """The connected account has no rights on the calendar."""

    sentence = N_("The connected Google account has no rights on this calendar: connect the account that owns it.")


class CalendarNotFound(ProviderError):
    """There is no such calendar."""

    sentence = N_("The calendar no longer exists at Google.")


class EventNotFound(ProviderError):
    """There is no such event."""

    sentence = N_("The event no longer exists at Google.")


class EventIdTaken(ProviderError):
    """The event's id is in use, perhaps by a deleted event."""

    sentence = N_("Google says that the event exists already.")


class EventChanged(ProviderError):
    """The event was changed since it was read."""

    sentence = N_("The event was changed at Google at the same time.")


class SyncTokenExpired(ProviderError):
    """The sync token is invalid."""

    sentence = N_("Google asked for a full read.")


class RequestRejected(ProviderError):
    """The provider does not accept the request."""

    sentence = N_("Google rejected the request.")
