"""The states of an offering's Google calendar, the actions that users can request, and why one is refused.

                          requested              started       finished
    not yet at Google ──> CREATION_SCHEDULED ──> CREATING ──┬──> OK
    OK, ERRED         ──> UPDATE_SCHEDULED   ──> UPDATING ──┴──> ERRED
    OK, ERRED         <────────── a background run ──────────> OK, ERRED

States and refusals are those of Waldur's API. Only an action that a user requested makes a calendar busy: background
syncs and retries go from OK or ERRED straight to OK or ERRED, and no action is refused because of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import urlencode

from portal.errors import CalendarRefusal

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
    """An action that users request with a button of the page or an action of the API."""

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
    """Whether a requested action is pending. None (no calendar yet) is not busy."""
    return state is not None and CalendarState(state) in BUSY


def can_request(state: str | None) -> bool:
    """Whether a new action can be requested: no calendar yet (None), or nothing pending. ERRED may be retried."""
    return not is_busy(state)


def refusal(
    action: CalendarAction,
    *,
    has_credentials: bool,
    state: str | None,
    public: bool = False,
    want_public: bool | None = None,
) -> CalendarRefusal | None:
    """Why the action is refused, or None. `state` is None if the offering has no calendar yet.

    Checked in this order: credentials, a busy calendar, then the action itself (docs/google-calendar.md, "Sync, share,
    unshare"). `public` is the last known sharing, `want_public` the last requested one. In a settled calendar they
    differ only after a share or an unshare failed; the sharing is uncertain then, so both can be requested.
    """
    wanted = public if want_public is None else want_public
    if not has_credentials:
        return CalendarRefusal.NO_CREDENTIALS
    if is_busy(state):
        return CalendarRefusal.BUSY
    if action is CalendarAction.SHARE and state is not None and public and wanted:
        return CalendarRefusal.ALREADY_PUBLIC
    if action is CalendarAction.UNSHARE:
        if state is None:
            return CalendarRefusal.NO_CALENDAR
        if not (public or wanted):
            return CalendarRefusal.ALREADY_PRIVATE
    return None


def requested_state(*, created: bool) -> CalendarState:
    """The state after an action was requested. `created`: the calendar exists at Google (it has a backend_id)."""
    return CalendarState.UPDATE_SCHEDULED if created else CalendarState.CREATION_SCHEDULED


def started(state: str) -> CalendarState:
    """The state during a run. Only a requested action changes it: OK and ERRED stay."""
    now = CalendarState(state)
    if now is CalendarState.CREATION_SCHEDULED:
        return CalendarState.CREATING
    return CalendarState.UPDATING if now is CalendarState.UPDATE_SCHEDULED else now


def finished(*, ok: bool) -> CalendarState:
    """The state after a run that completed the action, or that failed permanently."""
    return CalendarState.OK if ok else CalendarState.ERRED


def can_transition(state: str | None, to: str) -> bool:
    """Whether a calendar may go from one state (None: it does not exist) to another."""
    return CalendarState(to) in TRANSITIONS[None if state is None else CalendarState(state)]


def http_link(backend_id: str | None, public: bool, embed_uri: str = GOOGLE_EMBED_URI) -> str | None:
    """The public address of the calendar, or None while it is private (the API field `googlecalendar`).

    The calendar's id is form-encoded (`@` becomes %40).
    """
    if not public or not backend_id:
        return None
    return f"{embed_uri}{'&' if '?' in embed_uri else '?'}{urlencode({'src': backend_id})}"
