"""Every form and every address of the pages, found by walking the site, with values that no honest browser sends.

Whatever is sent: no defect; where the answer is an error nothing has changed; where nothing was entered nothing is
deleted; and what was kept can be shown and mailed.

The suite tries a few cases, always the same ones. The long search, with so many cases for each person and database:

    FUZZ_CASES=3000 .venv/bin/python -m pytest tests/fuzz -n 2
"""

from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, replace
from random import Random
from urllib.parse import urlencode, urlsplit

import pytest
from sqlalchemy import Engine, event, func, update
from werkzeug.exceptions import HTTPException

from portal.extensions import db
from portal.mail.compose import compose
from portal.models import Base, BrowserSession, OutgoingMail
from portal.services import mail
from tests.fuzz.conftest import FULL, build_full_world, cases, mailed_links, user_named
from tests.support.hostile import VALUES
from tests.support.walk import HtmlForm, walk
from tests.web.conftest import Visitor

SEED = 20261128
CSRF = "csrf_token"
PEOPLE = ("nobody", "stranger", "owner", "owner who has to confirm", "staff")
# The second database is there for what it stores otherwise.
PEOPLE_OF = {"sqlite": PEOPLE, "postgresql": PEOPLE if FULL else ("owner",)}
# Beside the values of tests/support/hostile.py: what a form may well hold, and far too much of it.
MORE = (
    b"",
    b" ",
    b"x" * 5_000,
    b"\xf0\x9f\x98\x80" * 30_000,
    "\u202e\u200b\ufeff".encode(),
    b"<script>alert(1)</script>",
    b"javascript:alert(1)",
    b"'; DROP TABLE users; --",
    b"{{ 7 * 7 }}",
    b"../../../../etc/passwd",
    b"\r\nSet-Cookie: a=b",
    b"[]",
    b'{"a": 1}',
    b"0",
    b"-1",
    b"1",
    b"true",
    b"2027-02-29",
    b"2027-03-28T02:30",
    b"00000000-0000-4000-8000-000000000000",
    "\u0661\u0662-\u0660\u0661".encode(),
)
EVERY_VALUE = (*VALUES, *MORE)
# Of addresses that no link or form on the pages has.
PARAMETERS = ("next", "slot", "start", "end", "plan", "from", "past", "day", "sort", "state", "page")
# Counters, which count refused requests as well.
COUNTED = {"sign_in_failures"}
WRITING = ("INSERT", "UPDATE", "DELETE")
# What these forms are for: something ends, or is replaced by something new.
ENDING = {
    "accounts.revoke_token",
    "accounts.end_session_elsewhere",
    "accounts.end_other_sessions",
    "accounts.sign_out",
    "email_change.change",
    "feeds.mine",
    "feeds.organization",
    "google.disconnect",
    "registration.finish",
    "registration.choose",
}
# Cases in which nothing was entered.
EMPTY = {"nothing at all", "all empty", "one empty", "one left out"}
# Inputs that browsers send empty where they cannot read what was typed.
UNREADABLE = {"date", "time", "datetime-local", "month", "week", "number"}
# Cases for each person, as a part of the suite.
FEW = {"sqlite": 36, "postgresql": 18}
# Found by nobody who walks: Google's own address.
NOT_ON_PAGES = {"notifications.notified"}


@pytest.fixture
def portal(app, db_session, monkeypatch):
    """A portal with everything in it, and the addresses that only mails tell."""
    known = replace(
        app.extensions["portal.settings"],
        google_client_id="id",
        google_client_secret="secret",
        sign_up="open",
        max_writes_per_hour=0,
    )
    monkeypatch.setitem(app.extensions, "portal.settings", known)
    world = build_full_world()
    return app, world, mailed_links(user_named("stranger"))


class Fuzzer:
    """One person with a browser, and the forms that they can reach."""

    def __init__(self, app, world, links, who):
        self.app, self.world, self.who = app, world, who
        self.adapter = app.url_map.bind("localhost")
        visitor = Visitor(app.test_client())
        if who != "nobody":
            # In another browser as well, which can be signed out from this one.
            Visitor(app.test_client()).sign_in(who.partition(" ")[0])
            visitor.sign_in(who.partition(" ")[0])
        # Gives the cookie what the tokens of all forms are made of.
        visitor.get("/login" if who == "nobody" else "/account/")
        if "confirm" in who:
            db.session.execute(update(BrowserSession).values(confirmed=None))
        db.session.commit()
        self.cookies = {cookie.key: cookie.value for cookie in visitor.client._cookies.values()}
        starts = ["/", "/login", "/confirm/", *(links.values())]
        starts += [f"/offerings/{it}/" for it in (world.scope, world.rich, world.draft)]
        self.pages = {}
        with undone():
            # The suite reads two pages of each kind.
            self.forms = list(walk(self._page, starts, self.endpoint_of, most=3 if FULL else 2).values())
        # Every page with every parameter that some page has, asked for as by a form of its own.
        names = {*PARAMETERS, *(name for form in self.forms if form.method == "GET" for name in form.names)}
        self.addresses = [HtmlForm(path, path, "GET", names=sorted(names)) for path in self.pages.values()]

    def _page(self, path):
        answer = self.browser().get(path, base_url="http://localhost")
        if answer.status_code == 200:
            self.pages.setdefault(self.endpoint_of(path, "GET"), urlsplit(path).path)
        return answer.status_code, answer.text if "text/html" in answer.content_type else ""

    def endpoint_of(self, link, method):
        """The endpoint of a page of this site; None for other sites, files and the API, which has tests of its own."""
        parts = urlsplit(link)
        if parts.netloc not in ("", "localhost") or parts.scheme not in ("", "http"):
            return None
        try:
            endpoint = self.adapter.match(parts.path, method=method)[0]
        except HTTPException:
            return None
        return None if endpoint == "static" or endpoint.startswith("api.") else endpoint

    def browser(self):
        client = self.app.test_client()
        for name, value in self.cookies.items():
            client.set_cookie(name, value)
        return client

    def send(self, form, pairs):
        """The answer to a form with these fields, and everybody who looks at what came of it."""
        body = urlencode(pairs).encode()
        if form.method == "GET":
            return self.browser().get(f"{form.action}?{body.decode()}")
        content_type = "application/x-www-form-urlencoded"
        if form.multipart:
            body, content_type = multipart(pairs)
        return self.browser().post(form.action, data=body, content_type=content_type)


def multipart(pairs):
    """The fields as a browser sends a form that may hold files."""
    boundary = "----------------------------fuzz"
    parts = []
    for name, value in pairs:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        parts.append(head + (value if isinstance(value, bytes) else value.encode()) + b"\r\n")
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


@dataclass(frozen=True)
class Case:
    """What is tried with a form: a kind, and the button, field and value that it is about."""

    kind: str
    button: tuple[str, str] | None
    name: str = ""
    value: bytes = b""

    def pairs(self, form):
        """The fields that are sent."""
        names = [name for name in form.names if name != CSRF]
        sent = self._of_button(form, names) if self.kind == "the button" else self._of_fields(form, names)
        return [*sent, self.button] if self.button and self.kind != "the button" else sent

    def _of_button(self, form, _names):
        return [*form.pairs, (self.button[0], self.value)]

    def _of_fields(self, form, names):
        match self.kind:
            case "as it is":
                return list(form.pairs)
            case "nothing at all":
                return changed(form, {key: [] for key in names})
            case "all empty":
                return changed(form, {key: [b""] for key in names})
            case "no token":
                return changed(form, {CSRF: []})
            case "another token":
                return changed(form, {CSRF: [b"made-up"]})
            case "unknown fields":
                return [*form.pairs, ("__proto__", "1"), ("is_staff", "1"), ("", "x")]
            case "one left out":
                return changed(form, {self.name: []})
            case "one often":
                return changed(form, {self.name: [b"1", b"\xff", b""] * 40})
            case "all wrong":
                return changed(form, {key: [self.value] for key in names})
        return changed(form, {self.name: [self.value]})


def changed(form, values):
    """What a browser sends, with these values of some fields."""
    kept = [(name, value) for name, value in form.pairs if name not in values]
    return kept + [(name, value) for name, several in values.items() for value in several]


def cases_of(form):
    """Everything that is tried with a form, for each of its buttons."""
    names = [name for name in form.names if name != CSRF]
    for button in [*form.buttons, None]:
        for kind in ("as it is", "nothing at all", "all empty", "no token", "another token", "unknown fields"):
            yield Case(kind, button)
        for name in names:
            yield Case("one left out", button, name)
            yield Case("one empty", button, name)
            yield Case("one often", button, name)
        for value in EVERY_VALUE:
            yield Case("all wrong", button, value=value)
            for name in names:
                yield Case("one wrong", button, name, value)
            if button is not None:
                yield Case("the button", button, value=value)


def chosen(forms, number):
    """So many cases, the same in each run: of every form, and of each form one of every kind first.

    Then every value in all fields together, then what is left.
    """
    random = Random(SEED)
    waiting = []
    for form in random.sample(forms, len(forms)):
        tried = list(cases_of(form))
        random.shuffle(tried)
        first = {case.kind: case for case in tried}
        others = sorted((it for it in tried if first[it.kind] is not it), key=lambda it: it.kind != "all wrong")
        waiting.append((form, deque([*first.values(), *others])))
    found = []
    while len(found) < number and waiting:
        found += [(form, tried.popleft()) for form, tried in waiting]
        waiting = [(form, tried) for form, tried in waiting if tried]
    return found[:number]


@contextmanager
def undone():
    """What is sent inside leaves no trace."""
    db.session.commit()
    before = db.engine.begin_nested()
    try:
        yield
    finally:
        db.session.close()
        before.rollback()


@contextmanager
def writes():
    """Notes the statements inside that write anything but counters."""
    found = []

    def note(_connection, _cursor, statement, *_more):
        if statement.startswith(WRITING) and not any(table in statement for table in COUNTED):
            found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def snapshot():
    """Every row of every table, as it is now."""
    rows = {}
    for table in Base.metadata.sorted_tables:
        if table.name not in COUNTED:
            cursor = db.engine.exec_driver_sql(f'SELECT * FROM "{table.name}"')
            rows[table.name] = sorted(map(repr, cursor))
    return rows


def filled():
    """How many values each row of each table holds, those inside of JSON counted one by one."""
    found = {}
    for table in Base.metadata.sorted_tables:
        if table.name not in COUNTED:
            keys = [column.name for column in table.primary_key]
            for row in db.session.execute(table.select()).mappings():
                found[table.name, *(row[key] for key in keys)] = sum(map(number_of_values, row.values()))
    return found


def number_of_values(value):
    if isinstance(value, (dict, list)):
        return sum(map(number_of_values, value.values() if isinstance(value, dict) else value))
    return value not in (None, "")


def can_be_shown(fuzzer, form, answer, turn, mails):
    """What is wrong with pages, documents, feeds and new mails that show what was kept; a few of the pages each time.

    `mails`: the number of the last mail that was there before.
    """
    world, browser = fuzzer.world, fuzzer.browser()
    others = ("/", "/timeline/", f"/offerings/{world.scope}/", f"/offerings/{world.scope}/calendar.ics", "/bookings/")
    for path in {answer.headers.get("Location", form.page), form.page, others[turn % len(others)]}:
        status = browser.get(path).status_code
        if status >= 500:
            return f"{status} at {path}"
    for row in db.session.query(OutgoingMail).filter(OutgoingMail.id > mails):
        compose(row, fuzzer.app.extensions["portal.settings"], mail.link_secret(row)).as_bytes()
    return ""


def problem_of(fuzzer, before, held, form, case, turn, mails):
    """What is wrong with the answer to a case, or with what it left behind; "" for nothing.

    `held`: see `filled`; `mails`: see `can_be_shown`.
    """
    with writes() as written:
        answer = fuzzer.send(form, case.pairs(form))
    if answer.status_code >= 500:
        return str(answer.status_code)
    if form.method == "GET" or answer.status_code >= 400:
        after = snapshot() if written else before
        return ", ".join(f"{name} changed" for name in before if after[name] != before[name])
    if form.method == "POST" and "token" in case.kind:
        return f"{answer.status_code} without the token of the form"
    if written and case.kind in EMPTY and fuzzer.endpoint_of(form.action, form.method) not in ENDING:
        now = filled()
        lost = [row for row, number in held.items() if now.get(row, 0) < number]
        if lost:
            return f"lost: {lost}"
    return can_be_shown(fuzzer, form, answer, turn, mails) if written else ""


def test_every_form_with_hostile_values(portal, backend):
    app, world, links = portal
    wrong, found = [], set()
    for who in PEOPLE_OF[backend]:
        fuzzer = Fuzzer(app, world, links, who)
        found |= {fuzzer.endpoint_of(form.action, form.method) for form in fuzzer.forms if form.method == "POST"}
        # What a browser cannot read arrives empty: it must say so first, and text arrives as it was typed.
        assert [form for form in fuzzer.forms if form.types & UNREADABLE and not form.checked] == []
        assert [form for form in fuzzer.forms if form.method == "POST" and "number" in form.types] == []
        before, held = snapshot(), filled()
        mails = db.session.query(func.max(OutgoingMail.id)).scalar()
        number = cases(FEW[backend])
        chosen_cases = [*chosen(fuzzer.forms, number), *chosen(fuzzer.addresses, number // 3)]
        for turn, (form, case) in enumerate(chosen_cases):
            with undone():
                problem = problem_of(fuzzer, before, held, form, case, turn, mails)
            if problem:
                tried = (form.method, form.action, case.kind, case.button, case.name, case.value[:60])
                wrong.append((problem, who, *tried))
    assert not wrong, "\n".join(map(str, wrong[:20]))
    taking = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and not rule.endpoint.startswith("api.")
    }
    if set(PEOPLE_OF[backend]) == set(PEOPLE):
        assert taking - found == NOT_ON_PAGES
