"""Every answer of every address says what browsers and proxies may do with it."""

import asyncio
import re
from dataclasses import replace

import pytest

from portal import asgi
from portal.app import create_app, make_asgi
from portal.config import load_settings
from portal.documents import store as documents
from portal.domain.http_headers import COMMON_HEADERS, NO_STORE, NO_STORE_NO_TRANSFORM, NON_PAGE_POLICY, REVALIDATED
from portal.extensions import db
from portal.models import Screenshot, User
from portal.policies import SYSTEM
from portal.response_headers import content_policy
from portal.services import feeds
from portal.services.accounts import create_token
from tests.support import builders as make
from tests.support.portal import environ_for

# Something for each part of an address.
PARTS = {"path": "nothing", "filename": "mark.svg", "secret": "x" * 30, "segment": "nothing"}
A_UUID = "00000000-0000-4000-8000-000000000000"
PUBLIC_PAGES = {"catalogue.index", "catalogue.offerings", "catalogue.offering", "timeline.day"}


def address(rule, world):
    """An address of this rule: of the offering in the world where it takes one, else of nothing."""

    def part(name, converter):
        if name == "uuid" and "organizations" in rule.rule:
            return str(world.lab)
        if name == "uuid" and rule.endpoint.startswith(("catalogue.", "feeds.offering", "offerings.", "hours.")):
            return str(world.scope)
        return {"uuid": A_UUID, "digits": A_UUID.replace("-", "")}.get(name, PARTS.get(name, "nothing"))

    def value(found):
        converter, name = found[1] or "", found[2]
        if converter.startswith("any("):
            return converter[4:-1].split(",")[0].strip()
        return part(name, converter)

    return re.sub(r"<(?:([^:<>]+):)?([^<>]+)>", value, rule.rule)


def cached_as(endpoint, answer):
    """How an answer may be kept, by what it is. A table: what is not in it is an address nobody thought of."""
    is_page = answer.mimetype == "text/html"
    is_api = endpoint.startswith("api.")
    if endpoint == "static":
        return {"public, no-cache"} if answer.status_code == 200 else {NO_STORE}
    if is_api:
        return (
            {"private, no-cache"} if endpoint not in ("api.healthz", "api.metrics") else {"private, no-cache", NO_STORE}
        )
    if endpoint == "feeds.offering" and answer.status_code == 200:
        return {"public, no-cache"}
    if endpoint in PUBLIC_PAGES and answer.status_code == 200:
        return {REVALIDATED}
    return {NO_STORE, NO_STORE_NO_TRANSFORM} if is_page else {NO_STORE}


@pytest.fixture
def answers(app, visitor, world):
    """Every address with every method it knows, asked by nobody, by somebody signed in, and with a token of staff."""
    staff = db.session.query(User).filter_by(email="staff@example.org").one()
    token = {"Authorization": f"Token {create_token(SYSTEM, staff.id, 'test').key}"}
    owner = visitor("owner").client
    found = []
    for rule in app.url_map.iter_rules():
        path = address(rule, world)
        for method in sorted({*rule.methods, "DELETE"} - {"OPTIONS"}):
            asked = [(app.test_client(), {})]
            if rule.endpoint != "accounts.sign_out":
                asked.append((owner, {}))
            if path.startswith("/api"):
                asked.append((app.test_client(), token))
            for client, headers in asked:
                answer = client.open(path, method=method, headers=headers)
                found.append((rule.endpoint, f"{method} {path}", answer))
    return found


@pytest.mark.sqlite_only
def test_every_answer_carries_its_headers(answers):
    statuses = set()
    for endpoint, asked, answer in answers:
        statuses.add(answer.status_code)
        for name, value in COMMON_HEADERS.items():
            expected = {value, "strict-origin"} if endpoint.startswith("registration.") else {value}
            assert answer.headers.get(name) in expected, (asked, name)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, asked
        assert "frame-ancestors 'none'" in policy, asked
        assert policy == NON_PAGE_POLICY or answer.mimetype == "text/html", asked
        assert "Strict-Transport-Security" not in answer.headers, asked
        assert answer.headers.get("Cache-Control") in cached_as(endpoint, answer), (
            asked,
            answer.status_code,
            answer.headers.get("Cache-Control"),
        )
        if "ETag" in answer.headers:
            assert "no-store" not in answer.headers["Cache-Control"] or endpoint == "feeds.secret", asked
    # A table that only saw refusals would show little.
    assert {200, 303, 400, 401, 403, 404, 405} <= statuses


@pytest.mark.sqlite_only
def test_answers_of_no_address_and_to_no_sense_carry_them_too(app, client, monkeypatch):
    app.testing = False
    monkeypatch.setitem(app.view_functions, "catalogue.index", lambda: 1 / 0)
    try:
        for path, status in (("/nothing/", 404), ("/", 500), ("/api/nothing/", 404), ("/static/nothing.css", 404)):
            answer = client.get(path)
            assert answer.status_code == status
            for name, value in COMMON_HEADERS.items():
                assert answer.headers[name] == value, path
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    finally:
        app.testing = True


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("url", "hops", "sent", "https"),
    [
        ("http://portal.example", 0, {}, False),
        ("https://portal.example", 0, {}, True),
        ("http://portal.example", 1, {"X-Forwarded-Proto": "https"}, True),
        ("http://portal.example", 0, {"X-Forwarded-Proto": "https"}, False),
    ],
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/static/mark.svg"), ("GET", "/api/booking-offerings/")])
@pytest.mark.parametrize("name", ["MAX_WAITING", "IDLE_SECONDS"])
def test_what_is_refused_early_carries_what_other_answers_do(
    app, tmp_path, monkeypatch, url, hops, sent, https, method, path, name
):
    """408 and 503, made before there is a thread, next to an answer of the application for the same address."""
    made = replace(
        app.extensions["portal.settings"],
        public_url=url,
        proxy_hops=hops,
        database_url=f"sqlite:///{tmp_path}/portal.db",
    )
    portal = create_app(made)
    given = {"X-Request-ID": "given-by-the-proxy", **sent}
    usual = portal.test_client().open(path, method=method, headers=given)
    monkeypatch.setattr(asgi, name, 0)
    scope = {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": path,
        "query_string": b"",
        "http_version": "1.1",
        "headers": [(key.lower().encode(), value.encode()) for key, value in given.items()],
    }
    if name == "IDLE_SECONDS":
        scope["headers"].append((b"content-length", b"5"))
    messages = []

    async def send(message):
        messages.append(message)

    async def play():
        await make_asgi(portal, 1)(scope, asyncio.Event().wait, send)

    asyncio.run(play())
    headers = {key.decode(): value.decode() for key, value in messages[0]["headers"]}
    assert messages[0]["status"] == (503 if name == "MAX_WAITING" else 408)
    assert ("strict-transport-security" in headers) is https
    assert (headers["x-request-id"] == "given-by-the-proxy") is (hops > 0)
    differing = {"content-type", "content-length", "x-request-id", "vary", "cache-control"}
    differing |= {"content-disposition", "etag", "last-modified", "date", "accept-ranges", "www-authenticate"}
    expected = {key.lower(): value for key, value in usual.headers.items() if key.lower() not in differing}
    assert {key: headers.get(key) for key in expected} == expected
    assert headers["cache-control"] == NO_STORE
    assert headers.get("retry-after") == ("5" if name == "MAX_WAITING" else None)
    assert headers["connection"] == "close"


@pytest.mark.sqlite_only
def test_private_pages_stay_in_no_browser(visitor, world):
    owner = visitor("owner")
    for path in ("/account/", "/bookings/", "/bookings/feed/", "/manage/", "/manage/requests/", "/bookings/?past=1"):
        answer = owner.get(path)
        assert (answer.status_code, "ETag" in answer.headers) == (200, False), path
        assert "no-store" in answer.headers["Cache-Control"], path
    for path in ("/", f"/offerings/{world.scope}/", "/timeline/"):
        answer = owner.get(path)
        assert answer.headers["Cache-Control"] == REVALIDATED
        assert "ETag" in answer.headers
    # What somebody typed wrongly is no page for others either.
    refused = visitor().post("/login", {"email": "owner@example.org", "password": "wrong"}, page="/login")
    assert (refused.status_code, refused.headers["Cache-Control"]) == (400, NO_STORE)


@pytest.mark.sqlite_only
def test_signing_out_clears_what_the_browser_kept(visitor, world):
    answer = visitor("owner").post("/logout", page="/")
    assert (answer.status_code, answer.headers["Clear-Site-Data"]) == (303, '"cache", "storage"')
    assert "cookies" not in answer.headers["Clear-Site-Data"]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("settings", "sent", "secure"),
    [
        ({"PUBLIC_URL": "https://booking.example.org"}, {}, True),
        ({"PUBLIC_URL": "http://booking.example.org"}, {}, False),
        ({"PROXY_HOPS": "1"}, {"X-Forwarded-Proto": "https"}, True),
        ({"PROXY_HOPS": "1"}, {"X-Forwarded-Proto": "http"}, False),
        # Nobody is trusted to say so.
        ({}, {"X-Forwarded-Proto": "https"}, False),
    ],
)
def test_over_https_nothing_is_asked_for_over_http(worker_database, tmp_path, settings, sent, secure):
    app = create_app(load_settings(environ_for(worker_database, tmp_path, **settings)))
    client = app.test_client()
    for path in ("/", "/api/", "/static/mark.svg", "/nothing/", "/healthz"):
        answer = client.get(path, headers=sent)
        expected = "max-age=31536000" if secure else None
        assert answer.headers.get("Strict-Transport-Security") == expected, path
    with app.app_context():
        db.engine.dispose()


@pytest.mark.sqlite_only
def test_a_feed_with_a_secret_is_kept_by_nobody(client, db_session):
    secret = feeds.create_user_feed(make.actor(make.user("somebody@example.org")))
    answer = client.get(f"/feeds/{secret}.ics")
    assert answer.headers["Cache-Control"] == NO_STORE
    # A calendar program that keeps its own copy still asks with its tag.
    again = client.get(f"/feeds/{secret}.ics", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.sqlite_only
def test_a_copy_keeps_the_policy_of_its_page(client, db_session):
    """Browsers put the headers of 304 in place of those of their copy: another policy would block its style sheets."""
    page = client.get("/")
    again = client.get("/", headers={"If-None-Match": page.headers["ETag"]})
    assert again.status_code == 304
    policy = page.headers["Content-Security-Policy"]
    assert again.headers.get("Content-Security-Policy", policy) == policy


FAR = "https://images.example.org/krios.png"


@pytest.mark.sqlite_only
def test_pictures_of_other_hosts_are_links(client, db_session, app, monkeypatch):
    offering = make.offering("Krios", image=FAR, thumbnail=FAR, full_description=f'<img src="{FAR}" alt="a lens">')
    db.session.add(Screenshot(offering_id=offering.id, name="Column", image=FAR, thumbnail=None))
    documents.refresh(db.session(), [offering.id])
    db.session.commit()
    card, page = client.get("/"), client.get(f"/offerings/{offering.uuid}/")
    assert "img-src 'self' data:;" in page.headers["Content-Security-Policy"]
    assert "images.example.org" not in card.text
    assert ">K</span>" in card.text
    assert f'src="{FAR}"' not in page.text
    assert page.text.count(f'<a class="with-icon" href="{FAR}"') == 2
    assert 'alt="a lens"' in page.text
    known = app.extensions["portal.settings"]
    monkeypatch.setitem(
        app.extensions, "portal.settings", replace(known, picture_hosts=("https://images.example.org",))
    )
    card, page = client.get("/"), client.get(f"/offerings/{offering.uuid}/")
    assert f'src="{FAR}"' in card.text
    assert page.text.count(f'src="{FAR}"') == 3
    policy = content_policy(app.extensions["portal.settings"])
    assert "img-src 'self' data: https://images.example.org;" in policy
