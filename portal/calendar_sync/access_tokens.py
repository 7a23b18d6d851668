"""Access tokens: stored encrypted, and refreshed once for all workers.

No transaction is open while the provider is called.
"""

from __future__ import annotations

import time
import uuid as uuidlib
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from portal.calendar_sync.connections import DISCONNECTED, access_token_place, mark_broken, refresh_token_place
from portal.calendar_sync.errors import ConsentLost, ProviderError, ProviderUnreachable
from portal.calendar_sync.provider import AccessToken
from portal.extensions import changed_rows, consent, secret_box, transaction
from portal.models import GoogleConnection
from portal.models.base import utcnow
from portal.secretbox import SecretLost

# An access token is not used in its last minutes: it must outlive the calls made with it.
TOKEN_MARGIN = timedelta(minutes=4)
REFRESH_TIMEOUT = timedelta(seconds=60)


def access_token(
    connection_id: int,
    *,
    stale: str | None = None,
    now: Callable[[], datetime] = utcnow,
    sleep: Callable[[float], None] = time.sleep,
) -> AccessToken:
    """A token that is valid for some more minutes; refreshed at most once an hour for all workers.

    `stale` is a token that the provider rejected: it is not returned again. Must be called without an open
    transaction. Raises ConsentLost (and marks the connection as broken), ProviderUnreachable, ProviderMisconfigured.
    """
    for _attempt in range(40):
        moment = now()
        with transaction() as session:
            connection = session.get(GoogleConnection, connection_id, populate_existing=True)
            if connection is None:
                raise ConsentLost("disconnected", sentence=DISCONNECTED)
            if connection.broken or not connection.refresh_token:
                raise ConsentLost("marked as broken", sentence=connection.broken or None)
            stored = _stored_token(connection, moment)
            if stored is not None and stored.token != stale:
                return stored
            if _claim_refresh(session, connection_id, moment):
                encrypted_token, uuid = connection.refresh_token, connection.uuid
                break
        sleep(0.5)  # another worker is refreshing it
    else:
        raise ProviderUnreachable("another worker is refreshing the token and does not finish")
    return _refresh(connection_id, uuid, encrypted_token)


def _stored_token(connection: GoogleConnection, now: datetime) -> AccessToken | None:
    if not connection.access_token or connection.access_expires is None:
        return None
    if connection.access_expires - TOKEN_MARGIN <= now:
        return None
    try:
        token = secret_box().decrypt(connection.access_token, access_token_place(connection.uuid))
        return AccessToken(token, connection.access_expires)
    except SecretLost:
        return None


def _claim_refresh(session: Session, connection_id: int, now: datetime) -> bool:
    table = GoogleConnection
    claimed = session.execute(
        update(table)
        .where(table.id == connection_id, or_(table.refreshing_until.is_(None), table.refreshing_until < now))
        .values(refreshing_until=now + REFRESH_TIMEOUT)
        .execution_options(synchronize_session=False)
    )
    return changed_rows(claimed) == 1


def _refresh(connection_id: int, uuid: uuidlib.UUID, encrypted_token: str) -> AccessToken:
    box, place = secret_box(), refresh_token_place(uuid)
    try:
        token = box.decrypt(encrypted_token, place)
        grant = consent().refresh(token)
    except SecretLost as problem:
        mark_broken(connection_id, problem.message, encrypted_token=encrypted_token)
        raise ConsentLost(problem.message, sentence=problem.message) from problem
    except ConsentLost as problem:
        mark_broken(connection_id, problem.words, encrypted_token=encrypted_token)
        raise
    except ProviderError:
        _write_token(connection_id, encrypted_token, {"refreshing_until": None})
        raise
    values: dict[str, object] = {
        "access_token": box.encrypt(grant.access.token, access_token_place(uuid)),
        "access_expires": grant.access.expires,
        "refreshing_until": None,
    }
    if grant.refresh_token or not box.is_current(encrypted_token, place):
        # Also encrypt again after SECRET_KEY was rotated, and what an earlier version encrypted.
        values["refresh_token"] = box.encrypt(grant.refresh_token or token, place)
    _write_token(connection_id, encrypted_token, values)
    return grant.access


def _write_token(connection_id: int, encrypted_token: str, values: dict[str, object]) -> None:
    # Only if the refresh token is unchanged: somebody may have connected again meanwhile.
    table = GoogleConnection
    with transaction() as session:
        session.execute(
            update(table)
            .where(table.id == connection_id, table.refresh_token == encrypted_token)
            .values(**values)
            .execution_options(synchronize_session=False)
        )
