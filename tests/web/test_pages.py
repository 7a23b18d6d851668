"""The catalogue and an offering's page: who sees what, and nothing foreign runs."""

import re
import uuid

import pytest

from portal.documents import store as documents
from portal.extensions import db
from portal.models import Category, Offering, Organization, Screenshot
from portal.transfer.importer import import_offerings
from tests.support import builders as make
from tests.support.samples import sample
from tests.web.conftest import connect_google, make_offering

INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle\s*=|\son[a-z]+\s*=", re.IGNORECASE)


def names_on(page: str) -> list[str]:
    return re.findall(r"<h3><a [^>]*>([^<]+)</a></h3>", page)


def test_anybody_sees_what_is_shared_and_active_or_paused(visitor, world):
    page = visitor().get("/").text
    assert names_on(page) == ["Confocal", "Electron"]
    assert "2 offerings to book" in page
    assert visitor().get("/offerings/").status_code == 200


def test_search_and_facets_are_in_the_address_and_can_be_taken_back(visitor, world):
    page = visitor().get("/?q=cells&country=EE").text
    assert names_on(page) == ["Confocal"]
    assert 'href="/?country=EE"' in page
    assert 'href="/?q=cells"' in page
    assert "Country: Estonia" in page


def test_an_empty_result_says_which_filter_to_drop(visitor, world):
    page = visitor().get("/?q=cells&country=FI").text
    assert "No results" in page
    assert re.search(r'href="/\?country=FI">Search: cells <span class="number">\(1 result\)', page)


@pytest.mark.parametrize(
    "odd", ["page=0", "page=-1", "page=x", "page=99999999999", "sort=%27", "category=x", "from=x", "q=%00"]
)
def test_odd_addresses_are_no_error(visitor, world, odd):
    assert visitor().get(f"/?{odd}").status_code == 200
    assert visitor().get(f"/offerings/{world.scope}/?{odd}").status_code == 200


def test_an_empty_result_offers_no_filter_whose_loss_would_change_nothing(visitor, world):
    page = visitor().get("/?q=nosuchthing&country=FI").text
    assert "No offering meets all filters" in page
    assert "(0 results)" not in page


def test_a_chosen_value_that_nothing_has_stays_visible(visitor, world):
    assert "Country: Latvia" in visitor().get("/?country=LV").text


def test_pages_are_linked(visitor, world):
    lab, category = db.session.query(Organization).filter_by(uuid=world.lab).one(), db.session.query(Category).one()
    db.session.add_all(make_offering(lab, category, f"Room {number:02}") for number in range(30))
    documents.refresh_all(db.session())
    db.session.commit()
    first, second = visitor().get("/?q=room").text, visitor().get("/?q=room&page=2").text
    assert len(names_on(first)) == 24
    assert names_on(second) == [f"Room {number:02}" for number in range(24, 30)]
    assert '<a rel="next" href="/?q=room&amp;page=2">' in first
    assert '<a rel="prev" href="/?q=room">' in second


def test_foreign_content_does_not_run(visitor, world):
    offering = db.session.query(Offering).filter_by(uuid=world.scope).one()
    hostile = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    offering.name = offering.description = offering.full_description = offering.getting_started = hostile
    offering.access_url = offering.privacy_policy_link = "javascript:alert(1)"
    offering.image = "javascript:alert(1)"
    offering.screenshots = [Screenshot(name=hostile, image="data:text/html,x")]
    db.session.commit()
    for path in ("/", f"/offerings/{world.scope}/", "/?q=%22%3E%3Cscript%3E"):
        page = visitor().get(path).text
        assert not INLINE.search(page.replace("onerror=alert(1)&gt;", "")), INLINE.search(page)
        assert "javascript:" not in page.replace("javascript:alert(1)</code>", "")
        assert "data:text/html" not in page


def test_a_page_shows_when_it_is_free_and_a_paused_one_says_why_not(visitor, world):
    free = visitor().get(f"/offerings/{world.scope}/").text
    assert '<table class="week">' in free
    assert "slot-free" in free
    assert "<dt>Next free, UTC</dt>" in free
    paused = visitor().get(f"/offerings/{world.paused}/").text
    assert "Pump broken." in paused
    assert "<dt>Next free</dt>" not in paused
    assert '<td class="slot slot-free' not in paused
    assert "slot-held" in paused


def test_hidden_and_unknown_look_the_same(visitor, world):
    hidden = visitor().get(f"/offerings/{world.draft}/")
    unknown = visitor().get(f"/offerings/{world.lab}/")
    strip = re.compile(r"/offerings/[0-9a-f-]{36}|[0-9A-F-]{36}|%2F[^\"&]*")
    assert hidden.status_code == unknown.status_code == 404
    assert strip.sub("", hidden.text) == strip.sub("", unknown.text)


@pytest.mark.parametrize("path", ["/", "/login", "/account/", "/manage/", "/nope", "/offerings/{scope}/"])
def test_every_page_is_strict_about_what_it_loads(visitor, world, path):
    answer = visitor("owner").get(path.format(scope=world.scope), follow_redirects=True)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert not INLINE.search(answer.text), INLINE.search(answer.text)


def test_the_number_of_statements_does_not_depend_on_the_number_of_offerings(visitor, world, query_counter):
    visitor().get("/")  # loads the catalogue index
    with query_counter() as few:
        visitor().get("/")
    lab, category = db.session.query(Organization).filter_by(uuid=world.lab).one(), db.session.query(Category).one()
    db.session.add_all(make_offering(lab, category, f"Room {number:02}") for number in range(20))
    documents.refresh_all(db.session())
    db.session.commit()
    with query_counter() as many:
        visitor().get("/")
    assert many.number == few.number <= 6


@pytest.mark.parametrize("who", [None, "stranger", "owner", "staff"])
def test_the_page_of_an_offering_that_has_everything_takes_few_statements(visitor, world, query_counter, who):
    assert import_offerings([sample()]).created == 1
    found = db.session.query(Offering).filter_by(uuid=uuid.UUID(sample()["uuid"])).one()
    found.organization_groups.clear()
    found.parent = None
    lab = db.session.query(Organization).filter_by(uuid=world.lab).one()
    found.organization = lab
    for number in range(3):
        make_offering(lab, found.category, f"Part {number}").parent = found
    documents.refresh_all(db.session())
    db.session.commit()
    connect_google(world.lab)
    db.session.commit()
    reader = visitor(who) if who else visitor()
    with query_counter() as counted:
        answer = reader.get(f"/offerings/{found.uuid}/")
    assert answer.status_code == 200
    assert counted.number <= 8, counted.statements


@pytest.mark.parametrize(
    ("method", "path", "code"), [("get", "/nope", 404), ("post", "/", 405), ("put", "/manage/", 405)]
)
def test_error_pages_help(visitor, world, method, path, code):
    answer = getattr(visitor().client, method)(path)
    assert answer.status_code == code
    assert "Go to the catalogue" in answer.text
    if code == 405:
        assert "GET" in answer.headers["Allow"]


def test_a_page_says_that_nothing_is_free(visitor, world):
    offering = db.session.query(Offering).filter_by(uuid=world.scope).one()
    make.change(offering, attributes={"schedules": []})
    answer = visitor().get(f"/offerings/{world.scope}/")
    assert answer.status_code == 200
    assert "Nothing is free in these days" in answer.text


def test_a_flood_of_chosen_values_is_cut(visitor, world):
    page = visitor().get("/?" + "&".join(f"state=x{number}" for number in range(500))).text
    assert page.count('value="x') == 50


def test_a_form_is_not_read_beyond_what_any_page_sends(visitor, world):
    body = "&".join(f"a{number}=1" for number in range(40_000))
    answer = visitor().client.post("/login", data=body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 413


def test_an_address_with_32_digits_leads_to_the_offering(client, world):
    answer = client.get(f"/offerings/{world.scope.hex.upper()}/")
    assert (answer.status_code, answer.headers["Location"]) == (301, f"/offerings/{world.scope}/")
    assert client.get("/offerings/" + "z" * 32 + "/").status_code == 404


def test_pages_say_to_search_engines_what_they_are(visitor, world):
    for path, said in (
        ("/", "2 offerings."),
        (f"/offerings/{world.scope}/", "Live cells"),
        ("/timeline/", "Free and booked times of all offerings"),
    ):
        found = re.search(r'<meta name="description" content="([^"]*)">', visitor().get(path).text)
        assert found is not None, path
        assert said in found[1]
    assert '<meta name="description"' not in visitor().get("/login").text
