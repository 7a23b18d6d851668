"""Accounts: people, their passwords, API tokens and roles."""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid as uuidlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.audit import SecurityEvent, account, object_ref, record
from portal.domain.addresses import account_address
from portal.domain.instants import format_instant
from portal.domain.mail import MailKind
from portal.domain.messages import Message, reason_of
from portal.domain.texts import is_storable, line_problem
from portal.errors import Forbidden, Invalid, NotFound
from portal.extensions import db, settings, transaction
from portal.models import AccountLink, ApiToken, Membership, Organization, Role, User
from portal.models.base import utcnow
from portal.policies import Actor
from portal.services import notices
from portal.services.feeds import delete_feeds_of
from portal.services.passwords import checked_hash

TOKEN_PATTERN = re.compile(r"[0-9a-f]{40}")
TOKEN_USE_RECORDED_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made: the only moment at which its key is known."""

    key: str
    uuid: uuidlib.UUID
    name: str
    expires: datetime | None


def clean_email(email: str) -> str:
    """The address in the form it is kept in. Raises Invalid if it is none, or cannot be mailed."""
    try:
        return account_address(email)
    except ValueError as error:
        raise Invalid(Message("This is not an e-mail address: %(error)s", error=reason_of(error)), "email") from error


def clean_name(name: str, field: str = "full_name") -> str:
    """A name in the form it is kept in. Raises Invalid if it is not one line."""
    name = name.strip(" ")
    if problem := line_problem(name):
        raise Invalid(Message("The name %(problem)s.", problem=problem), field)
    return " ".join(name.split())


def create_user(
    actor: Actor,
    email: str,
    *,
    full_name: str = "",
    password: str | None = None,
    is_staff: bool = False,
) -> uuidlib.UUID:
    """Create a person and answer their uuid. Staff only. Without a password they cannot sign in by one.

    Raises Forbidden; Invalid if the address is malformed or taken, or the password refused.
    """
    _need_staff(actor)
    address, name = clean_email(email), clean_name(full_name)
    hashed = None if password is None else checked_hash(password, address, name)
    with transaction() as session:
        return add_user(session, actor, address, name, hashed, is_staff=is_staff).uuid


def add_user(
    session: Session, actor: Actor, email: str, full_name: str, hashed: str | None, *, is_staff: bool = False
) -> User:
    """Add a person in the caller's transaction: a clean address, a checked_hash. Raises Invalid if it is taken."""
    user = User(
        email=email, full_name=full_name, password_hash=hashed, is_staff=is_staff, session_key=secrets.token_hex(16)
    )
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError as error:
        raise Invalid(
            Message("There is already an account with the address %(email)s.", email=email), "email"
        ) from error
    record(SecurityEvent.ACCOUNT_CREATED, actor, account(user.id), email=email, staff=is_staff)
    return user


def actor_of(user: User) -> Actor:
    """The person as who acts."""
    return Actor(user.id, user.is_staff, user.full_name or user.email)


def set_password(
    actor: Actor, user_id: int, password: str, *, end_access: bool = False, now: datetime | None = None
) -> None:
    """Give a person a new password and end all their sessions; with `end_access` their tokens and feeds, too.

    For staff and for the person.

    Raises Forbidden, NotFound, Invalid.
    """
    if not (actor.is_staff or actor.user_id == user_id):
        raise Forbidden
    with transaction() as session:
        user = session.get(User, user_id)
        if user is None:
            raise NotFound("User")
        about = user.email, user.full_name
    hashed = checked_hash(password, *about)
    with transaction() as session:
        store_password(session, actor, user, hashed, now or utcnow(), end_access=end_access)


def store_password(
    session: Session,
    actor: Actor,
    user: User,
    hashed: str,
    now: datetime,
    *,
    by: str = "password",
    end_access: bool = False,
) -> None:
    """Put a new password (a checked_hash) in the place of the old one, which ends all sessions and mailed links.

    `by` says what proved the right to: the old password, or a mailed link. `end_access` ends API tokens and calendar
    links, too. The person is told by mail, unless it is their first password.
    """
    record(SecurityEvent.PASSWORD_CHANGED, actor, account(user.id), by=by)
    if end_access:
        tokens = len(session.execute(delete(ApiToken).where(ApiToken.user_id == user.id).returning(ApiToken.id)).all())
        ended = delete_feeds_of(session, user.id)
        record(SecurityEvent.ACCESS_ENDED, actor, account(user.id), tokens=tokens, feeds=ended)
    session.execute(delete(AccountLink).where((AccountLink.email == user.email) | (AccountLink.user_id == user.id)))
    if user.password_hash is not None:
        data = {"by": by, "access_ended": end_access}
        notices.notify_account(session, actor, MailKind.PASSWORD_CHANGED, user, data, now)
    user.password_hash = hashed
    user.session_key = secrets.token_hex(16)


def token_digest(key: str) -> bytes:
    """What is kept of a token, or of a session's name. Its 160 random bits need no slow hash."""
    return hashlib.sha256(key.encode("ascii")).digest()


def create_token(
    actor: Actor,
    user_id: int,
    name: str,
    *,
    expires: datetime | None = None,
    endless: bool = False,
    notify: bool = True,
    now: datetime | None = None,
) -> NewToken:
    """Make a named API token of 40 hex digits for a person: oneself, or anybody for staff.

    It ends at `expires`, else after TOKEN_DAYS. With TOKEN_DAYS=0 it does not end unless `expires` says so; only then
    may it be `endless`. The owner is told by mail, unless `notify` is False. Raises Forbidden,
    NotFound, Invalid (no name, too long, an end that has passed or is too far).
    """
    if not (actor.is_staff or (actor.signed_in and actor.user_id == user_id)):
        raise Forbidden
    name = clean_name(name, "name")
    if not name:
        raise Invalid(Message("Give the token a name, so that you know later what uses it."), "name")
    if len(name) > 100:
        raise Invalid(Message("The name is too long (at most 100 characters)."), "name")
    now = now or utcnow()
    expires = _token_end(expires, endless, now)
    key = secrets.token_hex(20)
    with transaction() as session:
        owner = session.get(User, user_id)
        if owner is None:
            raise NotFound("User")
        token = ApiToken(user_id=user_id, name=name, digest=token_digest(key), expires=expires)
        session.add(token)
        session.flush()
        until = "never" if expires is None else format_instant(expires)
        record(
            SecurityEvent.TOKEN_CREATED, actor, object_ref("token", token.uuid), owner=account(user_id), expires=until
        )
        if notify:
            notices.notify_account(session, actor, MailKind.TOKEN_MADE, owner, {"name": name, "expires": until}, now)
        return NewToken(key, token.uuid, name, expires)


def _token_end(expires: datetime | None, endless: bool, now: datetime) -> datetime | None:
    days = settings().token_days
    if endless and days:
        raise Invalid(Message("Tokens end after at most %(days)s days here.", days=days), "expires")
    if endless or (expires is None and not days):
        return None
    if expires is None:
        return now + timedelta(days=days)
    if expires <= now:
        raise Invalid(Message("The expiry has passed already."), "expires")
    # A day more: the last day counts whole, wherever it is.
    if days and expires > now + timedelta(days=days + 1):
        raise Invalid(Message("Tokens end after at most %(days)s days here.", days=days), "expires")
    return expires


def revoke_token(actor: Actor, token_uuid: uuidlib.UUID) -> None:
    """Delete a token at once. One's own, or anybody's for staff. Raises NotFound otherwise."""
    with transaction() as session:
        clause = ApiToken.uuid == token_uuid
        if not actor.is_staff:
            clause = clause & (ApiToken.user_id == actor.user_id)
        owner = session.execute(delete(ApiToken).where(clause).returning(ApiToken.user_id)).scalar_one_or_none()
        if owner is None:
            raise NotFound("Token")
        record(SecurityEvent.TOKEN_REVOKED, actor, object_ref("token", token_uuid), owner=account(owner))


def record_token_use(token_id: int, now: datetime) -> None:
    """Note that a token was used; the caller asks only where the last note is older than an hour."""
    with transaction() as session:
        session.execute(update(ApiToken).where(ApiToken.id == token_id).values(last_used=now))


def set_role(actor: Actor, email: str, organization: str, role: str | None) -> None:
    """Make a person owner, manager or member of an organization (by name or uuid); None takes the role away.

    Staff only. Raises Forbidden, NotFound, Invalid (no such role, an ambiguous name).
    """
    _need_staff(actor)
    if role is not None and role not in tuple(Role):
        raise Invalid(Message("%(role)s is not a role: use owner, manager or member.", role=repr(role)), "role")
    with transaction() as session:
        user = session.execute(select(User).where(User.email == clean_email(email))).scalar_one_or_none()
        if user is None:
            raise NotFound("User")
        found = find_organization(organization)
        clause = (Membership.user_id == user.id) & (Membership.organization_id == found.id)
        before = session.execute(delete(Membership).where(clause).returning(Membership.role)).scalar_one_or_none()
        facts = {"organization": found.uuid, "before": before or "none", "role": role or "none"}
        record(SecurityEvent.ROLE_CHANGED, actor, account(user.id), **facts)
        if role is not None:
            session.add(Membership(user_id=user.id, organization_id=found.id, role=role))


def set_active(actor: Actor, uuid: uuidlib.UUID, active: bool) -> None:
    """Reactivate a person, or deactivate them: all their sessions end, and their tokens and feeds no longer work.

    Staff only, and not oneself. Raises Forbidden, NotFound, Invalid.
    """
    _need_staff(actor)
    with transaction() as session:
        user = session.execute(select(User).where(User.uuid == uuid).with_for_update()).scalar_one_or_none()
        if user is None:
            raise NotFound("User")
        if user.id == actor.user_id:
            raise Invalid(Message("You can't deactivate your own account."))
        record(
            SecurityEvent.ACCOUNT_REACTIVATED if active else SecurityEvent.ACCOUNT_DEACTIVATED, actor, account(user.id)
        )
        user.is_active = active
        user.session_key = secrets.token_hex(16)


def set_language(actor: Actor, code: str) -> None:
    """Store the language of the actor's pages and mail. The caller checks that it is offered."""
    with transaction() as session:
        session.execute(update(User).where(User.id == actor.user_id).values(language=code))


def find_organization(name_or_uuid: str) -> Organization:
    """The organization with this name or uuid. Raises NotFound, or Invalid where several have the name."""
    session = db.session()
    text = name_or_uuid.strip()
    if not is_storable(text):
        raise NotFound("Organization")
    try:
        clause = Organization.uuid == uuidlib.UUID(text)
    except ValueError:
        clause = Organization.name == text
    found = session.execute(select(Organization).where(clause).limit(2)).scalars().all()
    if not found:
        raise NotFound("Organization")
    if len(found) > 1:
        raise Invalid(
            Message("Several organizations are called %(text)s: give the uuid.", text=repr(text)), "organization"
        )
    return found[0]


def _need_staff(actor: Actor) -> None:
    if not actor.is_staff:
        raise Forbidden
