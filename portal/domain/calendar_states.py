"""The states of an offering's Google calendar, the acts people may ask for, and why one is refused.

                      asked for          taken up           done
    (no calendar) ──> CREATION_SCHEDULED ──> CREATING ──┬──> OK
    OK, ERRED     ──> UPDATE_SCHEDULED   ──> UPDATING ──┴──> ERRED
    OK, ERRED     <────────── a background run ──────────>  OK, ERRED

States and refusals are those of the Waldur API contract. Only an act that somebody asked for makes a calendar busy:
background syncs and retries go from OK or ERRED straight to OK or ERRED, and refuse nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import urlencode

from portal.errors import Refusal

GOOGLE_EMBED_URI = "https://calendar.google.com/calendar/embed"


class CalendarState(StrEnum):
    """The state of a calendar, as it is stored. It is not shown in the API."""

    CREATION_SCHEDULED = "CREATION_SCHEDULED"
    CREATING = "CREATING"
    UPDATE_SCHEDULED = "UPDATE_SCHEDULED"
    UPDATING = "UPDATING"
    OK = "OK"
    ERRED = "ERRED"


class CalendarAct(StrEnum):
    """What a person can ask for, by the page's button or the API's action."""

    SYNC = "sync"
    SHARE = "share"
    UNSHARE = "unshare"


SETTLED = frozenset({CalendarState.OK, CalendarState.ERRED})
QUEUED = frozenset({CalendarState.CREATION_SCHEDULED, CalendarState.UPDATE_SCHEDULED})
RUNNING = frozenset({CalendarState.CREATING, CalendarState.UPDATING})
BUSY = QUEUED | RUNNING

TRANSITIONS: Mapping[CalendarState | None, frozenset[CalendarState]] = {
    None: frozenset({CalendarState.CREATION_SCHEDULED}),
    CalendarState.CREATION_SCHEDULED: frozenset({CalendarState.CREATING}),
    CalendarState.CREATING: SETTLED,
    CalendarState.UPDATE_SCHEDULED: frozenset({CalendarState.UPDATING}),
    CalendarState.UPDATING: SETTLED,
    CalendarState.OK: frozenset({CalendarState.UPDATE_SCHEDULED}) | SETTLED,
    CalendarState.ERRED: frozenset({CalendarState.UPDATE_SCHEDULED}) | SETTLED,
}


def can_act(state: CalendarState | None) -> bool:
    """Whether a new act may be asked for: no calendar yet (None), or nothing pending. ERRED may be retried."""
    return state is None or state in SETTLED


def refusal(
    act: CalendarAct, *, has_credentials: bool, state: CalendarState | None, public: bool = False
) -> Refusal | None:
    """Why the act is refused, or None. `state` is None where the offering has no calendar yet.

    The rules in the contract's order: credentials, then a calendar that is busy, then what the act itself asks for.
    """
    if not has_credentials:
        return Refusal.NO_CREDENTIALS
    if not can_act(state):
        return Refusal.BUSY
    if act is CalendarAct.SHARE and state is not None and public:
        return Refusal.ALREADY_PUBLIC
    if act is CalendarAct.UNSHARE:
        if state is None:
            return Refusal.NO_CALENDAR
        if not public:
            return Refusal.ALREADY_PRIVATE
    return None


def when_asked(state: CalendarState | None) -> CalendarState:
    """The state after somebody asked for an act. Raises ValueError while another one is pending."""
    return move(state, CalendarState.CREATION_SCHEDULED if state is None else CalendarState.UPDATE_SCHEDULED)


def when_taken_up(state: CalendarState) -> CalendarState:
    """The state after the worker took the calendar up. Only an act that was asked for shows: the rest stay as they are."""
    if state is CalendarState.CREATION_SCHEDULED:
        return CalendarState.CREATING
    return CalendarState.UPDATING if state is CalendarState.UPDATE_SCHEDULED else state


def when_done(state: CalendarState, *, ok: bool) -> CalendarState:
    """The state after a run that succeeded or failed for good.

    An act that nobody has taken up is not done by a run that began before it: ValueError.
    """
    return move(state, CalendarState.OK if ok else CalendarState.ERRED)


def move(state: CalendarState | None, to: CalendarState) -> CalendarState:
    """`to`, where a calendar may go there from `state`; else ValueError."""
    if to not in TRANSITIONS[state]:
        raise ValueError(f"a calendar does not go from {state or 'nothing'} to {to}")
    return to


def http_link(backend_id: str | None, public: bool, embed_uri: str = GOOGLE_EMBED_URI) -> str | None:
    """The address where anyone can look at the calendar while it is public, else None (contract: `googlecalendar`).

    The calendar's id is form-encoded (`@` becomes %40).
    """
    if not public or not backend_id:
        return None
    return f"{embed_uri}{'&' if '?' in embed_uri else '?'}{urlencode({'src': backend_id})}"
