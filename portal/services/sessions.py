"""Browser sessions: opened with a password or a mailed link, listed and ended by their user."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from portal.audit import SecurityEvent, account, record
from portal.errors import Forbidden, NotFound
from portal.extensions import transaction
from portal.models import BrowserSession, User
from portal.models.base import utcnow
from portal.policies import Actor
from portal.services.accounts import token_digest
from portal.services.sign_in import confirm_password
from portal.services.throttle import network_of

SESSION_LASTS = timedelta(days=31)
# How long an entered password is valid for actions that need a recent one.
CONFIRMED_LASTS = timedelta(minutes=10)
SEEN_RECORDED_EVERY = timedelta(hours=1)


def open_session(user: User, *, browser: str = "", address: str = "", now: datetime | None = None) -> str:
    """Store a session for a user who has just proved their identity; returns the session name for the cookie.

    `browser` is the browser's description, `address` its IP address.
    """
    now = now or utcnow()
    name = secrets.token_hex(20)
    with transaction() as session:
        session.execute(delete(BrowserSession).where(BrowserSession.created <= now - SESSION_LASTS))
        session.add(
            BrowserSession(
                digest=token_digest(name),
                # The key at the time of the proof: if the password was changed meanwhile, this session is invalid, too.
                session_key=user.session_key,
                created=now,
                confirmed=now,
                last_seen=now,
                browser=browser,
                network=network_of(address)[:64],
            )
        )
    return name


def confirm_session(
    actor: Actor, name: str, password: str, address: str, *, browser: str = "", now: datetime | None = None
) -> None:
    """Record that the user has entered their password again in this session. Raises what confirm_password raises."""
    now = now or utcnow()
    confirm_password(actor, password, address, browser=browser, now=now)
    with transaction() as session:
        session.execute(update(BrowserSession).where(BrowserSession.digest == token_digest(name)).values(confirmed=now))


def record_seen(name: str, now: datetime) -> None:
    """Record that a session is in use. Called at most once per SEEN_RECORDED_EVERY."""
    with transaction() as session:
        session.execute(update(BrowserSession).where(BrowserSession.digest == token_digest(name)).values(last_seen=now))


def close_session(actor: Actor, name: str) -> None:
    """Sign out. Copies of the cookie become invalid, too."""
    with transaction() as session:
        record(SecurityEvent.SIGNED_OUT, actor, account(actor.user_id))
        session.execute(delete(BrowserSession).where(BrowserSession.digest == token_digest(name)))


def end_session(actor: Actor, digest: bytes) -> None:
    """Sign out one of the actor's own browsers. Raises NotFound."""
    with transaction() as session:
        user = _user(session, actor)
        own = (BrowserSession.digest == digest) & (BrowserSession.session_key == user.session_key)
        if session.execute(delete(BrowserSession).where(own).returning(BrowserSession.digest)).first() is None:
            raise NotFound("Session")
        record(SecurityEvent.SESSION_ENDED, actor, account(actor.user_id))


def end_other_sessions(actor: Actor, name: str) -> User:
    """Sign the actor out everywhere except in this session, and make all other browsers unknown. Returns the user."""
    with transaction() as session:
        user = _user(session, actor)
        user.session_key = secrets.token_hex(16)
        session.execute(
            update(BrowserSession)
            .where(BrowserSession.digest == token_digest(name))
            .values(session_key=user.session_key)
        )
        record(SecurityEvent.SESSIONS_ENDED, actor, account(actor.user_id))
        return user


def _user(session: Session, actor: Actor) -> User:
    query = select(User).where(User.id == actor.user_id).with_for_update()
    user = session.execute(query.execution_options(populate_existing=True)).scalar_one_or_none()
    if user is None:
        raise Forbidden
    return user
