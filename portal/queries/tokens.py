"""The one read of the API's sign-in: who holds a token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from portal.domain.memory import Stamp
from portal.models import ApiToken, User
from portal.policies import Actor
from portal.queries.look import Look
from portal.queries.stamp import STAMP

_TOKEN = ApiToken.__table__.c
_USER = User.__table__.c
_HOLDER = Look(
    select(
        _TOKEN.id,
        _TOKEN.expires,
        _TOKEN.last_used,
        _USER.id.label("user_id"),
        _USER.is_staff,
        _USER.is_active,
        _USER.full_name,
        _USER.email,
        *STAMP,
    )
    .join_from(ApiToken.__table__, User.__table__, _USER.id == _TOKEN.user_id)
    .where(_TOKEN.digest == bindparam("digest"))
)


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """A token that exists, and the person it belongs to. Whether it may be used is the asker's question.

    `stamp` is the catalogue's at this moment (portal.domain.memory).
    """

    token_id: int
    expires: datetime | None
    last_used: datetime | None
    is_active: bool
    actor: Actor
    stamp: Stamp


def token_holder(digest: bytes, engine: Any = None) -> TokenHolder | None:
    """Who holds the token with this digest; None where nobody does. One Core SELECT, asked anew each time.

    `engine` is given where there is no application context. Nothing of it is remembered between requests, so that a
    revoked token is refused at once.
    """
    row = _HOLDER.first(engine, digest=digest)
    if row is None:
        return None
    actor = Actor(row.user_id, row.is_staff, row.full_name or row.email)
    return TokenHolder(row.id, row.expires, row.last_used, row.is_active, actor, (row.changes, row.last_change))
