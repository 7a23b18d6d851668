"""Access tokens: kept encrypted, fetched once for all workers, and what happens when Google gives none any more.

Where Google is asked no transaction is open.
"""

from __future__ import annotations

import time
import uuid as uuidlib
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, or_, select, update
from sqlalchemy.orm import Session, aliased

from portal.domain.calendar_states import CalendarState
from portal.domain.google import AccessToken, ProviderError, ReconnectNeeded, Unreachable
from portal.extensions import consent, place_of, secret_box, transaction
from portal.models import GoogleCalendar, GoogleConnection, Offering
from portal.models.base import utcnow
from portal.secretbox import Place, SecretLost
from portal.services import mail

# An access token is not used in its last minutes: it must outlive the calls made with it.
TOKEN_MARGIN = timedelta(minutes=4)
REFRESH_TAKES = timedelta(seconds=60)
READS_AT_ONCE = 300
READS_PER_MINUTE = 250
EACH_READ = timedelta(minutes=1) / READS_PER_MINUTE
DISCONNECTED = "Google was disconnected: connect it again."


def access_token(
    connection_id: int,
    *,
    stale: str | None = None,
    now: Callable[[], datetime] = utcnow,
    sleep: Callable[[float], None] = time.sleep,
) -> AccessToken:
    """A token that opens the API for some minutes more; fetched from Google at most once an hour for all workers.

    `stale` is a token that Google refused, which is therefore not answered again. Must be called without an open
    transaction. Raises ReconnectNeeded (and marks the connection), Unreachable, OperatorNeeded.
    """
    for _attempt in range(40):
        moment = now()
        with transaction() as session:
            connection = session.get(GoogleConnection, connection_id, populate_existing=True)
            if connection is None:
                raise ReconnectNeeded("disconnected", sentence=DISCONNECTED)
            if connection.broken or not connection.refresh_token:
                raise ReconnectNeeded("marked as broken", sentence=connection.broken or None)
            kept = _kept_token(connection, moment)
            if kept is not None and kept.token != stale:
                return kept
            if _claim_refresh(session, connection_id, moment):
                sealed, uuid = connection.refresh_token, connection.uuid
                break
        sleep(0.5)  # another worker is fetching one
    else:
        raise Unreachable("another worker is refreshing the token and does not end")
    return _refresh(connection_id, uuid, sealed)


def refresh_place(uuid: uuidlib.UUID) -> Place:
    """Where the refresh token of the connection with this uuid is kept."""
    return place_of(GoogleConnection.refresh_token, uuid)


def access_place(uuid: uuidlib.UUID) -> Place:
    """Where its access token is kept."""
    return place_of(GoogleConnection.access_token, uuid)


def _kept_token(connection: GoogleConnection, now: datetime) -> AccessToken | None:
    if not connection.access_token or connection.access_expires is None:
        return None
    if connection.access_expires - TOKEN_MARGIN <= now:
        return None
    try:
        token = secret_box().decrypt(connection.access_token, access_place(connection.uuid))
        return AccessToken(token, connection.access_expires)
    except SecretLost:
        return None


def _claim_refresh(session: Session, connection_id: int, now: datetime) -> bool:
    table = GoogleConnection
    claimed = session.execute(
        update(table)
        .where(table.id == connection_id, or_(table.refreshing_until.is_(None), table.refreshing_until < now))
        .values(refreshing_until=now + REFRESH_TAKES)
        .execution_options(synchronize_session=False)
    )
    return bool(claimed.rowcount == 1)  # type: ignore[attr-defined]


def _refresh(connection_id: int, uuid: uuidlib.UUID, sealed: str) -> AccessToken:
    box, place = secret_box(), refresh_place(uuid)
    try:
        token = box.decrypt(sealed, place)
        grant = consent().refresh(token)
    except SecretLost as problem:
        mark_broken(connection_id, problem.message, sealed=sealed)
        raise ReconnectNeeded(problem.message, sentence=problem.message) from problem
    except ReconnectNeeded as problem:
        mark_broken(connection_id, problem.words, sealed=sealed)
        raise
    except ProviderError:
        _write_token(connection_id, sealed, {"refreshing_until": None})
        raise
    values: dict[str, object] = {
        "access_token": box.encrypt(grant.access.token, access_place(uuid)),
        "access_expires": grant.access.expires,
        "refreshing_until": None,
    }
    if grant.refresh_token or not box.is_current(sealed, place):
        # Encrypted anew also where SECRET_KEY was rotated, or an earlier version had encrypted it.
        values["refresh_token"] = box.encrypt(grant.refresh_token or token, place)
    _write_token(connection_id, sealed, values)
    return grant.access


def _write_token(connection_id: int, sealed: str, values: dict[str, object]) -> None:
    # Only while it is still the connection that was read: somebody may have connected anew meanwhile.
    table = GoogleConnection
    with transaction() as session:
        session.execute(
            update(table)
            .where(table.id == connection_id, table.refresh_token == sealed)
            .values(**values)
            .execution_options(synchronize_session=False)
        )


def leave_alone(connection_id: int, until: datetime) -> None:
    """Google asked for a slower pace: no calendar of this connection's account is begun before `until`."""
    table = GoogleConnection
    with transaction() as session:
        session.execute(
            update(table)
            .where(_same_account(connection_id), or_(table.quiet_until.is_(None), table.quiet_until < until))
            .values(quiet_until=until)
            .execution_options(synchronize_session=False)
        )


def spend_read(session: Session, connection: GoogleConnection, now: datetime) -> datetime | None:
    """Note a read that the portal does by itself; None where the account may, else when it may again.

    At most READS_AT_ONCE and READS_PER_MINUTE more in any minute, for all workers and all connections of the
    account: less than Google's 600 calls a minute for a person, so that what people wait for finds room.
    """
    spent = max(connection.reads_until or now, now)
    allowed = now + READS_AT_ONCE * EACH_READ
    if spent > allowed:
        return now + (spent - allowed)
    session.execute(
        update(GoogleConnection)
        .where(_same_account(connection.id))
        .values(reads_until=spent + EACH_READ)
        .execution_options(synchronize_session=False)
    )
    return None


def _same_account(connection_id: int) -> ColumnElement[bool]:
    table = GoogleConnection
    other = aliased(GoogleConnection)
    account = select(other.account_sub).where(other.id == connection_id, other.account_sub != "").scalar_subquery()
    return or_(table.id == connection_id, table.account_sub == account)


def mark_broken(connection_id: int, reason: str, *, sealed: str | None = None) -> bool:
    """Note that the connection must be made anew: no more calls are made with it, its calendars say why.

    With `sealed` only while that is still the connection's (encrypted) refresh token. Answers whether it was noted.
    """
    with transaction() as session:
        connection = session.execute(
            select(GoogleConnection)
            .where(GoogleConnection.id == connection_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).scalar_one_or_none()
        if connection is None or (sealed is not None and connection.refresh_token != sealed):
            return False
        if not connection.broken:
            # One mail, however many calendars find it out.
            mail.connection_broken(session, connection.organization_id, reason, utcnow())
        connection.broken = reason
        connection.access_token = ""
        connection.access_expires = None
        connection.refreshing_until = None
        session.flush()
        settle_calendars(session, connection.organization_id, reason)
        return True


def settle_calendars(session: Session, organization_id: int, reason: str) -> None:
    """End what is pending on the organization's calendars: without a connection it cannot be done.

    A share that was pending is not done later by surprise: the person asks again once Google is connected.
    """
    table = GoogleCalendar
    session.execute(
        update(table)
        .where(
            table.offering_id.in_(offerings_of(organization_id)), or_(table.wanted > 0, table.next_read.is_not(None))
        )
        .values(
            state=CalendarState.ERRED,
            error=reason,
            want_public=table.public,
            done=table.wanted,
            attempts=0,
            next_attempt=None,
            act_failed=False,
        )
        .execution_options(synchronize_session=False)
    )


def offerings_of(organization_id: int) -> Select[int]:
    """The ids of an organization's offerings, for a clause."""
    return select(Offering.id).where(Offering.organization_id == organization_id)
