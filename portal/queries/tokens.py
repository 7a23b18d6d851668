"""The user of an API token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import bindparam, select

from portal.extensions import catalogue_index, db
from portal.models import ApiToken, User
from portal.policies import Actor
from portal.queries.catalogue_index import Position, number_of_changes
from portal.queries.raw_select import RawSelect

_TOKEN = ApiToken.__table__.c
_USER = User.__table__.c


@cache
def _holder(dialect: str) -> RawSelect:
    return RawSelect(
        select(
            _TOKEN.id,
            _TOKEN.expires,
            _TOKEN.last_used,
            _USER.id.label("user_id"),
            _USER.is_staff,
            _USER.is_active,
            _USER.full_name,
            _USER.email,
            number_of_changes(dialect).label("changes"),
        )
        .join_from(ApiToken.__table__, User.__table__, _USER.id == _TOKEN.user_id)
        .where(_TOKEN.digest == bindparam("digest"))
    )


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """An existing token and its user. The caller decides whether it may be used.

    `index_position`: where the catalogue index of this process is up to date, or None if it has to be updated.
    """

    token_id: int
    expires: datetime | None
    last_used: datetime | None
    is_active: bool
    actor: Actor
    index_position: Position | None


def token_holder(digest: bytes) -> TokenHolder | None:
    """The user of the token with this digest, or None. One statement; not cached, so a revoked token stops at once."""
    position: Position | None = catalogue_index().position
    cursor = position.cursor if position else 0
    row = _holder(db.engine.dialect.name).first(digest=digest, cursor=cursor)
    if row is None:
        return None
    actor = Actor(row.user_id, row.is_staff, row.full_name or row.email)
    current = position is not None and row.changes == len(position.applied)
    return TokenHolder(row.id, row.expires, row.last_used, row.is_active, actor, position if current else None)
