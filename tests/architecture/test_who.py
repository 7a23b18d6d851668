"""The table of tests/data/who_routes.txt holds, and has a line for every route there is."""

import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from portal.extensions import db
from portal.models import ApiToken, Booking, Membership, Offering, Organization, Slot, User
from portal.models.base import utcnow
from portal.policies import SYSTEM, Actor
from portal.services.accounts import create_token, create_user, set_active
from tests.web.conftest import PASSWORD, Visitor, build_world, connect_google

pytestmark = pytest.mark.sqlite_only  # who may do what on both databases: tests/test_policies.py

TABLE = Path(__file__).parents[1] / "data" / "who_routes.txt"
LOGIN = "login"
# Whose column they share.
AS_NOBODY = {"deactivated": "nobody", "expired": "nobody"}
WRITING = {"POST", "PUT", "PATCH", "DELETE"}
# Google brings a channel's token, and knows no form.
WITHOUT_FORM = {"notifications.notified"}
# Another machine than the server: those who run the portal may look at its numbers.
ELSEWHERE = {"REMOTE_ADDR": "192.0.2.1"}


@dataclass(frozen=True)
class Line:
    """A line of the table."""

    method: str
    path: str
    expected: dict[str, str]
    endpoint: str

    @property
    def is_api(self):
        return self.endpoint.startswith("api.")


def read_table():
    """The columns and the lines of the table."""
    texts = [it.split() for it in TABLE.read_text("utf-8").splitlines() if it and not it.startswith("#")]
    columns = texts[0]
    return columns, [
        Line(method, path, dict(zip(columns, expected, strict=True)), endpoint)
        for method, path, *expected, endpoint in texts[1:]
    ]


COLUMNS, LINES = read_table()
# HEAD is judged as GET is.
REQUESTS = [*LINES, *(replace(line, method="HEAD") for line in LINES if line.method == "GET")]


class Somebody:
    """One column: the cookies of a browser, an API token, and what the paths mean for them."""

    def __init__(self, app, who, places):
        self.app, self.who, self.places = app, who, places
        self.cookies, self.headers, self.csrf_token = {}, {}, ""

    def ask(self, line):
        """The status of the answer, or LOGIN; of HEAD also whether a body came, which none may have."""
        path = line.path.format(**self.places)
        if line.is_api:
            client, data = self.app.test_client(), None
        else:
            client = self.browser()
            data = {"csrf_token": self.csrf_token} if line.method == "POST" else None
        headers = self.headers if line.is_api else None
        with client.open(path, method=line.method, data=data, headers=headers, environ_overrides=ELSEWHERE) as answer:
            location = urlsplit(answer.headers.get("Location", "")).path
            status = LOGIN if answer.status_code == 303 and location == "/login" else str(answer.status_code)
            return f"{status} with a body" if line.method == "HEAD" and answer.data else status

    def browser(self):
        client = self.app.test_client()
        for name, value in self.cookies.items():
            client.set_cookie(name, value)
        return client


@pytest.fixture
def somebody(app, db_session, monkeypatch):
    """`somebody("owner")`: the person of a column, in a world of their own."""
    known = replace(app.extensions["portal.settings"], google_client_id="id", google_client_secret="secret")
    monkeypatch.setitem(app.extensions, "portal.settings", known)
    world = build_world()
    connect_google(world.lab)
    theirs = user_named("someone")
    places = {
        "seen": world.scope,
        "draft": world.draft,
        "lab": world.lab,
        "person": theirs.uuid,
        "token": create_token(Actor(theirs.id), theirs.id, "theirs").uuid,
        "booking": request_of(theirs, world.scope, 3),
        "order": db.session.query(Booking.order_uuid).filter_by(user_id=theirs.id).scalar(),
        "digits": "0" * 32,
        "digest": "0" * 64,
    }

    def make(who):
        found = Somebody(app, who, {**places, "mine": places["booking"]})
        if who == "nobody":
            visitor = Visitor(app.test_client())
            page = visitor.get("/login").text
        else:
            user = user_of(who, world)
            found.places["mine"] = request_of(user, world.scope, 4)
            found.headers = {"Authorization": f"Token {create_token(Actor(user.id), user.id, 'test').key}"}
            visitor = Visitor(app.test_client()).sign_in(user.email.partition("@")[0])
            page = visitor.get("/account/").text
            if who == "deactivated":
                set_active(SYSTEM, user.uuid, False)
            if who == "expired":
                db.session.query(ApiToken).filter_by(user_id=user.id).update({"expires": utcnow() - timedelta(days=1)})
        found.csrf_token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
        found.cookies = {cookie.key: cookie.value for cookie in visitor.client._cookies.values()}
        db.session.commit()
        return found

    return make


def user_named(name):
    create_user(SYSTEM, f"{name}@example.org", full_name=name.title(), password=PASSWORD)
    return db.session.query(User).filter_by(email=f"{name}@example.org").one()


def user_of(who, world):
    """The person of a column; those whose access has ended were owners."""
    if who not in ("other", *AS_NOBODY):
        return db.session.query(User).filter_by(email=f"{who}@example.org").one()
    user = user_named(who)
    uuid = world.other if who == "other" else world.lab
    organization = db.session.query(Organization).filter_by(uuid=uuid).one()
    db.session.add(Membership(user_id=user.id, organization_id=organization.id, role="owner"))
    db.session.commit()
    return user


def request_of(user, offering_uuid, days):
    offering = db.session.query(Offering).filter_by(uuid=offering_uuid).one()
    start = utcnow() + timedelta(days=days)
    slot = Slot(offering_id=offering.id, start=start, end=start + timedelta(hours=1))
    booking = Booking(offering_id=offering.id, user_id=user.id, name="Ice", state="requested", slots=[slot])
    db.session.add(booking)
    db.session.commit()
    return booking.uuid


@contextmanager
def undone():
    """What is asked inside leaves no trace, so that the next one is asked of the same portal."""
    db.session.commit()
    before = db.engine.begin_nested()
    try:
        yield
    finally:
        db.session.close()
        before.rollback()


@pytest.mark.parametrize("who", [*COLUMNS, *AS_NOBODY])
def test_everybody_gets_what_is_theirs(somebody, who):
    person = somebody(who)
    wrong = {}
    for line in REQUESTS:
        # A browser has no token that could expire.
        if who == "expired" and not line.is_api:
            continue
        with undone():
            found = person.ask(line)
        expected = line.expected[AS_NOBODY.get(who, who)]
        if found != expected:
            wrong[line.method, line.path] = (found, expected)
    assert not wrong


def test_no_route_is_left_out(worker_app):
    routes = {
        (rule.endpoint, method)
        for rule in worker_app.url_map.iter_rules()
        for method in (rule.methods or set()) & {"GET", *WRITING}
    }
    assert routes == {(line.endpoint, line.method) for line in LINES}


def test_each_line_is_at_its_endpoint(worker_app):
    adapter = worker_app.url_map.bind("localhost")
    uuid = "00000000-0000-4000-8000-000000000000"
    names = dict.fromkeys(("seen", "draft", "lab", "booking", "mine", "token", "person", "order"), uuid)
    for line in LINES:
        path = urlsplit(line.path.format(digits="0" * 32, digest="0" * 64, **names)).path
        assert adapter.match(path, line.method)[0] == line.endpoint, line


@pytest.mark.parametrize("who", ["nobody", "staff"])
def test_other_methods_are_refused_everywhere(somebody, who):
    """Nobody gets past with a method that the route does not have; without a token the API does not say which ones."""
    person = somebody(who)
    known = {}
    for line in REQUESTS:
        known.setdefault(line.endpoint, set()).add(line.method)
        known.setdefault(line.path, set()).add(line.method)
    wrong = {}
    for line in {line.path: line for line in LINES}.values():
        for method in sorted({*WRITING, "HEAD", "TRACE"} - known[line.endpoint] - known[line.path]):
            found = person.ask(replace(line, method=method))
            expected = "405"
            if line.path.startswith("/api/") and line.expected["nobody"] == "401" and who == "nobody":
                expected = "401"
            if found != expected:
                wrong[method, line.path] = (found, expected)
    assert not wrong


def test_what_writes_asks_for_the_form_it_came_from(somebody):
    """No page takes a POST without the token of its form; the API takes no cookie, so it needs none."""
    person = somebody("staff")
    browser = person.browser()
    for line in LINES:
        if line.method == "POST" and line.endpoint not in WITHOUT_FORM:
            answer = browser.post(line.path.format(**person.places), environ_overrides=ELSEWHERE)
            public = not line.is_api or line.expected["nobody"] == "400"
            assert answer.status_code == (400 if public else 401), line
            # Forms that come empty are refused with 400 as well, for another reason.
            assert line.is_api or "This form is no longer valid" in answer.text, line
