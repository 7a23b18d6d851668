"""A booking from a free slot to the calendar, by three people in browsers: with scripts, and without any."""

import re
from contextlib import contextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from itertools import pairwise
from pathlib import Path

import pytest
import requests

from portal.policies import SYSTEM
from portal.services import accounts, sign_in
from tests.e2e.conftest import PASSWORD, House
from tests.e2e.test_share import PATIENCE, until

pytestmark = [pytest.mark.browser, pytest.mark.sqlite_only]


@contextmanager
def visiting(browser, house: House, email: str, *, scripts: bool):
    """Somebody's own browser, signed in; fails if the console saw an error."""
    context = browser.new_context(java_script_enabled=scripts, locale="en-GB", timezone_id="Asia/Tokyo")
    context.set_default_timeout(15_000)
    page, errors = context.new_page(), []
    # A refusal is an answer of 400 or 409, which the browser reports as well.
    page.on(
        "console", lambda it: errors.append(it.text) if it.type == "error" and "status of 4" not in it.text else None
    )
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{house.portal.url}/login")
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click("main button")
    yield page
    context.close()
    assert errors == []


def mails(house: House) -> list[tuple[str, str]]:
    folder = Path(house.portal.database.environ["INSTANCE_PATH"]) / "mail"
    read = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in sorted(folder.glob("*.eml"))]
    return [(it["To"], it["Subject"]) for it in read]


def booked(public: str) -> int:
    """How many bookings the public calendar shows; one that ends on another day is listed there again."""
    text = requests.get(public, timeout=10).text
    return text.count("Booked") - text.count(">until ")


def answer(page, act: str, scripts: bool) -> None:
    page.click(f"a[href$='/{act}/']")
    if scripts:
        page.wait_for_selector("dialog[open]")
    page.click("dialog[open] form button" if scripts else "#confirm form button")
    page.wait_for_load_state()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_from_a_free_slot_to_the_calendar(house, browser, scripts):
    with house.portal.app.app_context():
        for email in ("visitor@example.org", "rival@example.org"):
            accounts.create_user(SYSTEM, email, full_name=email.partition("@")[0].title(), password=PASSWORD)
        rival = sign_in.sign_in("rival@example.org", PASSWORD, "")
        key = accounts.create_token(SYSTEM, rival.id, "test").key
    tokens = house.emulator.grant("owner@lab.example.org", "openid", "email", "calendar")
    house.command("calendars", "connect", "Light Lab", "--refresh-token-stdin", stdin=tokens["refresh_token"])
    headers = {"Authorization": f"Token {house.owner_token}"}
    api = f"{house.portal.url}/api"
    share = f"{api}/booking-offerings/{house.offering}/share_google_calendar/"
    assert requests.post(share, headers=headers, timeout=10).status_code == 200
    begin = house.booked[0].start + timedelta(hours=48)
    with (
        visiting(browser, house, "visitor@example.org", scripts=scripts) as visitor,
        visiting(browser, house, "owner@example.org", scripts=scripts) as owner,
    ):
        # Two slots that follow each other are picked in the table.
        visitor.goto(f"{house.portal.url}/offerings/{house.offering}/")
        edges = [f"{begin + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}" for hours in range(3)]
        picked = [f"{start}/{end}" for start, end in pairwise(edges)]
        for value in picked:
            visitor.check(f"input[name=slot][value='{value}']")
        if scripts:
            assert visitor.inner_text("[data-picked]") == "2 slots"
        visitor.click("text=Continue")
        kept = visitor.locator("[name=slot]:checked, [name=slot][type=hidden]").all()
        assert sorted(it.get_attribute("value") for it in kept) == picked
        visitor.fill("#name", "Ribosome")
        visitor.fill("#note", "Two grids")
        # Meanwhile somebody else takes one of the two.
        slots = [{"start": (begin + timedelta(hours=1)).isoformat(), "end": (begin + timedelta(hours=2)).isoformat()}]
        asked = {"offering": str(house.offering), "slots": slots, "name": "Faster"}
        other = requests.post(
            f"{api}/booking-resources/", json=asked, headers={"Authorization": f"Token {key}"}, timeout=10
        )
        assert other.status_code == 201
        visitor.click("aside >> text=Request booking")
        assert "Held by a request that has not been answered yet" in visitor.inner_text("main")
        assert visitor.input_value("#name") == "Ribosome"
        assert visitor.input_value("#note") == "Two grids"
        visitor.click("button[name=use] >> nth=1")
        visitor.wait_for_selector("#summary .error", state="detached")
        visitor.click("aside >> text=Request booking")
        assert visitor.inner_text("h1") == "Ribosome"
        assert "Pending" in visitor.inner_text("main")
        if scripts:
            assert "your time (Asia/Tokyo)" in visitor.inner_text("main")
        booking = visitor.url

        owner.goto(f"{house.portal.url}/manage/")
        owner.click("main >> a[href$='/manage/requests/']")
        assert "Faster" in owner.inner_text("main")
        owner.goto(booking)
        answer(owner, "accept", scripts)
        assert "Accepted: “" in owner.inner_text("main")
        owner.goto(booking)
        assert "Confirmed" in owner.inner_text("main")
        visitor.goto(booking)
        assert "Accepted by Olga Owner" in re.sub(r"\s+", " ", visitor.inner_text("main"))
        visitor.goto(f"{house.portal.url}/bookings/")
        assert "Ribosome" in visitor.inner_text("main")

        def link() -> str:
            found = requests.get(f"{api}/booking-offerings/{house.offering}/", headers=headers, timeout=10).json()
            return (found.get("googlecalendar") or {}).get("http_link") or ""

        public = until(link, "sharing")
        # Three from the start, the faster one, and this one.
        until(lambda: booked(public) == 5, "the booking in the calendar")

        visitor.goto(booking)
        answer(visitor, "cancel", scripts)
        assert "The booking is cancelled" in visitor.inner_text("main")
        until(lambda: booked(public) == 4, "its end in the calendar")
    expected = {
        ("visitor@example.org", "Requested: Ribosome"),
        ("visitor@example.org", "Confirmed: Ribosome"),
        ("owner@example.org", "New request: Visitor, Confocal"),
        ("owner@example.org", "Cancelled: Visitor, Confocal"),
    }
    until(lambda: expected <= set(mails(house)), f"mail within {PATIENCE} s")
