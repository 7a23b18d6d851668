"""The page of booking rules, as forms send it: everything here works without JavaScript."""

import html
from datetime import timedelta

import pytest
import time_machine

from portal.domain.periods import Period
from portal.extensions import db
from portal.models import Offering
from portal.policies import ANONYMOUS
from portal.queries.availability import offering_availability
from portal.services import bookings as services
from portal.services.booking_requests import BookingRequest
from tests.support import builders as make
from tests.support.builders import NOW
from tests.support.forms import Form
from tests.web.conftest import PASSWORD, Visitor, error_at

pytestmark = pytest.mark.sqlite_only  # what touches the database is tested on both in tests/transfer/test_editing.py

HOLIDAYS = {"start": "2026-12-24", "end": "2026-12-26", "reason": "Holidays", "own": 1}
STOCKTAKING = {"start": "2026-06-01T08:00:00Z", "end": "2026-06-01T12:00:00Z"}
STORED = {
    "time_zone": "Europe/Tallinn",
    "minimum_notice_minutes": 2880,
    "quota_hours_per_user": 10,
    "quota_period": "month",
    "accept": "automatic",
    "closures": [HOLIDAYS, STOCKTAKING],
    "own": 1,
}
EMPTY = "This is empty. Enter a value, or select the box to remove it."


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def page(app, db_session):
    """The owner's form of an offering without rules."""
    lab = make.organization("Lab")
    make.role(make.user("owner@example.org", password=PASSWORD), lab, "owner")
    offering = make.offering("Microscope", of=lab)
    found = Form(Visitor(app.test_client()).sign_in("owner"), f"/manage/offerings/{offering.uuid}/rules/")
    found.uuid, found.id = offering.uuid, offering.id
    return found


def store(page, rules):
    offering = db.session.get(Offering, page.id)
    make.change(offering, attributes={**offering.attributes, "booking_rules": rules})
    return page.load()


def rules(page):
    db.session.expire_all()
    return db.session.get(Offering, page.id).attributes.get("booking_rules")


def text(page):
    return html.unescape(page.answer.text)


def closures(*rows):
    """Rows of new closures."""
    names = ("closure_entry", "closure_start", "closure_end", "closure_reason")
    return {name: [("", *row)[place] for row in rows] for place, name in enumerate(names)}


def test_an_owner_sets_rules(page):
    sent = page.send(
        time_zone="Europe/Tallinn",
        minimum_notice_minutes="90",
        maximum_advance_days="0",
        buffer_after_minutes="0",
        accept="automatic",
        **closures(("2026-12-24", "2026-12-26", "Holidays"), ("", "", "")),
    )
    assert sent.status_code == 303
    found = rules(page)
    assert found == {
        "time_zone": "Europe/Tallinn",
        "minimum_notice_minutes": 90,
        "maximum_advance_days": 0,
        "accept": "automatic",
        "stale_busy": "allow",
        "publish": "times",
        "closures": [{"start": "2026-12-24", "end": "2026-12-26", "reason": "Holidays"}],
    }
    assert "Book at least 1 hour and 30 minutes ahead." in text(page.load())
    assert "Holidays" in text(page)
    # Sent as it is shown it changes nothing.
    assert page.send().status_code == 303
    assert rules(page) == found


@pytest.mark.parametrize("empty", ["", "  ", None])
def test_an_empty_field_removes_no_rule(page, empty):
    """What a browser cannot read arrives empty: `1-2` in a field of numbers, half a date."""
    store(page, STORED)
    for key in ("time_zone", "minimum_notice_minutes", "quota_hours_per_user"):
        if empty is None:
            fields = {name: value for name, value in page.load().fields.items() if name != key}
            sent = page.visitor.client.post(page.path, data={**fields, "keep": "1"})
            assert sent.status_code == (400 if key == "time_zone" else 303), key
        else:
            assert page.load().send(**{key: empty}).status_code == 400
            assert error_at(key, EMPTY) in text(page), key
        assert rules(page).items() >= STORED.items()
    assert page.load().send(accept="").status_code == 400
    assert "Choose one of these." in text(page)
    assert page.load().send(quota_period="").status_code == 400


def test_rules_are_removed_by_their_boxes(page):
    store(page, STORED)
    assert text(page).count("Remove this rule") == 2
    assert "Use UTC instead" in text(page)
    assert page.send(removed=["time_zone", "quota_hours_per_user"]).status_code == 303
    kept = {"minimum_notice_minutes": 2880, "accept": "automatic", "own": 1, "closures": [HOLIDAYS, STOCKTAKING]}
    assert rules(page) == {**kept, "stale_busy": "allow", "publish": "times"}
    # A box that is ticked beside something else would leave open what is meant.
    assert page.load().send(removed="minimum_notice_minutes", minimum_notice_minutes="60").status_code == 400
    assert "Either enter another value or remove it, not both." in text(page)
    assert page.fields["removed"] == "minimum_notice_minutes"
    assert page.send(minimum_notice_minutes="").status_code == 303
    assert "minimum_notice_minutes" not in rules(page)


def test_an_empty_field_removes_no_closure(page):
    store(page, STORED)
    starts, ends, reasons = (page.fields[f"closure_{key}"] for key in ("start", "end", "reason"))
    assert page.send(closure_start=["", *starts[1:]]).status_code == 400
    assert "Enter a start, or select “Remove”." in text(page)
    blank = page.load().send(closure_start=[""] * 4, closure_end=[""] * 4, closure_reason=[""] * 4)
    assert blank.status_code == 400
    assert text(page).count("Enter an end, or select “Remove”.") == 2 * 2, "summary and fields"
    assert page.load().send(closure_reason=[""] * 4).status_code == 400
    assert rules(page) == STORED
    # Columns of different lengths belong to nobody knows which row; rows that are missing stay.
    assert page.load().send(closure_end=ends[1:]).status_code == 400
    fields = {key: value for key, value in page.load().fields.items() if not key.startswith("closure_")}
    assert page.visitor.client.post(page.path, data={**fields, "keep": "1"}).status_code == 303
    assert rules(page)["closures"] == [HOLIDAYS, STOCKTAKING]
    assert page.load().send(closure_reason=["Christmas", *reasons[1:]]).status_code == 303
    assert rules(page)["closures"] == [{**HOLIDAYS, "reason": "Christmas"}, STOCKTAKING]


def test_closures_are_removed_by_their_boxes(page):
    store(page, {**STORED, "closures": [STOCKTAKING, HOLIDAYS, STOCKTAKING, 7]})
    assert len(page.fields["closure_entry"]) == 6
    entries = page.fields["closure_entry"]
    # Of two that are alike one goes; what cannot be read can be removed, too.
    assert page.send(closure_removed=[entries[0], entries[3]]).status_code == 303
    assert rules(page)["closures"] == [HOLIDAYS, STOCKTAKING]


def test_closures_that_others_changed_are_not_overwritten(page):
    store(page, STORED)
    form = page.fields
    other = {"start": "2026-08-01", "end": "2026-08-02"}
    offering = db.session.get(Offering, page.id)
    changed = {**STORED, "closures": [{**HOLIDAYS, "end": "2026-12-27"}, STOCKTAKING, other]}
    make.change(offering, attributes={**offering.attributes, "booking_rules": changed})
    assert page.visitor.client.post(page.path, data={**form, "keep": "1"}).status_code == 400
    assert rules(page) == changed
    offering = db.session.get(Offering, page.id)
    make.change(
        offering,
        attributes={**offering.attributes, "booking_rules": {**STORED, "closures": [HOLIDAYS, STOCKTAKING, other]}},
    )
    assert page.visitor.client.post(page.path, data={**form, "keep": "1"}).status_code == 303
    assert rules(page)["closures"] == [HOLIDAYS, STOCKTAKING, other]


def test_rules_that_cannot_be_kept_change_nothing(page):
    before = {"accept": "manual", "own": 1}
    store(page, before)
    bad = {
        "accept": "automatic",
        "minimum_notice_minutes": "1-2",
        "minimum_duration_minutes": "90",
        "maximum_duration_minutes": "30",
        **closures(("", "", ""), ("2026-13-01", "2026-12-01", "")),
    }
    assert page.send(**bad).status_code == 400
    assert "Enter a whole number, such as 60." in text(page)
    assert page.fields["minimum_notice_minutes"] == "1-2"
    assert "shorter than the minimum" in text(page)
    for field, label in (("minimum_notice_minutes", "Minimum notice"), ("closure-start-2", "Closure 2")):
        assert f'<li><a href="#{field}">{label}: ' in text(page)
        assert f'id="{field}"' in text(page)
    assert error_at("closure-2", "From: “2026-13-01” is not a date") in text(page)
    assert "2026-13-01" in page.fields["closure_start"]
    assert rules(page) == before
    data = {"csrf_token": page.fields["csrf_token"], "accept": "automatic"}
    assert page.visitor.client.post(page.path, data=data).status_code == 400
    assert rules(page) == before


def test_rules_are_looked_at_before_they_are_kept(page):
    rival = make.user("rival@example.org")
    period = Period(NOW + timedelta(hours=2), NOW + timedelta(hours=3))
    services.request_booking(make.actor(rival), BookingRequest(page.uuid, [period]), now=NOW)
    assert "The coming week" not in text(page)
    assert page.send("preview", time_zone="Europe/Tallinn", accept="automatic").status_code == 200
    plain = text(page)
    assert "The coming week with these rules" in plain
    assert "Bookings are confirmed automatically." in plain
    assert "Times in Europe/Tallinn." in plain
    assert 'name="slot"' not in plain
    free = plain.count('class="slot slot-free')
    stocktaking = closures(("2026-03-04", "2026-03-05", "Stocktaking"))
    page.send("preview", buffer_after_minutes="60", minimum_notice_minutes="1440", **stocktaking)
    assert "Closed (Stocktaking)" in text(page)
    assert "Too soon: book at least 1 day ahead." in text(page)
    assert 0 < text(page).count('class="slot slot-free') < free
    assert page.fields["minimum_notice_minutes"] == "1440"
    page.send("preview", minimum_notice_minutes="14400", **closures(("", "", "")))
    assert "Nothing would be free in these days. Next free:" in text(page)
    assert page.send("preview", minimum_notice_minutes="x").status_code == 400
    assert "The coming week" not in text(page)
    assert rules(page) is None


def test_more_rows_are_added_without_a_script(page):
    assert page.send("add", **closures(("2026-12-24", "", ""))).status_code == 200
    assert page.fields["closure_start"] == ["2026-12-24", "", ""]
    many = closures(*[("2026-12-24", "2026-12-24", "")] * 1001)
    assert page.send(**many).status_code in (400, 413)
    assert rules(page) is None


def test_a_closure_is_typed_by_the_offerings_clocks(page):
    store(page, {"time_zone": "Europe/Tallinn"})
    typed = {"closure_start": "2026-03-03 09:00", "closure_end": "12:00", "closure_reason": "Service"}
    fields = {key: [value, *page.fields[key][1:]] for key, value in typed.items()}
    assert page.send(**fields).status_code == 303
    stored = {"start": "2026-03-03 09:00", "end": "12:00", "reason": "Service"}
    assert rules(page)["closures"] == [stored]
    offering = db.session.get(Offering, page.id)
    during = Period(NOW.replace(day=3, hour=8), NOW.replace(day=3, hour=9))
    free = offering_availability(page.id, offering.attributes, during, NOW, ANONYMOUS)
    assert free.explain(during).text == "Closed (Service): Tue 3 Mar 2026, 09:00–12:00."
    wrong = page.load().send(**{**fields, "closure_end": ["25:00", *page.fields["closure_end"][1:]]})
    assert wrong.status_code == 400
    assert rules(page)["closures"] == [stored]
