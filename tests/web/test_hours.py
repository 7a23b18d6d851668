"""The page of opening hours, as forms send it: everything here works without JavaScript."""

import html

import pytest
import time_machine

from portal.extensions import db
from portal.models import Offering
from portal.policies import SYSTEM
from portal.transfer.editing import edit_offering
from tests.support import builders as make
from tests.support.builders import NOW
from tests.support.forms import Form
from tests.web.conftest import PASSWORD, Visitor, error_at

pytestmark = pytest.mark.sqlite_only  # what touches the database is tested on both in tests/transfer/test_editing.py

HOURS = {"startTime": "09:00", "endTime": "17:00", "daysOfWeek": [1, 2, 3, 4, 5]}
CONFIG = {"slotDuration": "02:00:00", "weekends": False, "businessHours": HOURS, "own": True}
OVER = {"id": "over", "start": "2025-01-01T00:00:00Z", "end": "2025-02-01T00:00:00Z"}
ENTRY = {
    "id": "term",
    "title": "Term",
    "start": "2026-03-01T22:00:00+00:00",
    "end": "2026-05-31T21:00:30Z",
    "color": "red",
    "extendedProps": {"type": "Availability", "config": CONFIG, "own": 1},
}


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def page(app, db_session):
    """The owner's form of an offering in Tallinn, with an entry that is over, and one that is not."""
    lab = make.organization("Lab")
    make.role(make.user("owner@example.org", password=PASSWORD), lab, "owner")
    attributes = {"schedules": [OVER, ENTRY], "booking_rules": {"time_zone": "Europe/Tallinn"}, "own": 1}
    offering = make.offering("Microscope", of=lab, attributes=attributes)
    found = Form(Visitor(app.test_client()).sign_in("owner"), f"/manage/offerings/{offering.uuid}/hours/")
    found.uuid, found.id = offering.uuid, offering.id
    return found


def schedules(page):
    db.session.expire_all()
    return db.session.get(Offering, page.id).attributes["schedules"]


def text(page):
    return html.unescape(page.answer.text)


def test_it_shows_what_is_stored_by_the_clocks_of_the_offering(page):
    fields = page.fields
    assert (fields["start"], fields["end"]) == ("2026-03-02T00:00", "2026-06-01T00:00")
    assert (fields["opens"], fields["closes"], fields["slot"]) == ("09:00", "17:00", "120")
    assert fields["days"] == ["1", "2", "3", "4", "5"]
    assert "1 past period hidden." in text(page)
    assert "(Europe/Tallinn)" in text(page)
    assert "Open Monday–Friday, 09:00–17:00." in text(page)
    for path in ("/manage/", f"/manage/offerings/{page.uuid}/rules/"):
        assert page.path in page.visitor.get(path).text


def test_sending_it_as_it_was_changes_nothing(page):
    assert page.send().status_code == 303
    assert "You changed nothing" in page.load().answer.text
    assert schedules(page) == [OVER, ENTRY]


def test_dates_change_and_the_entry_stays_what_it_is(page):
    assert page.send(end="2026-07-01T12:00").status_code == 303
    assert "Existing bookings stay as they are." in text(page.load())
    assert schedules(page) == [OVER, {**ENTRY, "end": "2026-07-01T09:00:00Z"}]
    db.session.expire_all()
    attributes = db.session.get(Offering, page.id).attributes
    assert (attributes["own"], attributes["booking_rules"]) == (1, {"time_zone": "Europe/Tallinn"})


def test_hours_change_in_every_entry(page):
    edit_offering(SYSTEM, page.uuid, {"schedules": [ENTRY, {**ENTRY, "id": "two", "end": "2026-09-01T00:00:00Z"}]})
    page.load()
    assert page.send(opens="8:30", closes="24:00", slot="45", days=["1", "6"]).status_code == 303
    config = {
        "slotDuration": "00:45:00",
        "weekends": True,
        "businessHours": {"startTime": "08:30", "endTime": "24:00", "daysOfWeek": [1, 6]},
        "own": True,
    }
    found = schedules(page)
    assert [it["extendedProps"] for it in found] == [{"type": "Availability", "config": config, "own": 1}] * 2
    assert [(it["id"], it["start"], it["color"]) for it in found] == [
        ("term", ENTRY["start"], "red"),
        ("two", ENTRY["start"], "red"),
    ]


def test_a_night_ends_on_the_next_day(page):
    assert page.send(opens="22:00", closes="6:00", slot="240", days=["5", "6"]).status_code == 303
    (hours,) = [it["extendedProps"]["config"]["businessHours"] for it in schedules(page) if "extendedProps" in it]
    assert hours == {"startTime": "22:00", "endTime": "06:00", "daysOfWeek": [5, 6]}
    assert "Open Friday and Saturday, 22:00–06:00 the next day." in text(page.load())
    assert (page.fields["opens"], page.fields["closes"]) == ("22:00", "06:00")
    assert page.send().status_code == 303
    assert "You changed nothing" in page.load().answer.text
    # Friday and Saturday, two slots in each night; the first one of each crosses midnight and is picked once.
    week = page.visitor.get(f"/offerings/{page.uuid}/").text
    assert week.count('name="slot"') == 4
    assert week.count("Part of the slot that starts at 22:00 the day before") == 2
    assert week.count("22:00–02:00") == 4


@pytest.mark.parametrize("closes", ["23:59", "24:00", "23:59:59"])
def test_the_last_hour_of_the_day_can_be_booked(page, closes):
    assert page.send(opens="00:00", closes=closes, slot="60").status_code == 303
    assert "Open Monday–Friday, round the clock." in text(page.load())
    assert page.fields["closes"] == "24:00"


def test_dates_are_added_and_removed_without_a_script(page):
    assert page.send("add").status_code == 200
    start, end = page.fields["start"], page.fields["end"]
    assert (start, end) == (["2026-03-02T00:00", ""], ["2026-06-01T00:00", ""])
    assert page.send("add", start=[start[0], "2026-09-01T00:00"], end=[end[0], "2026-10-01T00:00"]).status_code == 200
    # The third row is left empty, which a browser does as well with a date that it cannot read.
    assert page.send().status_code == 400
    assert "Enter a start and an end, or remove these dates." in text(page)
    page.send("remove", "2")
    assert page.send().status_code == 303
    found = schedules(page)
    assert [it["id"] for it in found[:2]] == ["over", "term"]
    assert (found[2]["start"], found[2]["end"]) == ("2026-08-31T21:00:00Z", "2026-09-30T21:00:00Z")
    assert found[2]["extendedProps"]["config"] == {key: CONFIG[key] for key in CONFIG if key != "own"}
    assert len(found) == 3
    page.load().send("remove", "0")
    assert page.fields["start"] == "2026-09-01T00:00"
    assert "Removed when you save:" in text(page)
    assert len(schedules(page)) == 3
    page.send("restore", "0")
    assert page.fields["start"] == ["2026-09-01T00:00", "2026-03-02T00:00"]
    page.send("remove", "1")
    page.send()
    assert [it["id"] for it in schedules(page)] == ["over", found[2]["id"]]
    assert page.load().send(start="", end="").status_code == 400
    assert len(schedules(page)) == 2
    page.load().send("remove", "0")
    page.send()
    assert [it["id"] for it in schedules(page)] == ["over"]
    assert "No future dates, so nothing can be booked." in text(page.load())
    assert page.send("remove", "0").status_code == 200
    assert "No dates, so nothing can be booked." in text(page)
    assert page.send("remove", "x").status_code == 200


@pytest.mark.parametrize(
    ("typed", "field", "told"),
    [
        ({"slot": "0"}, "slot", "Enter a whole number of minutes from 1 to 1440."),
        ({"slot": "1441"}, "slot", "Enter a whole number of minutes from 1 to 1440."),
        ({"slot": "an hour"}, "slot", "Enter a whole number of minutes from 1 to 1440."),
        ({"opens": "09:00", "closes": "10:00", "slot": "61"}, "closes", "Too short for a whole slot."),
        ({"opens": "23:00", "closes": "01:00", "slot": "180"}, "closes", "Too short for a whole slot."),
        ({"opens": "morning"}, "opens", "Must be a time of day such as 08:00."),
        ({"closes": ""}, "closes", "Must be a time of day such as 17:30 (24:00 is the end of the day)."),
        ({"closes": "99:00"}, "closes", "Must be a time of day such as 17:30 (24:00 is the end of the day)."),
        ({"end": "2026-03-02T00:00"}, "dates-0", "End: must be after the start."),
        ({"end": ""}, "dates-0", "Enter an end."),
        ({"start": "", "end": ""}, "dates-0", "Enter a start and an end, or remove these dates."),
        ({"slot": ""}, "slot", "Enter a whole number of minutes from 1 to 1440."),
        ({"start": "soon"}, "dates-0", "Start: enter a date and time such as 2026-03-31 09:30."),
    ],
)
def test_what_cannot_be_kept_is_told_at_its_field(page, typed, field, told):
    assert page.send(**typed).status_code == 400
    assert error_at(field, told) in text(page)
    assert "Nothing was saved." in text(page)
    # Browsers show nothing where a value is not a date and time, so it is not written.
    assert {key: page.fields[key] for key in typed} == {key: "" if it == "soon" else it for key, it in typed.items()}
    assert schedules(page) == [OVER, ENTRY]
    assert page.send("preview").status_code == 400
    assert 'id="preview"' not in page.answer.text


def test_everything_that_is_wrong_is_told_at_once(page):
    assert page.send(slot="x", opens="y", end="z").status_code == 400
    assert text(page).count('aria-hidden="true">▲') == 3


def test_a_preview_shows_the_coming_week_and_keeps_nothing(page):
    assert page.send("preview", opens="12:00", closes="16:00").status_code == 200
    assert "The coming week with these opening hours" in text(page)
    assert "Open Monday–Friday, 12:00–16:00." in text(page)
    # Two on each of five days, and the legend.
    assert text(page).count('class="slot slot-free') == 11
    assert schedules(page) == [OVER, ENTRY]
    page.send("preview", start="2026-09-01T00:00", end="2026-10-01T00:00")
    assert "Nothing would be free in these days" in text(page)


@pytest.mark.parametrize(
    ("key", "typed", "instant", "told"),
    [
        (
            "start",
            "2026-03-29T03:30",
            "2026-03-29T01:00:00Z",
            "skip 03:30 that night, so it starts at the change to 04:00",
        ),
        (
            "end",
            "2026-03-29T03:30",
            "2026-03-29T01:00:00Z",
            "skip 03:30 that night, so it ends at the change to 04:00",
        ),
        (
            "start",
            "2026-10-25T03:30",
            "2026-10-25T00:30:00Z",
            "occurs twice that night. It starts at the first (EEST)",
        ),
        (
            "end",
            "2026-10-25T03:30",
            "2026-10-25T01:30:00Z",
            "occurs twice that night. It ends at the second (EET)",
        ),
    ],
)
def test_times_that_clocks_skip_or_show_twice(page, key, typed, instant, told):
    dates = {"start": "2026-03-01T00:00", "end": "2026-12-01T00:00", key: typed}
    assert page.send("preview", **dates).status_code == 200
    assert told in text(page)
    assert page.send().status_code == 303
    assert schedules(page)[1][key] == instant
    # Sent as it is shown it stays the very same instant.
    page.load().send(slot="60")
    assert schedules(page)[1][key] == instant


def test_what_somebody_else_wrote_meanwhile_is_told_and_not_lost(page):
    edit_offering(SYSTEM, page.uuid, {"schedules": [OVER, {**ENTRY, "end": "2026-04-01T00:00:00Z"}]})
    assert page.send(slot="60").status_code == 409
    assert "Somebody else has changed the opening hours or the time zone" in text(page)
    assert "until Wed 1 Apr" in text(page)
    assert page.fields["slot"] == "60"
    assert schedules(page)[1]["end"] == "2026-04-01T00:00:00Z"
    assert page.send().status_code == 303
    found = schedules(page)
    assert [it["id"] for it in found] == ["over", "term"]
    assert found[1]["extendedProps"]["config"]["slotDuration"] == "01:00:00"


def test_another_time_zone_is_another_meaning_of_what_was_typed(page):
    offering = db.session.get(Offering, page.id)
    make.change(offering, attributes={**offering.attributes, "booking_rules": {"time_zone": "Asia/Tokyo"}})
    assert page.send(end="2026-07-01T12:00").status_code == 409
    assert "(Asia/Tokyo)" in text(page)


def test_other_changes_meanwhile_are_no_matter(page):
    edit_offering(SYSTEM, page.uuid, {"name": "Renamed"})
    offering = db.session.get(Offering, page.id)
    make.change(offering, attributes={**offering.attributes, "own": 2})
    assert page.send(slot="60").status_code == 303
    db.session.expire_all()
    assert db.session.get(Offering, page.id).attributes["own"] == 2


def test_a_form_without_its_fields_clears_nothing(page):
    answer = page.visitor.client.post(page.path, data={"csrf_token": page.fields["csrf_token"], "slot": "60"})
    assert answer.status_code == 400
    # Of rows without all of their fields nobody could say what belongs together.
    for missing in ("entry", "start", "end"):
        fields = {name: value for name, value in page.load().fields.items() if name != missing}
        assert page.visitor.client.post(page.path, data={**fields, "keep": "1"}).status_code == 400
        assert schedules(page) == [OVER, ENTRY]
    # Dates that the form does not hold at all stay.
    fields = {name: value for name, value in page.load().fields.items() if name not in ("entry", "start", "end")}
    assert page.visitor.client.post(page.path, data={**fields, "keep": "1"}).status_code == 303
    assert page.load().send(days=[]).status_code == 400
    assert "Choose at least one day." in text(page)
    many = {"start": ["2026-03-01T00:00"] * 101, "end": ["2026-04-01T00:00"] * 101, "entry": [""] * 101}
    assert page.send(**many).status_code == 400
    assert schedules(page) == [OVER, ENTRY]


@pytest.mark.parametrize("stored", [None, [], 5, [{"start": "x"}, 7, {**ENTRY, "end": None}], [{"extendedProps": 1}]])
def test_whatever_is_stored_is_shown_and_can_be_mended(page, stored):
    offering = db.session.get(Offering, page.id)
    make.change(offering, attributes={"schedules": stored})
    assert page.load().answer.status_code == 200
    while isinstance(page.fields["start"], list):
        page.send("remove", "1")
    first = {"start": "2026-03-01T00:00", "end": "2026-04-01T00:00"}
    assert page.send(**first, opens="08:00").status_code == 303
    (found,) = schedules(page)
    assert (found["start"], found["end"]) == ("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z")
    assert found["extendedProps"]["config"]["businessHours"]["startTime"] == "08:00"


def test_dates_of_another_kind_hold_no_hours(page):
    other = {**ENTRY, "extendedProps": {"type": "Maintenance"}}
    edit_offering(SYSTEM, page.uuid, {"schedules": [other]})
    assert "Term, Maintenance" in text(page.load())
    assert page.send(slot="30").status_code == 400
    assert "None of these dates can have opening hours" in text(page)
    page.send("add")
    starts, ends = page.fields["start"], page.fields["end"]
    assert page.send(start=[starts[0], "2026-08-01T00:00"], end=[ends[0], "2026-09-01T00:00"]).status_code == 303
    assert [it["extendedProps"]["type"] for it in schedules(page)] == ["Maintenance", "Availability"]


def test_of_very_many_the_first_are_shown_and_all_are_kept(page):
    many = [{**ENTRY, "id": str(number), "end": make.schedule(days=30 + number)[0]["end"]} for number in range(60)]
    edit_offering(SYSTEM, page.uuid, {"schedules": many})
    assert len(page.load().fields["start"]) == 50
    assert "10 periods hidden: they are past, or after the first 50." in text(page)
    page.send("remove", "0")
    page.send(slot="60")
    assert [it["id"] for it in schedules(page)] == [str(number) for number in range(1, 60)]
    assert {it["extendedProps"]["config"]["slotDuration"] for it in schedules(page)} == {"01:00:00"}


def test_dates_at_the_ends_of_time_are_shown_and_stay(page):
    ever = {**ENTRY, "start": "0001-01-01T00:00:00Z", "end": "9999-12-31T23:59:59Z"}
    edit_offering(SYSTEM, page.uuid, {"schedules": [ever]})
    assert (page.load().fields["start"][:4], page.fields["end"]) == ("0001", "9999-12-31T23:59")
    assert page.visitor.get(f"/offerings/{page.uuid}/").status_code == 200
    assert page.send(slot="60").status_code == 303
    assert (schedules(page)[0]["start"], schedules(page)[0]["end"]) == (ever["start"], ever["end"])


def test_errors_lead_to_their_dates(page):
    page.send("add")
    starts, ends = page.fields["start"], page.fields["end"]
    assert page.send(start=[starts[0], "2026-09-01T00:00"], end=[ends[0], "2026-08-01T00:00"]).status_code == 400
    assert '<a href="#start-1">Dates 2: End: must be after the start.</a>' in text(page)
    assert 'id="dates-1-error"' in text(page)


def test_entries_that_are_alike_stay_two(page):
    edit_offering(SYSTEM, page.uuid, {"schedules": [ENTRY, ENTRY]})
    page.load()
    ends = page.fields["end"]
    assert page.send(end=[ends[0], "2026-07-01T12:00"]).status_code == 303
    assert [it["end"] for it in schedules(page)] == [ENTRY["end"], "2026-07-01T09:00:00Z"]
