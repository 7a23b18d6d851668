"""The catalogue index of this process: loaded once, then updated with what has changed, in one statement.

Triggers record every change of what the index or a document shows in the same transaction, whichever process writes
(portal.models.CatalogueChange). Bookings do not change the index.
"""

from __future__ import annotations

import uuid as uuidlib
from array import array
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache as cache_forever
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ScalarSelect,
    Select,
    String,
    bindparam,
    cast,
    delete,
    func,
    literal_column,
    or_,
    select,
)

from portal.domain.catalogue_index import CatalogueIndex, IndexedOffering, Label
from portal.extensions import cache, db, in_transaction, transaction
from portal.extensions import catalogue_index as process_index
from portal.models import CatalogueChange, Category, Offering, OfferingDocument, Organization
from portal.policies import ANONYMOUS, Actor, offerings_beyond_public, visible_offerings

# Rows cached in the table. A process that has missed more loads its index again.
CHANGES_KEPT = 20_000
# More changed offerings than this are not looked up one by one.
MANY = 500

_OFFERING = (
    Offering.id,
    Offering.sort_key,
    # As text: converting all of them to UUID objects takes longer than reading them.
    cast(Offering.uuid, String).label("uuid"),
    Offering.created,
    visible_offerings(ANONYMOUS).label("public"),
    Offering.category_id,
    Offering.organization_id,
    Offering.country,
    Offering.state,
    OfferingDocument.schedule_hash,
)
# Transactions below this number have ended: their changes are visible to this snapshot, or never will be.
_HORIZON = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


@dataclass(frozen=True, slots=True)
class Position:
    """How far this process has read the changes.

    SQLite has one writer at a time, so `cursor` is the last change's id. On PostgreSQL a change may be committed after
    one with a higher id, so `cursor` is a transaction id: changes of that and later transactions are read again, and
    `applied` are those already known. `last` is the highest id seen.
    """

    cursor: int
    last: int
    applied: frozenset[int] = frozenset()


def current_index(known: Position | None = None) -> CatalogueIndex:
    """The up-to-date index; loads it first if necessary. One statement.

    No statement if this request knows that nothing has changed since the position `known` (number_of_changes). Ends the
    current read transaction, so that what is read next is not older than the index.
    """
    index = process_index()
    if known is not None and known is index.position:
        return index
    if not in_transaction():
        db.session.commit()
    with index.lock:
        if index.position is None:
            load_index(index)
        else:
            _refresh(index, index.position)
    return index


@contextmanager
def locked_index(known: Position | None = None) -> Iterator[CatalogueIndex]:
    """The up-to-date index, locked inside the block.

    Without the lock another thread could update the index, and the result of an older snapshot would be cached for the
    newer index.
    """
    with process_index().lock:
        yield current_index(known)


def number_of_changes(dialect: str) -> ScalarSelect[int]:
    """The number of changes after the parameter `cursor`; nothing is new if it is that of a position's `applied`."""
    return select(func.count(CatalogueChange.id)).where(_after_cursor(dialect)).scalar_subquery()


def _after_cursor(dialect: str) -> ColumnElement[bool]:
    cursor = bindparam("cursor", type_=BigInteger)
    is_postgresql = dialect == "postgresql"
    return CatalogueChange.transaction_id >= cursor if is_postgresql else CatalogueChange.id > cursor


def visible_ids(actor: Actor, known: Position | None = None) -> array[int]:
    """The ids of the offerings that the actor may see, by case-folded name and UUID. Do not modify."""
    with locked_index(known) as index:
        return index.ids_by_name(extra_ids(index, actor))


def extra_ids(index: CatalogueIndex, actor: Actor) -> Collection[int]:
    """The offerings that this actor may see but not everybody. One statement unless cached."""
    if actor.is_staff:
        return _hidden_ids(index)
    if not actor.signed_in:
        return ()
    # Valid until roles or groups change; offerings that changed since are queried again.
    key, version = ("extra offerings", actor.user_id), index.access_generation
    cached: tuple[int, frozenset[int]] | None = cache().get(key, version)
    changed = index.changes_since(cached[0]) if cached else None
    statement = select(Offering.id).where(offerings_beyond_public(actor))
    if cached is None or changed is None or len(changed) > MANY:
        found = frozenset(db.session.scalars(statement))
    elif changed:
        found = (cached[1] - changed) | frozenset(db.session.scalars(statement.where(Offering.id.in_(changed))))
    else:
        return cached[1]
    cache().put(key, version, (index.generation, found), 60 * len(found))
    return found


def _hidden_ids(index: CatalogueIndex) -> frozenset[int]:
    key, version = "hidden offerings", index.generation
    found: frozenset[int] | None = cache().get(key, version)
    if found is None:
        found = frozenset(it for it in index.order if not index.public[it])
        cache().put(key, version, found, 60 * len(found))
    return found


def prune_changes() -> None:
    """Delete old rows of changes. For the worker; calling it twice is harmless."""
    with transaction() as session:
        last = session.execute(select(func.max(CatalogueChange.id))).scalar_one() or 0
        session.execute(delete(CatalogueChange).where(CatalogueChange.id <= last - CHANGES_KEPT))


def load_index(index: CatalogueIndex) -> None:
    """Read everything into the index. Four statements (PostgreSQL: five); 100,000 offerings take half a second."""
    last = func.coalesce(func.max(CatalogueChange.id), 0).label("last")
    is_postgresql = db.engine.dialect.name == "postgresql"
    cursor = literal_column(_HORIZON, BigInteger).label("cursor") if is_postgresql else last.label("cursor")
    position = db.session.execute(select(last, cursor)).one()
    applied: frozenset[int] = frozenset()
    if is_postgresql:
        recent = select(CatalogueChange.id).where(CatalogueChange.transaction_id >= position.cursor)
        applied = frozenset(db.session.scalars(recent))
    labels = {
        facet: {row.id: Label(str(row.uuid), row.name) for row in db.session.execute(statement)}
        for facet, statement in (
            ("category", select(Category.id, Category.uuid, Category.title.label("name"))),
            ("organization", select(Organization.id, Organization.uuid, Organization.name)),
        )
    }
    offerings = (
        select(*_OFFERING)
        .join(OfferingDocument, OfferingDocument.offering_id == Offering.id)
        .execution_options(yield_per=5_000)
    )
    index.load((_indexed(row) for row in db.session.execute(offerings)), labels)
    index.position = Position(position.cursor, position.last, applied)


def _refresh(index: CatalogueIndex, position: Position) -> None:
    dialect = db.engine.dialect.name
    rows = db.session.execute(_changes(dialect), {"cursor": position.cursor}).all()
    if not rows:
        return
    if rows[0].oldest > position.last + 1:
        load_index(index)
        return
    last = max(position.last, rows[-1].change)
    if dialect == "postgresql":
        horizon = rows[0].horizon
        applied = frozenset(row.change for row in rows if row.transaction_id >= horizon)
        index.position = Position(horizon, last, applied)
    else:
        index.position = Position(last, last)
    new = [row for row in rows if row.change not in position.applied]
    if not new:
        return
    changed: dict[int, IndexedOffering | None] = {}
    labels: dict[str, dict[int, Label]] = {"category": {}, "organization": {}}
    for row in new:
        if row.changed_id is None:
            continue
        changed.setdefault(row.changed_id, None)
        # An offering without a document is not shown anywhere.
        if row.id is not None and row.schedule_hash is not None:
            changed[row.id] = _indexed(row)
        if row.category_uuid is not None:
            labels["category"][row.category_id] = Label(str(row.category_uuid), row.category_title)
        if row.organization_uuid is not None:
            labels["organization"][row.organization_id] = Label(str(row.organization_uuid), row.organization_name)
    index.apply(changed, labels, access_changed=any(row.changed_id is None for row in new))


@cache_forever
def _changes(dialect: str) -> Select[Any]:
    change = CatalogueChange
    return (
        select(
            change.id.label("change"),
            change.offering_id.label("changed_id"),
            change.transaction_id,
            literal_column(_HORIZON if dialect == "postgresql" else "0", BigInteger).label("horizon"),
            select(func.min(CatalogueChange.id)).scalar_subquery().label("oldest"),
            *_OFFERING,
            Category.uuid.label("category_uuid"),
            Category.title.label("category_title"),
            Organization.uuid.label("organization_uuid"),
            Organization.name.label("organization_name"),
        )
        # Children too: they show their parent only to those who may see it.
        .outerjoin(Offering, or_(Offering.id == change.offering_id, Offering.parent_id == change.offering_id))
        .outerjoin(OfferingDocument, OfferingDocument.offering_id == Offering.id)
        .outerjoin(Category, Category.id == Offering.category_id)
        .outerjoin(Organization, Organization.id == Offering.organization_id)
        .where(_after_cursor(dialect))
        .order_by(change.id)
    )


def _indexed(row: Any) -> IndexedOffering:
    return IndexedOffering(
        row.id,
        row.sort_key.encode("utf-8", "surrogatepass") + b"\0" + uuidlib.UUID(row.uuid).bytes,
        row.created.timestamp(),
        bool(row.public),
        row.category_id,
        row.organization_id or 0,
        row.country,
        row.state,
        row.schedule_hash,
    )
