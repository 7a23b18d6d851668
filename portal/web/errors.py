"""Error pages that help: what went wrong, in words, and where to go from here."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, make_response, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from portal.domain.messages import N_
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
from portal.localization import gettext as _
from portal.localization import localized
from portal.web.kept_forms import fields_to_keep
from portal.web.links import return_address
from portal.web.people import current_actor, to_sign_in

# The title for each `what` of NotFound.
MISSING = {
    "Offering": N_("There is no such offering"),
    "Organization": N_("There is no such organization"),
    "Resource": N_("There is no such booking"),
    "Feed": N_("There is no such feed"),
    "Link": N_("There is no such link"),
    "User": N_("There is no such person"),
    "Token": N_("There is no such token"),
    "Session": N_("There is no such session"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of an error page, to be translated."""

    title: str
    message: str
    hint: str = ""


WORDS = {
    400: Words(N_("This request can't be read"), N_("Something in the address or the form is not as it should be.")),
    401: Words(N_("Sign in first"), N_("This page is for people who are signed in.")),
    403: Words(
        N_("You don't have permission"),
        N_("Your roles do not allow this."),
        N_("Staff, and owners of the organization, may be able to help."),
    ),
    404: Words(
        N_("Page not found"),
        N_("The page does not exist, or you may not see it."),
        N_("Some offerings are visible only to members of an organization."),
    ),
    405: Words(
        N_("That action isn't available"),
        N_("The page does not accept this kind of request."),
        N_("If you came from a form, go back and send it again."),
    ),
    409: Words(N_("That isn't possible now"), N_("Something else has changed in the meantime.")),
    413: Words(N_("That is too large"), N_("What you sent is larger than the portal accepts.")),
    414: Words(N_("That address is too long"), N_("Use fewer or shorter filters.")),
    415: Words(N_("That form can't be read"), N_("It was sent in a format that the portal does not know.")),
    429: Words(N_("Too many requests"), N_("Wait a little, then try again.")),
    500: Words(
        N_("Something went wrong"),
        N_("This is an error of the portal, and it has been logged."),
        N_("Nothing you entered was saved in part: either all of it was saved, or nothing."),
    ),
    503: Words(
        N_("Not available at the moment"),
        N_("The portal can't reach its database, or is being updated."),
        N_("Try again in a minute."),
    ),
}


def problem(
    code: int, *, title: str = "", message: str = "", hint: str | None = None, action: tuple[str, str] | None = None
) -> ResponseReturnValue:
    """An error page. The texts of the status are the default for title, message and hint.

    `action`: the address and text of a button.
    """
    words = WORDS.get(code) or WORDS[400 if code < 500 else 500]
    actions = [{"href": url_for("catalogue.index"), "text": _("Go to the catalogue")}]
    if action is not None:
        actions.insert(0, {"href": action[0], "text": action[1]})
    if code in (401, 403, 404) and not current_user.is_authenticated:
        actions.append({"href": url_for("accounts.sign_in", next=return_address()), "text": _("Sign in")})
    page = render_template(
        "errors/problem.html",
        code=code,
        title=title or _(words.title),
        message=message or _(words.message),
        hint=hint if hint is not None else words.hint and _(words.hint),
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
        title = _(MISSING.get(error.what, N_("Page not found")))
        return problem(404, title=title, message=_("It does not exist, or you may not see it."))
    if isinstance(error, TooManyAttempts | TooManyWrites):
        return too_early(make_response(problem(429, message=localized(error.message))), error)
    for kind, code in ((Forbidden, 403), (Invalid, 400), (Conflict, 409), (CalendarRefused, 409)):
        if isinstance(error, kind):
            return problem(code, message=localized(error.message))
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
                title=_("This form is no longer valid"),
                message=_("It was open for too long, or you signed in or out in the meantime."),
                hint=_("Go back, reload the page and send it again."),
            )
        )
    else:
        response = make_response(problem(code))
    if methods := getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(sorted(methods))
    if wait := getattr(error, "retry_after", None):
        response.headers["Retry-After"] = str(wait)
    return response
