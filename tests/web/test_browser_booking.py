"""The booking page and the day view in a real browser: keyboard, phones, forced colours, no scripts."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from portal.domain.periods import Period
from portal.services import bookings
from tests.support import builders as make
from tests.web.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.sqlite_only]
PHONE, SMALL, DESKTOP = ({"width": w, "height": h} for w, h in ((390, 844), (320, 640), (1280, 900)))
HOUR = timedelta(hours=1)
FITS = "(main => main.scrollWidth <= main.clientWidth)(document.querySelector('main'))"
# The contrast of two colours, as WCAG defines it.
CONTRAST = """([border, around]) => {
  const luminance = (color) => {
    const linear = (c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = color.match(/[\\d.]+/g).map((it) => linear(it / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [light, dark] = [luminance(border), luminance(around)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}"""


@pytest.fixture
def site(live_portal):
    """An offering open from 9 to 15 with slots of an hour, of which a rival has requested two of the third day."""
    with live_portal.app.app_context():
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        hours = {"businessHours": {"startTime": "09:00", "endTime": "15:00"}, "weekends": True}
        attributes = {"schedules": make.schedule(today - timedelta(days=1), **hours)}
        offering = make.offering("Microscope", of=make.organization("Lab"), attributes=attributes)
        make.user("booker@example.org", password=PASSWORD)
        taken = Period(today + timedelta(days=2, hours=10), today + timedelta(days=2, hours=12))
        rival = make.actor(make.user("rival@example.org"))
        bookings.request_booking(rival, bookings.BookingRequest(offering.uuid, [taken], name="Ice"))
        live_portal.it = SimpleNamespace(offering=offering.uuid, today=today)
    return live_portal


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_the_day_view_opens_at_working_hours_on_a_phone(site, browser, scripts):
    context = browser.new_context(java_script_enabled=scripts, viewport=PHONE)
    page = context.new_page()
    page.goto(f"{site.url}/timeline/?day={(site.it.today + timedelta(days=2)).date()}")
    region, hour = page.locator(".timeline-scroll"), page.locator("[data-opens]")
    assert hour.inner_text() == "08"
    assert abs(hour.bounding_box()["x"] - region.bounding_box()["x"]) < 3
    free = page.locator(".lane .slot-free").first.bounding_box()
    assert 0 < free["x"] < PHONE["width"]
    context.close()


@pytest.mark.parametrize("look", ["light", "dark", "forced"])
def test_states_of_the_day_view_are_readable_without_colour(site, browser_page, look):
    page = browser_page
    if look == "forced":
        page.emulate_media(forced_colors="active")
    else:
        page.emulate_media(color_scheme=look)
    page.goto(f"{site.url}/timeline/?day={(site.it.today + timedelta(days=2)).date()}")
    around = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    looks = {}
    for state in ("free", "requested", "closed"):
        cell = page.locator(f".lane .slot-{state}").first
        border, image = cell.evaluate(
            "it => { const found = getComputedStyle(it); return [found.borderTopColor, found.backgroundImage]; }"
        )
        assert page.evaluate(CONTRAST, [border, around]) >= 3, state
        shown = [it for it in cell.locator(".mark, .word").all() if it.is_visible()]
        assert [it.inner_text() for it in shown], state
        looks[state] = (shown[0].inner_text(), image)
    assert len({text for text, _ in looks.values()}) == 3
    # The dots of a request are drawn in the system's colours as well.
    assert "gradient" in looks["requested"][1]


def sign_in(page, site):
    page.goto(f"{site.url}/login")
    page.fill("#email", "booker@example.org")
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_url(f"{site.url}/")


def focused(page, script="it => it.closest('td').className + ' ' + it.closest('tr').querySelector('th').textContent"):
    return page.evaluate(f"({script})(document.activeElement)")


def test_slots_are_picked_over_two_weeks_by_keyboard(site, browser_page, axe):
    page = browser_page
    sign_in(page, site)
    page.goto(f"{site.url}/offerings/{site.it.offering}/book/?from={(site.it.today + timedelta(days=1)).date()}")
    page.wait_for_selector(".roaming")
    stops = 0
    while page.evaluate("!document.activeElement.matches('.pick-box input')"):
        page.keyboard.press("Tab")
        stops += 1
    assert focused(page) == "slot slot-free day-0 09:00"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.wait_for_selector("#summary >> text=1 slot")
    # To the right is what a rival has requested: it says so.
    page.keyboard.press("ArrowRight")
    assert focused(page) == "slot slot-requested day-1 10:00"
    note = page.inner_text(".slot-note")
    assert "10:00–12:00: Held by a request" in note
    page.keyboard.press("ArrowUp")
    assert focused(page) == "slot slot-free day-1 09:00"
    page.keyboard.press("End")
    assert focused(page) == "slot slot-free day-1 14:00"
    page.keyboard.press("Space")
    page.wait_for_selector("#summary >> text=2 slots")
    page.keyboard.press("PageDown")
    page.wait_for_selector("#picker input[type=hidden][name=slot] >> nth=1", state="attached")
    page.wait_for_selector(".pick-box input:focus")
    page.keyboard.press("Space")
    page.wait_for_selector("#summary >> text=3 slots")
    assert page.inner_text("[data-picked]") == "3 slots"
    while page.evaluate("document.activeElement.name !== 'book'"):
        page.keyboard.press("Tab")
        stops += 1
    assert stops <= 25
    for scheme, size in (("light", DESKTOP), ("dark", SMALL)):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size(size)
        assert axe(page) == []
        assert page.evaluate(FITS)
    page.locator("button[name=book]").press("Enter")
    page.wait_for_url("**/bookings/*/")
    assert page.locator(".period").count() == 3


def test_a_refused_time_is_replaced_by_a_button(site, browser_page):
    page = browser_page
    sign_in(page, site)
    taken = site.it.today + timedelta(days=2, hours=10)
    period = f"{taken:%Y-%m-%dT%H:%M:%SZ}/{taken + HOUR:%Y-%m-%dT%H:%M:%SZ}"
    page.goto(f"{site.url}/offerings/{site.it.offering}/book/?slot={period}")
    page.fill("#name", "Ice")
    page.locator(".choices button").first.click()
    page.wait_for_selector("#summary .error", state="detached")
    assert focused(page, "it => it.id") == "summary-title"
    assert page.input_value("#name") == "Ice"
    assert page.locator(".pick-box :checked").count() == 1


def test_a_phone_shows_one_day_with_its_reasons(site, browser):
    for scripts in (True, False):
        context = browser.new_context(java_script_enabled=scripts, viewport=SMALL)
        page = context.new_page()
        sign_in(page, site)
        page.goto(f"{site.url}/offerings/{site.it.offering}/book/?from={(site.it.today + timedelta(days=1)).date()}")
        assert page.locator(".week td:visible").count() == 6
        page.locator(".day-tabs input").nth(1).check()
        assert "Held by a request" in page.locator(".week td:visible").nth(1).inner_text()
        page.locator(".pick-box:visible").last.click()
        page.locator(".day-tabs input").nth(2).check()
        page.locator(".pick-box:visible").first.click()
        if scripts:
            page.wait_for_selector("#summary >> text=2 slots")
        else:
            page.click("text=Check times and price")
            assert page.locator(".chosen > li").count() == 2
            # Without scripts a reason is shown in its cell while that has the focus.
            page.set_viewport_size(DESKTOP)
            page.locator(".why").first.focus()
            assert page.locator(".why").first.locator(".reason").bounding_box()["height"] > 20
        assert page.evaluate(FITS)
        page.click("text=Request booking")
        page.wait_for_url("**/bookings/*/")
        context.close()


def test_the_form_comes_back_when_the_session_has_ended(site, browser_page, console_errors):
    page = browser_page
    sign_in(page, site)
    page.goto(f"{site.url}/offerings/{site.it.offering}/book/?from={(site.it.today + timedelta(days=1)).date()}")
    page.fill("#name", "Ice")
    page.context.clear_cookies()
    page.locator(".pick-box input").first.focus()
    page.keyboard.press("Space")
    page.wait_for_selector("#password")
    page.fill("#email", "booker@example.org")
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.click("main button")
    page.wait_for_selector("#booking")
    assert page.input_value("#name") == "Ice"
    assert page.locator(".pick-box :checked").count() == 1
    console_errors[:] = [it for it in console_errors if "status of 4" not in it and "Response Status Error" not in it]
