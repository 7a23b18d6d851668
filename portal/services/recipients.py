"""Whether a message that waits is still for its recipient. Asked when it is sent: long after it was written, maybe."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain.mail import GROUP_OF, Kind
from portal.models import Offering, Organization, OutgoingMail, User
from portal.policies import Actor, managed_offerings, owned_organizations


def still_for(session: Session, row: OutgoingMail) -> bool:
    """Whether the recipient may still know what the message tells. A summary is cut down to what they may."""
    if row.user_id is None:
        return True
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


def _managed(session: Session, actor: Actor, told: Collection[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that are about offerings which the actor manages. (Entries of earlier versions name none.)"""
    named = {uuidlib.UUID(it["offering_uuid"]) for it in told if it.get("offering_uuid")}
    found = session.scalars(select(Offering.uuid).where(Offering.uuid.in_(named), managed_offerings(actor)))
    managed = set(map(str, found))
    return [it for it in told if it.get("offering_uuid", "") in {"", *managed}]


def _owns(session: Session, actor: Actor, data: Mapping[str, Any]) -> bool:
    organization = uuidlib.UUID(data["organization_uuid"])
    owned = select(Organization.id).where(Organization.uuid == organization, owned_organizations(actor))
    return session.execute(owned).first() is not None
