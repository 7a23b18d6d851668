"""The exceptions with messages for users. The web and API packages map them to HTTP.

PortalError
├── ConfigError         a setting is missing or wrong (raised at start)
├── NotFound            there is no such object, or the actor may not see it
├── Forbidden           the actor may see the object but not do this
├── SignInRequired      the user is not signed in
├── Invalid             the input is invalid; names the field
│   └── TooManyAttempts sign-in is throttled
├── TooManyWrites       the user has sent too many requests that write
├── Conflict            impossible in the current state of the object
└── CalendarRefused     a calendar action is refused
"""

from __future__ import annotations

from enum import StrEnum


class PortalError(Exception):
    """Base of all errors that the portal raises on purpose. `str(error)` is a sentence for users."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ConfigError(PortalError):
    """A setting is missing, malformed or contradicts another one; the message says how to correct it."""


class NotFound(PortalError):
    """The object does not exist for this actor. `what` is the noun in the API (Offering, Organization …)."""

    def __init__(self, what: str) -> None:
        super().__init__(f"There is no such {what.lower()}, or you may not see it.")
        self.what = what


class Forbidden(PortalError):
    """The actor may see the object but not do this with it."""

    def __init__(self, message: str = "You do not have permission to perform this action.") -> None:
        super().__init__(message)


class SignInRequired(PortalError):
    """The action requires a signed-in user."""

    def __init__(self) -> None:
        super().__init__("Sign in first.")


class Invalid(PortalError):
    """The input is invalid. `field` is the label or path of the invalid part."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class TooManyAttempts(Invalid):
    """Sign-in is throttled. `retry_after` is in whole seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooManyWrites(PortalError):
    """The user has sent too many requests that write. `retry_after` is in whole seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Conflict(PortalError):
    """The action is impossible in the current state, or because of another user's booking."""


class CalendarRefusal(StrEnum):
    """Why a calendar action is refused, in the order in which the rules are checked."""

    NO_CREDENTIALS = "no_credentials"
    BUSY = "busy"
    ALREADY_PUBLIC = "already_public"
    ALREADY_PRIVATE = "already_private"
    NO_CALENDAR = "no_calendar"


class CalendarRefused(PortalError):
    """A calendar action is refused. The texts are those of Waldur's API."""

    TEXTS = {
        CalendarRefusal.NO_CREDENTIALS: "Google credentials do not exist.",
        CalendarRefusal.BUSY: "The calendar cannot be updated.",
        CalendarRefusal.ALREADY_PUBLIC: "The calendar is public already.",
        CalendarRefusal.ALREADY_PRIVATE: "The calendar is private already.",
        CalendarRefusal.NO_CALENDAR: "The calendar does not exist.",
    }

    def __init__(self, refusal: CalendarRefusal) -> None:
        super().__init__(self.TEXTS[refusal])
        self.refusal = refusal
