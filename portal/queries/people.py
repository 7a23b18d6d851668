"""User accounts, for staff."""

from __future__ import annotations

import re
import uuid as uuidlib

from sqlalchemy import func, or_, select
from sqlalchemy.orm import raiseload, selectinload

from portal.errors import Forbidden, NotFound
from portal.extensions import db
from portal.models import Membership, Organization, User
from portal.policies import Actor
from portal.queries.page import Page

PAGE_SIZE = 50
MAX_NAMES = 500
# As portal.audit.account() writes it.
_LOGGED = re.compile(r"user:([0-9]{1,9})", re.ASCII)


def people_page(actor: Actor, q: str, number: int) -> tuple[list[User], Page]:
    """One page of users by name, with their roles. Raises Forbidden except for staff.

    `q` searches names and addresses; `user:12` finds the user by the id in the security log.
    """
    if not actor.is_staff:
        raise Forbidden
    query = select(User)
    logged = _LOGGED.fullmatch(q)
    if logged:
        query = query.where(User.id == int(logged[1]))
    elif q:
        words = q.lower()
        query = query.where(
            or_(
                func.lower(User.full_name).contains(words, autoescape=True),
                func.lower(User.email).contains(words, autoescape=True),
            )
        )
    total = int(db.session.execute(query.with_only_columns(func.count(User.id))).scalar_one())
    page = Page.of(number, PAGE_SIZE, total)
    order = (func.lower(User.full_name), User.email)
    # Only ids are sorted, from the nearer end of the list, and only the page's rows are read whole.
    offset, limit, terms = page.offset, page.size, [it.asc() for it in order]
    rest = total - offset - limit
    if rest < offset:
        offset, limit, terms = max(rest, 0), min(limit, total - offset), [it.desc() for it in order]
    ids = query.with_only_columns(User.id).order_by(*terms).offset(offset).limit(limit).subquery()
    rows = db.session.execute(
        select(User)
        .join(ids, ids.c.id == User.id)
        .order_by(*order)
        .options(raiseload("*"), selectinload(User.memberships).joinedload(Membership.organization))
    )
    return list(rows.scalars()), page


def get_person(actor: Actor, uuid: uuidlib.UUID) -> User:
    """One user with their roles. Raises Forbidden except for staff, and NotFound."""
    if not actor.is_staff:
        raise Forbidden
    found = db.session.execute(
        select(User)
        .where(User.uuid == uuid)
        .options(raiseload("*"), selectinload(User.memberships).joinedload(Membership.organization))
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("User")
    return found


def organization_names() -> list[str]:
    """Names of organizations for a menu."""
    query = select(Organization.name).order_by(func.lower(Organization.name)).limit(MAX_NAMES)
    return list(db.session.execute(query).scalars())
