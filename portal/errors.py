"""The exception tree: every refusal the portal words for a person. No HTTP here; the faces map it.

PortalError
├── ConfigError         a setting is missing or wrong (raised at start)
├── NotFound            there is no such thing, or the actor may not know of it (said the same way)
├── Forbidden           the actor may see it but may not do this
├── SignInRequired      nobody is signed in
├── Invalid             the input is wrong; names the field, changes nothing
│   └── TooManyAttempts sign-in is slowed down; carries the seconds to wait
├── TooManyWrites       the person has changed too much within an hour; carries the seconds to wait
├── Conflict            the thing is in a state, or held by another, so that this can't be done now
└── CalendarRefused     a calendar act is refused; carries which rule refused it
"""

from __future__ import annotations

from enum import StrEnum


class PortalError(Exception):
    """Base of everything the portal refuses on purpose. `str(error)` is a sentence for a person."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ConfigError(PortalError):
    """A setting is missing, malformed or contradicts another one; the message says how to mend it."""


class NotFound(PortalError):
    """No such thing exists for this actor. `what` is the noun in the API's spelling (Offering, Organization …)."""

    def __init__(self, what: str) -> None:
        super().__init__(f"There is no such {what.lower()}, or you may not see it.")
        self.what = what


class Forbidden(PortalError):
    """The actor may see the thing but may not do this with it."""

    def __init__(self, message: str = "You do not have permission to perform this action.") -> None:
        super().__init__(message)


class SignInRequired(PortalError):
    """The act needs somebody signed in."""

    def __init__(self) -> None:
        super().__init__("Sign in first.")


class Invalid(PortalError):
    """The input is wrong. `field` names the part that is, in the reader's words or the wire's path."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class TooManyAttempts(Invalid):
    """Sign-in is slowed down; `retry_after` is the number of whole seconds to wait."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooManyWrites(PortalError):
    """The person has sent too many requests that write; `retry_after` is the number of whole seconds to wait."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Conflict(PortalError):
    """The thing is in a state, or held by somebody else, so that this cannot be done now."""


class CalendarRefusal(StrEnum):
    """Why a calendar act is refused, in the order in which the rules are asked."""

    NO_CREDENTIALS = "no_credentials"
    BUSY = "busy"
    ALREADY_PUBLIC = "already_public"
    ALREADY_PRIVATE = "already_private"
    NO_CALENDAR = "no_calendar"


class CalendarRefused(PortalError):
    """A calendar act is refused; the text is the published API's own (contract: calendar validators)."""

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
