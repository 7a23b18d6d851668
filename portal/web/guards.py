"""Guards of pages. Every view has one (a test refuses a view without).

A guard with an object in its name loads that object as the person may use it, and hands it to the view in place of the
address's `uuid`; it raises NotFound or Forbidden otherwise. So a view cannot forget to check.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast
from uuid import UUID

from flask import request

from portal.errors import Forbidden
from portal.extensions import SAFE_METHODS
from portal.policies import Actor
from portal.queries.bookings import get_managed_booking
from portal.queries.offerings import get_managed_offering, get_owned_offering
from portal.queries.organizations import get_managed_organization, get_owned_organization
from portal.services.limits import begin_write
from portal.web.people import current_actor, to_sign_in

View = TypeVar("View", bound=Callable[..., Any])


def _named(view: View, guard: str) -> View:
    view.guard = guard  # type: ignore[attr-defined]  # functions have no declared attributes
    return view


def public(view: View) -> View:
    """Anybody, signed in or not."""
    return _named(view, "public")


def signed_in(view: View) -> View:
    """Anybody signed in; others are sent to sign in and come back."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs) if current_actor().signed_in else to_sign_in()

    return _named(cast(View, guarded), "signed_in")


def _loading(guard: str, load: Callable[[Actor, UUID], Any]) -> Callable[[View], View]:
    """A guard for people signed in that loads what the address's `uuid` names."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(uuid: UUID, **kwargs: Any) -> Any:
            actor = current_actor()
            return view(load(actor, uuid), **kwargs) if actor.signed_in else to_sign_in()

        return _named(cast(View, guarded), guard)

    return decorate


# The view gets the OfferingView.
manages_offering = _loading("manages_offering", get_managed_offering)
owns_offering = _loading("owns_offering", get_owned_offering)
# The view gets the BookingView.
manages_booking = _loading("manages_booking", get_managed_booking)
# The view gets the Organization.
manages_organization = _loading("manages_organization", get_managed_organization)
owns_organization = _loading("owns_organization", get_owned_organization)


def staff_only(view: View) -> View:
    """Staff; others who are signed in get a 403."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if not current_actor().signed_in:
            return to_sign_in()
        if not current_actor().is_staff:
            raise Forbidden
        return view(*args, **kwargs)

    return _named(cast(View, guarded), "staff_only")


def limit_writes() -> None:
    """Before each request: refuse one that writes where the person has sent too many within an hour.

    Signing out is always possible.
    """
    if request.method in SAFE_METHODS or request.blueprint == "api" or request.endpoint == "accounts.sign_out":
        return
    begin_write(current_actor())
