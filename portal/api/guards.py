"""Who may ask at a route. Every resource declares its guard (a test refuses one that does not).

A guard answers the coarse question only; whether this person may see or act on this offering is asked by the query
or service that fetches it, in the same statement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import g, request

from portal.api.auth import actor_if_any, authenticate
from portal.api.errors import Refused, unauthorized
from portal.config import is_loopback
from portal.extensions import SAFE_METHODS, settings
from portal.services.limits import begin_write

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


@dataclass(frozen=True, slots=True)
class Guard:
    """A name, and what refuses whoever may not pass (by raising Refused)."""

    name: str
    check: Callable[[], None]


def _anybody() -> None:
    """No question asked."""


def _with_token() -> None:
    holder = authenticate()
    g.api_actor, g.index_position = holder.actor, holder.index_position
    if request.method not in SAFE_METHODS:
        begin_write(holder.actor)


def _operators() -> None:
    # A proxy on this machine is on loopback, too, but says for whom it asks.
    # Behind one that is set (PROXY_HOPS) nothing is taken for local: it may leave that out.
    direct = not settings().proxy_hops and not any(name in request.headers for name in FORWARDED)
    if direct and is_loopback(request.remote_addr or ""):
        return
    actor = actor_if_any()
    if not actor.signed_in:
        raise unauthorized()
    if not actor.is_staff:
        raise Refused(403, {"detail": "You do not have permission to perform this action."})


public = Guard("public", _anybody)
token = Guard("token", _with_token)
# Whoever runs the portal: from this machine, or with a token of staff.
operators = Guard("operators", _operators)
