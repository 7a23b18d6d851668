"""Stores documents, in the transaction that changes what they show.

Everything that changes what documents show calls `refresh` before its commit. A property test (tests/documents) checks
stored documents against newly built ones.
"""

from __future__ import annotations

import re
import uuid as uuidlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import cast

from sqlalchemy import BindParameter, Table, bindparam, case, delete, func, insert, literal, or_, select, text, update
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from portal.documents.build import build
from portal.documents.rows import load
from portal.domain.booking_states import HOLDING
from portal.models import (
    Booking,
    Category,
    Offering,
    OfferingCounter,
    OfferingDocument,
    OfferingSoftwareCatalog,
    Organization,
    OrganizationGroup,
    Plan,
    PlanCounter,
    Project,
    media_uses,
    offering_organization_groups,
    plan_organization_groups,
)
from portal.models.base import utcnow

BATCH = 200
_MEDIA = re.compile(rb"/api/media/([0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})", re.IGNORECASE)


def refresh(session: Session, offering_ids: Iterable[int]) -> int:
    """Rebuild the documents of these offerings and return how many changed. Flushes the session."""
    ids = sorted(set(offering_ids))
    changed = 0
    for batch in _batches(ids):
        changed += _refresh(session, batch)
    return changed


def dependents(
    session: Session,
    *,
    organizations: Collection[int] = (),
    categories: Collection[int] = (),
    groups: Collection[int] = (),
    projects: Collection[int] = (),
    catalogs: Collection[int] = (),
    parents: Collection[int] = (),
) -> set[int]:
    """Ids of all offerings that show one of these (ids).

    `groups`: their name, parent or number of members changed. `catalogs`: software catalogs. `parents`: offerings
    whose name, description or plugin_options changed. Flushes the session.
    """
    session.flush()
    clauses = []
    for column, ids in (
        (Offering.organization_id, organizations),
        (Offering.category_id, categories),
        (Offering.project_id, projects),
        (Offering.parent_id, parents),
    ):
        if ids:
            clauses.append(column.in_(ids))
    if catalogs:
        own = OfferingSoftwareCatalog
        clauses.append(Offering.id.in_(select(own.offering_id).where(own.catalog_id.in_(catalogs))))
    if groups:
        # A group is also named as the parent of the groups inside it.
        named = or_(OrganizationGroup.id.in_(groups), OrganizationGroup.parent_id.in_(groups))
        concerned = select(OrganizationGroup.id).where(named)
        by_offering, by_plan = offering_organization_groups, plan_organization_groups
        clauses.append(Offering.id.in_(select(by_offering.c.offering_id).where(by_offering.c.group_id.in_(concerned))))
        clauses.append(
            Offering.id.in_(
                select(Plan.offering_id)
                .join(by_plan, by_plan.c.plan_id == Plan.id)
                .where(by_plan.c.group_id.in_(concerned))
            )
        )
    if not clauses:
        return set()
    return set(session.scalars(select(Offering.id).where(or_(*clauses))))


def refresh_all(session: Session) -> int:
    """Rebuild every document and return how many changed, after an upgrade that changes their format."""
    return refresh(session, session.scalars(select(Offering.id)).all())


def recount(session: Session) -> None:
    """Recount the bookings of all offerings and plans. Bookings made meanwhile wait."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE bookings IN SHARE MODE"))
    holding = func.sum(case((Booking.state.in_(HOLDING), 1), else_=0))
    counted = {
        OfferingCounter: select(Booking.offering_id, func.count(), literal(1), func.max(Booking.modified)),
        PlanCounter: select(Booking.plan_id, func.count(), holding).where(Booking.plan_id.is_not(None)),
    }
    kept = session.execute(select(OfferingCounter.offering_id, OfferingCounter.version))
    versions = {row.offering_id: row.version for row in kept}
    for table, statement in counted.items():
        session.execute(delete(table))
        columns = [it.name for it in table.__table__.columns]
        session.execute(insert(table).from_select(columns, statement.group_by(statement.selected_columns[0])))
    # Versions only go up.
    higher = [{"key": key, "above": version} for key, version in versions.items()]
    counter = cast(Table, OfferingCounter.__table__)
    change = update(counter).where(counter.c.offering_id == bindparam("key"))
    if higher:
        session.connection().execute(change.values(version=counter.c.version + bindparam("above")), higher)


def _batches(ids: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(ids)
    while batch := list(islice(rest, BATCH)):
        yield batch


# Columns that differ if a stored document is out of date. All others depend on the document, as does the digest.
_COMPARED = ("digest", "schedule_hash", "search_name", "search_text")

# The statements of a refresh are built once, like those that load the rows.
_IDS: BindParameter[list[int]] = bindparam("ids", expanding=True)
_DOCUMENT = cast(Table, OfferingDocument.__table__)
_STORED = (
    select(_DOCUMENT.c.offering_id, *(_DOCUMENT.c[name] for name in _COMPARED))
    .where(_DOCUMENT.c.offering_id.in_(_IDS))
    .order_by(_DOCUMENT.c.offering_id)
    .with_for_update()
)
_INSERTED = insert(_DOCUMENT)
_CHANGED = update(_DOCUMENT).where(_DOCUMENT.c.offering_id == bindparam("key"))
_USED_MEDIA = select(media_uses).where(media_uses.c.offering_id.in_(_IDS))
_LOCKED = [
    select(model.id)
    .where(model.id.in_(select(key).where(Offering.id.in_(_IDS))))
    .order_by(model.id)
    .with_for_update(read=True)
    for model, key in (
        (Organization, Offering.organization_id),
        (Category, Offering.category_id),
        (Project, Offering.project_id),
    )
]


def _refresh(session: Session, ids: list[int]) -> int:
    session.flush()
    _lock_shared(session, ids)
    # Locked before anything is read: of two writers the second one builds from what the first has committed.
    stored = {row.offering_id: tuple(row)[1:] for row in session.execute(_STORED, {"ids": ids})}
    now = utcnow()
    new, changed, uses = [], [], set()
    for prepared in build(load(session, ids)):
        uses |= {(prepared.offering_id, media) for media in media_in(prepared.document)}
        if stored.get(prepared.offering_id) == tuple(getattr(prepared, name) for name in _COMPARED):
            continue
        row = asdict(prepared) | {"written": now}
        if prepared.offering_id in stored:
            changed.append({"key": row.pop("offering_id"), **row})
        else:
            new.append(row)
    written = len(new) + len(changed)
    connection = session.connection()
    if new:
        connection.execute(_INSERTED, new)
    if changed:
        connection.execute(_CHANGED, changed)
    _record_media(connection, ids, uses)
    return written


def media_in(document: bytes) -> set[uuidlib.UUID]:
    """The UUIDs of the portal's own pictures and files in a document."""
    return {uuidlib.UUID(it.decode("ascii")) for it in _MEDIA.findall(document)}


def _record_media(connection: Connection, ids: list[int], uses: set[tuple[int, uuidlib.UUID]]) -> None:
    """Record which media these offerings use, which decides who may read them."""
    table = media_uses
    known = {tuple(row) for row in connection.execute(_USED_MEDIA, {"ids": ids})}
    if gone := known - uses:
        this_one = (table.c.offering_id == bindparam("offering")) & (table.c.media_uuid == bindparam("media"))
        connection.execute(delete(table).where(this_one), [{"offering": key, "media": one} for key, one in gone])
    if new := uses - known:
        connection.execute(insert(table), [{"offering_id": key, "media_uuid": one} for key, one in new])


def _lock_shared(session: Session, ids: list[int]) -> None:
    """Lock the organizations, categories and projects of these offerings against renaming until the commit.

    SQLite has one writer at a time, so nothing is locked there.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    for statement in _LOCKED:
        session.execute(statement, {"ids": ids}).all()
