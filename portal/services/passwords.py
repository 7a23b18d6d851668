"""Hashing and comparing passwords: the only module that knows how."""

from __future__ import annotations

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from portal.domain.passwords import MAX_PASSWORD, check_password, normalized
from portal.extensions import password_estimator, settings

# OWASP's second recommendation (19 MiB, t=2, p=1): 36 ms here, so parallel sign-ins do not exhaust a small machine.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def checked_hash(password: str, *about: str) -> str:
    """What is stored of a new password. `about` are texts about its owner that it must not be made of.

    Raises Invalid if it is too short, too long or easy to guess. Takes long: to be called outside of transactions.
    """
    check_password(password, (*about, settings().site_name), password_estimator())
    return _hasher.hash(normalized(password))


def is_correct(stored: str | None, password: str) -> bool:
    """Whether this is the password; False after the same work where none is stored (`stored` is None)."""
    right = _matches(stored or _no_password(), normalized(password))
    # Hashes from before passwords were normalized; both spellings of one are one guess.
    if not right and normalized(password) != password:
        right = _matches(stored or _no_password(), password)
    return right and stored is not None


def upgraded_hash(stored: str, password: str) -> str | None:
    """The hash to keep instead, of a password that was just found right: None while `stored` costs what it should."""
    return _hasher.hash(normalized(password)) if _hasher.check_needs_rehash(stored) else None


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password[:MAX_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False


@cache
def _no_password() -> str:
    # Compared against where there is no account, so that a wrong address takes as long as a wrong password.
    return _hasher.hash(secrets.token_hex(16))
