"""Accounts by mailed links: registration, a forgotten password, an invitation. Answers never say who has an account."""

from __future__ import annotations

import hashlib
import secrets
import uuid as uuidlib
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from portal.audit import SecurityEvent, account, record
from portal.domain.instants import format_instant
from portal.domain.mail import MailKind
from portal.domain.messages import Message
from portal.errors import Forbidden, Invalid, NotFound
from portal.extensions import settings, transaction
from portal.models import AccountLink, User
from portal.models.base import utcnow
from portal.policies import ANONYMOUS, Actor
from portal.services import accounts, mail
from portal.services.passwords import checked_hash
from portal.services.throttle import Bucket, Limit, consume, network_of, too_many

LASTS = {
    "register": timedelta(days=1),
    "password": timedelta(hours=2),
    "invite": timedelta(days=7),
    "email": timedelta(hours=2),
}
# Links that are mailed to one address, and registrations that one network may ask for.
LINKS_FOR_ADDRESS = Limit(3, timedelta(minutes=20))
REGISTRATIONS_FOR_NETWORK = Limit(20, timedelta(minutes=3))
PASSWORD_LINKS = ("password", "invite")
GONE = Message("It has been used or is too old. Ask for a new one.")


def ask_to_register(email: str, network: str, *, now: datetime | None = None) -> None:
    """Mail a link with which the owner of an address makes an account; who has one is told so, by mail too.

    The same is written for every address; which of the two is mailed is decided when it is sent (`recipients`). An
    address that has got its links lately gets no more, and that is not told: they still work. Only where SIGN_UP is
    open (else Forbidden). Raises Invalid for what is no address, TooManyAttempts where the network asks for too many.
    """
    if settings().sign_up != "open":
        raise Forbidden(Message("Staff create accounts."))
    now = now or utcnow()
    address = accounts.clean_email(email)
    with transaction() as session:
        wait = consume(session, Bucket.of("registrations", REGISTRATIONS_FOR_NETWORK, network_of(network)), now)
        if wait:
            raise too_many(Message("Too many accounts were requested from your network."), wait)
        if not may_mail(session, address, now):
            return
        record(SecurityEvent.REGISTRATION_REQUESTED, ANONYMOUS, account(_account_id(session, address)))
        link = make_link(session, "register", address, network, now)
        mail.queue_link(session, MailKind.REGISTER, address, link, link_facts("register", now), now)


def finish_registration(secret: str, full_name: str, password: str, *, now: datetime | None = None) -> User:
    """Make the account that a link is for, and answer it. Raises NotFound (the link has ended), Invalid."""
    now = now or utcnow()
    name = _checked_name(full_name)
    if settings().sign_up != "open":
        raise Forbidden(Message("Staff create accounts."))
    hashed = checked_hash(password, link_email(secret, ("register",), now=now), name)
    with transaction() as session:
        email = _use(session, secret, ("register",), now)
        if _find(session, email) is not None:
            raise NotFound("Link")
        return accounts.add_user(session, ANONYMOUS, email, name, hashed)


def ask_for_password(email: str, network: str, *, now: datetime | None = None) -> None:
    """Mail a link with which the owner of an address chooses a new password. Nothing is said about who has an account.

    The same is written for every address, and dropped instead of sent where there is no account (`recipients`). It is
    the way in where strangers' guesses slow sign-in down, so nobody can use it up: who has got their links lately gets
    no more, and those work. Raises Invalid for what is no address.
    """
    now = now or utcnow()
    address = accounts.clean_email(email)
    with transaction() as session:
        mailed = may_mail(session, address, now)
        record(SecurityEvent.PASSWORD_LINK_REQUESTED, ANONYMOUS, account(_account_id(session, address)), mailed=mailed)
        if mailed:
            link = make_link(session, "password", address, network, now)
            mail.queue_link(session, MailKind.PASSWORD, address, link, link_facts("password", now), now)


def invite(actor: Actor, email: str, full_name: str = "", *, now: datetime | None = None) -> uuidlib.UUID:
    """Make a person, and mail them a link with which they choose a password. Staff only. Raises Forbidden, Invalid."""
    now = now or utcnow()
    with transaction() as session:
        uuid = accounts.create_user(actor, email, full_name=_checked_name(full_name, required=False))
        _mail_invitation(session, actor, accounts.clean_email(email), now)
        return uuid


def invite_again(actor: Actor, uuid: uuidlib.UUID, *, now: datetime | None = None) -> None:
    """Mail a person a new link. Staff only. Raises Forbidden, NotFound."""
    if not actor.is_staff:
        raise Forbidden
    with transaction() as session:
        user = session.execute(select(User).where(User.uuid == uuid)).scalar_one_or_none()
        if user is None or not user.is_active:
            raise NotFound("User")
        _mail_invitation(session, actor, user.email, now or utcnow())


def set_password_by_link(secret: str, password: str, *, now: datetime | None = None) -> User:
    """Choose a new password with a mailed link. All sessions, API tokens and calendar links of the person end.

    Whoever had the old password, or the account, may have made them. Raises NotFound, Invalid.
    """
    now = now or utcnow()
    with transaction() as session:
        user = _owner(session, link_row(session, secret, PASSWORD_LINKS, now).email)
    hashed = checked_hash(password, user.email, user.full_name)
    with transaction() as session:
        user = _owner(session, _use(session, secret, PASSWORD_LINKS, now))
        accounts.store_password(session, ANONYMOUS, user, hashed, now, by="link", end_access=True)
        return user


def link_email(secret: str, purposes: tuple[str, ...], *, now: datetime | None = None) -> str:
    """The address that a link is for. Raises NotFound where it has ended. Changes nothing."""
    with transaction() as session:
        return link_row(session, secret, purposes, now or utcnow()).email


def is_open(secret: str, now: datetime) -> bool:
    """Whether a link can still be used."""
    with transaction() as session:
        query = select(AccountLink.id).where(AccountLink.digest == _digest(secret), AccountLink.expires > now)
        return session.execute(query).first() is not None


def _mail_invitation(session: Session, actor: Actor, email: str, now: datetime) -> None:
    link = make_link(session, "invite", email, "", now)
    user = _find(session, email)
    record(SecurityEvent.INVITED, actor, account(user.id if user else None))
    mail.queue_link(
        session, MailKind.INVITATION, email, link, link_facts("invite", now), now, user.id if user else None
    )


def _owner(session: Session, email: str) -> User:
    """The person who may choose a password with a link to this address. Raises NotFound where nobody may."""
    user = _find(session, email)
    if user is None or not user.is_active:
        raise NotFound("Link")
    return user


def _account_id(session: Session, email: str) -> int | None:
    """Whose address it is, for the security log. An aggregate: one row is read in either case."""
    return session.execute(select(func.max(User.id)).where(User.email == email)).scalar_one()


def _find(session: Session, email: str) -> User | None:
    return session.execute(select(User).where(User.email == email)).scalar_one_or_none()


def make_link(
    session: Session, purpose: str, email: str, network: str, now: datetime, *, user_id: int | None = None
) -> str:
    """A new link for an address; `user_id` is whose it is where the address is not theirs yet. Answers its secret."""
    secret = secrets.token_urlsafe(24)
    session.execute(delete(AccountLink).where(AccountLink.expires < now))
    session.add(
        AccountLink(
            digest=_digest(secret),
            purpose=purpose,
            email=email,
            network=network_of(network),
            user_id=user_id,
            expires=now + LASTS[purpose],
            created=now,
        )
    )
    session.flush()
    return secret


def link_facts(purpose: str, now: datetime) -> dict[str, str]:
    """What the message with a link says of it: the instant at which it ends. The message may be sent late."""
    return {"until": format_instant(now + LASTS[purpose]), "zone": settings().timezone}


def may_mail(session: Session, email: str, now: datetime) -> bool:
    """Whether another link is mailed to this address; counted for every address, whoever has it."""
    return not consume(session, Bucket.of("links", LINKS_FOR_ADDRESS, email), now)


def link_row(session: Session, secret: str, purposes: tuple[str, ...], now: datetime) -> AccountLink:
    """The row of a link, locked. Raises NotFound where it has ended."""
    found = session.execute(
        select(AccountLink)
        .where(AccountLink.digest == _digest(secret), AccountLink.purpose.in_(purposes), AccountLink.expires > now)
        .with_for_update()
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("Link")
    return found


def _use(session: Session, secret: str, purposes: tuple[str, ...], now: datetime) -> str:
    """Take a link: it and all others of its address end. Answers the address."""
    email = link_row(session, secret, purposes, now).email
    session.execute(delete(AccountLink).where(AccountLink.email == email))
    return email


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def _checked_name(name: str, *, required: bool = True) -> str:
    name = accounts.clean_name(name)
    if required and not name:
        raise Invalid(Message("Enter your name."), "full_name")
    if len(name) > 200:
        raise Invalid(Message("The name is too long (at most 200 characters)."), "full_name")
    return name
