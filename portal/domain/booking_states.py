"""The states of a booking, the actions that change them, and their names in the API.

    requested ── accept ──> confirmed ── cancel ──> cancelled
      │ │ └──── reject ───> rejected
      │ └────── cancel ───> cancelled
      └──────── expire ───> expired

After `reschedule` the booking is `requested` again (and `confirmed` at once if the offering accepts automatically).
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
    """The states of a resource in Waldur's API. Bookings only use Creating, OK and Terminated."""

    CREATING = "Creating"
    OK = "OK"
    ERRED = "Erred"
    UPDATING = "Updating"
    TERMINATING = "Terminating"
    TERMINATED = "Terminated"


# States in which a booking occupies its slots.
HOLDING = frozenset({BookingState.REQUESTED, BookingState.CONFIRMED})

TRANSITIONS: Mapping[tuple[BookingState, BookingAction], BookingState] = {
    (BookingState.REQUESTED, BookingAction.ACCEPT): BookingState.CONFIRMED,
    (BookingState.REQUESTED, BookingAction.REJECT): BookingState.REJECTED,
    (BookingState.REQUESTED, BookingAction.CANCEL): BookingState.CANCELLED,
    (BookingState.REQUESTED, BookingAction.EXPIRE): BookingState.EXPIRED,
    (BookingState.REQUESTED, BookingAction.RESCHEDULE): BookingState.REQUESTED,
    (BookingState.CONFIRMED, BookingAction.CANCEL): BookingState.CANCELLED,
    (BookingState.CONFIRMED, BookingAction.RESCHEDULE): BookingState.REQUESTED,
}

_API_STATES: Mapping[BookingState, ApiState] = {
    BookingState.REQUESTED: ApiState.CREATING,
    BookingState.CONFIRMED: ApiState.OK,
    BookingState.REJECTED: ApiState.TERMINATED,
    BookingState.CANCELLED: ApiState.TERMINATED,
    BookingState.EXPIRED: ApiState.TERMINATED,
}

# A request that is rejected leaves its order canceled in Waldur, whoever rejects it.
_ORDER_STATES: Mapping[BookingState, str] = {
    BookingState.REQUESTED: "pending-provider",
    BookingState.CONFIRMED: "done",
    BookingState.REJECTED: "canceled",
    BookingState.CANCELLED: "canceled",
    BookingState.EXPIRED: "canceled",
}
# All states that an order in Waldur can have.
ORDER_STATES = frozenset(
    {"pending-consumer", "pending-provider", "pending-project", "pending-start-date", "executing", "done"}
    | {"erred", "canceled", "rejected"}
)

_PAST_TENSE: Mapping[BookingAction, str] = {
    BookingAction.ACCEPT: "accepted",
    BookingAction.REJECT: "rejected",
    BookingAction.CANCEL: "cancelled",
    BookingAction.EXPIRE: "ended",
    BookingAction.RESCHEDULE: "moved",
}


class BookingStateConflict(Conflict):
    """The action is impossible in the state of the booking. `valid` are the API states in which it is possible.

    `over`: the booking's last slot has ended.
    """

    def __init__(self, state: BookingState, action: BookingAction, *, over: bool = False) -> None:
        how = "over" if over else state.value
        super().__init__(f"This booking is {how}: it can't be {_PAST_TENSE[action]} any more.")
        self.state = state
        self.action = action
        self.over = over
        self.valid = sorted({api_state(before) for before, done in TRANSITIONS if done is action})


def can(state: BookingState, action: BookingAction) -> bool:
    """Whether the action is possible in the state."""
    return (state, action) in TRANSITIONS


def next_state(state: BookingState, action: BookingAction) -> BookingState:
    """The state after the action. Raises BookingStateConflict if it is not possible."""
    try:
        return TRANSITIONS[state, action]
    except KeyError:
        raise BookingStateConflict(state, action) from None


def api_state(state: BookingState) -> ApiState:
    """The state in the API: requested is Creating, confirmed is OK, everything else Terminated."""
    return _API_STATES[state]


def states_for_api_state(name: str) -> frozenset[BookingState]:
    """The states that an API filter such as `state=Terminated` selects; none for a state that bookings never have.

    Raises ValueError for an unknown state (case-sensitive).
    """
    wanted = ApiState(name)
    return frozenset(state for state, api_name in _API_STATES.items() if api_name is wanted)


def order_state(state: BookingState) -> str:
    """The state of the booking's order in Waldur's API."""
    return _ORDER_STATES[state]


def states_for_order_state(name: str) -> frozenset[BookingState]:
    """The states that the filter `order_state` selects; none for a state that orders of bookings never have.

    Raises ValueError for an unknown state (case-sensitive).
    """
    if name not in ORDER_STATES:
        raise ValueError("is not a state of an order")
    return frozenset(state for state, order in _ORDER_STATES.items() if order == name)
