"""Queries about users: sessions, tokens and roles."""

from __future__ import annotations

import uuid as uuidlib
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from portal.domain.addresses import sought_address
from portal.extensions import db
from portal.models import ApiToken, BrowserSession, Membership, Organization, User
from portal.policies import Actor, managing_people


@dataclass(frozen=True, slots=True)
class TokenRow:
    """An API token as its owner sees it, without the key, which is not stored."""

    uuid: uuidlib.UUID
    name: str
    created: datetime
    expires: datetime | None
    last_used: datetime | None

    def expired(self, now: datetime) -> bool:
        return self.expires is not None and self.expires <= now


@dataclass(frozen=True, slots=True)
class RoleRow:
    """A role of a user in an organization."""

    organization_uuid: uuidlib.UUID
    organization_name: str
    role: str


class SignedIn(NamedTuple):
    """The user of a session, whether they manage the offerings of any organization, and the session's times."""

    user: User
    manages: bool
    confirmed: datetime | None
    last_seen: datetime | None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A browser in which a user is signed in, as they see it."""

    digest: bytes
    created: datetime
    last_seen: datetime | None
    browser: str
    network: str


def user_of_session(digest: bytes, since: datetime) -> SignedIn | None:
    """The active user of a session.

    None if they signed out, changed the password or were deactivated, or if the session began before `since`.
    """
    row = db.session.execute(
        select(User, managing_people(), BrowserSession.confirmed, BrowserSession.last_seen)
        .join(BrowserSession, BrowserSession.session_key == User.session_key)
        .where(BrowserSession.digest == digest, BrowserSession.created > since, User.is_active.is_(True))
    ).one_or_none()
    return None if row is None else SignedIn(row[0], bool(row[1]), row[2], row[3])


def sessions_of(actor: Actor, since: datetime) -> list[SessionRow]:
    """The actor's sessions that began after `since`, the one used last first."""
    table = BrowserSession
    rows = db.session.execute(
        select(table.digest, table.created, table.last_seen, table.browser, table.network)
        .join(User, User.session_key == table.session_key)
        .where(User.id == actor.user_id, table.created > since)
        .order_by(func.coalesce(table.last_seen, table.created).desc(), table.digest)
    )
    return [SessionRow(*row) for row in rows]


def find_user(email: str) -> User | None:
    """The user with this address, with their roles loaded."""
    return db.session.execute(
        select(User)
        .where(User.email == sought_address(email))
        .options(selectinload(User.memberships).joinedload(Membership.organization))
    ).scalar_one_or_none()


def tokens_of(actor: Actor) -> list[TokenRow]:
    """The actor's own API tokens, newest first."""
    rows = db.session.execute(
        select(ApiToken.uuid, ApiToken.name, ApiToken.created, ApiToken.expires, ApiToken.last_used)
        .where(ApiToken.user_id == actor.user_id)
        .order_by(ApiToken.created.desc(), ApiToken.id.desc())
    )
    return [TokenRow(*row) for row in rows]


def roles_of(actor: Actor) -> list[RoleRow]:
    """The actor's roles, by organization name."""
    rows = db.session.execute(
        select(Organization.uuid, Organization.name, Membership.role)
        .join(Membership, Membership.organization_id == Organization.id)
        .where(Membership.user_id == actor.user_id)
        .order_by(Organization.name)
    )
    return [RoleRow(*row) for row in rows]


def mail_off(actor: Actor) -> list[str]:
    """The groups of mail that the user has switched off."""
    return list(db.session.execute(select(User.mail_off).where(User.id == actor.user_id)).scalar_one())
