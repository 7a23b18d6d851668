"""Numbers are typed into text fields: a browser drops what it cannot read from `type="number"` (12,50 becomes 1250)."""

import re
from pathlib import Path

import pytest

import portal
from portal.extensions import db
from portal.models import Booking
from tests.support import builders as make
from tests.web.conftest import PASSWORD
from tests.web.test_browser import sign_in

OPEN = [{"start": "2026-01-01T00:00:00Z", "end": "2040-01-01T00:00:00Z"}]
TEMPLATES = Path(portal.__file__).parents[1] / "templates"


def test_no_form_has_a_number_field():
    sources = {path: path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*.html")}
    assert len(sources) > 20
    pattern = re.compile(r"""type\s*[=:]\s*["']?(number|range)""")
    assert [str(path) for path, text in sources.items() if pattern.search(text)] == []


@pytest.mark.browser
@pytest.mark.sqlite_only
@pytest.mark.parametrize(("typed", "kept"), [("12,50", 12.5), ("1,250", None)])
def test_a_sum_is_kept_as_it_was_typed_or_refused(live_portal, browser, typed, kept):
    with live_portal.app.app_context():
        offering = make.offering("Printer", of=make.organization("Lab"), attributes={"schedules": OPEN})
        make.change(offering, options={"options": {"budget": {"type": "money", "label": "Budget"}}})
        make.user("payer@example.org", password=PASSWORD)
        path, uuid = f"/offerings/{offering.uuid}/book/", offering.id
        db.session.commit()
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    sign_in(page, live_portal, "payer")
    page.goto(f"{live_portal.url}{path}?slot=2030-03-04T10:00:00Z/2030-03-04T11:00:00Z")
    page.fill("#answer-budget", "")
    page.locator("#answer-budget").press_sequentially(typed)
    with page.expect_navigation():
        page.click("button.button-main[name=book]")
    shown = page.content()
    context.close()
    with live_portal.app.app_context():
        found = [it.answers for it in db.session.query(Booking).filter_by(offering_id=uuid)]
    if kept is None:
        assert found == []
        assert "Enter a sum, such as 12.50." in shown
        assert f'value="{typed}"' in shown
    else:
        assert found == [{"budget": kept}]
