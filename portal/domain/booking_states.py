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


class BookingAct(StrEnum):
    """Something that changes the state of a booking."""

    ACCEPT = "accept"
    REJECT = "reject"
    CANCEL = "cancel"
    EXPIRE = "expire"
    RESCHEDULE = "reschedule"


class WireState(StrEnum):
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

TRANSITIONS: Mapping[tuple[BookingState, BookingAct], BookingState] = {
    (BookingState.REQUESTED, BookingAct.ACCEPT): BookingState.CONFIRMED,
    (BookingState.REQUESTED, BookingAct.REJECT): BookingState.REJECTED,
    (BookingState.REQUESTED, BookingAct.CANCEL): BookingState.CANCELLED,
    (BookingState.REQUESTED, BookingAct.EXPIRE): BookingState.EXPIRED,
    (BookingState.REQUESTED, BookingAct.RESCHEDULE): BookingState.REQUESTED,
    (BookingState.CONFIRMED, BookingAct.CANCEL): BookingState.CANCELLED,
    (BookingState.CONFIRMED, BookingAct.RESCHEDULE): BookingState.REQUESTED,
}

_WIRE: Mapping[BookingState, WireState] = {
    BookingState.REQUESTED: WireState.CREATING,
    BookingState.CONFIRMED: WireState.OK,
    BookingState.REJECTED: WireState.TERMINATED,
    BookingState.CANCELLED: WireState.TERMINATED,
    BookingState.EXPIRED: WireState.TERMINATED,
}

_PAST_TENSE: Mapping[BookingAct, str] = {
    BookingAct.ACCEPT: "accepted",
    BookingAct.REJECT: "rejected",
    BookingAct.CANCEL: "cancelled",
    BookingAct.EXPIRE: "ended",
    BookingAct.RESCHEDULE: "moved",
}


class BookingStateConflict(Conflict):
    """The booking is in a state in which this cannot be done. `valid` are the wire states in which it can.

    `over`: its last slot has ended.
    """

    def __init__(self, state: BookingState, act: BookingAct, *, over: bool = False) -> None:
        how = "over" if over else state.value
        super().__init__(f"This booking is {how}: it can't be {_PAST_TENSE[act]} any more.")
        self.state = state
        self.act = act
        self.over = over
        self.valid = sorted({wire_state(before) for before, done in TRANSITIONS if done is act})


def can(state: BookingState, act: BookingAct) -> bool:
    """Whether the act is possible in the state."""
    return (state, act) in TRANSITIONS


def after(state: BookingState, act: BookingAct) -> BookingState:
    """The state that the act leads to. Raises BookingStateConflict where it is not possible."""
    try:
        return TRANSITIONS[state, act]
    except KeyError:
        raise BookingStateConflict(state, act) from None


def wire_state(state: BookingState) -> WireState:
    """What the API calls the state: requested is Creating, confirmed is OK, everything else Terminated."""
    return _WIRE[state]


def states_on_wire(wire: str) -> frozenset[BookingState]:
    """The states that an API filter such as `state=Terminated` means; no state for one that no booking has.

    Raises ValueError for a word that is not in the contract (case counts).
    """
    asked = WireState(wire)
    return frozenset(state for state, word in _WIRE.items() if word is asked)
