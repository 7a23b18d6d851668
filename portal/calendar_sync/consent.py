"""Connecting an organization to Google: OAuth consent, or a refresh token made elsewhere. Tokens are stored encrypted.

No transaction is open while the provider is called (to exchange a code, or to try a token).
"""

from __future__ import annotations

import hashlib
import secrets
import uuid as uuidlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from portal.audit import SecurityEvent, object_ref, record
from portal.calendar_sync.connections import (
    NOT_CONFIGURED,
    access_token_place,
    offering_ids_of,
    owned_organization,
    refresh_token_place,
)
from portal.calendar_sync.errors import ConsentLost, ProviderError
from portal.calendar_sync.provider import ConsentGrant, Permission, ProviderAccount
from portal.calendar_sync.providers import permissions_of
from portal.calendar_sync.states import CalendarState
from portal.domain.messages import Message
from portal.errors import Conflict, Forbidden, Invalid
from portal.extensions import consent, enqueue_calendar, secret_box, secret_location, settings, transaction
from portal.models import ConsentRequest, GoogleCalendar, GoogleConnection, Organization
from portal.models.base import utcnow
from portal.policies import Actor
from portal.queries.calendars import calendars_in_use
from portal.secretbox import SecretLocation
from portal.services import notices

CALLBACK_PATH = "/manage/google/callback"
CONSENT_TIMEOUT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class ConnectionResult:
    """A new connection: its organization, the account's address, and whether sharing was granted."""

    organization_uuid: uuidlib.UUID
    account_email: str
    can_share: bool


def redirect_uri() -> str:
    """The address that Google redirects users back to; it has to be registered in Google's console."""
    return settings().public_url + CALLBACK_PATH


def begin_consent(
    actor: Actor,
    organization_uuid: uuidlib.UUID,
    session_binding: str,
    *,
    sharing: bool = True,
    now: datetime | None = None,
) -> str:
    """The address of the consent page for connecting an organization, with or without the permission to share.

    `session_binding` is a secret of the browser session: only the same session, user and organization can finish the
    consent, once, within ten minutes. Raises NotFound, Forbidden, Conflict if no client is configured.
    """
    if not settings().google_configured:
        raise Conflict(Message(NOT_CONFIGURED))
    now = now or utcnow()
    state = secrets.token_urlsafe(32)
    permissions = [permission for permission in Permission if sharing or permission is not Permission.SHARING]
    address = consent().address(redirect_uri=redirect_uri(), state=state, permissions=permissions)
    with transaction() as session:
        organization = owned_organization(session, actor, organization_uuid)
        if actor.user_id is None:
            raise Forbidden
        session.execute(delete(ConsentRequest).where(ConsentRequest.created < now - CONSENT_TIMEOUT))
        digest = _digest(state, session_binding)
        session.add(
            ConsentRequest(
                state_digest=digest,
                user_id=actor.user_id,
                organization_id=organization.id,
                code_verifier=secret_box().encrypt(address.code_verifier, _verifier_place(digest)),
                created=now,
            )
        )
    return address.url


def finish_consent(
    actor: Actor,
    session_binding: str,
    state: str,
    *,
    code: str = "",
    error: str = "",
    now: datetime | None = None,
) -> ConnectionResult:
    """Connect the organization for which this session began the consent.

    `code` or `error` are parameters of Google's redirect. The state is used up whatever the outcome. Raises Invalid
    with a sentence if the state is unknown, expired or another user's, if the user declined, or if Google reported an
    error; NotFound or Forbidden if the user lost their role meanwhile.
    """
    now = now or utcnow()
    digest = _digest(state, session_binding)
    with transaction() as session:
        request = session.execute(
            delete(ConsentRequest)
            .where(ConsentRequest.state_digest == digest)
            .returning(
                ConsentRequest.user_id,
                ConsentRequest.organization_id,
                ConsentRequest.code_verifier,
                ConsentRequest.created,
            )
        ).one_or_none()
    if request is None or request.user_id != actor.user_id or now - request.created > CONSENT_TIMEOUT:
        raise Invalid(
            Message(
                "This consent was not started here, was already used, or took longer than ten minutes. Start again."
            )
        )
    with transaction() as session:
        organization_uuid = session.execute(
            select(Organization.uuid).where(Organization.id == request.organization_id)
        ).scalar_one()
        owned_organization(session, actor, organization_uuid)
    if error or not code:
        raise Invalid(_declined(error))
    verifier = secret_box().decrypt(request.code_verifier, _verifier_place(digest))
    try:
        grant = consent().exchange(redirect_uri=redirect_uri(), code=code, code_verifier=verifier)
        account = consent().account(grant.access.token)
    except ProviderError as problem:
        raise Invalid(
            Message("Google did not finish the connection. %(words)s", words=Message(problem.words))
        ) from problem
    if not grant.refresh_token:
        raise Invalid(Message("Google gave no lasting access. Start again, and consent on Google's page."))
    return _connect(actor, organization_uuid, grant, account, now)


def connect_with_refresh_token(
    actor: Actor, organization_uuid: uuidlib.UUID, token: str, *, now: datetime | None = None
) -> ConnectionResult:
    """Connect an organization with a refresh token made elsewhere for this portal's client. The token is tried first.

    Raises NotFound, Forbidden, Conflict if no client is configured, Invalid if Google does not accept the token.
    """
    token = token.strip()
    with transaction() as session:
        owned_organization(session, actor, organization_uuid)
    if not settings().google_configured:
        raise Conflict(Message(NOT_CONFIGURED))
    if not token or len(token) > 512 or any(char.isspace() for char in token):
        raise Invalid(Message("This is not a refresh token."), "token")
    try:
        grant = consent().refresh(token)
        account = consent().account(grant.access.token)
    except ConsentLost as problem:
        raise Invalid(
            Message("Google does not accept this refresh token: it is revoked, expired, or another client's.")
        ) from (problem)
    except ProviderError as problem:
        raise Invalid(
            Message("The refresh token could not be checked. %(words)s", words=Message(problem.words))
        ) from problem
    complete = ConsentGrant(grant.refresh_token or token, grant.access, grant.scopes)
    return _connect(actor, organization_uuid, complete, account, now or utcnow())


def _connect(
    actor: Actor, organization_uuid: uuidlib.UUID, grant: ConsentGrant, account: ProviderAccount, now: datetime
) -> ConnectionResult:
    permissions = permissions_of(grant.scopes)
    can_share = Permission.SHARING in permissions
    if Permission.CALENDARS not in permissions:
        raise Invalid(
            Message("The access does not include calendars. Start again, and select every box on Google's page.")
        )
    box = secret_box()
    with transaction() as session:
        organization = owned_organization(session, actor, organization_uuid, lock=True)
        connection = session.execute(
            select(GoogleConnection).where(GoogleConnection.organization_id == organization.id).with_for_update()
        ).scalar_one_or_none()
        if connection is None:
            connection = GoogleConnection(uuid=uuidlib.uuid4(), organization_id=organization.id)
            session.add(connection)
        connection.account_email = account.email
        connection.account_sub = account.sub
        connection.scopes = sorted(grant.scopes)
        connection.refresh_token = box.encrypt(grant.refresh_token, refresh_token_place(connection.uuid))
        connection.access_token = box.encrypt(grant.access.token, access_token_place(connection.uuid))
        connection.access_expires = grant.access.expires
        connection.refreshing_until = None
        connection.broken = ""
        connection.disconnecting = ""
        connection.disconnect_requested = connection.disconnect_next_attempt = None
        connection.created = now
        session.flush()
        _enqueue_calendars(session, organization.id, now)
        details = {"google": account.email, "sharing": can_share}
        notices.notify_google_connected(session, actor, organization, account.email, now)
        record(SecurityEvent.GOOGLE_CONNECTED, actor, object_ref("organization", organization_uuid), **details)
    return ConnectionResult(organization_uuid, account.email, can_share)


def _enqueue_calendars(session: Session, organization_id: int, now: datetime) -> None:
    """Have the calendars in use synced after a (re)connect. Imported calendars that are not in use stay untouched."""
    table = GoogleCalendar
    found = (
        session.execute(
            select(table.id)
            .where(table.offering_id.in_(offering_ids_of(organization_id)), calendars_in_use())
            .order_by(table.id)
        )
        .scalars()
        .all()
    )
    session.execute(
        update(table)
        .where(table.id.in_(found))
        .values(next_read=now, next_attempt=None, attempts=0)
        .execution_options(synchronize_session=False)
    )
    # Whatever failed, failed with the connection that is gone: the runs that are due now say how it is with this one.
    session.execute(
        update(table)
        .where(table.id.in_(found), table.state == CalendarState.ERRED)
        .values(state=CalendarState.OK, error="", action_failed=False)
        .execution_options(synchronize_session=False)
    )
    for calendar_id in found:
        enqueue_calendar(calendar_id)


def _verifier_place(digest: str) -> SecretLocation:
    return secret_location(ConsentRequest.code_verifier, digest)


def _digest(state: str, session_binding: str) -> str:
    return hashlib.sha256(f"{state}\n{session_binding}".encode()).hexdigest()


def _declined(error: str) -> str:
    if error == "access_denied":
        return "Google was not connected: consent was declined on Google's page."
    if not error:
        return "Google was not connected: Google sent no answer back. Begin again."
    return "Google was not connected: its page ended with an error. Begin again, or ask an administrator."
