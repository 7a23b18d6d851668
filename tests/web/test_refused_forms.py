"""Forms that were refused: all errors at once in a summary at the top, in the title and at the fields."""

import re
from html.parser import HTMLParser

import pytest

from tests.support.forms import Form
from tests.web.conftest import PASSWORD


class Refused(HTMLParser):
    """What a page says about the errors of its form."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.invalid = set(), [], {}
        self._in_summary = 0
        self.feed(text)
        self.title = re.search("<title>(.*?)</title>", text, re.DOTALL)[1]

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if "id" in given:
            self.ids.add(given["id"])
        if given.get("id") == "problems":
            assert given.get("role") == "alert"
            assert "autofocus" in given
            self._in_summary = 1
        elif self._in_summary and tag == "div":
            self._in_summary += 1
        if self._in_summary and tag == "a":
            self.links.append(given["href"].removeprefix("#"))
        if given.get("aria-invalid") == "true":
            self.invalid[given["id"]] = given.get("aria-describedby", "").split()

    def handle_endtag(self, tag):
        if self._in_summary and tag == "div":
            self._in_summary -= 1


FORMS = [
    ("nobody", "/login", {}, {"email", "password"}),
    ("nobody", "/login", {"email": "owner@example.org", "password": "wrong"}, {"email"}),
    ("nobody", "/password/", {}, {"email"}),
    ("owner", "/account/password/", {"current": PASSWORD, "new": "short", "again": "other"}, {"new", "again"}),
    ("owner", "/account/tokens/", {}, {"name", "expires"}),
    ("staff", "/manage/people/", {"email": "", "full_name": "x" * 201}, {"email", "full_name"}),
]


@pytest.mark.parametrize(("who", "path", "typed", "fields"), FORMS, ids=[f"{it[1]}-{len(it[3])}" for it in FORMS])
def test_all_errors_are_shown_at_once_and_lead_to_their_fields(visitor, world, who, path, typed, fields):
    person = visitor(None if who == "nobody" else who)
    answer = person.post(path, typed, page="/login" if who == "nobody" else "/account/")
    assert answer.status_code == 400
    page = Refused(answer.text)
    assert page.title.startswith("Error: ")
    assert set(page.links) == fields
    assert fields <= page.ids
    if "wrong" not in typed.values():
        assert fields == set(page.invalid)
    for described in page.invalid.values():
        assert set(described) <= page.ids


MANAGED = [
    ("edit", {"latitude": "north", "longitude": "200", "name": " "}, {"latitude", "longitude", "name"}),
    ("hours", {"slot": "0", "opens": "morning", "end": "2001-01-01T00:00"}, {"slot", "opens", "end-0", "start-0"}),
    ("rules", {"minimum_notice_minutes": "1-2", "time_zone": "Nowhere"}, {"minimum_notice_minutes", "time_zone"}),
]


@pytest.mark.parametrize(("path", "typed", "fields"), MANAGED, ids=[it[0] for it in MANAGED])
def test_long_forms_show_all_errors_at_once(visitor, world, path, typed, fields):
    form = Form(visitor("owner"), f"/manage/offerings/{world.scope}/{path}/").load()
    assert form.send(**typed).status_code == 400
    page = Refused(form.answer.text)
    assert page.title.startswith("Error: ")
    assert set(page.invalid) == fields
    # The two ends of a period share their error, and the summary leads to the first.
    assert set(page.links) == {it for it in fields if it != "end-0"}
    for described in page.invalid.values():
        assert set(described) <= page.ids


def test_a_form_that_was_not_refused_has_no_summary(visitor, world):
    page = Refused(visitor("staff").get("/manage/people/").text)
    assert (page.links, page.invalid, page.title.startswith("Error")) == ([], {}, False)
