"""The HTML of messages in a browser, light and dark: its colours can be read, and follow what it claims."""

import pytest

from portal.domain.mail import MailKind
from portal.mail import content
from portal.mail.compose import compose
from portal.models import OutgoingMail
from tests.mail.test_headers import NOW, ROW, settings

pytestmark = [pytest.mark.sqlite_only, pytest.mark.browser]

FACTS = {
    "booking": "b",
    "name": "Ice",
    "offering": "Microscope",
    "provider": "Lab",
    "note": "Two grids",
    "zone": "Europe/Tallinn",
    "state": "confirmed",
    "sequence": 1,
    "created": "2026-03-02T08:00:00Z",
    "modified": "2026-03-02T08:00:00Z",
    "slots": [{"uuid": str(ROW), "start": "2026-03-03T12:00:00Z", "end": "2026-03-03T13:00:00Z"}],
}
LUMINANCE = """selector => {
  const [r, g, b] = getComputedStyle(document.querySelector(selector)).backgroundColor.match(/[0-9]+/g).map(Number);
  return (r + g + b) / 3;
}"""


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_a_message_is_readable_in_the_colours_of_the_mail_program(app, browser_page, axe, scheme, is_dark):
    row = OutgoingMail(kind=MailKind.ACCEPTED, recipient="a@example.org", user_id=7, data=FACTS, created=NOW, uuid=ROW)
    with app.test_request_context():
        html = compose(row, settings()).get_body(("html",)).get_content()
    browser_page.emulate_media(color_scheme=scheme)
    browser_page.set_content(html)
    for selector in ("body", "table.card"):
        assert (browser_page.evaluate(LUMINANCE, selector) < 128) is is_dark, selector
    assert [found for found in axe(browser_page) if found["rule"] == "color-contrast"] == []
    for width in (320, 1280):
        browser_page.set_viewport_size({"width": width, "height": 800})
        assert browser_page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width


def test_a_message_is_in_the_language_of_its_recipient(app, monkeypatch):
    monkeypatch.setitem(app.config, "PSEUDO_LANGUAGES", True)
    row = OutgoingMail(kind=MailKind.ACCEPTED, recipient="a@example.org", user_id=7, data=FACTS, created=NOW, uuid=ROW)
    with app.app_context():
        english = compose(row, settings())
        other = compose(row, settings(), language="en-XA")
        html = other.get_body(("html",)).get_content()
    assert english["Content-Language"] == "en"
    assert other["Content-Language"] == "en-XA"
    assert '<html lang="en-XA" dir="ltr">' in html
    assert other["Subject"].startswith("[")
    assert english["Subject"] != other["Subject"]


def test_a_heading_does_not_keep_the_space_before_a_colon(app, monkeypatch):
    def french(text, **params):
        return text.replace(":", "\u00a0:") % params if params else text.replace(":", "\u00a0:")

    monkeypatch.setattr(content, "_", french)
    with app.app_context():
        one = content.content_of(MailKind.CANCELLED, FACTS, "Portal", "", NOW)
        entry = {**FACTS, "kind": MailKind.CANCELLED.value}
        many = {"number": 1, "who": "Ada", "messages": [entry]}
        several = content.content_of(MailKind.BOOKINGS_SUMMARY, many, "Portal", "", NOW)
    assert one.heading == "Cancelled"
    assert [label for label, _text in several.facts] == ["Cancelled"]
