"""Who may use a route. Every resource declares its guard, which a test enforces.

A guard only checks who the caller is. Whether they may see or change an offering is decided by the
query or service that reads it, in the same statement.
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
    """A name, and a check that raises Refused for callers who may not use the route."""

    name: str
    check: Callable[[], None]


def _anybody() -> None:
    """No check."""


def _with_token() -> None:
    holder = authenticate()
    g.api_actor, g.index_position = holder.actor, holder.index_position
    if request.method not in SAFE_METHODS:
        begin_write(holder.actor)


def _is_local() -> bool:
    """Whether the request comes from a program on this machine, and not through a proxy.

    A proxy on this machine uses loopback as well, and may send no header of its own. So nothing is local unless
    PUBLIC_URL is a loopback address. The Host header has to be a loopback host, against DNS rebinding.
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
# Operators of the portal: from this machine, or with a token of staff.
operators = Guard("operators", _operators)
