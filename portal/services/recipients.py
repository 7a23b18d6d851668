"""Checks, when a message is sent, that its recipient may still get it. It may have been queued long before."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from portal.domain.mail import ASKED_FOR, GROUP_OF, MailKind
from portal.extensions import db, transaction
from portal.models import AccountLink, Offering, Organization, OutgoingMail, User
from portal.policies import Actor, managed_offerings, owned_organizations


def language_of(session: Session, row: OutgoingMail) -> str:
    """The language in which a message is written: that of the recipient's account, "" if it has none."""
    user = session.get(User, row.user_id) if row.user_id is not None else None
    return user.language if user is not None else ""


def is_still_recipient(session: Session, row: OutgoingMail) -> bool:
    """Whether the recipient may still see what the message is about. Removes other entries from a summary."""
    if MailKind(row.kind) in ASKED_FOR:
        _resolve_recipient(session, row)
    if row.user_id is None:
        return MailKind(row.kind) is not MailKind.PASSWORD
    user = session.get(User, row.user_id, populate_existing=True)
    if user is None or not user.is_active:
        return False
    actor = Actor(user.id, user.is_staff)
    group = GROUP_OF.get(MailKind(row.kind))
    if group == "calendars":
        return _owns(session, actor, row.data)
    if group != "requests":
        return True
    if "messages" not in row.data:
        return bool(_managed(session, actor, [row.data]))
    visible = _managed(session, actor, row.data["messages"])
    if len(visible) < len(row.data["messages"]):
        row.data = {**row.data, "messages": visible, "number": len(visible)}
    return bool(visible)


def delete_unowned_password_requests() -> None:
    """Delete the queued password links to addresses that belong to no active account.

    All in one statement, before any message is sent, so that many of them do not delay other messages.
    """
    unowned = (
        (OutgoingMail.kind == MailKind.PASSWORD.value)
        & (OutgoingMail.attempts == 0)
        & OutgoingMail.next_attempt.is_not(None)
        & ~exists().where(User.email == OutgoingMail.recipient, User.is_active.is_(True))
    )
    if db.session.execute(select(OutgoingMail.id).where(unowned).limit(1)).first() is None:
        return
    with transaction() as session:
        no_account = ~exists().where(User.email == AccountLink.email)
        for statement in (
            delete(OutgoingMail).where(unowned),
            delete(AccountLink).where(AccountLink.purpose == "password", no_account),
        ):
            session.execute(statement.execution_options(synchronize_session=False))


def _resolve_recipient(session: Session, row: OutgoingMail) -> None:
    """Look up whether the address, which anyone may have typed, belongs to an account.

    Done when the message is sent, so that the request takes the same time for addresses with and without an account.
    """
    holder = session.execute(select(User).where(User.email == row.recipient)).scalar_one_or_none()
    if holder is None or holder.id == row.user_id:
        return
    if MailKind(row.kind) is not MailKind.PASSWORD:
        # The address already has an account: its owner gets a message that says so, and no link.
        row.kind, row.data, row.sealed_secret = MailKind.KNOWN.value, {}, None
    row.user_id = holder.id


def _managed(session: Session, actor: Actor, messages: Collection[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The messages about offerings that the actor manages. (Entries of earlier versions name no offering.)"""
    named = {uuidlib.UUID(it["offering_uuid"]) for it in messages if it.get("offering_uuid")}
    found = session.scalars(select(Offering.uuid).where(Offering.uuid.in_(named), managed_offerings(actor)))
    managed = set(map(str, found))
    return [it for it in messages if it.get("offering_uuid", "") in {"", *managed}]


def _owns(session: Session, actor: Actor, data: Mapping[str, Any]) -> bool:
    organization = uuidlib.UUID(data["organization_uuid"])
    owned = select(Organization.id).where(Organization.uuid == organization, owned_organizations(actor))
    return session.execute(owned).first() is not None
