"""Accounts by mailed links: registration, a forgotten password, an invitation. Answers never say who has an account."""

from __future__ import annotations

import hashlib
import secrets
import uuid as uuidlib
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from portal.domain.mail import Kind
from portal.errors import Forbidden, Invalid, NotFound, TooManyAttempts
from portal.extensions import settings, transaction
from portal.models import AccountLink, User
from portal.models.base import utcnow
from portal.policies import SYSTEM, Actor
from portal.services import accounts, mail
from portal.services.throttle import network_of

LASTS = {"register": timedelta(days=1), "password": timedelta(hours=2), "invite": timedelta(days=7)}
WORDS = {"register": "a day", "password": "two hours", "invite": "a week"}
# Links that may be under way to one address, and to all that one network asked for within an hour.
MOST_FOR_ADDRESS = 3
MOST_FOR_NETWORK = 20
GONE = "This link has been used, or has ended. Ask for a new one."


def ask_to_register(email: str, network: str, *, now: datetime | None = None) -> None:
    """Mail a link with which the owner of an address makes an account; who has one is told so, by mail too.

    Only where SIGN_UP is open (else Forbidden). Raises Invalid for what is no address, TooManyAttempts.
    """
    if settings().sign_up != "open":
        raise Forbidden("Accounts are made by the staff here.")
    now = now or utcnow()
    address = accounts.clean_email(email)
    with transaction() as session:
        _slow_down(session, address, network, now)
        user = _find(session, address)
        link = _make(session, "register", address, network, now)
        if user is not None:
            mail.put_to(session, Kind.KNOWN, address, {}, now, user.id)
        else:
            facts = {"link": f"/register/{link}/", "lasts": WORDS["register"]}
            mail.put_to(session, Kind.REGISTER, address, facts, now)


def finish_registration(secret: str, full_name: str, password: str, *, now: datetime | None = None) -> User:
    """Make the account that a link is for, and answer it. Raises NotFound (the link has ended), Invalid."""
    now = now or utcnow()
    accounts.check_password(password)
    name = _checked_name(full_name)
    if settings().sign_up != "open":
        raise Forbidden("Accounts are made by the staff here.")
    with transaction() as session:
        email = _use(session, secret, ("register",), now)
        if _find(session, email) is not None:
            raise NotFound("Link")
        accounts.create_user(SYSTEM, email, full_name=name, password=password)
        session.flush()
        found = _find(session, email)
        assert found is not None
        return found


def ask_for_password(email: str, network: str, *, now: datetime | None = None) -> None:
    """Mail a link with which the owner of an address chooses a new password. Nothing is said about who has an account.

    Raises Invalid for what is no address, TooManyAttempts.
    """
    now = now or utcnow()
    address = accounts.clean_email(email)
    with transaction() as session:
        _slow_down(session, address, network, now)
        user = _find(session, address)
        link = _make(session, "password", address, network, now)
        if user is not None and user.is_active:
            facts = {"link": f"/password/{link}/", "lasts": WORDS["password"]}
            mail.put_to(session, Kind.PASSWORD, address, facts, now, user.id)


def invite(actor: Actor, email: str, full_name: str = "", *, now: datetime | None = None) -> uuidlib.UUID:
    """Make a person, and mail them a link with which they choose a password. Staff only. Raises Forbidden, Invalid."""
    now = now or utcnow()
    with transaction() as session:
        uuid = accounts.create_user(actor, email, full_name=_checked_name(full_name, required=False))
        _mail_invitation(session, accounts.clean_email(email), now)
        return uuid


def invite_again(actor: Actor, uuid: uuidlib.UUID, *, now: datetime | None = None) -> None:
    """Mail a person a new link. Staff only. Raises Forbidden, NotFound."""
    if not actor.is_staff:
        raise Forbidden
    with transaction() as session:
        user = session.execute(select(User).where(User.uuid == uuid)).scalar_one_or_none()
        if user is None or not user.is_active:
            raise NotFound("User")
        _mail_invitation(session, user.email, now or utcnow())


def set_password_by_link(secret: str, password: str, *, now: datetime | None = None) -> User:
    """Choose a new password with a mailed link, which ends with it, as do all sessions. Raises NotFound, Invalid."""
    now = now or utcnow()
    accounts.check_password(password)
    with transaction() as session:
        email = _use(session, secret, ("password", "invite"), now)
        user = _find(session, email)
        if user is None or not user.is_active:
            raise NotFound("Link")
        accounts.set_password(SYSTEM, user.id, password)
        return user


def link_email(secret: str, purposes: tuple[str, ...], *, now: datetime | None = None) -> str:
    """The address that a link is for. Raises NotFound where it has ended. Changes nothing."""
    with transaction() as session:
        return _row(session, secret, purposes, now or utcnow()).email


def _mail_invitation(session: Session, email: str, now: datetime) -> None:
    link = _make(session, "invite", email, "", now)
    user = _find(session, email)
    facts = {"link": f"/password/{link}/", "lasts": WORDS["invite"]}
    mail.put_to(session, Kind.INVITATION, email, facts, now, user.id if user else None)


def _find(session: Session, email: str) -> User | None:
    return session.execute(select(User).where(User.email == email)).scalar_one_or_none()


def _make(session: Session, purpose: str, email: str, network: str, now: datetime) -> str:
    """A link, also where no account is: it counts for slowing down, and making one takes the same time."""
    secret = secrets.token_urlsafe(24)
    session.execute(delete(AccountLink).where(AccountLink.expires < now))
    session.add(
        AccountLink(
            digest=_digest(secret),
            purpose=purpose,
            email=email,
            network=network_of(network),
            expires=now + LASTS[purpose],
            created=now,
        )
    )
    session.flush()
    return secret


def _slow_down(session: Session, email: str, network: str, now: datetime) -> None:
    lately = AccountLink.created > now - timedelta(hours=1)
    for clause, most in (
        (AccountLink.email == email, MOST_FOR_ADDRESS),
        (AccountLink.network == network_of(network), MOST_FOR_NETWORK),
    ):
        number = session.execute(select(func.count()).select_from(AccountLink).where(clause, lately)).scalar_one()
        if number >= most:
            raise TooManyAttempts("Too many links were asked for. Look into your mail, or try again in an hour.", 3600)


def _row(session: Session, secret: str, purposes: tuple[str, ...], now: datetime) -> AccountLink:
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
    email = _row(session, secret, purposes, now).email
    session.execute(delete(AccountLink).where(AccountLink.email == email))
    return email


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def _checked_name(name: str, *, required: bool = True) -> str:
    name = " ".join(name.split())
    if required and not name:
        raise Invalid("Enter your name.", "full_name")
    if len(name) > 200 or not name.isprintable():
        raise Invalid("The name is too long, or holds characters that no name has.", "full_name")
    return name
