from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.booking_states import (
    ENDED,
    HOLDING,
    BookingAct,
    BookingState,
    BookingStateConflict,
    after,
    can,
    states_on_wire,
    wire_state,
)

acts = st.sampled_from(BookingAct)
states = st.sampled_from(BookingState)


@given(states, acts)
def test_what_has_ended_stays_ended_and_what_holds_may_end(state: BookingState, act: BookingAct) -> None:
    if can(state, act):
        assert state in HOLDING
        assert after(state, act) in BookingState
    else:
        with pytest.raises(BookingStateConflict):
            after(state, act)
    assert state in ENDED or can(state, BookingAct.CANCEL)


def test_the_wire_states() -> None:
    assert wire_state(BookingState.REQUESTED) == "Creating"
    assert wire_state(BookingState.CONFIRMED) == "OK"
    assert {wire_state(state) for state in ENDED} == {"Terminated"}


@given(states)
def test_a_filter_by_a_booking_s_wire_state_finds_it(state: BookingState) -> None:
    assert state in states_on_wire(wire_state(state))


def test_filters_no_booking_matches() -> None:
    assert states_on_wire("Erred") == states_on_wire("Updating") == states_on_wire("Terminating") == frozenset()
    for unknown in ("foo", "creating", ""):
        with pytest.raises(ValueError, match="is not a valid"):
            states_on_wire(unknown)


def test_acceptance_and_rejection_answer_requests_alone() -> None:
    assert after(BookingState.REQUESTED, BookingAct.ACCEPT) is BookingState.CONFIRMED
    assert after(BookingState.REQUESTED, BookingAct.REJECT) is BookingState.REJECTED
    with pytest.raises(BookingStateConflict) as refused:
        after(BookingState.CONFIRMED, BookingAct.REJECT)
    assert refused.value.valid == ["Creating"]
    assert str(refused.value) == "This booking is confirmed: it can't be rejected any more."
