"""Whatever is in the calendar: after the plan is carried out, it shows exactly the wanted events."""

import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.calendar_sync.plan import (
    BusyTime,
    EventContent,
    MirroredEvent,
    RemoteEvent,
    app_mark,
    digest_of,
    event_id,
    merge_remote,
    plan,
    slot_of,
)
from portal.domain.refusals import ALL_TIME

APP = app_mark("https://portal.example")
SLOTS = [uuid.UUID(int=number) for number in range(1, 7)]
START = datetime(2026, 3, 2, 8, tzinfo=UTC)
TALLINN = ZoneInfo("Europe/Tallinn")


def content(slot, hour=0, length=1):
    start = START + timedelta(hours=hour)
    return EventContent(slot, start, start + timedelta(hours=length))


def ours(what, etag="1", generation=0, **changes):
    private = {"app": APP, "booking": what.slot_uuid.hex}
    values = {"start": what.start, "end": what.end, "title": what.title, "private": private} | changes
    return RemoteEvent(id=event_id(what.slot_uuid, generation), etag=etag, **values)


def mirrored(what, etag="1", generation=0, digest=None, problem=""):
    identifier = event_id(what.slot_uuid, generation)
    return MirroredEvent(
        identifier, what.slot_uuid, generation, etag, what.digest if digest is None else digest, problem
    )


def rows(*items):
    return {item.event_id: item for item in items}


def by_slot(*items):
    return {item.slot_uuid: item for item in items}


def read(*events, mirror=(), busy=(), full=True, zone=UTC):
    return merge_remote(events, mirror=rows(*mirror), busy=rows(*busy), app=APP, zone=zone, full=full)


contents = st.builds(content, st.sampled_from(SLOTS), st.integers(0, 20), st.integers(1, 3))
slots = st.lists(contents, max_size=6).map(lambda found: by_slot(*found))
generations = st.integers(0, 2)
own_events = st.builds(
    lambda what, generation, odd: ours(
        what, etag=f"{what.start.hour}-{generation}-{odd}", generation=generation, **odd_changes(odd)
    ),
    contents,
    generations,
    st.integers(0, 5),
)
foreign = st.builds(
    lambda number, hour, free: RemoteEvent(
        id=f"other{number}",
        etag="e",
        start=START + timedelta(hours=hour),
        end=START + timedelta(hours=hour + 1),
        title="Service",
        transparent=free,
    ),
    st.integers(0, 4),
    st.integers(0, 9),
    st.booleans(),
)
mirrors = st.lists(
    st.builds(
        mirrored,
        contents,
        st.sampled_from(["", "1", "2"]),
        generations,
        st.sampled_from([None, "", "0" * 64]),
        st.sampled_from(["", "refused"]),
    ),
    max_size=8,
)
busy_rows = st.lists(
    st.builds(lambda number: BusyTime(f"other{number}", START, START + timedelta(hours=1), ""), st.integers(0, 6)),
    max_size=4,
)


def odd_changes(odd):
    return [{}, {}, {"title": "Mine!"}, {"transparent": True}, {"plain": False}, {"private": {}}][odd]


def carry_out(google, wanted, mirror, *, again=True):
    """What Google holds and the mirror says after the plan."""
    steps = plan(wanted, mirror, again=again)
    google, mirror = dict(google), dict(mirror)
    for row in steps.deletes:
        google.pop(row.event_id, None)
        del mirror[row.event_id]
    for identifier in steps.forget:
        del mirror[identifier]
    for number, write in enumerate((*steps.updates, *steps.inserts)):
        generation = write.generation if hasattr(write, "generation") else write.mirrored.generation
        event = ours(write.content, etag=f"new{number}", generation=generation)
        google[event.id] = event
        mirror[event.id] = mirrored(write.content, event.etag, generation)
    return google, mirror, steps


@given(
    google=st.lists(st.one_of(own_events, foreign), max_size=10),
    wanted=slots,
    mirror=mirrors,
    busy=busy_rows,
)
def test_after_a_full_read_and_one_plan_the_result_is_exact(google, wanted, mirror, busy):
    held = {event.id: event for event in google}
    known = rows(*mirror)
    # An event without our mark is ours only where the mirror knows its id.
    held = {key: event for key, event in held.items() if slot_of(key) is None or event.private or key in known}
    change = merge_remote(held.values(), mirror=known, busy=rows(*busy), app=APP, zone=UTC, full=True)
    mirror_now = {key: row for key, row in known.items() if key not in change.mirror_drop} | dict(change.mirror_put)
    busy_now = {row.event_id: row for row in busy if row.event_id not in change.busy_drop} | dict(change.busy_put)

    # A mirror row with the etag that Google shows is believed; that is what etags are for.
    believed = {key for key, row in known.items() if key in held and row.etag == held[key].etag}
    after, mirror_after, _steps = carry_out(held, wanted, mirror_now)
    shown = {key: event for key, event in after.items() if slot_of(key) is not None}
    assert {slot_of(key)[0] for key in shown} == set(wanted)
    assert len(shown) == len(wanted)
    for key, event in shown.items():
        if key not in believed:
            assert digest_of(event, APP) == wanted[slot_of(key)[0]].digest
    assert busy_now.keys() == {key for key, event in held.items() if slot_of(key) is None and not event.transparent}
    assert plan(wanted, mirror_after).writes == 0, "a second plan has nothing to do"


@given(wanted=slots, mirror=mirrors)
def test_a_plan_writes_each_event_at_most_once(wanted, mirror):
    steps = plan(wanted, rows(*mirror))
    written = [row.event_id for row in steps.deletes]
    written += [update.mirrored.event_id for update in steps.updates]
    written += [insert.event_id for insert in steps.inserts]
    assert len(written) == len(set(written))
    assert not set(written) & steps.forget


@given(st.uuids(), st.integers(0, 999_999))
def test_event_ids_contain_their_slot_and_are_allowed_by_google(slot, generation):
    identifier = event_id(slot, generation)
    assert slot_of(identifier) == (slot, generation)
    assert set(identifier) <= set("0123456789abcdefghijklmnopqrstuv")
    assert 5 <= len(identifier) <= 1024


@pytest.mark.parametrize("identifier", ["", "booking1", "g" * 32, f"{'a' * 32}g0", f"{'a' * 32}_20260302", "A" * 32])
def test_other_ids_are_not_ours(identifier):
    assert slot_of(identifier) is None


def test_without_changes_nothing_is_written():
    what = content(SLOTS[0])
    assert plan(by_slot(what), rows(mirrored(what))).writes == 0


def test_reading_an_own_write_changes_nothing():
    what = content(SLOTS[0])
    change = read(ours(what, "7"), mirror=[mirrored(what, "7")], full=False)
    assert (change.mirror_put, change.mirror_drop, change.busy_put) == ({}, frozenset(), {})


def test_equal_instants_in_another_zone_are_equal():
    what = content(SLOTS[0])
    echoed = ours(what, "8", start=what.start.astimezone(TALLINN), end=what.end.astimezone(TALLINN))
    [row] = read(echoed, mirror=[mirrored(what, "7")], full=False).mirror_put.values()
    assert row.digest == what.digest


def test_an_event_that_a_user_moved_is_restored():
    what = content(SLOTS[0])
    change = read(ours(content(SLOTS[0], hour=5), "8"), mirror=[mirrored(what, "7")], full=False)
    [update] = plan(by_slot(what), dict(change.mirror_put)).updates
    assert (update.content, update.mirrored.etag) == (what, "8")


def test_an_event_that_a_user_deleted_is_written_again():
    what = content(SLOTS[0])
    stub = RemoteEvent(event_id(SLOTS[0]), "9", cancelled=True)
    change = read(stub, mirror=[mirrored(what, "7")], full=False)
    assert change.mirror_drop == {event_id(SLOTS[0])}
    assert len(plan(by_slot(what), {}).inserts) == 1


def test_an_insert_that_was_not_confirmed_is_found_by_its_mark():
    what = content(SLOTS[0])
    [row] = read(ours(what, "3"), full=False).mirror_put.values()
    assert (row.slot_uuid, row.digest, row.etag) == (SLOTS[0], what.digest, "3")


def test_an_event_of_another_portal_blocks():
    other = ours(content(SLOTS[0]), private={"app": app_mark("https://elsewhere.example"), "booking": SLOTS[0].hex})
    assert set(read(other).busy_put) == {event_id(SLOTS[0])}


def test_a_copy_of_our_event_blocks():
    what = content(SLOTS[0])
    copy = RemoteEvent("copy1", "1", start=what.start, end=what.end, private={"app": APP, "booking": SLOTS[0].hex})
    change = read(ours(what, "1"), copy, mirror=[mirrored(what)])
    assert set(change.busy_put) == {"copy1"}


def test_a_series_made_of_an_own_event_is_undone_and_does_not_block():
    what = content(SLOTS[0])
    occurrence = ours(what, "9")
    occurrence = RemoteEvent(
        f"{event_id(SLOTS[0])}_20260302", "9", start=what.start, end=what.end, recurring_id=event_id(SLOTS[0])
    )
    change = read(occurrence, mirror=[mirrored(what, "7")])
    assert not change.busy_put
    assert not change.mirror_drop
    assert len(plan(by_slot(what), dict(change.mirror_put)).updates) == 1


def test_an_all_day_event_is_a_day_of_the_calendars_zone_with_an_exclusive_end():
    closed = RemoteEvent("closed", "1", start=date(2026, 3, 29), end=date(2026, 3, 30))
    [busy] = read(closed, zone=TALLINN).busy_put.values()
    assert busy.start == datetime(2026, 3, 28, 22, tzinfo=UTC)
    assert busy.end == datetime(2026, 3, 29, 21, tzinfo=UTC)  # 23 hours: the clocks go forward


@pytest.mark.parametrize(
    "event",
    [
        RemoteEvent("x", "1", cancelled=True),
        RemoteEvent("x", "1", start=START, end=START + timedelta(hours=1), transparent=True),
        RemoteEvent("x", "1", start=START, end=START),
    ],
)
def test_cancelled_free_and_empty_events_do_not_block(event):
    before = BusyTime("x", START, START + timedelta(hours=1), "")
    change = read(event, busy=[before], full=False)
    assert (change.busy_drop, change.busy_put, change.skipped) == ({"x"}, {}, ())


def test_events_with_invalid_times_are_skipped_and_reported():
    change = read(
        RemoteEvent("bad", "1", start=START, end=None),
        RemoteEvent("ok", "1", start=START, end=START.max.replace(tzinfo=UTC)),
    )
    assert set(change.busy_put) == {"ok"}
    assert len(change.skipped) == 1


def test_a_full_read_drops_what_it_does_not_see():
    seen, gone = (
        BusyTime("seen", START, START + timedelta(hours=1), ""),
        BusyTime("gone", START, START + timedelta(hours=1), ""),
    )
    event = RemoteEvent("seen", "1", start=seen.start, end=seen.end)
    change = read(event, busy=[seen, gone], mirror=[mirrored(content(SLOTS[0]))])
    assert change.busy_drop == {"gone"}
    assert change.busy_put == {}, "what did not change is not written"
    assert change.mirror_drop == {event_id(SLOTS[0])}


def test_an_incremental_read_drops_no_event_that_it_does_not_contain():
    change = read(
        busy=[BusyTime("x", START, START + timedelta(hours=1), "")], mirror=[mirrored(content(SLOTS[0]))], full=False
    )
    assert not change.busy_drop
    assert not change.mirror_drop


def test_a_title_that_is_private_at_google_stays_there():
    event = RemoteEvent("x", "1", start=START, end=START + timedelta(hours=1), title="Surgery", confidential=True)
    [busy] = read(event).busy_put.values()
    assert busy.title == ""


def test_rejected_content_waits_until_it_changes_or_a_user_requests_a_sync():
    what = content(SLOTS[0])
    parked = rows(mirrored(what, etag="", problem="bad"))
    quiet = plan(by_slot(what), parked)
    assert quiet.writes == 0
    assert "bad" in quiet.skipped[0]
    assert len(plan(by_slot(what), parked, again=True).inserts) == 1
    assert len(plan(by_slot(content(SLOTS[0], hour=3)), parked).inserts) == 1
    assert plan({}, parked).forget == {event_id(SLOTS[0])}


def test_of_two_events_of_a_slot_the_older_generation_is_deleted():
    what = content(SLOTS[0])
    steps = plan(by_slot(what), rows(mirrored(what), mirrored(what, generation=1)))
    assert [row.generation for row in steps.deletes] == [0]
    assert steps.writes == 1


FAR = "its times are too far away"
INVALID = "its times are not valid"
UNSTORABLE = "its title has characters that cannot be stored"


@pytest.mark.parametrize("zone", [UTC, TALLINN, ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Etc/GMT+12")])
@pytest.mark.parametrize(
    ("start", "end", "title", "reason"),
    [
        (date(1, 1, 1), date(1, 1, 2), "", FAR),
        (date(9999, 12, 30), date(9999, 12, 31), "", FAR),
        (date(9999, 12, 31), date(9999, 12, 31), "", FAR),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), datetime(1, 1, 1, 1, tzinfo=UTC), "", FAR),
        (
            datetime(9999, 12, 31, tzinfo=UTC),
            datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12))),
            "",
            FAR,
        ),
        (datetime(9999, 12, 31, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC), "", INVALID),
        (None, START, "", INVALID),
        (START, START + timedelta(hours=1), "cut \ud83d", UNSTORABLE),
        (START, START + timedelta(hours=1), "cut \x00", UNSTORABLE),
    ],
)
def test_an_event_that_cannot_be_taken_is_skipped_and_reported_and_stops_no_other(zone, start, end, title, reason):
    good = RemoteEvent("good", "1", start=START, end=START + timedelta(hours=1), title="Service")
    bad = RemoteEvent("bad", "1", start=start, end=end, title=title)
    changes = merge_remote([bad, good], mirror={}, busy={}, app=APP, zone=zone, full=True)
    assert changes.busy_put == {"good": BusyTime("good", START, START + timedelta(hours=1), "Service")}
    assert changes.skipped == (f"An event at Google was left out: {reason} (bad).",)


def test_an_event_without_an_end_in_sight_blocks_all_the_time_that_there_is():
    event = RemoteEvent("x", "1", start=date(1, 1, 1), end=date(9999, 12, 31))
    changes = merge_remote([event], mirror={}, busy={}, app=APP, zone=TALLINN, full=True)
    assert changes.busy_put == {"x": BusyTime("x", ALL_TIME.start, ALL_TIME.end, "")}
    assert changes.skipped == ()


@pytest.mark.parametrize(
    "change",
    [
        {"title": "cut \ud83d"},
        {"description": "\x00"},
        {"location": "\udfff"},
        {"start": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))},
        {"end": datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12)))},
        {"start": date(1, 1, 1), "end": date(1, 1, 2)},
    ],
)
def test_an_own_event_with_what_cannot_be_stored_is_restored(change):
    wanted = content(SLOTS[0])
    changes = merge_remote([ours(wanted, **change)], mirror={}, busy={}, app=APP, zone=TALLINN, full=True)
    assert [row.digest == wanted.digest for row in changes.mirror_put.values()] == [False]
    planned = plan({SLOTS[0]: wanted}, changes.mirror_put)
    assert [update.content for update in planned.updates] == [wanted]
