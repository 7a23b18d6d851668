"""Who may ask for a page. Every view declares it (a test refuses one that does not).

A guard answers the coarse question only (anybody, signed in); whether this person may see or manage this
offering or organization is asked by the query or service that fetches it, in the same statement.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import request

from portal.errors import Forbidden
from portal.extensions import SAFE_METHODS
from portal.services.limits import begin_write
from portal.web.people import current_actor, to_sign_in

View = TypeVar("View", bound=Callable[..., Any])


def _named(view: View, guard: str) -> View:
    view.guard = guard  # type: ignore[attr-defined]
    return view


def public(view: View) -> View:
    """Anybody, signed in or not."""
    return _named(view, "public")


def signed_in(view: View) -> View:
    """Anybody signed in; others are sent to sign in and come back."""
    return _named(_asking(view), "signed_in")


def manages_offering(view: View) -> View:
    """Signed in, and the service called asks whether they may act on this offering."""
    return _named(_asking(view), "manages_offering")


def owns_organization(view: View) -> View:
    """Signed in, and the query or service called asks whether they own this organization (or are staff)."""
    return _named(_asking(view), "owns_organization")


def manages_organization(view: View) -> View:
    """Signed in, and the query or service called asks whether they manage this organization."""
    return _named(_asking(view), "manages_organization")


def staff_only(view: View) -> View:
    """Staff; who is signed in and is not gets a 403."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if not current_actor().signed_in:
            return to_sign_in()
        if not current_actor().is_staff:
            raise Forbidden
        return view(*args, **kwargs)

    return _named(guarded, "staff_only")  # type: ignore[return-value]


def _asking(view: View) -> View:
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if not current_actor().signed_in:
            return to_sign_in()
        return view(*args, **kwargs)

    return guarded  # type: ignore[return-value]


def limit_writes() -> None:
    """Before each request: refuse one that writes where the person has sent too many within an hour.

    Signing out is always possible.
    """
    if request.method in SAFE_METHODS or request.blueprint == "api" or request.endpoint == "accounts.sign_out":
        return
    begin_write(current_actor())
