"""Failed sign-ins slow down by account and by address, in the database, so that all processes agree.

Nobody is ever locked out: after the free tries each further failure doubles the wait, up to a limit.
"""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.errors import TooManyAttempts
from portal.models import SignInFailure

FREE_TRIES = {"account": 4, "address": 20}
LONGEST_WAIT = timedelta(minutes=5)
FORGOTTEN_AFTER = timedelta(hours=1)


def _key(kind: str, value: str) -> str:
    return hashlib.sha256(f"{kind}:{value.lower()}".encode()).hexdigest()


def _keys(email: str, address: str) -> list[tuple[str, str]]:
    return [
        (kind, _key(kind, value)) for kind, value in (("account", email), ("address", network_of(address))) if value
    ]


def network_of(address: str) -> str:
    """What one customer of a network has, as a text: an IPv4 address, or the first half of an IPv6 address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def refuse_if_too_fast(session: Session, email: str, address: str, now: datetime) -> None:
    """Raise TooManyAttempts while this account or this address has to wait; the text is the same for both."""
    wait = timedelta(0)
    for kind, key in _keys(email, address):
        row = session.get(SignInFailure, key)
        if row is None or now - row.last_failure > FORGOTTEN_AFTER:
            continue
        extra = row.failures - FREE_TRIES[kind]
        if extra > 0:
            pause = min(timedelta(seconds=2 ** min(extra, 10)), LONGEST_WAIT)
            wait = max(wait, row.last_failure + pause - now)
    if wait > timedelta(0):
        seconds = int(wait.total_seconds()) + 1
        # Nobody counts seconds for minutes; rounded up, or the next try would come too early.
        length = f"{seconds} seconds" if seconds <= 120 else f"{-(-wait // timedelta(minutes=1))} minutes"
        raise TooManyAttempts(f"Too many failed sign-ins. Try again in {length}.", seconds)


def remember_failure(session: Session, email: str, address: str, now: datetime) -> None:
    """Count one failure for the account and for the address, and forget old ones."""
    session.execute(delete(SignInFailure).where(SignInFailure.last_failure < now - FORGOTTEN_AFTER))
    for _kind, key in _keys(email, address):
        if _count(session, key, now):
            continue
        try:
            with session.begin_nested():
                session.add(SignInFailure(key=key, failures=1, last_failure=now))
        except IntegrityError:
            # Another process has counted its first failure between the two statements.
            _count(session, key, now)


def _count(session: Session, key: str, now: datetime) -> bool:
    counted = session.execute(
        update(SignInFailure)
        .where(SignInFailure.key == key)
        .values(failures=SignInFailure.failures + 1, last_failure=now)
    )
    return bool(counted.rowcount)  # type: ignore[attr-defined]


def forget_failures(session: Session, email: str) -> None:
    """A right password clears the account's count (the address keeps its own)."""
    session.execute(delete(SignInFailure).where(SignInFailure.key == _key("account", email)))
