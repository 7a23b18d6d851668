"""The secret addresses of calendar feeds: creating, replacing and revoking them."""

from __future__ import annotations

import hashlib
import secrets
import uuid as uuidlib
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal.audit import SecurityEvent, account, object_ref, record
from portal.errors import NotFound, SignInRequired
from portal.extensions import transaction
from portal.models import CalendarFeed, Organization
from portal.models.base import utcnow
from portal.policies import Actor, managed_organizations
from portal.services import notices


def feed_digest(secret: str) -> bytes:
    """The stored digest of a feed's secret. The secret has 192 random bits, so it needs no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def create_user_feed(actor: Actor, *, now: datetime | None = None) -> str:
    """Create the actor's feed, or replace it; returns its secret, which is not stored. The actor is notified by mail.

    Raises SignInRequired.
    """
    if not actor.signed_in:
        raise SignInRequired
    with transaction() as session:
        session.execute(delete(CalendarFeed).where(CalendarFeed.user_id == actor.user_id))
        record(SecurityEvent.FEED_CREATED, actor, account(actor.user_id))
        notices.notify_feed_created(session, actor, None, now or utcnow())
        return _make(session, user_id=actor.user_id)


def revoke_user_feed(actor: Actor) -> None:
    """Delete the actor's feed."""
    with transaction() as session:
        record(SecurityEvent.FEED_REVOKED, actor, account(actor.user_id))
        session.execute(delete(CalendarFeed).where(CalendarFeed.user_id == actor.user_id))


def create_organization_feed(actor: Actor, uuid: uuidlib.UUID, *, now: datetime | None = None) -> str:
    """The same for an organization that the actor manages. The feed ends when the actor no longer manages it.

    Its owners are notified by mail, too. Raises SignInRequired, NotFound.
    """
    if not actor.signed_in:
        raise SignInRequired
    with transaction() as session:
        organization_id = _managed(session, actor, uuid)
        session.execute(delete(CalendarFeed).where(CalendarFeed.organization_id == organization_id))
        record(SecurityEvent.FEED_CREATED, actor, object_ref("organization", uuid))
        notices.notify_feed_created(session, actor, organization_id, now or utcnow())
        return _make(session, organization_id=organization_id, maker_id=actor.user_id)


def revoke_organization_feed(actor: Actor, uuid: uuidlib.UUID) -> None:
    """Delete the organization's feed. Raises NotFound."""
    with transaction() as session:
        organization_id = _managed(session, actor, uuid)
        record(SecurityEvent.FEED_REVOKED, actor, object_ref("organization", uuid))
        session.execute(delete(CalendarFeed).where(CalendarFeed.organization_id == organization_id))


def delete_feeds_of(session: Session, user_id: int) -> int:
    """Delete the feeds that a user created, for themselves and for organizations; returns how many.

    In the caller's transaction.
    """
    own = (CalendarFeed.user_id == user_id) | (CalendarFeed.maker_id == user_id)
    return len(session.execute(delete(CalendarFeed).where(own).returning(CalendarFeed.id)).all())


def _make(session: Session, **whose: int | None) -> str:
    secret = secrets.token_urlsafe(24)
    session.add(CalendarFeed(digest=feed_digest(secret), **whose))
    session.flush()
    return secret


def _managed(session: Session, actor: Actor, uuid: uuidlib.UUID) -> int:
    found = session.execute(
        select(Organization.id).where(Organization.uuid == uuid, managed_organizations(actor)).with_for_update()
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("Organization")
    return int(found)
