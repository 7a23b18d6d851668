"""Who may ask at a route. Every resource declares its guard (a test refuses one that does not).

A guard answers the coarse question only; whether this person may see or act on this offering is asked by the query
or service that fetches it, in the same statement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import g, request

from portal.api.auth import actor_if_any, authenticate
from portal.api.errors import Refused, unauthorized
from portal.config import is_loopback
from portal.extensions import SAFE_METHODS, settings
from portal.services.limits import begin_write

FORWARDED = (
    *("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Server"),
    *("X-Real-IP", "X-Client-IP", "Via"),
)


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


def _is_local() -> bool:
    """Whether a program on this machine asks, for itself.

    A proxy on this machine is on loopback, too. One that does not say for whom it asks is known by the portal's
    address: where people reach it at another host, nothing is taken for local. And the request has to name a loopback
    host: a page in a browser on this machine may have let its own name lead here (DNS rebinding).
    """
    if settings().proxy_hops or not is_loopback(urlsplit(settings().public_url).hostname or ""):
        return False
    if any(name in request.headers for name in FORWARDED):
        return False
    return is_loopback(request.remote_addr or "") and is_loopback(_host_name())


def _host_name() -> str:
    try:
        return urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return ""


def _operators() -> None:
    if _is_local():
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
