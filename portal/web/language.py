"""The menu of languages."""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from portal.errors import NotFound
from portal.extensions import settings
from portal.localization import LANGUAGE_COOKIE, offered_languages
from portal.services.accounts import set_language
from portal.web.guards import public, signed_in
from portal.web.links import local_path
from portal.web.people import current_actor

blueprint = Blueprint("language", __name__)

_LASTS = 365 * 24 * 60 * 60


@blueprint.get("/language/<code>/")
@public
def choose(code: str) -> ResponseReturnValue:
    """Remember a language in a cookie of this browser, and go back to the page in `next`.

    A link, not a form: a form would need a session, and so a cookie, on every page of every visitor.
    """
    return _back(code)


@blueprint.post("/language/<code>/")
@signed_in
def choose_for_account(code: str) -> ResponseReturnValue:
    """Remember a language for the account, for its pages and mail, and go back to the page in `next`."""
    response = _back(code)
    set_language(current_actor(), code)
    return response


def _back(code: str) -> Response:
    if code not in offered_languages():
        raise NotFound("Language")
    response = redirect(local_path(request.values.get("next")) or url_for("catalogue.index"), 303)
    response.set_cookie(
        settings().cookie_name(LANGUAGE_COOKIE),
        code,
        max_age=_LASTS,
        httponly=True,
        samesite="Lax",
        secure=settings().secure_cookies,
    )
    return response
