"""Booking on pages, as forms send it: everything here works without JavaScript."""

import re
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from portal.domain.periods import Period
from portal.models import Booking, BookingChange
from portal.services import bookings as services
from tests.support import builders as make
from tests.support.builders import NOW
from tests.web.conftest import PASSWORD, Visitor

pytestmark = pytest.mark.sqlite_only  # what touches the database is tested on both in tests/services and tests/api


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


def hours(start, end):
    return Period(NOW + timedelta(hours=start), NOW + timedelta(hours=end))


def wall(hour):
    """What somebody types, in the offering's zone (UTC here)."""
    return (NOW + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M")


@pytest.fixture
@make.together()
def lab(db_session):
    organization = make.organization("Lab")
    offering = make.offering("Microscope", of=organization)
    people = {
        "booker": make.user("booker@example.org", password=PASSWORD),
        "rival": make.user("rival@example.org", password=PASSWORD),
        "owner": make.role(make.user("boss@example.org", password=PASSWORD), organization, "owner"),
    }
    return offering, people


class Person:
    """Somebody signed in, with a form's token at hand."""

    def __init__(self, client):
        self.client = client
        self.get = client.get
        self.token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/account/").text)[1]

    def post(self, path, fields, **more):
        return self.client.post(path, data={"csrf_token": self.token, **fields}, **more)


@pytest.fixture
def as_person(app, lab):
    """`as_person("booker")`: a client that is signed in; `post(path, **fields)` sends a form with its token."""

    def person(name):
        visitor = Visitor(app.test_client()).sign_in(lab[1][name].email.partition("@")[0])
        return Person(visitor.client)

    return person


def rows(*periods):
    return {
        "start": [wall(a) for a, _ in periods],
        "end": [wall(b) for _, b in periods],
    }


# The fields for typed times, left empty.
BLANK = {"start": "", "end": ""}


def send(person, path, press="book", **fields):
    return person.post(path, {press: fields.pop("value", "1"), **fields})


def test_a_slot_is_picked_in_the_table_and_booked(as_person, lab, db_session):
    offering, _ = lab
    person = as_person("booker")
    page = person.get(f"/offerings/{offering.uuid}/").text
    boxes = re.findall(r'name="slot" value="([^"]+)"', page)
    picked = [f"2026-03-02T{a:02}:00:00Z/2026-03-02T{a + 1:02}:00:00Z" for a in (9, 10)]
    assert set(picked) < set(boxes)
    form = person.get(f"/offerings/{offering.uuid}/book/?slot={picked[0]}&slot={picked[1]}").text
    assert re.findall(r'name="slot" value="([^"]+)" checked', form) == picked
    assert "<strong>2 slots</strong>" in form
    fields = {**BLANK, "slot": picked, "key": "k", "name": "Ice", "note": "Mind the door"}
    made = send(person, f"/offerings/{offering.uuid}/book/", **fields)
    assert made.status_code == 303
    shown = person.get(made.headers["Location"]).text
    assert "Requested" in shown
    assert "Mon 2 Mar 2026, 09:00–11:00" in shown
    assert "Mind the door" in shown
    again = send(person, f"/offerings/{offering.uuid}/book/", **fields)
    assert again.headers["Location"] == made.headers["Location"]
    assert len(db_session.execute(select(Booking)).scalars().all()) == 1
    assert "Ice" in person.get("/bookings/").text
    assert "Ice" not in person.get("/bookings/?past=1").text


def test_nobody_signed_in_is_brought_back_to_what_was_picked(client, lab):
    offering, _ = lab
    answer = client.get(f"/offerings/{offering.uuid}/book/?slot=a/b")
    assert answer.status_code == 303
    assert "book/?slot%3Da" in answer.headers["Location"]


def test_who_is_not_signed_in_is_told_so_before_asking_and_keeps_what_was_picked(client, lab):
    offering, _ = lab
    page = client.get(f"/offerings/{offering.uuid}/").text
    assert f'href="/login?next=/offerings/{offering.uuid}/book/">Sign in to book</a>' in page
    assert '<button class="button button-main">Sign in to book</button>' in page
    assert ">Book</a>" not in page
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/login").text)[1]
    slot = "2026-03-02T09:00:00Z/2026-03-02T10:00:00Z"
    sent = client.get(f"/offerings/{offering.uuid}/book/", query_string={"slot": slot})
    fields = {"csrf_token": token, "email": "booker@example.org", "password": PASSWORD}
    back = client.post(sent.headers["Location"], data=fields)
    form = client.get(back.headers["Location"]).text
    assert f'name="slot" value="{slot}" checked' in form
    page = client.get(f"/offerings/{offering.uuid}/").text
    assert "Sign in to book" not in page
    assert ">Book</a>" in page


def test_a_lost_race_keeps_the_form_and_offers_the_nearest(as_person, lab, db_session):
    offering, people = lab
    services.request_booking(
        make.actor(people["rival"]), services.BookingRequest(offering.uuid, [hours(2, 4)]), now=NOW
    )
    person = as_person("booker")
    path = f"/offerings/{offering.uuid}/book/"
    fields = {**rows((3, 5), (8, 9)), "name": "Ice", "note": "A\nB", "key": "k"}
    lost = send(person, path, **fields)
    assert lost.status_code == 409
    assert "Held by a request" in lost.text
    assert 'value="Ice"' in lost.text
    assert "A\nB</textarea>" in lost.text
    assert f'value="{wall(8)}"' in lost.text
    use = re.findall(r'name="use" value="([^"]+)"', lost.text)
    assert use[1].split(" ") == [
        "2026-03-02T11:00:00Z/2026-03-02T13:00:00Z",
        "2026-03-02T12:00:00Z/2026-03-02T14:00:00Z",
    ]
    better = send(person, path, "use", value=use[1], **fields)
    assert better.status_code == 200
    ticked = re.findall(r'name="slot" value="([^"]+)" checked', better.text)
    assert ticked == ["2026-03-02T12:00:00Z/2026-03-02T13:00:00Z", "2026-03-02T13:00:00Z/2026-03-02T14:00:00Z"]
    assert f'value="{wall(3)}"' not in better.text
    assert f'value="{wall(8)}"' in better.text
    assert 'class="error"' not in better.text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"start": "", "end": wall(2)}, "Enter a start."),
        ({"start": "soon", "end": wall(2)}, "Start: enter a date and time"),
        ({"start": wall(3), "end": wall(2)}, "End must be after start."),
        ({"start": wall(-3), "end": wall(-2)}, "has already begun or has passed"),
        ({"start": "9999-12-31T23:00", "end": "9999-12-31T23:59"}, "Start: enter a date and time"),
        ({"start": wall(1), "end": wall(2), "plan": "x"}, "Choose one from the list."),
        ({"start": wall(1), "end": wall(2), "note": "x" * 2001}, "This is too long"),
        ({"start": wall(1)}, "The form was incomplete"),
        ({}, "Choose at least one free slot."),
    ],
)
def test_bad_input_says_what_is_wrong(as_person, lab, db_session, fields, said):
    offering, _ = lab
    answer = send(as_person("booker"), f"/offerings/{offering.uuid}/book/", **fields)
    assert answer.status_code == 400
    assert said in answer.text
    assert db_session.execute(select(Booking)).first() is None


def test_rows_are_added_and_removed_by_buttons(as_person, lab):
    offering, _ = lab
    person = as_person("booker")
    path = f"/offerings/{offering.uuid}/book/"
    more = send(person, path, "add", **rows((1, 2)))
    assert f'value="{wall(25)}"' in more.text
    less = send(person, path, "remove", value="0", **rows((1, 2), (5, 6)))
    assert f'value="{wall(1)}"' not in less.text
    assert f'value="{wall(5)}"' in less.text
    for nonsense in ("99", "-1", "x", "٣"):
        assert send(person, path, "remove", value=nonsense, **rows((1, 2))).status_code == 200


def test_periods_that_lack_a_field_are_not_dropped(as_person, lab, db_session):
    offering, _ = lab
    person = as_person("booker")
    path = f"/offerings/{offering.uuid}/book/"
    complete = rows((1, 2), (5, 6))
    for name in complete:
        assert send(person, path, **{**complete, name: complete[name][1:]}).status_code == 400
    many = send(person, path, **rows(*[(hour, hour + 1) for hour in range(1, 22)]))
    assert (many.status_code, "At most 20 periods" in many.text) == (400, True)
    assert db_session.execute(select(Booking)).first() is None


def test_a_default_is_for_those_who_did_not_see_the_question(as_person, lab, db_session):
    offering, _ = lab
    question = {"type": "string", "label": "Gas", "default": "Argon"}
    make.change(offering, options={"order": ["gas"], "options": {"gas": question}})
    person = as_person("booker")
    path = f"/offerings/{offering.uuid}/book/"
    send(person, path, **rows((1, 2)))
    send(person, path, **rows((3, 4)), **{"answer-gas": ""})
    answers = [it.answers for it in db_session.execute(select(Booking).order_by(Booking.id)).scalars()]
    assert answers == [{"gas": "Argon"}, {}]


def test_the_order_form_and_the_price(as_person, lab, db_session):
    offering, _ = lab
    kinds = ["boolean", "integer", "money", "string", "text", "date", "time", "conditional_cascade"]
    options = {kind: {"type": kind, "label": kind.title(), "required": kind == "integer"} for kind in kinds}
    options["pick"] = {"type": "select_string", "label": "Pick", "choices": ["a", "b"], "default": "b"}
    options["many"] = {"type": "select_string_multi", "label": "Many", "choices": ["a", "b"]}
    options["tenants"] = {"type": "select_multiple_openstack_tenants", "label": "Tenants"}
    make.change(offering, options={"order": list(options), "options": options})
    person = as_person("booker")
    path = f"/offerings/{offering.uuid}/book/"
    first = person.get(path).text
    assert '<option value="b" selected>' in first
    answers = {"answer-boolean": "true", "answer-many": ["a", "b"], "answer-tenants": "x\r\ny"}
    answers |= {"answer-conditional_cascade": "site: north\r\nroom: 5", "answer-pick": "a", "answer-date": "2026-03-05"}
    refused = send(person, path, **rows((1, 2)), **answers)
    assert refused.status_code == 400
    assert "This is required." in refused.text
    assert '<a href="#answer-integer">Integer: This is required.</a>' in refused.text
    assert "Not booked yet" not in first
    assert '<option value="a" selected>' in refused.text
    assert "checked" in refused.text
    made = send(person, path, **rows((1, 2)), **answers, **{"answer-integer": "3"})
    assert made.status_code == 303
    booking = db_session.execute(select(Booking)).scalar_one()
    assert booking.answers == {
        "boolean": True,
        "integer": 3,
        "date": "2026-03-05",
        "conditional_cascade": {"site": "north", "room": "5"},
        "pick": "a",
        "many": ["a", "b"],
        "tenants": ["x", "y"],
    }


def test_the_hour_that_clocks_show_twice_is_the_one_that_was_picked(as_person, lab, db_session):
    offering, _ = lab
    rules = {"time_zone": "Europe/Tallinn"}
    schedule = make.schedule(NOW, days=365)
    make.change(offering, attributes={"schedules": schedule, "booking_rules": rules})
    person = as_person("booker")
    path = f"/offerings/{offering.uuid}/book/"
    slot = "2026-10-25T01:00:00Z/2026-10-25T02:00:00Z"
    form = person.get(f"{path}?slot={slot}").text
    assert f'name="slot" value="{slot}" checked' in form
    assert send(person, path, slot=slot, **BLANK).status_code == 303
    booking = db_session.execute(select(Booking)).scalar_one()
    assert [(it.start.hour, it.end.hour) for it in booking.slots] == [(1, 2)]
    # Typed it is the first of the two, and none of the second.
    typed = {"start": "2026-10-25T03:00", "end": "2026-10-25T04:00"}
    assert send(person, path, **typed).status_code == 409


@pytest.fixture
def asked(lab):
    offering, people = lab
    return services.request_booking(
        make.actor(people["booker"]), services.BookingRequest(offering.uuid, [hours(2, 3)], name="Ice"), now=NOW
    ).uuid


def test_the_owner_accepts(as_person, asked, db_session):
    boss = as_person("owner")
    page = boss.get("/manage/requests/").text
    assert "Ice" in page
    assert "No other bookings nearby" in page
    assert "1 request" in boss.get("/manage/").text
    question = boss.get(f"/manage/requests/{asked}/accept/").text
    assert "Mon 2 Mar 2026, 10:00–11:00" in question
    done = boss.post(f"/manage/requests/{asked}/accept/", {})
    assert done.status_code == 303
    assert "Confirmed" in as_person("booker").get(f"/bookings/{asked}/").text
    assert "No requests to answer" in boss.get("/manage/requests/").text
    again = boss.post(f"/manage/requests/{asked}/accept/", {}, follow_redirects=True)
    assert "can&#39;t be accepted any more" in again.text


def test_owners_answer_their_own_requests_on_every_page(as_person, lab, db_session):
    offering, people = lab
    wish = services.BookingRequest(offering.uuid, [hours(2, 3)], name="Own")
    own = services.request_booking(make.actor(people["owner"]), wish, now=NOW).uuid
    boss = as_person("owner")
    accept, cancel = f"/manage/requests/{own}/accept/", f"/bookings/{own}/cancel/"
    for path in ("/manage/requests/", f"/bookings/{own}/"):
        page = boss.get(path).text
        # To turn down one's own request is to cancel it.
        assert [it in page for it in (accept, cancel, f"/manage/requests/{own}/reject/")] == [True, True, False], path
    assert boss.post(accept, {}).status_code == 303
    assert db_session.execute(select(Booking.state)).scalar_one() == "confirmed"
    theirs = services.request_booking(
        make.actor(people["booker"]), services.BookingRequest(offering.uuid, [hours(4, 5)]), now=NOW
    ).uuid
    for path in ("/manage/requests/", f"/bookings/{theirs}/"):
        assert f"/manage/requests/{theirs}/reject/" in boss.get(path).text, path


def waiting_in(page):
    """What the navigation says of requests: None without the link, "" without a number."""
    found = re.search(r'<a href="/manage/requests/"[^>]*>Requests(?: <span class="waiting">([0-9+]+)<)?', page)
    return found and (found[1] or "")


def test_the_navigation_tells_how_many_requests_wait(as_person, lab, asked, query_counter, db_session, monkeypatch):
    offering, people = lab
    wish = services.BookingRequest(offering.uuid, [hours(5, 6)], name="Other")
    services.request_booking(make.actor(people["rival"]), wish, now=NOW)
    elsewhere = make.offering("Laser", of=make.organization("Other house"))
    services.request_booking(
        make.actor(people["rival"]), services.BookingRequest(elsewhere.uuid, [hours(5, 6)]), now=NOW
    )
    boss, booker = as_person("owner"), as_person("booker")
    assert waiting_in(booker.get("/").text) is None
    assert waiting_in(boss.get("/").text) == "2"
    monkeypatch.setattr("portal.web.people.MAX_REPORTED", 1)
    assert waiting_in(boss.get("/").text) == "1+"
    assert waiting_in(boss.get("/nowhere/").text) == ""
    for number in (asked, *db_session.execute(select(Booking.uuid).where(Booking.name == "Other")).scalars()):
        boss.post(f"/manage/requests/{number}/accept/", {})
    assert waiting_in(boss.get("/").text) == ""
    counted = {}
    for who, person in (("owner", boss), ("booker", booker)):
        with query_counter() as counter:
            person.get("/")
        counted[who] = counter.number
    assert counted["owner"] == counted["booker"] + 1


def test_a_rejection_needs_a_reason_on_the_page(as_person, asked, db_session):
    boss = as_person("owner")
    bare = boss.post(f"/manage/requests/{asked}/reject/", {"reason": " "})
    assert (bare.status_code, "Enter a reason" in bare.text) == (400, True)
    assert boss.post(f"/manage/requests/{asked}/reject/", {"reason": "Service."}).status_code == 303
    shown = as_person("booker").get(f"/bookings/{asked}/").text
    assert "Rejected" in shown
    assert "Service." in shown


def test_rivals_are_shown_beside_a_request(as_person, asked, lab):
    offering, people = lab
    wish = services.BookingRequest(offering.uuid, [hours(3, 5)], name="Other")
    services.request_booking(make.actor(people["rival"]), wish, now=NOW)
    page = as_person("owner").get("/manage/requests/").text
    assert "requested by" in page
    assert "Rival" in page


def test_a_booker_moves_and_cancels(as_person, asked, lab, db_session):
    offering, people = lab
    services.request_booking(
        make.actor(people["rival"]), services.BookingRequest(offering.uuid, [hours(6, 7)]), now=NOW
    )
    person = as_person("booker")
    path = f"/bookings/{asked}/move/"
    lost = send(person, path, **rows((6, 7)))
    assert (lost.status_code, 'name="use"' in lost.text) == (409, True)
    assert send(person, path, **rows((2.5, 4))).status_code == 400
    assert send(person, path, **rows((2, 3)), note="Late").status_code == 303
    assert "already has exactly these times. Nothing was changed" in person.get(f"/bookings/{asked}/").text
    assert send(person, path, **rows((3, 5)), note="Late").status_code == 303
    page = person.get(f"/bookings/{asked}/").text
    assert "Before: Mon 2 Mar 2026, 10:00–11:00" in page
    assert "Late" in page
    assert "Cancel “Ice”?" in person.get(f"/bookings/{asked}/cancel/").text
    assert person.post(f"/bookings/{asked}/cancel/", {"reason": "Ill"}).status_code == 303
    assert "Ice" in person.get("/bookings/?past=1").text
    whats = [it.what for it in db_session.execute(select(BookingChange).order_by(BookingChange.id)).scalars()]
    assert whats == ["request", "request", "reschedule", "cancel"]


def test_lists_and_questions_name_the_clocks(as_person, lab, db_session):
    offering, people = lab
    offering.attributes = {**offering.attributes, "booking_rules": {"time_zone": "Europe/Tallinn"}}
    db_session.commit()
    wish = services.BookingRequest(offering.uuid, [hours(2, 3)])
    made = services.request_booking(make.actor(people["booker"]), wish, now=NOW).uuid
    booker = as_person("booker")
    shown = '</time> <span class="muted small">Europe/Tallinn</span>'
    assert shown in booker.get("/bookings/").text
    assert shown in as_person("owner").get("/manage/requests/").text
    assert "(Europe/Tallinn)" in booker.get(f"/bookings/{made}/cancel/").text


def test_what_waits_says_so_and_what_is_answered_has_no_button(as_person, lab, db_session):
    offering, people = lab
    made = services.request_booking(
        make.actor(people["booker"]), services.BookingRequest(offering.uuid, [hours(2, 3)]), now=NOW
    ).uuid
    booker, boss = as_person("booker"), as_person("owner")
    page, accept = f"/bookings/{made}/", f"/manage/requests/{made}/accept/"
    assert "Waiting for an answer from the facility." in booker.get(page).text
    assert "Waiting for an answer from the facility." not in boss.get(page).text
    assert ">Accept</button>" in boss.get(accept).text
    boss.post(accept, {})
    assert "Waiting for an answer from the facility." not in booker.get(page).text
    answered = boss.get(accept).text
    assert "This booking is already confirmed." in answered
    assert ">Accept</button>" not in answered


def test_a_name_is_one_line(as_person, lab, db_session):
    person, path = as_person("booker"), f"/offerings/{lab[0].uuid}/book/"
    for character, told in (("\0", "NUL"), ("\r\n", "a line break"), ("\u2066", "the direction of writing (U+2066)")):
        refused = send(person, path, **rows((1, 2)), name=f"Ice{character}core")
        assert refused.status_code == 400
        assert told in refused.text
    assert db_session.execute(select(Booking)).first() is None
    assert send(person, path, **rows((1, 2)), name="Ice core", note="Two\nlines").status_code == 303


def test_other_bookings_at_the_same_time_are_warned_of_before_submitting(as_person, lab, db_session):
    offering, people = lab
    elsewhere = make.offering("Laser", of=make.organization("Other house"))
    actor = make.actor(people["booker"])
    other = services.request_booking(
        actor, services.BookingRequest(elsewhere.uuid, [hours(2, 3), hours(7, 8)]), now=NOW
    )
    services.request_booking(
        make.actor(people["rival"]), services.BookingRequest(elsewhere.uuid, [hours(4, 5)]), now=NOW
    )
    person, warning = as_person("booker"), "You have other bookings at this time"
    path = f"/offerings/{offering.uuid}/book/"
    slot = "2026-03-02T10:00:00Z/2026-03-02T11:00:00Z"
    shown = [
        person.get(f"{path}?slot={slot}").text,
        send(person, path, "check", **rows((2, 3))).text,
        person.post(f"{path}summary/", rows((1, 6))).text,
    ]
    for page in shown:
        assert warning in page
        assert f'href="/bookings/{other.uuid}/">Laser</a>: Mon 2 Mar 2026, 10:00–11:00 ' in page
        assert "15:00" not in page.partition(warning)[2].partition("You can keep both")[0]
    # Not of what only touches, nor of what somebody else holds.
    for free in ((3, 5), (1, 2)):
        assert warning not in person.post(f"{path}summary/", rows(free)).text
    made = send(person, path, **rows((2, 3)))
    assert made.status_code == 303
    assert warning in person.get(made.headers["Location"]).text
    moved = person.get(f"{made.headers['Location']}move/?slot={slot}").text
    assert "Laser</a>: Mon 2 Mar 2026, 10:00–11:00" in moved
    services.cancel_booking(actor, other.uuid, now=NOW)
    assert warning not in person.get(made.headers["Location"]).text


def test_a_booking_in_a_zone_that_is_not_known_any_more_is_shown(as_person, lab, asked, db_session):
    offering, _ = lab
    booking = db_session.execute(select(Booking)).scalar_one()
    booking.as_booked = {**booking.as_booked, "zone": "Mars/Olympus"}
    make.change(offering, state="Draft")
    person = as_person("booker")
    for path in ("/bookings/", f"/bookings/{asked}/"):
        page = person.get(path)
        assert page.status_code == 200
        assert "Mon 2 Mar 2026, 10:00–11:00" in page.text
