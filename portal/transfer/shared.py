"""What several offerings have in common (organizations, projects, categories, catalogs, groups): upserted by uuid."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy.orm import Session

from portal.models import OrganizationGroup
from portal.transfer.record import Group, Shared
from portal.transfer.tables import (
    Row,
    differs,
    insert_for_ids,
    rows_where,
    table_of,
    update_rows,
    with_defaults,
)

Ids = dict[uuidlib.UUID, int]


def upsert_shared(
    session: Session,
    model: Any,
    found: Iterable[Shared | None],
    more: Callable[[uuidlib.UUID], Row] = lambda _uuid: {},
) -> tuple[Ids, set[int]]:
    """Write them and answer uuid -> id, and the ids of those that changed. `more` are further columns of a new one.

    Where two records disagree the later one wins. What a record does not say stays.
    """
    wanted: dict[uuidlib.UUID, Row] = {}
    for one in found:
        if one is not None:
            wanted.setdefault(one.uuid, {}).update(one.values)
    stored = {row["uuid"]: row for row in rows_where(session, model, "uuid", wanted)}
    blank: Row = {name: "" for name in ("name", "title") if name in table_of(model).c}
    new = [
        with_defaults(model, blank | values | more(uuid) | {"uuid": uuid})
        for uuid, values in wanted.items()
        if uuid not in stored
    ]
    changed = [
        stored[uuid] | values
        for uuid, values in wanted.items()
        if uuid in stored and differs(model, stored[uuid], values)
    ]
    ids = insert_for_ids(session, model, new)
    update_rows(session, model, changed)
    return ids | {uuid: row["id"] for uuid, row in stored.items()}, {row["id"] for row in changed}


def upsert_groups(session: Session, groups: list[Group]) -> tuple[Ids, set[int]]:
    """Write organization groups and their parents; uuid -> id, and the ids of those that changed."""
    parents = [group.parent for group in groups if group.parent is not None]
    ids, changed = upsert_shared(session, OrganizationGroup, [*parents, *groups])
    wanted = {
        group.uuid: None if group.parent is None else ids[group.parent.uuid] for group in groups if group.knows_parent
    }
    stored = rows_where(session, OrganizationGroup, "uuid", wanted)
    moved = [
        {"id": row["id"], "parent_id": wanted[row["uuid"]]} for row in stored if row["parent_id"] != wanted[row["uuid"]]
    ]
    update_rows(session, OrganizationGroup, moved)
    return ids, changed | {row["id"] for row in moved}
