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
