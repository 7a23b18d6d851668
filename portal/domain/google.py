"""What the portal expects of Google: consent as an interface, and the errors that anything there can end with.

Here, below the services, because they ask for consent and the calendar engine (portal.sync) asks for calendars, and
neither may know the room that talks to Google (portal.google). Nothing in this file talks to anybody.

ProviderError           something went wrong at Google; `sentence` is for people, `detail` for the log
├── Retryable           later the same may work; the outcome may be unknown (`retry_after` seconds, if Google said)
│   ├── Unreachable     no answer, a broken answer or 5xx: what was asked may have been done all the same
│   ├── RateLimited     too fast: wait seconds
│   └── QuotaExhausted  a lasting limit: wait hours
├── OperatorNeeded      this portal's own set-up at Google is wrong; who runs the portal must mend it
├── ReconnectNeeded     the consent is gone: a person must connect again
├── ScopeMissing        the person did not grant this; names what
├── AccessLost          the account has no rights on the calendar (any more)
├── CalendarMissing     there is no such calendar (any more)
├── EventMissing        there is no such event (any more)
├── EventExists         the id is taken, perhaps by an event that was deleted
├── Changed             somebody changed it since we looked
├── TokenExpired        the sync token is void: read everything
└── Refused             Google does not accept what we sent: repeating it is pointless
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

SCOPE_PREFIX = "https://www.googleapis.com/auth/"
SCOPE_ALL = f"{SCOPE_PREFIX}calendar"
# Make calendars, and see and change events on the calendars made: nothing of the person's own.
SCOPE_CALENDARS = f"{SCOPE_PREFIX}calendar.app.created"
# Show and change who may see a calendar: sharing.
SCOPE_SHARING = f"{SCOPE_PREFIX}calendar.acls"
# See the list of calendars: finds a calendar whose creation was not confirmed, instead of making a second one.
SCOPE_LIST = f"{SCOPE_PREFIX}calendar.calendarlist.readonly"
SCOPES = ("openid", "email", SCOPE_CALENDARS, SCOPE_SHARING, SCOPE_LIST)


def grants(granted: Iterable[str], scope: str) -> bool:
    """Whether the granted scopes allow what `scope` allows; the full one stands for every narrower one."""
    found = set(granted)
    return scope in found or (scope.startswith(SCOPE_PREFIX) and SCOPE_ALL in found)


class ProviderError(Exception):
    """Something went wrong at Google. `sentence` tells a person what it means and what to do."""

    sentence: ClassVar[str] = "Google Calendar could not be used."

    def __init__(self, detail: str = "", *, sentence: str | None = None) -> None:
        super().__init__(detail or self.sentence)
        self.detail = detail
        self.words = sentence or self.sentence


class Retryable(ProviderError):
    """Later the same may work. `retry_after`: seconds to wait, where Google said so."""

    sentence = "Google did not answer as expected. The portal tries again by itself."

    def __init__(self, detail: str = "", *, sentence: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(detail, sentence=sentence)
        self.retry_after = retry_after


class Unreachable(Retryable):
    """No answer, or one that says nothing: what was asked may have been done all the same."""

    sentence = "Google could not be reached. The portal tries again by itself."


class RateLimited(Retryable):
    """Too many calls in a short time."""

    sentence = "Google asked the portal to slow down. It goes on by itself."


class QuotaExhausted(Retryable):
    """A limit that lasts for hours."""

    sentence = "Google's limits for this account are reached. The portal goes on in a few hours by itself."


class OperatorNeeded(ProviderError):
    """This portal's own set-up at Google is wrong."""

    sentence = "Google Calendar is temporarily unavailable: whoever runs this portal must mend its set-up at Google."


class ReconnectNeeded(ProviderError):
    """The consent was withdrawn or has expired."""

    sentence = "Google access was withdrawn or has expired: connect Google again."


class ScopeMissing(ProviderError):
    """The person did not grant what this needs."""

    sentence = "Google access does not cover this: connect Google again and tick every box that it shows."


class AccessLost(ProviderError):
    """The connected account has no rights on the calendar."""

    sentence = "The connected Google account has no rights on this calendar: connect the account that owns it."


class CalendarMissing(ProviderError):
    """There is no such calendar."""

    sentence = "The calendar no longer exists at Google."


class EventMissing(ProviderError):
    """There is no such event."""

    sentence = "The event no longer exists at Google."


class EventExists(ProviderError):
    """The event's id is taken, perhaps by an event that was deleted."""

    sentence = "Google says that the event exists already."


class Changed(ProviderError):
    """Somebody changed it since we looked."""

    sentence = "Somebody changed the event at Google in the same moment."


class TokenExpired(ProviderError):
    """The sync token is void."""

    sentence = "Google asked for a full read."


class Refused(ProviderError):
    """Google does not accept what was sent."""

    sentence = "Google refused what the portal sent."


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What opens Google's API until `expires` (aware, UTC)."""

    token: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person's consent gave. `refresh_token` is "" where Google sent none."""

    refresh_token: str
    access: AccessToken
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """Whose consent it is: Google's lasting identifier, and the e-mail address."""

    sub: str
    email: str


@dataclass(frozen=True, slots=True)
class ConsentAddress:
    """Where to send the person, and the PKCE verifier that has to be kept until they are back."""

    url: str
    code_verifier: str


class Consent(Protocol):
    """OAuth at Google. Every method may raise ProviderError; none of them touches the portal's database."""

    def address(self, *, redirect_uri: str, state: str, scopes: Sequence[str] = SCOPES) -> ConsentAddress:
        """Where the person consents to these scopes, beside those granted already.

        Asks for offline access and shows the consent page every time.
        """

    def exchange(self, *, redirect_uri: str, code: str, code_verifier: str) -> Grant:
        """What the code from the redirect is worth. Raises Refused if the code is stale or not ours."""

    def refresh(self, refresh_token: str) -> Grant:
        """A new access token. Raises ReconnectNeeded if the consent is gone."""

    def account(self, access_token: str) -> Account:
        """Whose token it is; empty where the person did not grant that."""

    def revoke(self, token: str) -> None:
        """Take the consent back at Google. A token that is dead already is success."""
