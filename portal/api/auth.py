"""Authentication: API tokens in the Authorization header, and nothing else (no cookie, no query parameter).

`Token X` is the documented form. Waldur's JavaScript client sends `Bearer Token X` or `Bearer X`.
"""

from __future__ import annotations

from functools import partial

from flask import g, request

from portal.after_response import after_response
from portal.api.errors import Refused, unauthorized
from portal.models.base import utcnow
from portal.policies import ANONYMOUS, Actor
from portal.queries.catalogue_index import Position
from portal.queries.tokens import TokenHolder, token_holder
from portal.services.accounts import TOKEN_PATTERN, TOKEN_USE_RECORDED_EVERY, record_token_use, token_digest

UNKNOWN = "Invalid token."
NO_KEY = "Invalid token. No credentials provided."
SPACES = "Invalid token. Token string should not contain spaces."
CHARACTERS = "Invalid token header. Token string should not contain invalid characters."
INACTIVE = "User inactive or deleted."
EXPIRED = "Token has expired."


def token_key(header: str) -> str:
    """The key in an Authorization header (in latin-1, as in WSGI). Raises Refused (401) if there is none."""
    words = header.encode("latin-1", "replace").split()
    schemes = [word.lower() for word in words[:2]]
    if not words or schemes[0] not in (b"token", b"bearer"):
        raise unauthorized()
    rest = words[2:] if schemes == [b"bearer", b"token"] else words[1:]
    if not rest:
        raise unauthorized(NO_KEY)
    if len(rest) > 1:
        raise unauthorized(SPACES)
    try:
        return rest[0].decode("utf-8")
    except UnicodeDecodeError:
        raise unauthorized(CHARACTERS) from None


def authenticate() -> TokenHolder:
    """The holder of the token in the request. Raises Refused (401) with the messages of Waldur's API."""
    key = token_key(request.environ.get("HTTP_AUTHORIZATION", ""))
    holder = token_holder(token_digest(key)) if TOKEN_PATTERN.fullmatch(key) else None
    if holder is None:
        raise unauthorized(UNKNOWN)
    if not holder.is_active:
        raise unauthorized(INACTIVE)
    now = utcnow()
    if holder.expires is not None and holder.expires <= now:
        raise unauthorized(EXPIRED)
    if holder.last_used is None or now - holder.last_used > TOKEN_USE_RECORDED_EVERY:
        after_response(partial(record_token_use, holder.token_id, now), "The use of a token")
    return holder


def current_actor() -> Actor:
    """The actor that the guard of the route has authenticated."""
    actor: Actor = g.get("api_actor", ANONYMOUS)
    return actor


def known_position() -> Position | None:
    """The position of the catalogue index that was read together with the token."""
    found: Position | None = g.get("index_position")
    return found


def actor_if_any() -> Actor:
    """The actor of a route that needs no token: anonymous without a valid one."""
    try:
        return authenticate().actor
    except Refused:
        return ANONYMOUS
