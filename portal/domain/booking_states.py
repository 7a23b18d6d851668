"""What a booking can be, what can be done with it then, and the word for it on the wire.

    requested ── accept ──> confirmed ── cancel ──> cancelled
      │ │ └──── reject ───> rejected
      │ └────── cancel ───> cancelled
      └──────── expire ───> expired

`reschedule` asks anew: the booking is `requested` again (an offering that accepts by itself confirms it at once).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from portal.errors import Conflict


class BookingState(StrEnum):
    """The state of a booking, as it is stored."""

    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class BookingAction(StrEnum):
    """Something that changes the state of a booking."""

    ACCEPT = "accept"
    REJECT = "reject"
    CANCEL = "cancel"
    EXPIRE = "expire"
    RESCHEDULE = "reschedule"


class ApiState(StrEnum):
    """The states of a resource in the Waldur API contract. A booking is only ever Creating, OK or Terminated."""

    CREATING = "Creating"
    OK = "OK"
    ERRED = "Erred"
    UPDATING = "Updating"
    TERMINATING = "Terminating"
    TERMINATED = "Terminated"


# A booking in one of these holds its slots: nobody else gets them.
HOLDING = frozenset({BookingState.REQUESTED, BookingState.CONFIRMED})
ENDED = frozenset(BookingState) - HOLDING

TRANSITIONS: Mapping[tuple[BookingState, BookingAction], BookingState] = {
    (BookingState.REQUESTED, BookingAction.ACCEPT): BookingState.CONFIRMED,
    (BookingState.REQUESTED, BookingAction.REJECT): BookingState.REJECTED,
    (BookingState.REQUESTED, BookingAction.CANCEL): BookingState.CANCELLED,
    (BookingState.REQUESTED, BookingAction.EXPIRE): BookingState.EXPIRED,
    (BookingState.REQUESTED, BookingAction.RESCHEDULE): BookingState.REQUESTED,
    (BookingState.CONFIRMED, BookingAction.CANCEL): BookingState.CANCELLED,
    (BookingState.CONFIRMED, BookingAction.RESCHEDULE): BookingState.REQUESTED,
}

_WIRE: Mapping[BookingState, ApiState] = {
    BookingState.REQUESTED: ApiState.CREATING,
    BookingState.CONFIRMED: ApiState.OK,
    BookingState.REJECTED: ApiState.TERMINATED,
    BookingState.CANCELLED: ApiState.TERMINATED,
    BookingState.EXPIRED: ApiState.TERMINATED,
}

_PAST_TENSE: Mapping[BookingAction, str] = {
    BookingAction.ACCEPT: "accepted",
    BookingAction.REJECT: "rejected",
    BookingAction.CANCEL: "cancelled",
    BookingAction.EXPIRE: "ended",
    BookingAction.RESCHEDULE: "moved",
}


class BookingStateConflict(Conflict):
    """The booking is in a state in which this cannot be done. `valid` are the wire states in which it can.

    `over`: its last slot has ended.
    """

    def __init__(self, state: BookingState, action: BookingAction, *, over: bool = False) -> None:
        how = "over" if over else state.value
        super().__init__(f"This booking is {how}: it can't be {_PAST_TENSE[action]} any more.")
        self.state = state
        self.action = action
        self.over = over
        self.valid = sorted({api_state(before) for before, done in TRANSITIONS if done is action})


def can(state: BookingState, action: BookingAction) -> bool:
    """Whether the act is possible in the state."""
    return (state, action) in TRANSITIONS


def next_state(state: BookingState, action: BookingAction) -> BookingState:
    """The state that the act leads to. Raises BookingStateConflict where it is not possible."""
    try:
        return TRANSITIONS[state, action]
    except KeyError:
        raise BookingStateConflict(state, action) from None


def api_state(state: BookingState) -> ApiState:
    """What the API calls the state: requested is Creating, confirmed is OK, everything else Terminated."""
    return _WIRE[state]


def states_for_api_state(wire: str) -> frozenset[BookingState]:
    """The states that an API filter such as `state=Terminated` means; no state for one that no booking has.

    Raises ValueError for a word that is not in the contract (case counts).
    """
    asked = ApiState(wire)
    return frozenset(state for state, word in _WIRE.items() if word is asked)
