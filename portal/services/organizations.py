"""Organizations: which groups they belong to."""

from __future__ import annotations

import uuid as uuidlib

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from portal.audit import SecurityEvent, object_ref, record
from portal.documents import store as documents
from portal.domain.messages import Message
from portal.errors import Forbidden, Invalid, NotFound
from portal.extensions import transaction
from portal.models import OrganizationGroup, organization_group_members
from portal.policies import Actor
from portal.services.accounts import find_organization


def set_group(actor: Actor, organization: str, group: str, *, member: bool = True) -> None:
    """Put an organization (name or uuid) into a group (name or uuid), or take it out. Staff only.

    Doing it twice is doing it once. Raises Forbidden, NotFound, Invalid where a name is ambiguous.
    """
    if not actor.is_staff:
        raise Forbidden
    links = organization_group_members
    with transaction() as session:
        found = find_organization(organization)
        wanted = _find_group(session, group)
        clause = (links.c.organization_id == found.id) & (links.c.group_id == wanted.id)
        session.execute(delete(links).where(clause))
        record(
            SecurityEvent.GROUP_CHANGED, actor, object_ref("organization", found.uuid), group=wanted.uuid, member=member
        )
        if member:
            session.execute(insert(links).values(organization_id=found.id, group_id=wanted.id))
        # A group's number of members stands in the documents of the offerings and plans restricted to it.
        documents.refresh(session, documents.dependents(session, groups=[wanted.id]))


def _find_group(session: Session, name_or_uuid: str) -> OrganizationGroup:
    text = name_or_uuid.strip()
    try:
        clause = OrganizationGroup.uuid == uuidlib.UUID(text)
    except ValueError:
        clause = OrganizationGroup.name == text
    found = session.execute(select(OrganizationGroup).where(clause).limit(2)).scalars().all()
    if not found:
        raise NotFound("Group")
    if len(found) > 1:
        raise Invalid(Message("Several groups are called %(text)s: give the uuid.", text=repr(text)), "group")
    return found[0]
