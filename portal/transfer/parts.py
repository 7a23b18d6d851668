"""Writes what belongs to offerings: the rows of their parts, links to groups, scopes and calendars.

What a record does not name stays as it is stored; what changes anything marks its offering as touched.
"""

from __future__ import annotations

import uuid as uuidlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import case, delete, func, insert, select
from sqlalchemy.orm import Session

from portal.calendar_sync.states import CalendarState
from portal.domain.booking_states import HOLDING
from portal.domain.pricing import is_active
from portal.models import (
    Booking,
    Component,
    Endpoint,
    GoogleCalendar,
    OfferingFile,
    OfferingRole,
    OfferingSoftwareCatalog,
    Partition,
    Plan,
    PlanComponent,
    Quota,
    Scope,
    Screenshot,
    offering_organization_groups,
    plan_organization_groups,
)
from portal.models.base import utcnow
from portal.transfer.record import Record
from portal.transfer.tables import (
    Row,
    chunks,
    delete_rows,
    differs,
    insert_rows,
    rows_where,
    table_of,
    update_rows,
    with_defaults,
)

# Wire key -> model and what identifies a row of the part; in the order in which they have to be written.
PARTS: dict[str, tuple[Any, str]] = {
    "endpoints": (Endpoint, "uuid"),
    "roles": (OfferingRole, "uuid"),
    "screenshots": (Screenshot, "uuid"),
    "files": (OfferingFile, "position"),
    "quotas": (Quota, "position"),
    "partitions": (Partition, "uuid"),
    "components": (Component, "uuid"),
    "plans": (Plan, "uuid"),
    "software_catalogs": (OfferingSoftwareCatalog, "uuid"),
}
# Lists that are answered by name: in which order they come means nothing.
_ORDERED_BY_NAME = frozenset({"components", "plans", "roles"})
# Keys of a read row that are no columns of its table.
_NO_COLUMNS = frozenset({"components", "groups", "catalog", "partition", "resources_count", "is_active", "path"})


@dataclass(slots=True)
class Work:
    """One record and the offering it is about."""

    record: Record
    stored: Row | None
    # Its counts then include what was booked here: it is this portal's own export.
    from_here: bool = False
    parts: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    plan_components: dict[uuidlib.UUID, list[Row]] = field(default_factory=lambda: defaultdict(list))
    id: int = 0
    touched: bool = False

    def given(self, key: str) -> list[Row]:
        """The rows of a part after this record: its own, or those that are stored where it has none."""
        return self.record.parts.get(key, self.parts[key])


def ids_of(works: list[Work]) -> list[int]:
    """The offerings' ids."""
    return [work.id for work in works]


def _own_plan_bookings(session: Session, works: list[Work]) -> dict[int, tuple[int, int]]:
    ids = [row["id"] for work in works if work.from_here for row in work.parts["plans"]]
    if not ids:
        return {}
    holding = func.sum(case((Booking.state.in_(HOLDING), 1), else_=0))
    statement = select(Booking.plan_id, func.count(), holding).where(Booking.plan_id.in_(ids))
    rows = session.execute(statement.group_by(Booking.plan_id))
    return {plan_id: (count, int(held)) for plan_id, count, held in rows if plan_id is not None}


def delete_parts(session: Session, works: list[Work]) -> None:
    """Delete the parts that records name no more."""
    for key, (model, identity) in PARTS.items():
        gone = []
        for work in works:
            if key in work.record.parts:
                kept = {row[identity] for row in work.record.parts[key]}
                leaving = [row["id"] for row in work.parts[key] if row[identity] not in kept]
                gone += leaving
                work.touched |= bool(leaving)
                if key == "components":
                    _forget_prices(work, leaving)
        delete_rows(session, model, gone)


def _forget_prices(work: Work, components: list[int]) -> None:
    """Prices are deleted with their component. SQLite may give its id to the next one."""
    for rows in work.plan_components.values():
        rows[:] = [row for row in rows if row["component_id"] not in components]


def write_parts(session: Session, works: list[Work], catalogs: dict[uuidlib.UUID, int]) -> None:
    """Write the rows of every part but those of its parts. `catalogs` are ids by uuid."""
    own = _own_plan_bookings(session, works)
    for key, (model, identity) in PARTS.items():
        partitions = _ids(session, works, "partitions") if key == "software_catalogs" else {}
        new, changed = [], []
        for work in works:
            stored = {row[identity]: row for row in work.parts[key]}
            for row in work.record.parts.get(key, ()):
                wanted = {name: value for name, value in row.items() if name not in _NO_COLUMNS}
                old = stored.get(row[identity])
                if key == "plans":
                    wanted |= _counts(work.record, row, old, own)
                elif key == "software_catalogs":
                    if "catalog" in row:
                        wanted["catalog_id"] = catalogs[row["catalog"].uuid]
                    if "partition" in row:
                        wanted["partition_id"] = partitions.get(row["partition"])
                if old is None:
                    new.append(with_defaults(model, wanted | {"offering_id": work.id}))
                    work.touched = True
                else:
                    if key in _ORDERED_BY_NAME:
                        wanted["position"] = old["position"]
                    if differs(model, old, wanted):
                        changed.append((old, old | wanted))
                        work.touched = True
        if key == "components":
            _free_types(session, changed)
        update_rows(session, model, [wanted for _, wanted in changed])
        insert_rows(session, model, new)


def _free_types(session: Session, changed: list[tuple[Row, Row]]) -> None:
    """Components that exchange their types would meet on the way: a type is unique in an offering."""
    moving = [
        {"id": old["id"], "type": f"moving {old['uuid']}"} for old, wanted in changed if old["type"] != wanted["type"]
    ]
    update_rows(session, Component, moving)


def _counts(record: Record, row: Row, old: Row | None, own: dict[int, tuple[int, int]]) -> Row:
    """What a plan's resources_count and is_active say about resources elsewhere.

    The record only says whether the plan is full, so "elsewhere" is made to agree with it.
    """
    if "resources_count" not in row and "is_active" not in row:
        return {}
    before = old or {"resources_elsewhere": 0, "active_elsewhere": 0, "max_amount": None}
    count, held = own.get(old["id"], (0, 0)) if old else (0, 0)
    elsewhere = before["resources_elsewhere"]
    if "resources_count" in row:
        elsewhere = max(0, row["resources_count"] - count)
    limit = row.get("max_amount", before["max_amount"])
    active = before["active_elsewhere"]
    stated = row.get("is_active", True)
    if limit is None:
        active = elsewhere
    elif old is None or is_active(limit, active + held) != stated or (stated and active > elsewhere):
        full = max(0, limit - held)
        active = max(0, min(elsewhere, full - 1)) if stated else full
    return {"resources_elsewhere": elsewhere, "active_elsewhere": active}


def _ids(session: Session, works: list[Work], key: str) -> dict[uuidlib.UUID, int]:
    table = table_of(PARTS[key][0])
    statement = select(table.c.uuid, table.c.id).where(table.c.offering_id.in_([work.id for work in works]))
    return dict(session.execute(statement).all())


def write_plan_components(session: Session, works: list[Work]) -> None:
    """Write the prices of plans."""
    concerned = [work for work in works if work.record.parts.get("plans")]
    if not concerned:
        return
    plans = _ids(session, concerned, "plans")
    table = table_of(Component)
    statement = select(table.c.offering_id, table.c.type, table.c.id)
    statement = statement.where(table.c.offering_id.in_([work.id for work in concerned]))
    components = {(offering, kind): key for offering, kind, key in session.execute(statement)}
    gone, new, changed = [], [], []
    for work in concerned:
        for plan in work.record.parts["plans"]:
            if plan["components"] is None:
                continue
            # By component, not by its type: a component may have got another type just now.
            stored = {row["component_id"]: row for row in work.plan_components[plan["uuid"]]}
            for row in plan["components"]:
                component = components[work.id, row["type"]]
                wanted = {name: value for name, value in row.items() if name not in ("type", "path")}
                old = stored.pop(component, None)
                if old is None:
                    ids = {"plan_id": plans[plan["uuid"]], "component_id": component}
                    new.append(with_defaults(PlanComponent, wanted | ids))
                    work.touched = True
                elif differs(PlanComponent, old, wanted):
                    changed.append(old | wanted)
                    work.touched = True
            gone += [row["id"] for row in stored.values()]
            work.touched |= bool(stored)
    delete_rows(session, PlanComponent, gone)
    update_rows(session, PlanComponent, changed)
    insert_rows(session, PlanComponent, new)


def write_groups(session: Session, works: list[Work], groups: dict[uuidlib.UUID, int]) -> None:
    """Link offerings and plans to the organization groups that they are for (`groups`: ids by uuid)."""
    of_offerings = {
        work.id: (work, [groups[it.uuid] for it in work.record.groups])
        for work in works
        if work.record.groups is not None
    }
    _write_links(session, offering_organization_groups, "offering_id", of_offerings)
    concerned = [work for work in works if work.record.parts.get("plans")]
    plans = _ids(session, concerned, "plans") if concerned else {}
    of_plans = {
        plans[plan["uuid"]]: (work, [groups[it.uuid] for it in plan["groups"]])
        for work in concerned
        for plan in work.record.parts["plans"]
        if plan["groups"] is not None
    }
    _write_links(session, plan_organization_groups, "plan_id", of_plans)


def _write_links(session: Session, table: Any, owner: str, wanted: dict[int, tuple[Work, list[int]]]) -> None:
    stored: dict[int, list[int]] = defaultdict(list)
    for part in chunks(wanted):
        statement = select(table.c[owner], table.c.group_id).where(table.c[owner].in_(part))
        for key, group in session.execute(statement.order_by(table.c.position)):
            stored[key].append(group)
    changed = {key: groups for key, (_, groups) in wanted.items() if stored[key] != groups}
    for key in changed:
        wanted[key][0].touched = True
    for part in chunks(changed):
        session.connection().execute(delete(table).where(table.c[owner].in_(part)))
    rows = [
        {owner: key, "group_id": group, "position": position}
        for key, groups in changed.items()
        for position, group in enumerate(groups)
    ]
    if rows:
        session.connection().execute(insert(table), rows)


def write_scopes(session: Session, works: list[Work]) -> None:
    """Write what offerings stand for elsewhere."""
    stored = {row["offering_id"]: row for row in rows_where(session, Scope, "offering_id", ids_of(works))}
    gone, new, changed = [], [], []
    for work in works:
        old = stored.get(work.id)
        wanted = {"link": None, "uuid": None, "name": None, "state": None, "error_message": None}
        wanted |= {name: old[name] for name in wanted} if old else {}
        wanted |= work.record.scope
        if all(value is None for value in wanted.values()):
            gone += [work.id] if old else []
            work.touched |= old is not None
        elif old is None:
            new.append({"offering_id": work.id, **wanted})
            work.touched = True
        elif differs(Scope, old, wanted):
            changed.append(old | wanted)
            work.touched = True
    delete_rows(session, Scope, gone, "offering_id")
    update_rows(session, Scope, changed, "offering_id")
    insert_rows(session, Scope, new)


def write_calendars(session: Session, works: list[Work]) -> None:
    """A calendar that came with an import is kept as it came; one that was used here already is left alone."""
    concerned = [work for work in works if work.record.calendar is not None]
    rows = rows_where(session, GoogleCalendar, "offering_id", ids_of(concerned))
    stored = {row["offering_id"]: row for row in rows}
    new, changed = [], []
    for work in concerned:
        given = work.record.calendar or {}
        wanted = {**given, "want_public": given["public"], "state": CalendarState.OK.value}
        old = stored.get(work.id)
        if old is None:
            new.append(with_defaults(GoogleCalendar, wanted | {"offering_id": work.id}))
            work.touched = True
        elif old["wanted"] == 0 and old["last_synced"] is None and differs(GoogleCalendar, old, given):
            # Only what came: a calendar is also written by the worker and by whoever acts on it.
            changed.append({"id": old["id"], **wanted, "modified": utcnow()})
            work.touched = True
    update_rows(session, GoogleCalendar, changed)
    insert_rows(session, GoogleCalendar, new)
