from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.calendar_sync import states as calendars
from portal.calendar_sync.states import BUSY, SETTLED, CalendarAction, CalendarState, http_link, refusal
from portal.errors import CalendarRefusal

states = st.none() | st.sampled_from(CalendarState)
actions = st.sampled_from(CalendarAction)


@given(actions, states, st.booleans(), st.sampled_from([None, True, False]))
def test_missing_credentials_are_reported_first(
    action: CalendarAction, state: CalendarState | None, public: bool, wanted: bool | None
) -> None:
    reasons = refusal(action, has_credentials=False, state=state, public=public, want_public=wanted)
    assert reasons is CalendarRefusal.NO_CREDENTIALS


@given(actions, st.sampled_from(sorted(BUSY)), st.booleans())
def test_a_busy_calendar_is_reported_before_other_reasons(action: CalendarAction, state: str, public: bool) -> None:
    assert refusal(action, has_credentials=True, state=state, public=public) is CalendarRefusal.BUSY
    assert not calendars.can_request(state)


@pytest.mark.parametrize("state", sorted(SETTLED))
@pytest.mark.parametrize(
    ("action", "public", "wanted", "expected"),
    [
        (CalendarAction.SYNC, False, False, None),
        (CalendarAction.SYNC, True, True, None),
        (CalendarAction.SHARE, False, False, None),
        (CalendarAction.SHARE, True, True, CalendarRefusal.ALREADY_PUBLIC),
        (CalendarAction.SHARE, True, None, CalendarRefusal.ALREADY_PUBLIC),
        (CalendarAction.UNSHARE, True, True, None),
        (CalendarAction.UNSHARE, False, False, CalendarRefusal.ALREADY_PRIVATE),
        (CalendarAction.UNSHARE, False, None, CalendarRefusal.ALREADY_PRIVATE),
        # A share or unshare that failed may be repeated or taken back.
        (CalendarAction.SHARE, False, True, None),
        (CalendarAction.UNSHARE, False, True, None),
        (CalendarAction.SHARE, True, False, None),
        (CalendarAction.UNSHARE, True, False, None),
    ],
)
def test_a_settled_calendar(
    state: str, action: CalendarAction, public: bool, wanted: bool | None, expected: CalendarRefusal | None
) -> None:
    assert refusal(action, has_credentials=True, state=state, public=public, want_public=wanted) is expected


def test_no_calendar_yet() -> None:
    reasons = {action: refusal(action, has_credentials=True, state=None) for action in CalendarAction}
    assert reasons == {
        CalendarAction.SYNC: None,
        CalendarAction.SHARE: None,
        CalendarAction.UNSHARE: CalendarRefusal.NO_CALENDAR,
    }


@given(states, st.booleans(), st.booleans())
def test_an_action_uses_permitted_transitions_only(state: CalendarState | None, created: bool, ok: bool) -> None:
    if not calendars.can_request(state) or (state is None and created):
        return
    asked = calendars.requested_state(created=created)
    running = calendars.started(asked)
    ended = calendars.finished(ok=ok)
    assert calendars.can_transition(state, asked)
    assert calendars.can_transition(asked, running)
    assert calendars.can_transition(running, ended)
    assert calendars.is_busy(asked)
    assert calendars.is_busy(running)
    assert not calendars.is_busy(ended)
    assert not calendars.can_transition(asked, ended)


@given(st.sampled_from(sorted(SETTLED)), st.booleans())
def test_a_background_run_never_makes_a_calendar_busy(state: str, ok: bool) -> None:
    assert calendars.started(state) == state
    assert calendars.can_transition(state, calendars.finished(ok=ok))


@given(st.text(min_size=1))
def test_the_public_link_carries_the_id_whatever_is_in_it(backend_id: str) -> None:
    link = http_link(backend_id, True)
    assert link is not None
    assert parse_qs(urlsplit(link).query, keep_blank_values=True) == {"src": [backend_id]}


def test_links() -> None:
    assert http_link("c_1@group.calendar.google.com", True) == (
        "https://calendar.google.com/calendar/embed?src=c_1%40group.calendar.google.com"
    )
    assert http_link("c_1@group.calendar.google.com", False) is None
    assert http_link(None, True) is None
    assert http_link("a b", True, "http://127.0.0.1:8099/embed?mode=week") == (
        "http://127.0.0.1:8099/embed?mode=week&src=a+b"
    )
