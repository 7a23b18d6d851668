"""Five everyday tasks in a real browser, with their clicks counted as docs/usability.md describes; the counts there are
checked."""

import html
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from portal.calendar_sync import consent
from portal.calendar_sync.provider import OPEN_PROVIDER
from portal.calendar_sync.providers.google.scopes import SCOPES
from portal.dev.google_emulator.settings import google_settings
from portal.dev.google_emulator.testing import running_emulator
from portal.domain.periods import Period
from portal.policies import SYSTEM
from portal.services import bookings
from portal.worker.run import run_until_idle
from tests.support import builders as make
from tests.web.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.sqlite_only]
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "usability.md"
ROW = re.compile(r"^\| (?P<task>[^|]+?) +\| (?P<limit>\d+) +\| (?P<clicks>\d+) +\|$", re.MULTILINE)
LIMITS = {"book": 8, "reason": 1, "share": 4, "answer": 2, "cancel": 4}
PHONE, TABLET, DESKTOP = ({"width": w, "height": h} for w, h in ((390, 844), (820, 1180), (1280, 900)))
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TUESDAY = 1


class Person:
    """Somebody with a browser whose clicks are counted. Typing is not counted, nor is the Enter key after it."""

    def __init__(self, page, url):
        self.page = page
        self.url = url
        self.clicks = 0

    def sign_in(self, who):
        self.page.goto(f"{self.url}/login")
        self.page.fill("#email", f"{who}@example.org")
        self.page.fill("#password", PASSWORD)
        self.page.click("main button")
        self.page.wait_for_url(f"{self.url}/")
        return self

    def starts_at(self, path):
        self.page.goto(self.url + path)
        self.clicks = 0
        return self.page

    def click(self, target):
        self.clicks += 1
        target.click()

    def tap(self, target):
        self.clicks += 1
        target.tap()

    def press(self, role, name, within="main"):
        """Click the link or button with this name."""
        # Some names go on after a colon, for screen readers.
        whole = re.compile(f"^{re.escape(name)}( ?:|$)")
        self.click(self.page.locator(within).get_by_role(role, name=whole))

    def select(self, label, choice):
        self.clicks += 1
        self.page.get_by_label(label, exact=True).select_option(label=choice)

    def confirm(self, verb):
        """Press the button of the question that has opened."""
        self.press("button", verb, within="dialog[open]")


def check(task, limit, clicks):
    """The clicks are within the limit, and docs/usability.md has both numbers."""
    documented = {row["task"]: (int(row["limit"]), int(row["clicks"])) for row in ROW.finditer(DOCUMENT.read_text())}
    assert clicks <= LIMITS[limit]
    assert documented[task] == (LIMITS[limit], clicks)


def build(portal):
    """A GPU node with hourly slots from 8 to 18, two plans and a question, among 30 other offerings; a microscope that
    is closed at weekends, with three requests of a user on one day. An owner manages all of them."""
    today = portal.today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    question = {"type": "integer", "label": "Accelerators", "required": True, "min": 1, "max": 8}
    opens = {"businessHours": {"startTime": "08:00", "endTime": "18:00"}}
    daily, weekdays = (
        {"schedules": make.schedule(today - DAY, weekends=weekends, **opens)} for weekends in (True, False)
    )
    with portal.app.app_context():
        with make.together():
            lab = make.organization("Lab")
            make.offerings([f"Instrument {number}" for number in range(30)], of=lab)
            options = {"options": {"accelerators": question}}
            node = make.offering("GPU node", of=lab, attributes=daily, options=options)
            for name in ("Standard", "Priority"):
                make.plan(node, name)
            scope = make.offering("Microscope", of=lab, attributes=weekdays)
            user = make.user("user@example.org", password=PASSWORD)
            make.user("other@example.org", password=PASSWORD)
            make.role(make.user("owner@example.org", password=PASSWORD), lab, "owner")
        portal.scope, portal.lab = scope.uuid, lab.uuid
        start = portal.weekday = today + 8 * DAY + {5: 2, 6: 1}.get((today + 8 * DAY).weekday(), 0) * DAY
        portal.bookings = {}
        for hour, name in ((10, "Ice"), (11, "Snow"), (12, "Rain")):
            period = Period(start + hour * HOUR, start + (hour + 1) * HOUR)
            made = bookings.request_booking(make.actor(user), bookings.BookingRequest(scope.uuid, [period], name=name))
            portal.bookings[name] = made.uuid
    return portal


@pytest.fixture
def site(live_portal):
    return build(live_portal)


@pytest.fixture
def connected(make_live_portal, tmp_path):
    """As `site`, with the organization connected to the Google Calendar emulator."""
    with running_emulator(tmp_path / "emulator.db") as emulator:
        portal = build(make_live_portal(**google_settings(emulator.base_url)))
        scopes = [scope.rpartition("/")[2] for scope in SCOPES]
        token = emulator.grant("owner@lab.example.org", *scopes)["refresh_token"]
        with portal.app.app_context():
            consent.connect_with_refresh_token(SYSTEM, portal.lab, token)
        yield portal
        portal.app.extensions[OPEN_PROVIDER].close()


def days_to_book(today):
    """Next Tuesday, and the same day of next week, which next Tuesday is if today is a Tuesday."""
    tuesday = today + ((TUESDAY - today.weekday() - 1) % 7 + 1) * DAY
    return sorted({tuesday, today + 7 * DAY})


def check_booked(page, start):
    page.wait_for_url("**/bookings/*/")
    page.wait_for_selector(f"main time[datetime^='{start:%Y-%m-%dT%H:%M}']")
    assert f"{start:%H:%M}–{start + 3 * HOUR:%H:%M}" in page.inner_text("main")


def test_a_gpu_node_is_booked_for_three_hours_next_tuesday(site, browser_page):
    person, page = Person(browser_page, site.url).sign_in("user"), browser_page
    for day in days_to_book(site.today):
        start = day + timedelta(hours=13)
        person.starts_at("/")
        page.fill("#q", "GPU")
        page.press("#q", "Enter")
        person.press("link", "GPU node")
        person.press("link", "Book")
        a_week_ahead = day - site.today == 7 * DAY
        if a_week_ahead:
            person.press("button", "Next")
        for number in range(3):
            person.click(page.locator(f".pick-box:has([value^='{start + number * HOUR:%Y-%m-%dT%H:%M}'])"))
        page.wait_for_selector("#summary >> text=3 slots")
        page.get_by_label("Accelerators").fill("2")
        person.select("Plan", "Standard")
        person.press("button", "Request booking")
        check_booked(page, start)
        task = "Book a GPU node for three hours next Tuesday, in the week table"
        check(f"{task}, if today is a Tuesday" if a_week_ahead else task, "book", person.clicks)


def test_a_gpu_node_is_booked_by_its_free_times(site, browser_page):
    person, page = Person(browser_page, site.url).sign_in("user"), browser_page
    start = days_to_book(site.today)[0] + timedelta(hours=13)
    person.starts_at("/")
    page.fill("#q", "GPU")
    person.click(page.locator("summary", has_text="Find a free time"))
    page.fill("#date", f"{start.date()}")
    page.fill("#after", "13:00")
    page.fill("#hours", "3")
    person.press("button", "Show what is free")
    person.press("link", "GPU node")
    page.wait_for_selector("text=3 slots")
    person.click(page.locator(".pick-bar button"))
    page.get_by_label("Accelerators").fill("2")
    person.select("Plan", "Standard")
    person.press("button", "Request booking")
    check_booked(page, start)
    check("Book a GPU node for three hours next Tuesday, with “Find a free time”", "book", person.clicks)


def in_view(texts):
    """Whether one of these elements can be read: what is for screen readers alone is a pixel wide."""
    return any(it.is_visible() and it.bounding_box()["width"] > 20 for it in texts.all())


def test_the_reason_of_a_closed_slot_is_at_most_a_tap_away(site, browser):
    weekend = site.weekday + (5 - site.weekday.weekday()) % 7 * DAY
    for size, device in ((PHONE, "on a phone"), (TABLET, "on a tablet or computer")):
        context = browser.new_context(viewport=size, has_touch=True)
        person = Person(context.new_page(), site.url).sign_in("other")
        for path, day, reason in (
            (f"/offerings/{site.scope}/book/", site.weekday, "Held by a request"),
            (f"/offerings/{site.scope}/", weekend, "Closed at weekends."),
        ):
            page = person.starts_at(f"{path}?from={day.date()}")
            page.wait_for_selector(".roaming")
            if size is PHONE:  # shows one day: the task begins when the slot is in view
                page.locator(".day-tabs input").first.check()
            texts = page.locator(".reason, .slot-note").filter(has_text=reason)
            if not in_view(texts):
                person.tap(page.locator("td.day-0 .why").filter(has_text=reason).first)
            assert in_view(texts)
            check(f"See why a slot is closed, {device}", "reason", person.clicks)
        context.close()


def test_a_calendar_is_shared_and_its_embed_code_copied(connected, browser_page):
    person, page = Person(browser_page, connected.url).sign_in("owner"), browser_page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    person.starts_at("/manage/")
    person.press("link", "Microscope")
    person.press("link", "Share", within="#calendar")
    person.confirm("Share calendar")
    page.wait_for_selector("#calendar[aria-busy]")
    assert run_until_idle(connected.app) > 0
    person.click(page.locator("#calendar button[data-copy='#calendar-embed']"))
    page.wait_for_selector("#calendar >> text=Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    link = re.fullmatch(r'<iframe src="(.+?)" style=".+?" loading="lazy" title="Microscope"></iframe>', copied)[1]
    assert page.request.get(html.unescape(link)).ok
    check("Share a calendar and copy its embed code, from Manage", "share", person.clicks)


def test_a_request_is_answered(site, browser_page):
    person, page = Person(browser_page, site.url).sign_in("owner"), browser_page
    # The page that the mail about a request links to.
    person.starts_at(f"/bookings/{site.bookings['Ice']}/")
    person.press("link", "Accept")
    person.confirm("Accept")
    page.wait_for_selector("text=Accepted: “Ice”")
    check("Accept a request, from its page or the list of requests", "answer", person.clicks)
    person.starts_at("/manage/requests/")
    person.press("link", "Accept", within=f"#request-{site.bookings['Snow']}")
    person.confirm("Accept")
    page.wait_for_selector("text=Accepted: “Snow”")
    check("Accept a request, from its page or the list of requests", "answer", person.clicks)
    person.starts_at("/manage/requests/")
    person.press("link", "Reject", within=f"#request-{site.bookings['Rain']}")
    page.get_by_label("Reason").fill("Under repair.")
    person.confirm("Reject")
    page.wait_for_selector("text=Rejected: “Rain”")
    check("Reject a request, from the list of requests", "answer", person.clicks)


def test_a_booking_is_found_and_cancelled_from_any_page(site, browser_page, console_errors):
    person, page = Person(browser_page, site.url).sign_in("user"), browser_page
    places = (("Ice", DESKTOP, f"/offerings/{site.scope}/book/"), ("Snow", PHONE, "/nothing/"))
    for name, size, path in places:
        page.set_viewport_size(size)
        person.starts_at(path)
        person.press("link", "Bookings", within="header")
        person.press("link", name)
        person.press("link", "Cancel booking")
        person.confirm("Cancel booking")
        page.wait_for_selector("text=The booking is cancelled.")
        check("Find and cancel a booking, from any page", "cancel", person.clicks)
    console_errors[:] = [it for it in console_errors if "status of 404" not in it]
