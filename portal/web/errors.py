"""Error pages that help: what went wrong, in words, and where to go from here."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, make_response, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from portal.errors import (
    CalendarRefused,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PortalError,
    SignInRequired,
    TooManyAttempts,
    TooManyWrites,
)
from portal.web.kept_forms import fields_to_keep
from portal.web.links import return_address
from portal.web.people import current_actor, to_sign_in

NOUNS = {
    "Offering": "offering",
    "Organization": "organization",
    "Resource": "booking",
    "Feed": "feed",
    "Link": "link",
    "User": "person",
    "Token": "token",
    "Session": "session",
}


@dataclass(frozen=True, slots=True)
class Words:
    """What a status says to a person."""

    title: str
    message: str
    hint: str = ""


WORDS = {
    400: Words("This request can't be read", "Something in the address or the form is not as it should be."),
    401: Words("Sign in first", "This page is for people who are signed in."),
    403: Words(
        "You may not do this",
        "Your roles do not allow it.",
        "Staff, and owners of the organization, may be able to help.",
    ),
    404: Words(
        "Page not found",
        "The page does not exist, or you may not see it.",
        "Some offerings are shown only to members of an organization.",
    ),
    405: Words(
        "That action isn't available",
        "The page was asked for in a way it does not answer to.",
        "If you came from a form, go back and send it again.",
    ),
    409: Words("That can't be done now", "Something else has changed in the meantime."),
    413: Words("That is too large", "What you sent is larger than the portal takes."),
    414: Words("That address is too long", "Use fewer or shorter filters."),
    415: Words("That form can't be read", "It was sent in a way the portal does not know."),
    429: Words("Too many requests", "Wait a little, then try again."),
    500: Words(
        "Something broke here",
        "It is not your fault, and it has been written down.",
        "Nothing you entered is half done: either all of it was kept, or none of it.",
    ),
    503: Words(
        "Not available at the moment",
        "The portal can't reach its database, or is being updated.",
        "Try again in a minute.",
    ),
}


def problem(
    code: int, *, title: str = "", message: str = "", hint: str | None = None, action: tuple[str, str] | None = None
) -> ResponseReturnValue:
    """An error page. What is not given is said in the words of the status.

    `action`: an address that helps, and what its button says.
    """
    words = WORDS.get(code) or WORDS[400 if code < 500 else 500]
    actions = [{"href": url_for("catalogue.index"), "text": "To the catalogue"}]
    if action is not None:
        actions.insert(0, {"href": action[0], "text": action[1]})
    if code in (401, 403, 404) and not current_user.is_authenticated:
        actions.append({"href": url_for("accounts.sign_in", next=return_address()), "text": "Sign in"})
    page = render_template(
        "errors/problem.html",
        code=code,
        title=title or words.title,
        message=message or words.message,
        hint=words.hint if hint is None else hint,
        actions=actions,
        # What broke may be the database: this page asks it nothing.
        waiting_requests=lambda: "",
    )
    return make_response(page, code)


def portal_error(error: PortalError) -> ResponseReturnValue:
    """The page for a refusal of the portal's own."""
    if isinstance(error, SignInRequired):
        return to_sign_in()
    if isinstance(error, NotFound):
        noun = NOUNS.get(error.what, error.what.lower())
        return problem(404, title=f"There is no such {noun}", message="It does not exist, or you may not see it.")
    if isinstance(error, TooManyAttempts | TooManyWrites):
        return too_early(make_response(problem(429, message=error.message)), error)
    for kind, code in ((Forbidden, 403), (Invalid, 400), (Conflict, 409), (CalendarRefused, 409)):
        if isinstance(error, kind):
            return problem(code, message=error.message)
    return problem(500)


def too_early(response: Response, error: PortalError) -> Response:
    """The answer to a refusal, with status and `Retry-After` where it was for trying too often."""
    if isinstance(error, TooManyAttempts | TooManyWrites):
        response.status_code = 429
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def http_error(error: HTTPException) -> ResponseReturnValue:
    """The page for a refusal of the web framework (no such address, wrong method, too large)."""
    if error.response is not None:
        return error.response
    code = error.code or 500
    if isinstance(error, CSRFError) and not current_actor().signed_in and fields_to_keep():
        # The session that the form's token belonged to has ended.
        response = make_response(to_sign_in())
    elif isinstance(error, CSRFError):
        response = make_response(
            problem(
                400,
                title="This form is no longer valid",
                message="It was open for too long, or you signed in or out in the meantime.",
                hint="Go back, reload the page and send it again.",
            )
        )
    else:
        response = make_response(problem(code))
    if methods := getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(sorted(methods))
    if wait := getattr(error, "retry_after", None):
        response.headers["Retry-After"] = str(wait)
    return response
