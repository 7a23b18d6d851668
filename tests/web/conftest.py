"""People and offerings for the pages, and a visitor who fills in forms the way a browser does."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.documents import store as documents
from portal.extensions import db
from portal.models import Category, GoogleConnection, Offering, Organization
from tests.support import builders

PASSWORD = "a long enough password"
ALWAYS = {
    "id": "always",
    "start": "2020-01-01T00:00:00Z",
    "end": "2099-01-01T00:00:00Z",
    "title": "",
    "extendedProps": {"type": "Availability", "config": {"slotDuration": "02:00:00"}},
}


@dataclass
class Visitor:
    """Somebody with a browser: keeps cookies, sends the CSRF token of the page the form is on."""

    client: FlaskClient

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, **more)

    def post(self, path: str, data: dict[str, str] | None = None, *, page: str) -> TestResponse:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.client.get(page).text)
        token = found[1] if found else ""
        return self.client.post(path, data={"csrf_token": token, **(data or {})})

    def sign_in(self, who: str) -> "Visitor":
        answer = self.post("/login", {"email": f"{who}@example.org", "password": PASSWORD}, page="/login")
        assert answer.status_code == 303, answer.text
        return self


def error_at(field: str, text: str) -> str:
    """The error of a field as pages show it (see macros/forms.html)."""
    mark = '<span aria-hidden="true">▲</span> <span><span class="unseen">Error: </span>'
    return f'<p class="error" id="{field}-error">{mark}{text}'


@pytest.fixture
def visitor(app: Flask) -> Callable[..., Visitor]:
    """`visitor()` is nobody, `visitor("owner")` is signed in as that person."""

    def make(who: str | None = None) -> Visitor:
        made = Visitor(app.test_client())
        return made.sign_in(who) if who else made

    return make


def make_offering(organization: Organization, category: Category, name: str, **more: Any) -> Offering:
    values: dict[str, Any] = {"state": "Active", "shared": True, "attributes": {"schedules": [ALWAYS]}, **more}
    return Offering(name=name, sort_key=name.casefold(), organization=organization, category=category, **values)


def build_world() -> SimpleNamespace:
    """Owner, manager, member and staff; two organizations; a shared offering, a paused one and a draft. Commits."""
    session = db.session
    lab, other = Organization(name="Light Lab"), Organization(name="Other House")
    category = Category(title="Microscopes")
    scope = make_offering(lab, category, "Confocal", description="Live cells", country="EE")
    paused = make_offering(lab, category, "Electron", state="Paused", paused_reason="Pump broken.", country="FI")
    draft = make_offering(lab, category, "Secret draft", state="Draft")
    session.add_all([lab, other, category, scope, paused, draft])
    with builders.together():
        for who in ("owner", "manager", "member", "stranger", "staff"):
            user = builders.user(f"{who}@example.org", password=PASSWORD, staff=who == "staff")
            if who in ("owner", "manager", "member"):
                builders.role(user, lab, who)
        documents.refresh_all(session())
        made = {"lab": lab, "other": other, "scope": scope, "paused": paused, "draft": draft, "category": category}
        return SimpleNamespace(**{name: row.uuid for name, row in made.items()})


def connect_google(organization: Any) -> None:
    found = db.session.query(Organization).filter_by(uuid=organization).one()
    scopes = ["https://www.googleapis.com/auth/calendar"]
    db.session.add(GoogleConnection(organization=found, refresh_token="sealed", scopes=scopes))
    db.session.commit()


@pytest.fixture
def world(db_session: Any) -> SimpleNamespace:
    """The people and offerings of `build_world`, by uuid."""
    return build_world()
