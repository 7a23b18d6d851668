"""The states of an offering's Google calendar, the acts people may ask for, and why one is refused.

                          asked for              taken up      done
    not yet at Google ──> CREATION_SCHEDULED ──> CREATING ──┬──> OK
    OK, ERRED         ──> UPDATE_SCHEDULED   ──> UPDATING ──┴──> ERRED
    OK, ERRED         <────────── a background run ──────────> OK, ERRED

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


class CalendarAction(StrEnum):
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
    CalendarState.OK: QUEUED | SETTLED,
    CalendarState.ERRED: QUEUED | SETTLED,
}


def is_busy(state: str | None) -> bool:
    """Whether an act that somebody asked for is pending. None (no calendar yet) is not busy."""
    return state is not None and CalendarState(state) in BUSY


def can_act(state: str | None) -> bool:
    """Whether a new act may be asked for: no calendar yet (None), or nothing pending. ERRED may be retried."""
    return not is_busy(state)


def refusal(
    act: CalendarAction,
    *,
    has_credentials: bool,
    state: str | None,
    public: bool = False,
    want_public: bool | None = None,
) -> Refusal | None:
    """Why the act is refused, or None. `state` is None where the offering has no calendar yet.

    The rules in the contract's order: credentials, then a calendar that is busy, then what the act itself asks for.
    `public` is what Google was last known to do, `want_public` what was asked for last. They differ in a settled
    calendar only after a share or an unshare failed; what Google does is uncertain then, so either may be asked for.
    """
    wanted = public if want_public is None else want_public
    if not has_credentials:
        return Refusal.NO_CREDENTIALS
    if is_busy(state):
        return Refusal.BUSY
    if act is CalendarAction.SHARE and state is not None and public and wanted:
        return Refusal.ALREADY_PUBLIC
    if act is CalendarAction.UNSHARE:
        if state is None:
            return Refusal.NO_CALENDAR
        if not (public or wanted):
            return Refusal.ALREADY_PRIVATE
    return None


def requested_state(*, created: bool) -> CalendarState:
    """The state after somebody asked for an act. `created`: the calendar exists at Google (it has a backend_id)."""
    return CalendarState.UPDATE_SCHEDULED if created else CalendarState.CREATION_SCHEDULED


def started(state: str) -> CalendarState:
    """The state while the worker is at it. Only an act that was asked for shows: OK and ERRED stay as they are."""
    now = CalendarState(state)
    if now is CalendarState.CREATION_SCHEDULED:
        return CalendarState.CREATING
    return CalendarState.UPDATING if now is CalendarState.UPDATE_SCHEDULED else now


def finished(*, ok: bool) -> CalendarState:
    """The state after a run that reached everything that was asked for, or that failed for good."""
    return CalendarState.OK if ok else CalendarState.ERRED


def can_transition(state: str | None, to: str) -> bool:
    """Whether a calendar may go from one state (None: it does not exist) to another."""
    return CalendarState(to) in TRANSITIONS[None if state is None else CalendarState(state)]


def http_link(backend_id: str | None, public: bool, embed_uri: str = GOOGLE_EMBED_URI) -> str | None:
    """The address where anyone can look at the calendar while it is public, else None (contract: `googlecalendar`).

    The calendar's id is form-encoded (`@` becomes %40).
    """
    if not public or not backend_id:
        return None
    return f"{embed_uri}{'&' if '?' in embed_uri else '?'}{urlencode({'src': backend_id})}"
