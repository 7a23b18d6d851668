from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.booking_states import (
    HOLDING,
    BookingAction,
    BookingState,
    BookingStateConflict,
    api_state,
    can,
    next_state,
    states_for_api_state,
)

acts = st.sampled_from(BookingAction)
states = st.sampled_from(BookingState)


@given(states, acts)
def test_what_has_ended_stays_ended_and_what_holds_may_end(state: BookingState, act: BookingAction) -> None:
    if can(state, act):
        assert state in HOLDING
        assert next_state(state, act) in BookingState
    else:
        with pytest.raises(BookingStateConflict):
            next_state(state, act)
    assert state not in HOLDING or can(state, BookingAction.CANCEL)


def test_the_api_states() -> None:
    assert api_state(BookingState.REQUESTED) == "Creating"
    assert api_state(BookingState.CONFIRMED) == "OK"
    assert {api_state(state) for state in BookingState if state not in HOLDING} == {"Terminated"}


@given(states)
def test_a_filter_by_a_booking_s_api_state_finds_it(state: BookingState) -> None:
    assert state in states_for_api_state(api_state(state))


def test_filters_no_booking_matches() -> None:
    assert (
        states_for_api_state("Erred")
        == states_for_api_state("Updating")
        == states_for_api_state("Terminating")
        == frozenset()
    )
    for unknown in ("foo", "creating", ""):
        with pytest.raises(ValueError, match="is not a valid"):
            states_for_api_state(unknown)


def test_acceptance_and_rejection_answer_requests_alone() -> None:
    assert next_state(BookingState.REQUESTED, BookingAction.ACCEPT) is BookingState.CONFIRMED
    assert next_state(BookingState.REQUESTED, BookingAction.REJECT) is BookingState.REJECTED
    with pytest.raises(BookingStateConflict) as refused:
        next_state(BookingState.CONFIRMED, BookingAction.REJECT)
    assert refused.value.valid == ["Creating"]
    assert str(refused.value) == "This booking is confirmed: it can't be rejected any more."
