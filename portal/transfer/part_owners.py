"""Which offering has which nested UUID: an import never moves a part from one offering to another.

A child offering answers the components and plans of its parent under the same UUIDs. Each of them keeps its own rows;
see `portal.models.plans.HasSharedUuid`.
"""

from __future__ import annotations

import uuid as uuidlib
from collections import defaultdict
from collections.abc import Collection
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.models import Offering
from portal.schema.checks import InvalidValue
from portal.transfer.parts import PARTS, Work
from portal.transfer.tables import Row, chunks, table_of

# Parts that a parent and its children may have in common.
SHARED_PARTS = frozenset({"components", "plans"})
_KEYS = tuple(key for key, (_, identity) in PARTS.items() if identity == "uuid")


class PartOwners:
    """The owners of the nested UUIDs of some records: in the database, and as records are added."""

    def __init__(self, session: Session, works: Collection[Work]) -> None:
        # By part and published UUID.
        self._owners: defaultdict[tuple[str, uuidlib.UUID], set[uuidlib.UUID]] = defaultdict(set)
        self._parents: dict[uuidlib.UUID, uuidlib.UUID | None] = {}
        for key in _KEYS:
            named = {_published(row) for work in works for row in work.record.parts.get(key, ())}
            for part in chunks(named):
                self._load(session, key, part)
        for work in works:
            stored = work.stored["parent_uuid"] if work.stored else None
            self._parents[work.record.uuid] = work.record.values.get("parent_uuid", stored)
            for key in _KEYS:
                for row in work.parts[key]:
                    self._owners[key, _published(row)].add(work.record.uuid)

    def _load(self, session: Session, key: str, uuids: list[uuidlib.UUID]) -> None:
        table: Any = table_of(PARTS[key][0])
        columns = [table.c.uuid, table.c.shared_uuid] if key in SHARED_PARTS else [table.c.uuid]
        found = session.execute(
            select(Offering.uuid, Offering.parent_uuid, *columns)
            .join(table, Offering.id == table.c.offering_id)
            .where(or_(*(column.in_(uuids) for column in columns)))
        )
        for owner, parent, *identifiers in found:
            self._parents[owner] = parent
            self._owners[key, identifiers[-1] or identifiers[0]].add(owner)

    def claim(self, work: Work) -> None:
        """Identify the parts of a record with the stored rows. Raises InvalidValue for those of another offering."""
        for key in _KEYS:
            own = {_published(row): row for row in work.parts[key]}
            for position, row in enumerate(work.record.parts.get(key, ())):
                self._identify(work, key, row, own, f"{key}[{position}].uuid")

    def _identify(self, work: Work, key: str, row: Row, own: dict[uuidlib.UUID, Row], path: str) -> None:
        published = _published(row)
        row.pop("shared_uuid", None)
        row["uuid"] = published
        if published in own:
            row["uuid"] = own[published]["uuid"]
            if key in SHARED_PARTS:
                row["shared_uuid"] = own[published]["shared_uuid"]
            return
        owners = self._owners[key, published] - {work.record.uuid}
        for owner in owners:
            if key not in SHARED_PARTS or not self._related(owner, work.record.uuid):
                raise InvalidValue(f"belongs to another offering ({owner})", path)
        if owners:
            row["uuid"] = uuidlib.uuid5(work.record.uuid, f"{key}/{published}")
            row["shared_uuid"] = published

    def _related(self, one: uuidlib.UUID, other: uuidlib.UUID) -> bool:
        """Whether one is the parent of the other, or both have the same parent."""
        families = ({it, self._parents.get(it)} - {None} for it in (one, other))
        return not set.isdisjoint(*families)

    def record(self, work: Work) -> None:
        """Take note of what a record that goes in has, and of what it gives up."""
        for key in _KEYS:
            if key in work.record.parts:
                for row in work.parts[key]:
                    self._owners[key, _published(row)].discard(work.record.uuid)
                for row in work.record.parts[key]:
                    self._owners[key, _published(row)].add(work.record.uuid)


def _published(row: Row) -> uuidlib.UUID:
    found: uuidlib.UUID = row.get("shared_uuid") or row["uuid"]
    return found
