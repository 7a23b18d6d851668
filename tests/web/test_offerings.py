"""The page on which an offering is edited, as forms send it: everything here works without JavaScript."""

import html
import re
from datetime import timedelta

import pytest

from portal.documents import store as documents
from portal.domain.periods import Period
from portal.extensions import db
from portal.models import GoogleCalendar, Offering, User
from portal.models.base import utcnow
from portal.policies import SYSTEM, Actor
from portal.services import bookings
from portal.transfer.editing import DETAILS, edit_offering
from tests.support.forms import Form
from tests.web.conftest import error_at

TEXT = "<h2>About</h2>\n<script>alert(1)</script><p>Sees\r\nmore.</p>\n"


@pytest.fixture
def page(visitor, world):
    """The owner's form of the offering that everybody sees."""
    found = Form(visitor("owner"), f"/manage/offerings/{world.scope}/edit/")
    found.uuid = world.scope
    return found


def stored(page):
    db.session.expire_all()
    return db.session.query(Offering).filter_by(uuid=page.uuid).one()


def store(page, **values):
    """What an earlier version has let in."""
    found = stored(page)
    for key, value in values.items():
        setattr(found, key, value)
    documents.refresh(db.session(), [found.id])
    db.session.commit()


def test_it_is_linked_for_those_who_manage(visitor, world):
    address = f"/manage/offerings/{world.scope}/edit/"
    for path in (f"/offerings/{world.scope}/", "/manage/"):
        assert address in visitor("manager").get(path).text
        assert address not in visitor("member").get(path).text


def test_what_is_typed_is_kept_and_the_rest_stays(page):
    assert set(DETAILS) < page.fields.keys()
    answer = page.send(
        name="  Ångström ", full_description=TEXT, latitude="58,5", country="LV", thumbnail="https://example.org/a.png"
    )
    assert (answer.status_code, answer.location) == (303, page.path)
    found = stored(page)
    assert (found.name, found.full_description) == ("Ångström", TEXT.replace("\r\n", "\n"))
    assert (found.latitude, found.longitude, found.country) == (58.5, None, "LV")
    assert (found.thumbnail, found.image, found.description) == ("https://example.org/a.png", None, "Live cells")
    assert "are saved." in page.load().answer.text
    assert page.fields["latitude"] == "58.5"
    emptied = page.send(latitude="", thumbnail="", country="")
    assert (emptied.status_code, stored(page).latitude) == (400, 58.5)
    assert emptied.text.count("This is empty. Enter a value, or select the box to remove it.") == 4, (
        "summary and fields"
    )
    assert page.load().send(removed=["latitude", "thumbnail"], country="none").status_code == 303
    found = stored(page)
    assert (found.latitude, found.thumbnail, found.country) == (None, None, "")


def test_long_texts_of_every_alphabet_can_be_sent(page):
    long = "<p>Микроскоп</p>\n" * 5000
    assert page.send(full_description=long.replace("\n", "\r\n")).status_code == 303
    assert stored(page).full_description == long
    assert page.load().send(name="Renamed").status_code == 303
    assert stored(page).full_description == long
    assert page.load().send(full_description="x" * 300_000).status_code == 413


def test_sending_it_as_it_was_changes_nothing(page):
    # As an import may have left them: line ends and blanks that a browser does not send back as they are.
    odd = {"full_description": "\na\r\nb\n", "name": " Blank ", "latitude": 58.0}
    edit_offering(SYSTEM, page.uuid, odd)
    # Or as an earlier version took it: neither a name nor a link of today.
    odd |= {"name": " Blank\u202e ", "image": "  ", "access_url": "javascript:alert(1)"}
    store(page, **{key: odd[key] for key in ("name", "image", "access_url")})
    modified = stored(page).modified
    assert page.load().send().status_code == 303
    assert "You changed nothing" in page.load().answer.text
    found = stored(page)
    assert {key: getattr(found, key) for key in odd} == odd
    assert found.modified == modified


def test_what_cannot_be_kept_is_told_at_its_field(page):
    answer = page.send(
        name=" ", latitude="north", longitude="200", state="Gone", country="Estonia", description="Better"
    )
    assert answer.status_code == 400
    for key, told in {
        "name": "Must not be empty.",
        "latitude": "Enter degrees, such as 58.3659. South and west are negative.",
        "longitude": "Must be from -180 to 180.",
        "state": "Must be one of Active, Archived, Draft, Paused, Unavailable.",
        "country": "Must be a two-letter country code",
    }.items():
        assert error_at(key, told) in answer.text, key
        assert f'<li><a href="#{key}">' in answer.text
        assert re.search(rf'name="{key}"[^>]*aria-invalid="true"', answer.text), key
    assert page.fields["latitude"] == "north"
    assert page.fields["description"] == "Better"
    assert stored(page).description == "Live cells"
    assert page.send(name="Good", latitude="1", longitude="2", state="Active", country="EE").status_code == 303
    assert stored(page).description == "Better"


def test_a_form_without_its_fields_clears_nothing(page):
    answer = page.visitor.client.post(page.path, data={"csrf_token": page.fields["csrf_token"], "name": "Other"})
    assert answer.status_code == 400
    assert stored(page).name == "Confocal"


def test_what_somebody_else_wrote_meanwhile_is_told_and_not_lost(page):
    edit_offering(SYSTEM, page.uuid, {"description": "Theirs", "vendor_details": "Their vendor", "shared": False})
    answer = page.send(name="Mine", description="My words", country="LV")
    assert answer.status_code == 409
    assert "Somebody else has changed this offering since you opened this page" in answer.text
    assert "Somebody else has written: “Theirs”" in html.unescape(answer.text)
    found = stored(page)
    assert (found.name, found.description, found.country) == ("Confocal", "Theirs", "EE")
    fields = page.fields
    assert (fields["name"], fields["description"], fields["country"]) == ("Mine", "My words", "LV")
    # What was not touched here is not written back.
    assert (fields["vendor_details"], fields["shared"]) == ("Their vendor", "false")
    assert page.send().status_code == 303
    found = stored(page)
    assert (found.name, found.description, found.country) == ("Mine", "My words", "LV")
    assert (found.vendor_details, found.shared) == ("Their vendor", False)


def test_a_form_that_does_not_say_what_it_began_from_writes_nothing(page):
    for before in ("", "name:1 x description", "name"):
        assert page.load().send(name="Mine", before=before).status_code == 409
    assert stored(page).name == "Confocal"


def test_bookings_change_nothing_of_what_the_form_began_from(page):
    start = utcnow().replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(days=2)
    booker = db.session.query(User).filter_by(email="stranger@example.org").one()
    wish = bookings.BookingRequest(page.uuid, [Period(start, start + timedelta(hours=2))])
    bookings.request_booking(Actor(booker.id), wish)
    assert page.send(name="Mine").status_code == 303


def test_a_preview_shows_what_people_would_read_and_keeps_nothing(page):
    answer = page.send("preview", name="Mine", full_description=TEXT, description="<b>Short</b>")
    assert answer.status_code == 200
    shown = answer.text.partition('id="preview"')[2]
    assert "<h2>About</h2>" in shown
    assert '<p class="lead">Short</p>' in shown
    assert "alert(1)" not in shown
    assert stored(page).name == "Confocal"
    assert page.send("preview", name="").status_code == 400
    assert 'id="preview"' not in page.answer.text


def test_an_address_that_pages_do_not_follow_is_refused(page):
    refused = page.send(access_url="javascript:alert(1)", image="data:image/png,x", privacy_policy_link="example.org")
    assert refused.status_code == 400
    for key, kinds in (("access_url", "http, https or mailto"), ("image", "http or https")):
        assert f"Must be a whole address ({kinds}) without blanks" in refused.text, key
    assert refused.text.count('▲</span> <span><span class="unseen">Error: </span>Must be a whole address') == 3
    assert stored(page).access_url == ""


@pytest.mark.parametrize(("character", "told"), [("\u202e", "of writing"), ("\0", "NUL"), ("\n", "line break")])
def test_a_name_is_one_line(page, character, told):
    refused = page.send(name=f"Con{character}focal")
    assert refused.status_code == 400
    assert told in refused.text
    assert stored(page).name == "Confocal"


def test_an_address_of_an_earlier_version_is_kept_and_told(page):
    far = "ftp://example.org/a.png"
    store(page, access_url="javascript:alert(1)", image="data:image/png,x", thumbnail=far)
    assert page.load().send(description="Other").status_code == 303
    assert stored(page).access_url == "javascript:alert(1)"
    shown = page.load().answer.text
    assert 'href="javascript' not in shown
    assert shown.count("This is not an address that pages can show") == 2
    assert shown.count("pictures of this site are not allowed") == 1


@pytest.mark.parametrize("public", [True, False])
def test_hiding_an_offering_tells_of_its_public_calendar(page, public):
    db.session.add(GoogleCalendar(offering_id=stored(page).id, state="OK", public=public, want_public=public))
    db.session.commit()
    for values, hidden in (({"description": "Other"}, False), ({"shared": "false"}, True), ({"state": "Draft"}, True)):
        assert page.send(**values).status_code == 303
        assert ("its Google calendar is still public" in page.load().answer.text) is (hidden and public)


def booked(world, who, days):
    start = utcnow().replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(days=days)
    booker = db.session.query(User).filter_by(email=f"{who}@example.org").one()
    wish = bookings.BookingRequest(world.scope, [Period(start, start + timedelta(hours=2))])
    return bookings.request_booking(Actor(booker.id), wish).uuid


@pytest.mark.parametrize("state", ["Paused", "Archived", "Draft"])
def test_what_the_page_says_of_a_state_is_so(page, visitor, world, state):
    answered, cancelled = booked(world, "stranger", 2), booked(world, "stranger", 3)
    assert page.send(state=state, paused_reason="Pump broken.").status_code == 303
    listed = state == "Paused"
    stranger = visitor("stranger")
    assert stranger.get(f"/offerings/{world.scope}/").status_code == (200 if listed else 404)
    assert stranger.get(f"/offerings/{world.scope}/calendar.ics").status_code == (200 if listed else 404)
    assert ("Confocal" in stranger.get("/").text) is listed
    owner = visitor("owner").get(f"/offerings/{world.scope}/").text
    assert "Pump broken." in owner
    assert "Confocal" in stranger.get("/bookings/").text
    move = f"/bookings/{answered}/move/"
    day = (utcnow() + timedelta(days=4)).strftime("%Y-%m-%d")
    typed = {"start": f"{day}T10:00", "end": f"{day}T12:00"}
    refused = stranger.post(move, typed, page=move)
    assert (refused.status_code, "can still cancel it" in refused.text) == ((400, False) if listed else (403, True))
    accept, cancel = f"/manage/requests/{answered}/accept/", f"/bookings/{cancelled}/cancel/"
    visitor("owner").post(accept, page=accept)
    assert "Confirmed" in stranger.get(f"/bookings/{answered}/").text
    stranger.post(cancel, page=cancel)
    assert "Cancelled" in stranger.get(f"/bookings/{cancelled}/").text
    # Back again it can be booked.
    assert page.load().send(state="Active").status_code == 303
    assert stranger.post(move, typed, page=move).status_code == 303
