"""The calendar card says what is so, and what to do about it."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from portal.queries.calendars import CalendarView, ConnectionView, RunView
from portal.web.calendar_card import build_card, calendar_status

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GOOD = ConnectionView(configured=True, connected=True, can_share=True)


def view(**more):
    values = {"manages": True, "can_act": True, "exists": True, "public": False, "link": None, "connection": GOOD}
    return CalendarView(offering_uuid=uuid.uuid4(), organization_uuid=uuid.uuid4(), **{**values, **more})


def card(**more):
    return build_card(view(**more), "UTC", NOW, "/connection")


@pytest.mark.parametrize(
    ("state", "synced", "connection", "status"),
    [
        (None, None, ConnectionView(configured=False), "Not connected"),
        ("OK", NOW, ConnectionView(configured=True), "Not connected"),
        ("OK", NOW, ConnectionView(configured=True, connected=True, broken="Gone."), "Reconnect needed"),
        ("OK", NOW, ConnectionView(configured=True, connected=True, disconnecting=True), "Disconnecting"),
        (None, None, GOOD, "Never synced"),
        ("CREATION_SCHEDULED", None, GOOD, "Queued"),
        ("UPDATE_SCHEDULED", NOW, GOOD, "Queued"),
        ("CREATING", None, GOOD, "Syncing"),
        ("UPDATING", NOW, GOOD, "Syncing"),
        ("ERRED", NOW, GOOD, "Failed"),
        ("OK", NOW - timedelta(days=2), GOOD, "Out of date"),
        ("OK", NOW, GOOD, "In sync"),
    ],
)
def test_status(state, synced, connection, status):
    assert calendar_status(state, synced, connection, NOW).status == status


def test_not_configured_says_what_is_missing_and_where():
    made = card(connection=ConnectionView(configured=False), can_act=False, exists=False)
    assert "not configured" in made.sentence
    assert made.fix is not None
    assert made.fix.href == "/connection"
    assert made.visibility == ""


def test_a_manager_who_may_not_connect_gets_no_link_to_it():
    made = build_card(view(connection=ConnectionView(configured=True), can_act=False), "UTC", NOW, None)
    assert made is not None
    assert made.fix is None


def test_queued_says_what_for_and_whether_anybody_works():
    assert "shared" in card(state="UPDATE_SCHEDULED", busy=True, wants_public=True).sentence
    assert "private" in card(state="UPDATE_SCHEDULED", busy=True, public=True).sentence
    assert "worker" in card(state="UPDATE_SCHEDULED", busy=True, worker_alive=False).sentence


def test_a_failure_says_why_and_what_next():
    again = card(state="ERRED", error="Google is away.")
    assert again.sentence == "Google is away. Press “Sync now” to try again."
    later = card(state="ERRED", error="Google is away.", retry_at=NOW + timedelta(minutes=5))
    assert "12:05" in later.sentence


def test_progress_of_a_long_run():
    run = RunView(
        reason="act", started=NOW, ended=None, calls=9, planned=3000, added=1240, changed=0, removed=0, busy_read=0,
        skipped=[], notes=[], error="",
    )  # fmt: skip
    assert card(state="CREATING", busy=True, runs=[run]).progress == "1,240 of 3,000 events written."


def test_others_see_the_public_link_alone():
    shown = card(manages=False, can_act=False, connection=None, public=True, link="https://g.example/")
    assert shown is not None
    assert (shown.status, shown.link, shown.can_act, shown.runs) == ("Public", "https://g.example/", False, ())
    assert card(manages=False, can_act=False, connection=None) is None


def test_missing_access_to_sharing_is_shown_before_anybody_tries():
    unshared = ConnectionView(configured=True, connected=True, can_share=False)
    made = card(connection=unshared, state="OK", last_synced=NOW)
    assert "does not include sharing" in made.sentence
    assert (made.fix.text, made.fix.href) == ("Allow sharing", "/connection")
    assert not made.may_share
    public = card(connection=unshared, state="OK", last_synced=NOW, public=True)
    assert "not made private" in public.sentence
    assert (public.fix, public.may_share) == (made.fix, False)
    assert card(state="OK", last_synced=NOW).may_share


def test_the_summary_names_what_it_counts_and_the_clocks():
    assert card(state="OK", last_synced=NOW, events=2, busy_periods=1).summary.endswith("(UTC): 2 events, 1 busy time")


def test_out_of_date_says_what_to_do():
    old = NOW - timedelta(days=2)
    assert card(state="OK", last_synced=old).sentence.endswith("Press “Sync now”.")
    assert "Sync now" not in card(state="OK", last_synced=old, can_act=False).sentence
