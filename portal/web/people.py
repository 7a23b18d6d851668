"""Who is at the other end: the person behind a session, as what the views hand down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from flask import Flask, Response, after_this_request, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.after_response import after_response
from portal.domain.browsers import browser_name
from portal.extensions import login_manager, settings
from portal.models import User
from portal.models.base import utcnow
from portal.policies import ANONYMOUS, Actor
from portal.queries.accounts import user_of_session
from portal.queries.bookings import pending_count
from portal.services import browsers, sessions
from portal.services.accounts import token_digest
from portal.web.forms import SignInForm
from portal.web.kept_forms import fields_to_keep
from portal.web.links import return_address

# Beyond this a number tells nothing more.
MAX_REPORTED = 99
KNOWN_BROWSER = "portal_browser"


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in person in Flask-Login's shape. The cookie holds the name of this one session, never their id."""

    user_id: int
    email: str
    full_name: str
    is_staff: bool
    session_name: str
    manages: bool = False
    # When they entered their password last in this session.
    confirmed: datetime | None = None
    language: str = ""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        return self.session_name

    @classmethod
    def of(cls, user: User, session_name: str, *, manages: bool = False, confirmed: datetime | None = None) -> Person:
        return cls(user.id, user.email, user.full_name, user.is_staff, session_name, manages, confirmed, user.language)


def account_language() -> str:
    """The language that the signed-in person chose, or ""."""
    return current_user.language if current_user.is_authenticated else ""


def current_actor() -> Actor:
    """The signed-in person as an actor, or nobody."""
    if not current_user.is_authenticated:
        return ANONYMOUS
    return Actor(current_user.user_id, current_user.is_staff, current_user.full_name or current_user.email)


def _load(session_name: str) -> Person | None:
    now = utcnow()
    found = user_of_session(token_digest(session_name), now - sessions.SESSION_LASTS)
    person = None
    if found is not None:
        person = Person.of(found.user, session_name, manages=found.manages, confirmed=found.confirmed)
        if found.last_seen is None or now - found.last_seen > sessions.SEEN_RECORDED_EVERY:
            after_response(partial(sessions.record_seen, session_name, now), "The use of a session")
    return person


def waiting_requests() -> str:
    """How many requests wait for the reader's answer, as the navigation tells it; "" for none. One statement."""
    number = pending_count(current_actor(), most=MAX_REPORTED + 1)
    return f"{MAX_REPORTED}+" if number > MAX_REPORTED else str(number or "")


def start_session(user: User, login: Callable[[Person], object]) -> None:
    """Sign a person in. Nothing of an earlier session, of whoever it was, goes into the new one.

    The browser is known from then on: others who guess at this account do not slow it down.
    """
    end_session()
    name = sessions.open_session(
        user, browser=browser_name(request.headers.get("User-Agent", "")), address=request.remote_addr or ""
    )
    login(Person.of(user, name))
    remember_browser(user)


def remember_browser(user: User) -> None:
    """Have the answer of this request say that the browser is one in which this person signed in."""
    remembered = browsers.remember(known_browser(), user)

    @after_this_request
    def _set(response: Response) -> Response:
        response.set_cookie(
            settings().cookie_name(KNOWN_BROWSER),
            remembered,
            max_age=browsers.LASTS,
            httponly=True,
            samesite="Lax",
            secure=settings().secure_cookies,
        )
        return response


def known_browser() -> str:
    """The cookie by which the browser is known, as it was sent; "" where there is none."""
    return request.cookies.get(settings().cookie_name(KNOWN_BROWSER), "")


def end_session() -> None:
    """End the browser's session, if there is one, for whoever holds a copy of its cookie, too."""
    if current_user.is_authenticated:
        sessions.close_session(current_actor(), current_user.get_id())
    session.clear()
    # Flask-WTF keeps the token of a request's forms, which belongs to the session that has just ended.
    g.pop("csrf_token", None)


def to_sign_in() -> ResponseReturnValue:
    """Send a person to the sign-in page, and back to where they were going."""
    if "HX-Request" in request.headers:
        # A script asked for a part of a page: it must not put the sign-in page there.
        return Response(status=401)
    fields = fields_to_keep()
    if fields:
        page = render_template(
            "accounts/sign_in.html",
            form=SignInForm(formdata=None),
            next=request.full_path.rstrip("?"),
            carried=fields,
            sign_up=settings().sign_up == "open",
        )
        return Response(page, status=403)
    return redirect(url_for("accounts.sign_in", next=return_address()), code=303)


def register_people(app: Flask) -> None:
    """Tell Flask-Login how to find people."""
    login_manager.user_loader(_load)
    login_manager.unauthorized_handler(to_sign_in)
    # The extension's fingerprint of the network address reads a header anybody can write.
    login_manager.session_protection = None
