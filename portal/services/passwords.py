"""Hashing and comparing passwords: the only module that knows how."""

from __future__ import annotations

import random
import secrets
import time
from collections import deque
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from portal.errors import Invalid

# OWASP's second recommendation (19 MiB, t=2, p=1): 36 ms here, so parallel sign-ins do not exhaust a small machine.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

MIN_PASSWORD = 10
MAX_PASSWORD = 256
# How long the latest comparisons of this process took (seconds).
_durations: deque[float] = deque(maxlen=50)


def check_password(password: str) -> None:
    """Raise Invalid unless the password is long enough; there are no other rules (NIST SP 800-63B)."""
    if len(password) < MIN_PASSWORD:
        raise Invalid(f"The password must have at least {MIN_PASSWORD} characters.", "password")
    if len(password) > MAX_PASSWORD:
        raise Invalid(f"The password must have at most {MAX_PASSWORD} characters.", "password")


def hash_password(password: str) -> str:
    """What is stored of a password."""
    return _hasher.hash(password)


def is_right(stored: str | None, password: str) -> bool:
    """Whether this is the password; False after the same time where none is stored (`stored` is None)."""
    began = time.perf_counter()
    try:
        _hasher.verify(stored or _no_password(), password[:MAX_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False
    finally:
        _durations.append(time.perf_counter() - began)
    return stored is not None


def wait_as_if_compared() -> None:
    """Take as long as a comparison takes here at present, without the work."""
    if not _durations:
        is_right(None, "")
        return
    time.sleep(random.choice(_durations))  # noqa: S311 - the spread of real durations, no secret


@cache
def _no_password() -> str:
    # Compared against where there is no account, so that a wrong address takes as long as a wrong password.
    return _hasher.hash(secrets.token_hex(16))
