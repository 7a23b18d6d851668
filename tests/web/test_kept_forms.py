"""A session that ends while somebody fills a form: they sign in and are back on the form with what they typed."""

import html
import re

import pytest
from sqlalchemy import func, select

from portal.models import Booking, BrowserSession
from tests.web.conftest import PASSWORD

FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


def hidden(page: str) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in FIELD.findall(page)}


@pytest.mark.parametrize("cookie_left", [True, False])
def test_a_booking_form_survives_the_end_of_the_session(visitor, world, db_session, cookie_left):
    person = visitor("member")
    path = f"/offerings/{world.scope}/book/"
    token = re.search(r'name="csrf_token" value="([^"]+)"', person.get(path).text)[1]
    db_session.query(BrowserSession).delete()
    db_session.commit()
    if not cookie_left:
        person.client.delete_cookie("portal_session_8000")
    typed = {
        "start": "2031-03-03T10:00",
        "end": "2031-03-03T11:00",
        "name": 'Cells & "more"',
        "note": "two\nlines",
    }
    asked = person.client.post(path, data={"csrf_token": token, **typed})
    assert asked.status_code == 403
    kept = hidden(asked.text)
    assert kept["kept-name"] == typed["name"]
    assert f'action="/login?next={path.replace("/", "%2F")}"' in asked.text or f"next={path}" in asked.text
    # A wrong password loses nothing.
    wrong = person.client.post(f"/login?next={path}", data={**kept, "email": "member@example.org", "password": "wrong"})
    assert hidden(wrong.text)["kept-name"] == typed["name"]
    back = person.client.post(
        f"/login?next={path}", data={**hidden(wrong.text), "email": "member@example.org", "password": PASSWORD}
    )
    assert (back.status_code, "Nothing has been sent yet" in back.text) == (200, True)
    form = person.client.post(path, data=hidden(back.text))
    assert form.status_code == 200
    assert 'value="Cells &amp; &#34;more&#34;"' in form.text
    assert 'value="2031-03-03T10:00"' in form.text
    assert "two\nlines" in form.text
    assert db_session.execute(select(func.count(Booking.id))).scalar_one() == 0


def test_no_password_and_no_other_form_is_carried(visitor, world, db_session):
    person = visitor("member")
    token = re.search(r'name="csrf_token" value="([^"]+)"', person.get("/account/").text)[1]
    db_session.query(BrowserSession).delete()
    db_session.commit()
    answer = person.client.post("/account/password/", data={"csrf_token": token, "current": "secret-one"})
    assert "secret-one" not in answer.text


def test_what_another_site_sent_is_shown_and_not_done(visitor, world, db_session):
    stranger = visitor()
    path = f"/manage/offerings/{world.scope}/edit/"
    asked = stranger.client.post(path, data={"name": "Hijacked"})
    back = stranger.client.post(
        f"/login?next={path}", data={**hidden(asked.text), "email": "owner@example.org", "password": PASSWORD}
    )
    stranger.client.post(path, data=hidden(back.text))
    assert "Hijacked" not in stranger.get(f"/offerings/{world.scope}/").text
    # Nor does it leave the portal.
    away = visitor().client.post(
        "/login?next=https://evil.example/", data={**hidden(asked.text), "email": "owner@example.org"}
    )
    assert 'action="https://evil' not in away.text
