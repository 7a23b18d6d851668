"""Hashing and comparing passwords. No other module does."""

from __future__ import annotations

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from portal.domain.passwords import MAX_PASSWORD, check_password, normalized
from portal.extensions import password_estimator, settings

# OWASP's second recommendation (19 MiB, t=2, p=1). At 36 ms, parallel sign-ins do not exhaust a small machine.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def checked_hash(password: str, *about: str) -> str:
    """The hash of a new password. `about`: texts about its owner, from which it must not be made.

    Raises Invalid if it is too short, too long or easy to guess. Slow: call it outside of transactions.
    """
    check_password(password, (*about, settings().site_name), password_estimator())
    return _hasher.hash(normalized(password))


def is_correct(stored: str | None, password: str) -> bool:
    """Whether the password is correct. If none is stored (`stored` is None), False after the same time."""
    right = _matches(stored or _dummy_hash(), normalized(password))
    # Older hashes are of passwords that were not normalized.
    if not right and normalized(password) != password:
        right = _matches(stored or _dummy_hash(), password)
    return right and stored is not None


def upgraded_hash(stored: str, password: str) -> str | None:
    """A new hash of a correct password if `stored` was made with outdated parameters, else None."""
    return _hasher.hash(normalized(password)) if _hasher.check_needs_rehash(stored) else None


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password[:MAX_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False


@cache
def _dummy_hash() -> str:
    # The dummy hash: an unknown address takes as long as a wrong password.
    return _hasher.hash(secrets.token_hex(16))
