"""Changing one's own e-mail address: with a link mailed to the new one, opened by the same person."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, or_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.audit import SecurityEvent, account, record
from portal.domain.mail import MailKind
from portal.domain.messages import Message
from portal.errors import Forbidden, Invalid, NotFound
from portal.extensions import transaction
from portal.models import AccountLink, User
from portal.models.base import utcnow
from portal.policies import Actor
from portal.services import mail, notices
from portal.services.accounts import clean_email
from portal.services.registration import link_facts, link_row, make_link, may_mail
from portal.services.throttle import Bucket, Limit, consume, too_many

PURPOSE = "email"
CHANGES_FOR_ACCOUNT = Limit(5, timedelta(minutes=12))
TAKEN = Message("There is an account with this address already.")


def ask_for_email(actor: Actor, email: str, network: str, *, now: datetime | None = None) -> None:
    """Mail a link to a new address, with which it becomes the actor's. Who has it already is told so, by mail alone.

    The same is written for every address; which of the two is mailed is decided when it is sent (`recipients`). Raises
    Forbidden if nobody is signed in, Invalid for what is no address or the present one, TooManyAttempts.
    """
    now = now or utcnow()
    address = clean_email(email)
    with transaction() as session:
        user = _user(session, actor)
        if address == user.email:
            raise Invalid(Message("This is your address already."), "email")
        wait = consume(session, Bucket.of("changes of address", CHANGES_FOR_ACCOUNT, str(user.uuid)), now)
        if wait:
            raise too_many(Message("Too many links were requested."), wait)
        record(SecurityEvent.EMAIL_CHANGE_REQUESTED, actor, account(user.id), email=address)
        # Only the link that was asked for last works.
        session.execute(delete(AccountLink).where(AccountLink.user_id == user.id))
        if not may_mail(session, address, now):
            return
        link = make_link(session, PURPOSE, address, network, now, user_id=user.id)
        mail.queue_link(session, MailKind.NEW_EMAIL, address, link, link_facts(PURPOSE, now), now, user.id)


def asked_email(actor: Actor, secret: str, *, now: datetime | None = None) -> str:
    """The new address that a link is for. Raises NotFound where it has ended or is somebody else's."""
    with transaction() as session:
        return _row(session, actor, secret, now or utcnow()).email


def change_email(actor: Actor, secret: str, *, now: datetime | None = None) -> str:
    """Make the address of a link the actor's, and answer it. The old address is told; links mailed to it end.

    Raises NotFound where the link has ended or is somebody else's, Invalid where the address is taken by now.
    """
    now = now or utcnow()
    with transaction() as session:
        row = _row(session, actor, secret, now)
        user, address = _user(session, actor), row.email
        before = user.email
        notices.notify_account(session, actor, MailKind.EMAIL_CHANGED, user, {"email": address}, now)
        ended = or_(AccountLink.email.in_([before, address]), AccountLink.user_id == user.id)
        session.execute(delete(AccountLink).where(ended))
        user.email = address
        try:
            session.flush()
        except IntegrityError as error:
            raise Invalid(TAKEN, "email") from error
        record(SecurityEvent.EMAIL_CHANGED, actor, account(user.id), before=before, email=address)
        return address


def _user(session: Session, actor: Actor) -> User:
    user = session.get(User, actor.user_id) if actor.signed_in else None
    if user is None or not user.is_active:
        raise Forbidden
    return user


def _row(session: Session, actor: Actor, secret: str, now: datetime) -> AccountLink:
    row = link_row(session, secret, (PURPOSE,), now)
    if not actor.signed_in or row.user_id != actor.user_id:
        raise NotFound("Link")
    return row
