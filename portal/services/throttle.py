"""Rate limits for password attempts, writes and mail, counted in the database for all processes.

A counter is a bucket that refills steadily. Before a password is compared, the attempt is taken from every bucket that
applies, or from none if one of them is empty; a correct password gives its own attempt back.

    from a browser where the user signed in before   that browser's bucket only
    from anywhere else                                one for the account and network, one for the account

So guesses by strangers never block a user's own browsers, nor other accounts. An address without an account has the
same buckets, and its password is compared to a dummy hash: neither the response nor its time shows which addresses have
an account.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from portal.domain.messages import Message
from portal.errors import TooManyAttempts
from portal.extensions import transaction
from portal.models import AttemptBucket
from portal.queries.raw_select import RawSelect

_BUCKET = AttemptBucket.__table__.c
_FULL_AT = RawSelect(select(_BUCKET.full_at).where(_BUCKET.key == bindparam("key")))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_INSERTS: Mapping[str, Callable[..., Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` attempts at once, then one per `interval`."""

    burst: int
    interval: timedelta


# A browser where the user signed in before.
KNOWN_BROWSER = Limit(10, timedelta(minutes=5))
# Everything else: one account from one network, one account from anywhere.
ACCOUNT_AND_NETWORK = Limit(10, timedelta(minutes=5))
ACCOUNT = Limit(100, timedelta(minutes=1))


@dataclass(frozen=True, slots=True)
class Bucket:
    """A counter: a digest of what is counted, and its limit."""

    key: str
    limit: Limit

    @classmethod
    def of(cls, kind: str, limit: Limit, *parts: str) -> Bucket:
        text = "\n".join((kind, *parts))
        return cls(hashlib.sha256(text.encode("utf-8", "replace")).hexdigest(), limit)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to enter a password, with the buckets that apply."""

    buckets: tuple[Bucket, ...]

    @classmethod
    def at(cls, email: str, network: str, browser: str = "") -> Attempt:
        """`email`: as entered, in lower case; `browser`: the name of a browser where its user signed in before."""
        if browser:
            return cls((Bucket.of("browser", KNOWN_BROWSER, email, browser),))
        return cls(
            (
                Bucket.of("account and network", ACCOUNT_AND_NETWORK, email, network_of(network)),
                Bucket.of("account", ACCOUNT, email),
            )
        )


def network_of(address: str) -> str:
    """The network of one customer: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def count_attempt(session: Session, attempt: Attempt, now: datetime) -> None:
    """Count an attempt, before its password is compared. Raises TooManyAttempts, and counts nothing then.

    The error ends the caller's transaction.
    """
    waits = [wait for bucket in attempt.buckets if (wait := consume(session, bucket, now))]
    if waits:
        raise too_many(Message("Too many failed sign-ins."), max(waits))


def uncount_attempt(attempt: Attempt) -> None:
    """Take back an attempt whose password was correct. Attempts before it still count."""
    with transaction() as session:
        for bucket in attempt.buckets:
            session.execute(
                update(AttemptBucket)
                .where(AttemptBucket.key == bucket.key)
                .values(full_at=AttemptBucket.full_at - _milliseconds(bucket.limit.interval))
                .execution_options(synchronize_session=False)
            )


def delete_full_buckets(now: datetime) -> None:
    """Delete full buckets: a missing bucket is full. Called by the worker every minute."""
    with transaction() as session:
        # Rows of earlier versions, which counted failures, have no `full_at` and expire after an hour.
        is_full = (AttemptBucket.full_at < _number(now)) & (
            (AttemptBucket.full_at > 0) | (AttemptBucket.latest < now - timedelta(hours=1))
        )
        # Skip buckets that a sign-in is using right now.
        full = select(AttemptBucket.key).where(is_full).with_for_update(skip_locked=True)
        session.execute(
            delete(AttemptBucket).where(AttemptBucket.key.in_(full)).execution_options(synchronize_session=False)
        )


def consume(session: Session, bucket: Bucket, now: datetime) -> timedelta:
    """Take one from a bucket, in one statement. Returns how long to wait; zero: one was taken."""
    moment, interval = _number(now), _milliseconds(bucket.limit.interval)
    # The time at which a bucket is full again is its whole state (generic cell rate algorithm).
    latest = moment + (bucket.limit.burst - 1) * interval
    table = AttemptBucket
    taken = session.execute(
        _INSERTS[session.get_bind().dialect.name](table)
        .values(key=bucket.key, attempts=1, latest=now, full_at=moment + interval)
        .on_conflict_do_update(
            index_elements=["key"],
            set_={
                "full_at": case((table.full_at > moment, table.full_at), else_=moment) + interval,
                "failures": table.attempts + 1,
                "last_failure": now,
            },
            where=table.full_at <= latest,
        )
        .returning(table.key)
    )
    if taken.first() is not None:
        return timedelta(0)
    full_at = session.execute(select(table.full_at).where(table.key == bucket.key)).scalar_one_or_none()
    return max((full_at or 0) - latest, 1) * _MILLISECOND


def wait_time(bucket: Bucket, now: datetime) -> timedelta:
    """How long to wait until one can be taken from a bucket; zero: now. Takes nothing and needs no lock."""
    found = _FULL_AT.first(key=bucket.key)
    if found is None:
        return timedelta(0)
    wait: int = found.full_at - _number(now) - (bucket.limit.burst - 1) * _milliseconds(bucket.limit.interval)
    return max(wait, 0) * _MILLISECOND


def too_many(what: str, wait: timedelta) -> TooManyAttempts:
    """The error with the reason `what` and the time to wait."""
    seconds = -(-wait // timedelta(seconds=1))
    # Rounded up, or the next attempt would be too early.
    if seconds == 1:
        length = "a second"
    elif seconds <= 120:
        length = f"{seconds} seconds"
    else:
        length = f"{-(-wait // timedelta(minutes=1))} minutes"
    return TooManyAttempts(Message("%(what)s Try again in %(length)s.", what=what, length=length), seconds)


def _number(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND


def _milliseconds(length: timedelta) -> int:
    return length // _MILLISECOND
