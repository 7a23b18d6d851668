"""An organization's connection to Google: consent, access tokens, and its end. Tokens are encrypted at rest.

Where Google is asked (the code exchanged, a token refreshed or revoked) no transaction is open.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid as uuidlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from portal.audit import Event, record, thing
from portal.domain.google import (
    SCOPE_CALENDARS,
    SCOPE_SHARING,
    SCOPES,
    Account,
    Grant,
    ProviderError,
    ReconnectNeeded,
    grants,
)
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.extensions import consent, place_of, secret_box, settings, transaction, wake_calendar, writing
from portal.models import ConsentRequest, GoogleCalendar, GoogleConnection, Organization
from portal.models.base import utcnow
from portal.policies import Actor, managed_organizations, owned_organizations
from portal.secretbox import Place
from portal.services.google_access import access_place, offerings_of, refresh_place

CALLBACK_PATH = "/manage/google/callback"
CONSENT_LASTS = timedelta(minutes=10)
NOT_CONFIGURED = "This portal has no Google client: whoever runs it must set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET."


@dataclass(frozen=True, slots=True)
class Connected:
    """A consent that was just finished: for which organization, as whom, and what the person left unticked."""

    organization_uuid: uuidlib.UUID
    account_email: str
    can_share: bool


def redirect_uri() -> str:
    """The address that Google sends people back to; the same one has to be entered in Google's console."""
    return settings().public_url + CALLBACK_PATH


def begin_consent(
    actor: Actor,
    organization_uuid: uuidlib.UUID,
    session_binding: str,
    *,
    sharing: bool = True,
    now: datetime | None = None,
) -> str:
    """Where to send the person so that the organization gets connected; `sharing` asks for the right to share, too.

    `session_binding` is a secret of the browser session (not shown to anybody): only the same session, person and
    organization can finish, once, within ten minutes. Raises NotFound, Forbidden, Conflict if no client is set up.
    """
    if not settings().google_configured:
        raise Conflict(NOT_CONFIGURED)
    now = now or utcnow()
    state = secrets.token_urlsafe(32)
    scopes = [scope for scope in SCOPES if sharing or scope != SCOPE_SHARING]
    address = consent().address(redirect_uri=redirect_uri(), state=state, scopes=scopes)
    with transaction() as session:
        organization = owned_organization(session, actor, organization_uuid)
        if actor.user_id is None:
            raise Forbidden
        session.execute(delete(ConsentRequest).where(ConsentRequest.created < now - CONSENT_LASTS))
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
) -> Connected:
    """Connect the organization for which this session began the consent.

    `code` or `error` is what Google sent back. Whatever the outcome, the state is used up. Raises Invalid with a
    sentence if the state is unknown, stale or another's, if the person said no, or if Google refused; NotFound or
    Forbidden if the person lost their role meanwhile.
    """
    with writing():
        return _finish(actor, session_binding, state, code, error, now or utcnow())


def _finish(actor: Actor, session_binding: str, state: str, code: str, error: str, now: datetime) -> Connected:
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
    if request is None or request.user_id != actor.user_id or now - request.created > CONSENT_LASTS:
        raise Invalid("This consent was not begun here, is used up, or took longer than ten minutes. Begin again.")
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
        raise Invalid(f"Google did not finish the connection. {problem.words}") from problem
    if not grant.refresh_token:
        raise Invalid("Google gave no lasting access. Begin again, and consent on Google's page.")
    return _connect(actor, organization_uuid, grant, account, now)


def connect_with_refresh_token(
    actor: Actor, organization_uuid: uuidlib.UUID, token: str, *, now: datetime | None = None
) -> Connected:
    """Connect an organization with a refresh token made elsewhere for this portal's client. It is tried first.

    Raises NotFound, Forbidden, Conflict if no client is set up, Invalid if Google does not accept the token.
    """
    token = token.strip()
    with transaction() as session:
        owned_organization(session, actor, organization_uuid)
    if not settings().google_configured:
        raise Conflict(NOT_CONFIGURED)
    if not token or len(token) > 512 or any(char.isspace() for char in token):
        raise Invalid("This is not a refresh token.", "token")
    try:
        grant = consent().refresh(token)
        account = consent().account(grant.access.token)
    except ReconnectNeeded as problem:
        raise Invalid("Google does not accept this refresh token: it is revoked, expired, or another client's.") from (
            problem
        )
    except ProviderError as problem:
        raise Invalid(f"The refresh token could not be tried. {problem.words}") from problem
    kept = Grant(grant.refresh_token or token, grant.access, grant.scopes)
    return _connect(actor, organization_uuid, kept, account, now or utcnow())


def _connect(actor: Actor, organization_uuid: uuidlib.UUID, grant: Grant, account: Account, now: datetime) -> Connected:
    if not grants(grant.scopes, SCOPE_CALENDARS):
        raise Invalid("Google access does not cover calendars. Begin again, and tick every box on Google's page.")
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
        connection.refresh_token = box.encrypt(grant.refresh_token, refresh_place(connection.uuid))
        connection.access_token = box.encrypt(grant.access.token, access_place(connection.uuid))
        connection.access_expires = grant.access.expires
        connection.refreshing_until = None
        connection.broken = ""
        connection.ending = ""
        connection.ending_since = connection.ending_at = None
        connection.created = now
        session.flush()
        _wake_calendars(session, organization.id, now)
        facts = {"google": account.email, "sharing": grants(grant.scopes, SCOPE_SHARING)}
        record(Event.GOOGLE_CONNECTED, actor, thing("organization", organization_uuid), **facts)
    return Connected(organization_uuid, account.email, grants(grant.scopes, SCOPE_SHARING))


def _wake_calendars(session: Session, organization_id: int, now: datetime) -> None:
    """After (re)connecting: calendars that are in use are brought up to date; untouched imports stay untouched."""
    table = GoogleCalendar
    clause = table.offering_id.in_(offerings_of(organization_id)) & or_(table.wanted > 0, table.next_read.is_not(None))
    found = session.execute(select(table.id).where(clause).order_by(table.id)).scalars().all()
    session.execute(
        update(table)
        .where(table.id.in_(found))
        .values(next_read=now, next_attempt=None, attempts=0)
        .execution_options(synchronize_session=False)
    )
    for calendar_id in found:
        wake_calendar(calendar_id)


def owned_organization(
    session: Session, actor: Actor, organization_uuid: uuidlib.UUID, *, lock: bool = False
) -> Organization:
    """The organization, if its Google connection is the actor's to act on; a stranger is not told that it exists."""
    statement = select(Organization).where(Organization.uuid == organization_uuid)
    if lock:
        statement = statement.with_for_update(of=Organization, key_share=True)
    organization = session.execute(statement.where(managed_organizations(actor))).scalar_one_or_none()
    if organization is None:
        raise NotFound("Organization")
    owned = select(Organization.id).where(Organization.id == organization.id, owned_organizations(actor))
    if session.execute(owned).first() is None:
        raise Forbidden
    return organization


def _verifier_place(digest: str) -> Place:
    return place_of(ConsentRequest.code_verifier, digest)


def _digest(state: str, session_binding: str) -> str:
    return hashlib.sha256(f"{state}\n{session_binding}".encode()).hexdigest()


def _declined(error: str) -> str:
    if error == "access_denied":
        return "Google was not connected: consent was declined on Google's page."
    if not error:
        return "Google was not connected: Google sent no answer back. Begin again."
    return "Google was not connected: its page ended with an error. Begin again; if it stays, tell who runs the portal."
