"""Signing in: the one place where a password that somebody gives is compared."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update

from portal.audit import SecurityEvent, account, record
from portal.domain.addresses import sought_address
from portal.domain.messages import Message
from portal.errors import Forbidden, Invalid, TooManyAttempts
from portal.extensions import transaction
from portal.models import User
from portal.models.base import utcnow
from portal.policies import ANONYMOUS, Actor
from portal.services import browsers, passwords, throttle
from portal.services.accounts import actor_of, set_password
from portal.services.throttle import Attempt

SIGN_IN_FAILED = Message("The e-mail address or the password is wrong.")


def sign_in(email: str, password: str, address: str, *, browser: str = "", now: datetime | None = None) -> User:
    """The active person with this e-mail address and password.

    `address` is where the request comes from, `browser` the cookie by which a browser is known (`browsers`). Raises
    Invalid with one and the same text whatever the reason, and TooManyAttempts (`throttle`).
    """
    email = sought_address(email)
    user = _compare(ANONYMOUS, email, password, address, browser, now or utcnow())
    if user is None:
        raise Invalid(SIGN_IN_FAILED)
    record(SecurityEvent.SIGNED_IN, actor_of(user), account(user.id))
    return user


def confirm_password(
    actor: Actor, password: str, address: str = "", *, browser: str = "", now: datetime | None = None
) -> User:
    """The signed-in person, whose password this is. Guesses count as they do at sign-in.

    Raises Forbidden if nobody is signed in, Invalid if the password is wrong, TooManyAttempts.
    """
    with transaction() as session:
        user = session.get(User, actor.user_id) if actor.signed_in else None
        if user is None:
            raise Forbidden
        email = user.email
    found = _compare(actor, email, password, address, browser, now or utcnow())
    if found is None or found.id != user.id:
        raise Invalid(Message("The current password is wrong."), "current")
    record(SecurityEvent.PASSWORD_CONFIRMED, actor, account(user.id))
    return found


def change_password(
    actor: Actor,
    current: str,
    new: str,
    address: str = "",
    *,
    browser: str = "",
    end_access: bool = False,
    now: datetime | None = None,
) -> None:
    """Change one's own password, having given the current one. Ends all sessions; with `end_access` tokens and feeds.

    Raises what confirm_password raises, and Invalid if the new password is refused.
    """
    user = confirm_password(actor, current, address, browser=browser, now=now)
    set_password(actor, user.id, new, end_access=end_access, now=now)


def _compare(actor: Actor, email: str, password: str, address: str, browser: str, now: datetime) -> User | None:
    """The active person with this e-mail address, if this is their password. Counted before it is compared.

    The same statements and the same comparison for every address: the time it takes does not tell who has an account.
    """
    known, target = "", account(None)
    try:
        with transaction() as session:
            user = session.execute(select(User).where(User.email == email)).scalar_one_or_none()
            stored = user.password_hash if user is not None and user.is_active else None
            known, target = browsers.recognize(browser, user), account(user.id if user is not None else None)
            attempt = Attempt.at(email, address, known)
            throttle.count_attempt(session, attempt, now)
    except TooManyAttempts as slowed:
        record(SecurityEvent.SIGN_IN_THROTTLED, actor, target, known_browser=bool(known), wait=slowed.retry_after)
        raise
    # Hashing takes long; no transaction is held meanwhile.
    if not passwords.is_correct(stored, password) or stored is None:
        record(SecurityEvent.SIGN_IN_FAILED, actor, target, known_browser=bool(known))
        return None
    throttle.uncount_attempt(attempt)
    _renew_hash(stored, password)
    return user


def _renew_hash(stored: str, password: str) -> None:
    """Hash anew what was hashed with less effort than today's; not over a password that was changed meanwhile."""
    newer = passwords.upgraded_hash(stored, password)
    if newer is not None:
        with transaction() as session:
            session.execute(update(User).where(User.password_hash == stored).values(password_hash=newer))
