"""Asking for the password again before what gives lasting access: `@confirmed` on a view, and the page `/confirm/`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from portal.domain.http_headers import NO_STORE_NO_TRANSFORM
from portal.domain.messages import Plural
from portal.errors import Invalid
from portal.models.base import utcnow
from portal.services import sessions
from portal.web.errors import too_early
from portal.web.forms import Problem
from portal.web.guards import signed_in
from portal.web.links import local_path
from portal.web.people import current_actor, known_browser

blueprint = Blueprint("confirm", __name__)

View = TypeVar("View", bound=Callable[..., Any])
# The field of a form that is sent again with the password.
PASSWORD = "confirm_password"  # noqa: S105 - the name of a field


def confirmed(view: View) -> View:
    """The view of somebody who has entered their password in this session a few minutes ago at most.

    Others are asked for it. What they sent is sent again with it, so that nothing that they typed is lost; who only
    opens a page comes back to it. Stands below a guard.
    """

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if _is_recent():
            return view(*args, **kwargs)
        if request.method in ("GET", "HEAD"):
            return redirect(url_for("confirm.confirm", next=request.full_path.rstrip("?")), code=303)
        if PASSWORD not in request.form:
            return _page(request.full_path.rstrip("?"), 403)
        refused = _confirm()
        return view(*args, **kwargs) if refused is None else _refused(request.full_path.rstrip("?"), refused)

    return cast(View, guarded)


def confirmed_to_send(*, unless: str) -> Callable[[View], View]:
    """The same for what a form sends, unless it was sent with the button `unless`, which takes access away."""

    def decorate(view: View) -> View:
        asking = confirmed(view)

        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            return (asking if request.method == "POST" and unless not in request.form else view)(*args, **kwargs)

        return cast(View, guarded)

    return decorate


@blueprint.route("/confirm/", methods=["GET", "POST"])
@signed_in
def confirm() -> ResponseReturnValue:
    """Enter the password again, and go on to where it was asked for."""
    onward = local_path(request.args.get("next")) or url_for("accounts.account")
    here = url_for("confirm.confirm", next=onward)
    if request.method != "POST":
        return redirect(onward, code=303) if _is_recent() else _page(here, 200)
    refused = _confirm()
    return redirect(onward, code=303) if refused is None else _refused(here, refused)


def _is_recent() -> bool:
    return current_user.confirmed is not None and utcnow() - current_user.confirmed < sessions.CONFIRMED_LASTS


def _confirm() -> Invalid | None:
    """Compare the password that was sent; what was wrong with it, or None where nothing was."""
    try:
        sessions.confirm_session(
            current_actor(),
            current_user.get_id(),
            request.form.get(PASSWORD, ""),
            request.remote_addr or "",
            browser=known_browser(),
        )
    except Invalid as error:
        return error
    return None


def _refused(action: str, error: Invalid) -> Response:
    return too_early(_page(action, 400, error.message), error)


def _page(action: str, code: int, refusal: str = "") -> Response:
    again = [(name, value) for name, value in request.form.items(multi=True) if name not in ("csrf_token", PASSWORD)]
    page = render_template(
        "accounts/confirm.html",
        action=action,
        again=again,
        problems=[Problem(PASSWORD, refusal)] if refusal else [],
        problems_intro=_("Nothing was done. Check:"),
        field=PASSWORD,
        email=current_user.email,
        minutes=Plural(
            "You are asked again %(number)s minute after you last entered it.",
            "You are asked again %(number)s minutes after you last entered it.",
            int(sessions.CONFIRMED_LASTS.total_seconds() // 60),
        ),
    )
    response = make_response(page, code)
    response.headers["Cache-Control"] = NO_STORE_NO_TRANSFORM
    return response
