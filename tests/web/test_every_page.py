"""Every page at all widths, in all colours and in a pseudo-language: accessible, nothing cut off, all texts translated.

A page is loaded once; what is looked at is switched without loading it again.
"""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from portal.domain.periods import Period
from portal.extensions import db
from portal.models import Offering, User
from portal.policies import Actor
from portal.services import bookings
from tests.support.browser import ARGUMENTS, find_browser
from tests.support.pages import COLOUR_RULES, html_errors, overflow, untranslated
from tests.web.conftest import PASSWORD, build_world

pytestmark = [pytest.mark.browser, pytest.mark.sqlite_only]
HEIGHT = 844
WIDTHS = (320, 390, 1280)
# What owners and users wrote, names of other things, and numbers with their units.
KNOWN = [
    r"(Draft){20,}|(Ice){20,}|Confocal|Electron|Secret draft|Light Lab|Other House|Microscopes|Live cells",
    r"Pump broken\.",
    r"\b(Owner|Manager|Member|Stranger|Staff)\b(?=$| ·)|\w+@example\.org|Booking portal|Google( Calendar)?|Outlook|API",
    # Dates, whose words are not ours.
    r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b",
    r"\b(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?=\d)",
    r"\b(January|February|March|April|June|July|August|September|October|November|December) \d{4}",
    r"Europe/\w+|\bUTC\b|https?://\S+|Estonia|Finland|nothing|\bEE\b|Chrom\w+( on Linux)?|Linux",
    # The tones of the styleguide are what code calls them.
    r"\b(info|good|warn|bad|idle|busy)\b",
]
ANONYMOUS = ["/", "/?q=nothing&country=EE&date=2030-01-01", "/timeline/", "/offerings/{scope}/", "/offerings/{paused}/",
             "/login", "/password/", "/api/docs/", "/nothing/"]  # fmt: skip
OWNER = ["/offerings/{scope}/", "/offerings/{scope}/book/", "/bookings/", "/bookings/{booking}/",
         "/bookings/{booking}/move/", "/bookings/feed/", "/account/", "/account/email/", "/manage/",
         "/manage/requests/", "/manage/organizations/{lab}/google/"]  # fmt: skip
MANAGED = ["/manage/offerings/{scope}/edit/", "/manage/offerings/{scope}/hours/", "/manage/offerings/{scope}/rules/",
           "/manage/offerings/{scope}/calendar/", "/manage/offerings/{scope}/calendar/share",
           "/manage/offerings/{scope}/state/", "/manage/offerings/{scope}/prices/",
           "/manage/offerings/{scope}/duplicate/", "/manage/offerings/new/", "/manage/people/",
           "/manage/people/{person}/", "/manage/people/{person}/deactivate/",
           "/manage/people/{person}/roles/{lab}/remove/", "/styleguide/", "/styleguide/errors/",
           "/styleguide/confirm/"]  # fmt: skip
GROUPS = {"anonymous": (None, ANONYMOUS), "owner": ("owner", OWNER), "managed": ("staff", MANAGED)}
# Pages with texts that are not in the catalogue yet. A page that is complete has to leave this list.
INCOMPLETE: set[str] = set()


@pytest.fixture
def site(live_portal):
    live_portal.app.config["PSEUDO_LANGUAGES"] = True
    with live_portal.app.app_context():
        world = live_portal.world = build_world()
        # Names without a space in them may not widen a page either.
        db.session.execute(update(Offering).where(Offering.uuid == world.draft).values(name="Draft" * 40))
        db.session.execute(update(User).values(language="en-XA"))
        db.session.commit()
        owner = db.session.execute(select(User).where(User.email == "owner@example.org")).scalar_one()
        start = datetime.now(UTC).replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(days=2)
        request = bookings.BookingRequest(world.scope, [Period(start, start + timedelta(hours=4))], name="Ice" * 60)
        world.booking = bookings.request_booking(Actor(owner.id), request).uuid
        world.person = db.session.execute(select(User.uuid).where(User.email == "manager@example.org")).scalar_one()
    return live_portal


def sign_in(page, site, who):
    page.goto(f"{site.url}/login")
    page.fill("#email", f"{who}@example.org")
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_url(f"{site.url}/")


@pytest.mark.parametrize("group", GROUPS)
def test_every_page(site, browser_page, axe, console_errors, tmp_path, group):
    who, paths = GROUPS[group]
    page, problems, complete = browser_page, [], []
    pages = tmp_path / "pages"
    pages.mkdir()
    # Colours on their way from one scheme to the other would be looked at too.
    page.emulate_media(reduced_motion="reduce")
    if who:
        sign_in(page, site, who)
    else:
        page.goto(f"{site.url}/language/en-XA/?next=/")
    for path in paths:
        address = path.format(**vars(site.world))
        response = page.goto(site.url + address)
        name = path.strip("/").replace("/", "-").replace("?", "-") or "index"
        (pages / f"{group}-{name}.html").write_bytes(response.body())
        found = [*look(page, axe), *mirror(page)]
        left = untranslated(page, KNOWN)
        if path not in INCOMPLETE:
            found += [f"not translated: {it}" for it in left]
        elif not left:
            complete.append(path)
        problems += [f"{path}: {it}" for it in found]
    problems += html_errors(pages)
    console_errors[:] = [it for it in console_errors if "status of 404" not in it]
    assert not problems, "\n".join(problems)
    assert not complete, "take these out of INCOMPLETE"


def look(page, axe):
    """axe and the width of the page, in all sizes and colours."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        found += [f"axe at {width}: {it}" for it in axe(page)]
        for media in ({"color_scheme": "dark"}, {"color_scheme": "light", "forced_colors": "active"}):
            page.emulate_media(**media)
            found += [f"axe at {width}, {media}: {it}" for it in axe(page, rules=COLOUR_RULES)]
        page.emulate_media(color_scheme="light", forced_colors="none")
    for width in (320, 360, 390, 640, 700, 1280):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        found += [f"at {width}: {it}" for it in overflow(page)]
    return found


def mirror(page):
    """The page from right to left: nothing is cut off, and what began at the left begins at the right."""
    found = []
    page.evaluate("document.documentElement.dir = 'rtl'")
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        found += [f"from right to left at {width}: {it}" for it in overflow(page)]
        middle = page.evaluate(
            "(it => it.left + it.width / 2)(document.querySelector('.brand').getBoundingClientRect())"
        )
        if middle < width / 2:
            found.append(f"from right to left at {width}: the name of the portal is at the left")
    page.evaluate("document.documentElement.dir = 'ltr'")
    return found


def test_a_page_in_a_language_from_right_to_left(site, browser_page):
    browser_page.goto(f"{site.url}/language/ar-XB/?next=/login")
    assert browser_page.evaluate("[document.documentElement.lang, document.dir]") == ["ar-XB", "rtl"]
    assert overflow(browser_page) == []
    assert untranslated(browser_page, KNOWN) == []


def test_pages_with_text_of_twice_the_size(site, browser):
    """As somebody sees them who has set the browser to twice the usual size of text."""
    large = browser.browser_type.launch(
        executable_path=find_browser(), args=[*ARGUMENTS, "--blink-settings=defaultFontSize=32"]
    )
    page = large.new_page(viewport={"width": 1280, "height": HEIGHT})
    sign_in(page, site, "owner")
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
    problems = []
    for path in (*ANONYMOUS[:4], *OWNER, *MANAGED[:5]):
        page.goto(site.url + path.format(**vars(site.world)))
        for width in (390, 700, 1280):
            page.set_viewport_size({"width": width, "height": HEIGHT})
            problems += [f"{path} at {width}: {it}" for it in overflow(page)]
    large.close()
    assert not problems, "\n".join(problems)
