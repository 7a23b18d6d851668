"""Whether a message that waits is still for its recipient. Asked when it is sent: long after it was written, maybe."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from portal.domain.mail import ASKED_FOR, GROUP_OF, Kind
from portal.extensions import db, transaction
from portal.models import AccountLink, Offering, Organization, OutgoingMail, User
from portal.policies import Actor, managed_offerings, owned_organizations


def is_still_recipient(session: Session, row: OutgoingMail) -> bool:
    """Whether the recipient may still know what the message tells. A summary is cut down to what they may."""
    if Kind(row.kind) in ASKED_FOR:
        _resolve_recipient(session, row)
    if row.user_id is None:
        return Kind(row.kind) is not Kind.PASSWORD
    user = session.get(User, row.user_id, populate_existing=True)
    if user is None or not user.is_active:
        return False
    actor = Actor(user.id, user.is_staff)
    group = GROUP_OF.get(Kind(row.kind))
    if group == "calendars":
        return _owns(session, actor, row.data)
    if group != "requests":
        return True
    if "messages" not in row.data:
        return bool(_managed(session, actor, [row.data]))
    kept = _managed(session, actor, row.data["messages"])
    if len(kept) < len(row.data["messages"]):
        row.data = {**row.data, "messages": kept, "number": len(kept)}
    return bool(kept)


def delete_unowned_password_requests() -> None:
    """Delete the links to choose a password that were asked for with addresses of no active account.

    All at once, before any message is sent: the others do not wait, however many of them somebody asks for.
    """
    nobody = (
        (OutgoingMail.kind == Kind.PASSWORD.value)
        & (OutgoingMail.attempts == 0)
        & OutgoingMail.next_attempt.is_not(None)
        & ~exists().where(User.email == OutgoingMail.recipient, User.is_active.is_(True))
    )
    if db.session.execute(select(OutgoingMail.id).where(nobody).limit(1)).first() is None:
        return
    with transaction() as session:
        dropped = delete(OutgoingMail).where(nobody).execution_options(synchronize_session=False)
        session.execute(dropped)
        unowned = ~exists().where(User.email == AccountLink.email)
        links = delete(AccountLink).where(AccountLink.purpose == "password", unowned)
        session.execute(links.execution_options(synchronize_session=False))


def _resolve_recipient(session: Session, row: OutgoingMail) -> None:
    """Decide what is mailed to an address that anybody may have typed.

    Here and not when it was asked for: that takes as long for an address with an account as for one without.
    """
    holder = session.execute(select(User).where(User.email == row.recipient)).scalar_one_or_none()
    if holder is None or holder.id == row.user_id:
        return
    if Kind(row.kind) is not Kind.PASSWORD:
        # The address has an account already: its owner is told so, and gets no link.
        row.kind, row.data, row.sealed_secret = Kind.KNOWN.value, {}, None
    row.user_id = holder.id


def _managed(session: Session, actor: Actor, messages: Collection[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that are about offerings which the actor manages. (Entries of earlier versions name none.)"""
    named = {uuidlib.UUID(it["offering_uuid"]) for it in messages if it.get("offering_uuid")}
    found = session.scalars(select(Offering.uuid).where(Offering.uuid.in_(named), managed_offerings(actor)))
    managed = set(map(str, found))
    return [it for it in messages if it.get("offering_uuid", "") in {"", *managed}]


def _owns(session: Session, actor: Actor, data: Mapping[str, Any]) -> bool:
    organization = uuidlib.UUID(data["organization_uuid"])
    owned = select(Organization.id).where(Organization.uuid == organization, owned_organizations(actor))
    return session.execute(owned).first() is not None
