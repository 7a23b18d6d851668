"""The pages in a real browser: accessible in both colour schemes, no sideways scrolling, scripts that only add."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from portal.domain.periods import Period
from portal.extensions import db
from portal.models import ApiToken, Booking, Offering, User
from portal.policies import SYSTEM, Actor
from portal.services import bookings
from portal.transfer.editing import edit_offering
from tests.support import builders as make
from tests.web.conftest import ALWAYS, PASSWORD, build_world

pytestmark = [pytest.mark.browser, pytest.mark.sqlite_only]
SIZES = ({"width": 390, "height": 844}, {"width": 1280, "height": 900})


@pytest.fixture
def site(live_portal):
    with live_portal.app.app_context():
        live_portal.world = build_world()
        owner = db.session.execute(select(User).where(User.email == "owner@example.org")).scalar_one()
        start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
        period = Period(start.replace(hour=10), start.replace(hour=14))
        # Names without a space in them may not widen a page either.
        db.session.execute(update(Offering).where(Offering.uuid == live_portal.world.draft).values(name="Draft" * 40))
        db.session.commit()
        wish = bookings.BookingRequest(live_portal.world.scope, [period], name="Ice" * 60)
        live_portal.world.booking = bookings.request_booking(Actor(owner.id), wish).uuid
    return live_portal


def sign_in(page, site, who="owner"):
    page.goto(f"{site.url}/login")
    page.fill("#email", f"{who}@example.org")
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_url(f"{site.url}/")


def test_rules_are_previewed_accessibly(site, browser_page, axe):
    sign_in(browser_page, site)
    browser_page.goto(f"{site.url}/manage/offerings/{site.world.scope}/rules/")
    browser_page.fill("#minimum_notice_minutes", "600")
    browser_page.click("text=Preview")
    browser_page.wait_for_selector("text=The coming week with these rules")
    for size in SIZES:
        browser_page.set_viewport_size(size)
        assert axe(browser_page) == []
        assert browser_page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def edited_meanwhile(site):
    """As by somebody else, while the form is open."""
    other = {
        "schedules": [{**ALWAYS, "end": "2098-01-01T00:00:00Z"}],
        "vendor_details": "Other",
        "description": "Other",
    }
    with site.app.app_context():
        edit_offering(SYSTEM, site.world.scope, other)


@pytest.mark.parametrize(
    ("path", "better", "wrong"),
    [
        ("edit", {"#description": "<b>Better</b>"}, {"#latitude": "north", "#longitude": "200"}),
        ("hours", {"#opens": "8:00"}, {"#slot": "0", "#end-0": "2001-01-01T00:00"}),
    ],
)
def test_editing_is_accessible_in_every_state(site, browser_page, axe, console_errors, path, better, wrong):
    def look(told):
        browser_page.wait_for_selector(f"text={told}")
        for scheme, size in (("light", SIZES[0]), ("light", SIZES[1]), ("dark", SIZES[0])):
            browser_page.emulate_media(color_scheme=scheme)
            browser_page.set_viewport_size(size)
            assert axe(browser_page) == [], (told, scheme)
            assert browser_page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")

    def enter(typed):
        for field, value in typed.items():
            browser_page.fill(field, value)

    # Colours on their way from one scheme to the other would be looked at too.
    browser_page.emulate_media(reduced_motion="reduce")
    sign_in(browser_page, site)
    browser_page.goto(f"{site.url}/manage/offerings/{site.world.scope}/{path}/")
    enter(better)
    browser_page.click("aside >> text=Preview")
    look("This is a preview")
    enter(wrong)
    browser_page.click("aside button >> nth=0")
    look("Nothing was saved.")
    # Each line of the summary leads to its field.
    browser_page.locator("[role=alert] a").first.focus()
    browser_page.keyboard.press("Enter")
    assert browser_page.evaluate("document.querySelector(':target').getAttribute('aria-invalid')") == "true"
    browser_page.goto(f"{site.url}/manage/offerings/{site.world.scope}/{path}/")
    enter(better)
    edited_meanwhile(site)
    browser_page.click("aside button >> nth=0")
    look("Somebody else has changed")
    browser_page.click("aside button >> nth=0")
    look("are saved")
    console_errors[:] = [it for it in console_errors if "status of 4" not in it]


def keys(page, field, *pressed):
    page.locator(field).click()
    for key in pressed:
        page.keyboard.press(key)


def test_what_the_browser_cannot_read_removes_nothing(site, browser_page, console_errors):
    """A half-typed date would be sent as an empty field: the browser says so, in the words of the portal."""
    rules = {"minimum_notice_minutes": 2880}
    with site.app.app_context():
        scope = db.session.execute(select(Offering).where(Offering.uuid == site.world.scope)).scalar_one()
        question = {"type": "date", "label": "Ready by"}
        make.change(scope, options={"options": {"ready": question}})
        make.change(scope, attributes={**scope.attributes, "booking_rules": rules})
    page = browser_page
    sign_in(page, site)
    manage = f"{site.url}/manage/offerings/{site.world.scope}"

    def refused(field, told, button):
        page.click(button)
        assert page.evaluate("field => document.querySelector(field).validationMessage", field) == told
        assert page.evaluate("field => document.activeElement === document.querySelector(field)", field)

    page.goto(f"{manage}/rules/")
    page.fill("#minimum_notice_minutes", "1-2")
    refused("#minimum_notice_minutes", "Enter a whole number, such as 60.", "aside button >> nth=0")
    page.fill("#minimum_notice_minutes", "")
    page.click("aside button >> nth=0")
    page.wait_for_selector("text=This is empty. Enter a value, or select the box to remove it.")
    page.goto(f"{manage}/hours/")
    keys(page, "#end-0", "Home", "Delete")
    refused("#end-0", "Enter the whole date and time.", "aside button >> nth=0")
    page.goto(f"{site.url}/account/")
    keys(page, "#expires", "Home", "Delete")
    page.fill("#name", "My script")
    refused("#expires", "Enter the whole date: day, month and year.", "text=Create token")
    page.goto(f"{site.url}/offerings/{site.world.scope}/book/?start=2099-03-02T08:00:00Z&end=2099-03-02T10:00:00Z")
    keys(page, "#answer-ready", "1", "2")
    refused("#answer-ready", "Enter the whole date: day, month and year.", "aside >> text=Request booking")
    with site.app.app_context():
        scope = db.session.execute(select(Offering).where(Offering.uuid == site.world.scope)).scalar_one()
        assert scope.attributes == {"schedules": [ALWAYS], "booking_rules": rules}
        assert db.session.query(ApiToken).count() == 0
        assert db.session.query(Booking).count() == 1
    console_errors[:] = [it for it in console_errors if "status of 4" not in it]


def test_an_offering_is_edited_without_scripts_and_by_keyboard(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, site)
    page.goto(f"{site.url}/offerings/{site.world.scope}/")
    page.click("text=Edit")
    page.fill("#name", "Renamed")
    page.select_option("#state", "Paused")
    page.locator("#name").focus()
    # Enter in a field saves: it presses the first button there is.
    page.keyboard.press("Enter")
    page.wait_for_selector("text=are saved.")
    page.click("text=Opening hours")
    page.click("text=Add dates")
    page.fill("#start-1", "2099-03-01T08:00")
    page.fill("#end-1", "2099-04-01T08:00")
    page.uncheck("text=Sunday")
    page.click("aside button >> nth=0")
    page.wait_for_selector("text=The opening hours are saved.")
    assert page.locator(".period-row").count() == 2
    assert not page.is_checked("text=Sunday")
    page.click(".period-row >> nth=1 >> text=Remove")
    assert page.locator(".period-row").count() == 1
    context.close()


def test_the_facet_menu_and_the_question_work_by_keyboard(site, browser_page):
    sign_in(browser_page, site)
    menu = browser_page.locator(".facet summary").first
    menu.focus()
    browser_page.keyboard.press("Enter")
    assert browser_page.locator(".facet[open]").count() == 1
    browser_page.keyboard.press("Escape")
    assert browser_page.locator(".facet[open]").count() == 0
    browser_page.goto(f"{site.url}/account/")
    browser_page.fill("#name", "script")
    browser_page.click("text=Create token")
    browser_page.locator("a[data-confirm]").focus()
    browser_page.keyboard.press("Enter")
    browser_page.wait_for_selector("dialog[open]")
    browser_page.keyboard.press("Escape")
    browser_page.wait_for_selector("dialog", state="detached")
    browser_page.keyboard.press("Enter")
    browser_page.click("dialog button")
    browser_page.wait_for_selector("text=is revoked.")


def test_everything_works_without_scripts(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, site)
    page.click(".facet >> nth=0 >> summary")
    page.check(".facet >> nth=0 >> input")
    page.click(".facet >> nth=0 >> text=Show")
    assert "=" in page.url
    page.goto(f"{site.url}/account/")
    page.fill("#name", "script")
    page.click("text=Create token")
    page.click("text=Revoke")
    page.click("text=Revoke token")
    page.wait_for_selector("text=is revoked.")
    context.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_what_is_ticked_survives_a_look_at_another_week(site, browser, scripts):
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()
    sign_in(page, site)
    page.goto(f"{site.url}/offerings/{site.world.scope}/")
    first = page.locator(".pick-box input").first
    chosen = first.get_attribute("value")
    first.check()
    page.click("#week-next")
    assert "#availability" in page.url
    page.locator(".pick-box input").first.check()
    page.click("#week-previous")
    assert page.is_checked(f"input[name=slot][value='{chosen}']")
    # What is taken back stays so.
    page.uncheck(f"input[name=slot][value='{chosen}']")
    page.click("#week-next")
    page.locator(".pick-box :checked").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/book/**")
    assert page.locator(".chosen > li").count() == 1
    context.close()


@pytest.mark.parametrize(("zone", "shown"), [("Africa/Abidjan", False), ("Asia/Tokyo", True)])
def test_the_own_clock_is_told_where_it_shows_something_else(site, browser, zone, shown):
    context = browser.new_context(timezone_id=zone)
    page = context.new_page()
    sign_in(page, site)
    page.goto(f"{site.url}/bookings/{site.world.booking}/")
    own = page.locator(".period small")
    page.wait_for_selector(".period small:not([data-own-clock])", state="attached")
    assert own.is_visible() is shown
    if shown:
        told = page.inner_text(".period time").replace("10:00–14:00", "19:00–23:00")
        assert own.inner_text() == f"{told} your time (Asia/Tokyo)"
    context.close()


def test_an_image_without_a_text_is_found_each_time(browser_page, axe):
    browser_page.set_content("<html lang='en'><title>Page</title><main><h1>Page</h1><img src='data:,'></main></html>")
    for _ in range(2):
        assert [(it["rule"], it["impact"]) for it in axe(browser_page)] == [("image-alt", "critical")]
