"""The security log: one line per event in the portal's log (docs/security.md).

Services call record(). The request or command comes from the context (portal.logs.bind_request). Facts are identifiers,
states and addresses of accounts, never passwords, tokens, links or other input.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import partial

import structlog

from portal.extensions import after_commit, in_transaction
from portal.policies import Actor

log = structlog.get_logger()

_acting: ContextVar[str] = ContextVar("acting", default="")


class SecurityEvent(StrEnum):
    """The names of the events (docs/security.md says what each has)."""

    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_IN_THROTTLED = "sign_in_throttled"
    SIGNED_OUT = "signed_out"
    SESSION_ENDED = "session_ended"
    SESSIONS_ENDED = "sessions_ended"
    REGISTRATION_REQUESTED = "registration_requested"
    PASSWORD_LINK_REQUESTED = "password_link_requested"  # noqa: S105 - the name of an event
    INVITED = "invited"
    ACCOUNT_CREATED = "account_created"
    PASSWORD_CONFIRMED = "password_confirmed"  # noqa: S105 - the name of an event
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of an event
    ACCESS_ENDED = "access_ended"
    EMAIL_CHANGE_REQUESTED = "email_change_requested"
    EMAIL_CHANGED = "email_changed"
    ROLE_CHANGED = "role_changed"
    ACCOUNT_DEACTIVATED = "account_deactivated"
    ACCOUNT_REACTIVATED = "account_reactivated"
    GROUP_CHANGED = "group_changed"
    TOKEN_CREATED = "token_created"  # noqa: S105 - the name of an event
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - the name of an event
    FEED_CREATED = "feed_created"
    FEED_REVOKED = "feed_revoked"
    GOOGLE_CONNECTED = "google_connected"
    GOOGLE_DISCONNECTED = "google_disconnected"
    CALENDAR_SHARED = "calendar_shared"
    CALENDAR_UNSHARED = "calendar_unshared"


# Logged as warnings.
_WARNINGS = frozenset({SecurityEvent.SIGN_IN_FAILED, SecurityEvent.SIGN_IN_THROTTLED})
UNKNOWN = "unknown"


def record(event: SecurityEvent, actor: Actor, target: str, **facts: object) -> None:
    """Log an event once the current transaction, if any, has committed. `target` is account() or object_ref()."""
    if in_transaction():
        after_commit(partial(_write, event, _actor_name(actor), target, facts))
    else:
        _write(event, _actor_name(actor), target, facts)


def _write(event: SecurityEvent, actor_name: str, target: str, facts: dict[str, object]) -> None:
    write = log.warning if event in _WARNINGS else log.info
    write(event.value, log="security", actor=actor_name, object=target, **facts)


def _actor_name(actor: Actor) -> str:
    if actor.signed_in:
        return account(actor.user_id)
    return _acting.get() or actor.name or "nobody"


@contextmanager
def acting_as(name: str) -> Iterator[None]:
    """Name the actor inside the block, if it is not a signed-in user."""
    token = _acting.set(name)
    try:
        yield
    finally:
        _acting.reset(token)


def account(user_id: int | None) -> str:
    """A user, by the id that staff can search for."""
    return UNKNOWN if user_id is None else f"user:{user_id}"


def object_ref(kind: str, identifier: object) -> str:
    """Another object, by its UUID."""
    return f"{kind}:{identifier}"
