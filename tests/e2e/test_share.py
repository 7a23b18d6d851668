"""The share button really shares a calendar: by a person in a browser, and by a program through the API."""

import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.e2e.conftest import PASSWORD, House

PATIENCE = 30.0


def until(question, what: str) -> object:
    """Ask until the answer is true; it comes from other processes, so there is nothing to wait on."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := question()):
        assert time.monotonic() < deadline, f"{what} did not happen within {PATIENCE} s"
        time.sleep(0.1)
    return answer


def status(house: House) -> dict[str, object]:
    [row] = json.loads(house.command("calendars", "status", "--json"))
    return row


@pytest.mark.browser
@pytest.mark.sqlite_only
def test_an_owner_connects_shares_and_unshares_in_a_browser(house, browser_page, console_errors):
    page, portal = browser_page, house.portal
    page.goto(f"{portal.url}/login")
    page.fill("#email", "owner@example.org")
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.goto(f"{portal.url}/manage/")
    page.click("a[href$='/google/']")
    page.click("form[action$='/connect/'] button")
    page.wait_for_load_state()
    assert urlsplit(page.url).netloc == urlsplit(house.emulator.base_url).netloc, "the consent page is the emulator's"
    page.click("button:has-text('Allow')")
    page.wait_for_url(f"{portal.url}/manage/**")

    page.goto(f"{portal.url}/offerings/{house.offering}/")
    page.click("a[href$='/calendar/share']")
    page.click("dialog[open] form button")
    page.wait_for_selector("#calendar >> text=Open the public calendar", timeout=PATIENCE * 1000)
    link = page.get_attribute("#calendar >> text=Open the public calendar", "href")
    page.goto(link)
    shown = page.inner_text("body")
    assert "Confocal" in shown
    assert shown.count("Booked") == len(house.booked)
    assert "Secret project" not in shown

    page.goto(f"{portal.url}/offerings/{house.offering}/")
    page.click("a[href$='/calendar/unshare']")
    page.click("dialog[open] form button")
    page.wait_for_selector("a[href$='/calendar/share']", timeout=PATIENCE * 1000)
    answer = page.goto(link)
    assert answer.status == 404
    assert "Booked" not in page.inner_text("body")
    console_errors.clear()  # the browser reports that 404


@pytest.mark.sqlite_only  # tests/worker does the same with both databases
def test_a_program_shares_and_unshares_through_the_api(house):
    tokens = house.emulator.grant("owner@lab.example.org", "openid", "email", "calendar")
    house.command("calendars", "connect", "Light Lab", "--refresh-token-stdin", stdin=tokens["refresh_token"])
    api = f"{house.portal.url}/api/booking-offerings/{house.offering}/"
    headers = {"Authorization": f"Token {house.owner_token}"}

    def act(name: str) -> None:
        answer = requests.post(f"{api}{name}/", headers=headers, timeout=10)
        assert (answer.status_code, answer.content) == (200, b"")

    def calendar() -> dict[str, object]:
        found = requests.get(api, headers=headers, params={"field": "googlecalendar"}, timeout=10).json()
        return found.get("googlecalendar") or {}

    act("share_google_calendar")
    until(lambda: calendar().get("public"), "sharing")
    link = str(calendar()["http_link"])
    assert parse_qs(urlsplit(link).query)["src"] == [calendar()["backend_id"]]
    page = requests.get(link, timeout=10)
    assert (page.status_code, page.text.count("Booked")) == (200, len(house.booked))
    assert "Secret project" not in page.text, "a stranger must not read more than that it is booked"
    row = until(lambda: (now := status(house))["state"] == "OK" and now, "the run's end")
    assert (row["public"], row["error"]) == (True, "")
    assert row["last_synced"]

    act("unshare_google_calendar")
    until(lambda: calendar().get("public") is False, "unsharing")
    assert requests.get(link, timeout=10).status_code == 404
    assert calendar()["http_link"] is None
