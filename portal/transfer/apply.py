"""Puts a batch of records into the database: everything that is there is loaded at once, compared, and written at once.

Deletions come first, so that a uuid which one record gives up can be taken by a later one.
"""

from __future__ import annotations

import re
import uuid as uuidlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import case, delete, func, insert, select, update
from sqlalchemy.orm import Session

from portal.documents import store
from portal.domain.booking_states import HOLDING
from portal.domain.calendar_states import CalendarState
from portal.domain.pricing import is_active
from portal.models import (
    Booking,
    Category,
    ComplianceChecklist,
    Component,
    Endpoint,
    GoogleCalendar,
    Media,
    Offering,
    OfferingFile,
    OfferingRole,
    OfferingSoftwareCatalog,
    Organization,
    Partition,
    Plan,
    PlanComponent,
    Project,
    Quota,
    Scope,
    Screenshot,
    SoftwareCatalog,
    offering_organization_groups,
    plan_organization_groups,
)
from portal.models.base import utcnow
from portal.services import calendars
from portal.transfer.record import Record, Shared
from portal.transfer.shared import put_groups, put_shared
from portal.transfer.tables import (
    Row,
    chunks,
    delete_rows,
    differs,
    insert_for_ids,
    insert_rows,
    rows_where,
    table_of,
    update_rows,
    with_defaults,
)
from portal.transfer.values import Wrong

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
_ANSWERED_BY_NAME = frozenset({"components", "plans", "roles"})
# Keys of a read row that are no columns of its table.
_NO_COLUMNS = frozenset({"components", "groups", "catalog", "partition", "resources_count", "is_active", "path"})


@dataclass(slots=True)
class Work:
    """One record and the offering it is about."""

    record: Record
    stored: Row | None
    parts: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    plan_components: dict[uuidlib.UUID, list[Row]] = field(default_factory=lambda: defaultdict(list))
    id: int = 0
    touched: bool = False

    def given(self, key: str) -> list[Row]:
        """The rows of a part after this record: its own, or those that are stored where it has none."""
        return self.record.parts.get(key, self.parts[key])


@dataclass(slots=True)
class Outcome:
    """What became of a batch: uuids of offerings by what happened to them."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0


class Batch:
    """Several records that go in together. Their uuids differ."""

    def __init__(self, session: Session, public_url: str, records: Iterable[Record]) -> None:
        self._session = session
        self._public_url = public_url
        self._media = re.compile(re.escape(public_url) + r"(/api/media/([0-9a-fA-F-]{32,36})/)")
        self._works: list[Work] = []
        self._renamed: list[int] = []
        self._owners: dict[tuple[str, uuidlib.UUID], uuidlib.UUID] = {}
        self._load(list(records))

    # What is there

    def _load(self, records: list[Record]) -> None:
        session = self._session
        stored = {row["uuid"]: row for row in rows_where(session, Offering, "uuid", [it.uuid for it in records])}
        self._candidates = {it.uuid: Work(it, stored.get(it.uuid)) for it in records}
        by_id = {row["id"]: self._candidates[uuid] for uuid, row in stored.items()}
        for key, (model, _) in PARTS.items():
            for row in rows_where(session, model, "offering_id", by_id):
                by_id[row["offering_id"]].parts[key].append(row)
        plans = {row["id"]: (work, row["uuid"]) for work in by_id.values() for row in work.parts["plans"]}
        for row in rows_where(session, PlanComponent, "plan_id", plans):
            work, plan = plans[row["plan_id"]]
            work.plan_components[plan].append(row)
        self._find_owners(records)

    def _find_owners(self, records: list[Record]) -> None:
        """Whose the nested uuids of these records are already."""
        for key, (model, identity) in PARTS.items():
            if identity != "uuid":
                continue
            table = table_of(model)
            for work in self._candidates.values():
                self._owners |= {(key, row["uuid"]): work.record.uuid for row in work.parts[key]}
            asked = {row["uuid"] for it in records for row in it.parts.get(key, ())}
            for part in chunks([uuid for uuid in asked if (key, uuid) not in self._owners]):
                owners = self._session.execute(
                    select(table.c.uuid, Offering.uuid)
                    .join(Offering, Offering.id == table.c.offering_id)
                    .where(table.c.uuid.in_(part))
                )
                self._owners |= {(key, uuid): owner for uuid, owner in owners}

    # What is asked for

    def take(self, record: Record) -> None:
        """Add one of the records to those that are written. Raises Wrong where it contradicts what is there."""
        work = self._candidates[record.uuid]
        if work.stored is None:
            if "name" not in record.values:
                raise Wrong("is missing", "name")
            if record.category is None:
                raise Wrong("is missing: every offering has a category", "category_uuid")
        for key, rows in record.parts.items():
            if PARTS[key][1] != "uuid":
                continue
            for position, row in enumerate(rows):
                owner = self._owners.get((key, row["uuid"]), record.uuid)
                if owner != record.uuid:
                    raise Wrong(f"belongs to another offering ({owner})", f"{key}[{position}].uuid")
        self._check_components(work)
        self._check_software_catalogs(work)
        for key in record.parts:
            if PARTS[key][1] == "uuid":
                for row in work.parts[key]:
                    self._owners.pop((key, row["uuid"]), None)
                self._owners |= {(key, row["uuid"]): record.uuid for row in record.parts[key]}
        self._works.append(work)

    def _check_components(self, work: Work) -> None:
        stored = {row["uuid"]: row for row in work.parts["components"]}
        for position, row in enumerate(work.record.parts.get("components", ())):
            if row["uuid"] not in stored and "billing_type" not in row:
                raise Wrong("is missing", f"components[{position}].billing_type")
        known = {row["type"] for row in work.given("components")}
        plans = {row["uuid"] for row in work.parts["plans"]}
        for position, plan in enumerate(work.record.parts.get("plans", ())):
            if plan["uuid"] not in plans and "unit" not in plan:
                raise Wrong("is missing", f"plans[{position}].unit")
            for row in plan["components"] or ():
                if row["type"] not in known:
                    raise Wrong(f"the offering has no component {row['type']!r}", f"plans[{position}].{row['path']}")

    def _check_software_catalogs(self, work: Work) -> None:
        known = {row["uuid"] for row in work.given("partitions")}
        stored = {row["uuid"] for row in work.parts["software_catalogs"]}
        for position, row in enumerate(work.record.parts.get("software_catalogs", ())):
            path = f"software_catalogs[{position}]"
            if row["uuid"] not in stored and "catalog" not in row:
                raise Wrong("is missing", f"{path}.catalog")
            if row.get("partition") is not None and row["partition"] not in known:
                raise Wrong("is no partition of this offering", f"{path}.partition.uuid")

    # What is written

    def write(self) -> Outcome:
        """Write all records that were taken, documents included, into the session's transaction."""
        works = self._works
        if not works:
            return Outcome()
        records = [work.record for work in works]
        self._shorten_media(records)
        dependents = set[int]()
        organizations = self._shared(Organization, (it.organization for it in records), dependents, "organizations")
        categories = self._shared(Category, (it.category for it in records), dependents, "categories")
        catalogs = self._shared(
            SoftwareCatalog,
            (row.get("catalog") for it in records for row in it.parts.get("software_catalogs", ())),
            dependents,
            "catalogs",
        )
        homes = {it.project.uuid: it.organization for it in records if it.project is not None}
        projects = self._shared(
            Project,
            (it.project for it in records),
            dependents,
            "projects",
            lambda uuid: {"organization_id": organizations[home.uuid] if (home := homes[uuid]) else None},
        )
        every_group = [group for it in records for group in it.groups or ()]
        every_group += [g for it in records for plan in it.parts.get("plans", ()) for g in plan["groups"] or ()]
        groups, regrouped = put_groups(self._session, every_group)
        if regrouped:
            dependents |= store.dependents(self._session, groups=regrouped)
        checklists = self._checklists(records)
        created = {work.record.uuid for work in works if work.stored is None}
        self._write_offerings(works, organizations, projects, categories, checklists)
        self._delete_parts(works)
        self._write_parts(works, catalogs)
        self._write_plan_components(works)
        self._write_groups(works, groups)
        self._write_scopes(works)
        self._write_calendars(works)
        touched = {work.id for work in works if work.touched}
        children = self._link_children(works)
        update_time = [work.id for work in works if work.touched and work.stored is not None]
        if update_time:
            table = table_of(Offering)
            statement = update(table).where(table.c.id.in_(update_time)).values(modified=utcnow())
            self._session.connection().execute(statement)
        dependents |= touched | children
        if touched:
            dependents |= store.dependents(self._session, parents=touched)
        store.refresh(self._session, dependents)
        calendars.offerings_changed(self._session, self._renamed)
        return Outcome(
            created=len(created),
            updated=sum(work.touched for work in works if work.stored is not None),
            unchanged=sum(not work.touched for work in works),
        )

    def _shared(
        self,
        model: Any,
        found: Iterable[Shared | None],
        dependents: set[int],
        noun: str,
        more: Callable[[uuidlib.UUID], Row] = lambda _uuid: {},
    ) -> dict[uuidlib.UUID, int]:
        ids, renamed = put_shared(self._session, model, found, more)
        if renamed:
            dependents |= store.dependents(self._session, **{noun: renamed})
        return ids

    def _checklists(self, records: list[Record]) -> dict[str, int]:
        links = {it.checklist for it in records if it.checklist}
        known = {row["link"]: row["id"] for row in rows_where(self._session, ComplianceChecklist, "link", links)}
        missing = sorted(links - known.keys())
        insert_rows(self._session, ComplianceChecklist, [{"link": link} for link in missing])
        if missing:
            again = rows_where(self._session, ComplianceChecklist, "link", missing)
            known |= {row["link"]: row["id"] for row in again}
        return known

    def _shorten_media(self, records: list[Record]) -> None:
        """Pictures and files that this portal keeps itself are stored without its host."""
        places: dict[uuidlib.UUID, list[tuple[Row, str, str]]] = defaultdict(list)
        for it in records:
            rows = [it.values, *it.parts.get("screenshots", ()), *it.parts.get("files", ())]
            for row in rows:
                for column in ("image", "thumbnail", "file"):
                    found = self._media.fullmatch(row.get(column) or "")
                    if found:
                        places[uuidlib.UUID(found[2])].append((row, column, found[1]))
        for media in rows_where(self._session, Media, "uuid", places):
            for row, column, path in places[media["uuid"]]:
                row[column] = path

    def _write_offerings(
        self,
        works: list[Work],
        organizations: dict[uuidlib.UUID, int],
        projects: dict[uuidlib.UUID, int],
        categories: dict[uuidlib.UUID, int],
        checklists: dict[str, int],
    ) -> None:
        orders = self._own_bookings(works)
        new, changed = [], []
        parents = {it.record.values["parent_uuid"] for it in works if it.record.values.get("parent_uuid")}
        known_parents = {row["uuid"]: row["id"] for row in rows_where(self._session, Offering, "uuid", parents)}
        for work in works:
            record = work.record
            wanted = {name: value for name, value in record.values.items() if name != "order_count"}
            if "name" in wanted:
                wanted["sort_key"] = wanted["name"].casefold()
            if "order_count" in record.values:
                own = orders.get(work.stored["id"], 0) if work.stored and self._from_here(record) else 0
                wanted["orders_elsewhere"] = max(0, record.values["order_count"] - own)
            if "parent_uuid" in wanted:
                wanted["parent_id"] = known_parents.get(wanted["parent_uuid"])
            for key, column, ids, one in (
                ("customer", "organization_id", organizations, record.organization),
                ("project", "project_id", projects, record.project),
                ("category", "category_id", categories, record.category),
            ):
                if one is not None:
                    wanted[column] = ids[one.uuid]
                elif key in record.unset:
                    wanted[column] = None
            if record.checklist:
                wanted["checklist_id"] = checklists[record.checklist]
            elif "compliance_checklist" in record.unset:
                wanted["checklist_id"] = None
            if work.stored is None:
                blank: Row = {"attributes": {"schedules": []}}
                new.append(with_defaults(Offering, blank | wanted | {"uuid": record.uuid}))
                work.touched = True
                continue
            work.id = work.stored["id"]
            if wanted.get("name", work.stored["name"]) != work.stored["name"]:
                self._renamed.append(work.id)
            if differs(Offering, work.stored, wanted):
                changed.append(work.stored | wanted)
                work.touched = True
        ids = insert_for_ids(self._session, Offering, new)
        for work in works:
            work.id = work.id or ids[work.record.uuid]
        update_rows(self._session, Offering, changed)

    def _from_here(self, record: Record) -> bool:
        """Whether the record is this portal's own export: its counts then include what was booked here."""
        return record.base == self._public_url

    def _own_bookings(self, works: list[Work]) -> dict[int, int]:
        ids = [work.stored["id"] for work in works if work.stored and self._from_here(work.record)]
        if not ids:
            return {}
        statement = select(Booking.offering_id, func.count()).where(Booking.offering_id.in_(ids))
        return dict(self._session.execute(statement.group_by(Booking.offering_id)).all())

    def _own_plan_bookings(self, works: list[Work]) -> dict[int, tuple[int, int]]:
        ids = [row["id"] for work in works if self._from_here(work.record) for row in work.parts["plans"]]
        if not ids:
            return {}
        holding = func.sum(case((Booking.state.in_(HOLDING), 1), else_=0))
        statement = select(Booking.plan_id, func.count(), holding).where(Booking.plan_id.in_(ids))
        rows = self._session.execute(statement.group_by(Booking.plan_id))
        return {plan_id: (count, int(held)) for plan_id, count, held in rows if plan_id is not None}

    def _delete_parts(self, works: list[Work]) -> None:
        for key, (model, identity) in PARTS.items():
            gone = []
            for work in works:
                if key in work.record.parts:
                    kept = {row[identity] for row in work.record.parts[key]}
                    leaving = [row["id"] for row in work.parts[key] if row[identity] not in kept]
                    gone += leaving
                    work.touched |= bool(leaving)
            delete_rows(self._session, model, gone)

    def _write_parts(self, works: list[Work], catalogs: dict[uuidlib.UUID, int]) -> None:
        own = self._own_plan_bookings(works)
        for key, (model, identity) in PARTS.items():
            partitions = self._ids(works, "partitions") if key == "software_catalogs" else {}
            new, changed = [], []
            for work in works:
                stored = {row[identity]: row for row in work.parts[key]}
                for row in work.record.parts.get(key, ()):
                    wanted = {name: value for name, value in row.items() if name not in _NO_COLUMNS}
                    old = stored.get(row[identity])
                    if key == "plans":
                        wanted |= self._counts(work.record, row, old, own)
                    elif key == "software_catalogs":
                        if "catalog" in row:
                            wanted["catalog_id"] = catalogs[row["catalog"].uuid]
                        if "partition" in row:
                            wanted["partition_id"] = partitions.get(row["partition"])
                    if old is None:
                        new.append(with_defaults(model, wanted | {"offering_id": work.id}))
                        work.touched = True
                    else:
                        if key in _ANSWERED_BY_NAME:
                            wanted["position"] = old["position"]
                        if differs(model, old, wanted):
                            changed.append((old, old | wanted))
                            work.touched = True
            if key == "components":
                self._make_room(changed)
            update_rows(self._session, model, [wanted for _, wanted in changed])
            insert_rows(self._session, model, new)

    def _make_room(self, changed: list[tuple[Row, Row]]) -> None:
        """Components that exchange their types would meet on the way: a type is unique in an offering."""
        moving = [
            {"id": old["id"], "type": f"moving {old['uuid']}"}
            for old, wanted in changed
            if old["type"] != wanted["type"]
        ]
        update_rows(self._session, Component, moving)

    def _counts(self, record: Record, row: Row, old: Row | None, own: dict[int, tuple[int, int]]) -> Row:
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
        told_active = row.get("is_active", True)
        if limit is None:
            active = elsewhere
        elif old is None or is_active(limit, active + held) != told_active or (told_active and active > elsewhere):
            full = max(0, limit - held)
            active = max(0, min(elsewhere, full - 1)) if told_active else full
        return {"resources_elsewhere": elsewhere, "active_elsewhere": active}

    def _ids(self, works: list[Work], key: str) -> dict[uuidlib.UUID, int]:
        table = table_of(PARTS[key][0])
        statement = select(table.c.uuid, table.c.id).where(table.c.offering_id.in_([work.id for work in works]))
        return dict(self._session.execute(statement).all())

    def _write_plan_components(self, works: list[Work]) -> None:
        concerned = [work for work in works if work.record.parts.get("plans")]
        if not concerned:
            return
        plans = self._ids(concerned, "plans")
        table = table_of(Component)
        statement = select(table.c.offering_id, table.c.type, table.c.id)
        statement = statement.where(table.c.offering_id.in_([work.id for work in concerned]))
        components = {(offering, kind): key for offering, kind, key in self._session.execute(statement)}
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
        delete_rows(self._session, PlanComponent, gone)
        update_rows(self._session, PlanComponent, changed)
        insert_rows(self._session, PlanComponent, new)

    def _write_groups(self, works: list[Work], groups: dict[uuidlib.UUID, int]) -> None:
        of_offerings = {
            work.id: (work, [groups[it.uuid] for it in work.record.groups])
            for work in works
            if work.record.groups is not None
        }
        self._write_links(offering_organization_groups, "offering_id", of_offerings)
        concerned = [work for work in works if work.record.parts.get("plans")]
        plans = self._ids(concerned, "plans") if concerned else {}
        of_plans = {
            plans[plan["uuid"]]: (work, [groups[it.uuid] for it in plan["groups"]])
            for work in concerned
            for plan in work.record.parts["plans"]
            if plan["groups"] is not None
        }
        self._write_links(plan_organization_groups, "plan_id", of_plans)

    def _write_links(self, table: Any, owner: str, wanted: dict[int, tuple[Work, list[int]]]) -> None:
        stored: dict[int, list[int]] = defaultdict(list)
        for part in chunks(wanted):
            statement = select(table.c[owner], table.c.group_id).where(table.c[owner].in_(part))
            for key, group in self._session.execute(statement.order_by(table.c.position)):
                stored[key].append(group)
        changed = {key: groups for key, (_, groups) in wanted.items() if stored[key] != groups}
        for key in changed:
            wanted[key][0].touched = True
        for part in chunks(changed):
            self._session.connection().execute(delete(table).where(table.c[owner].in_(part)))
        rows = [
            {owner: key, "group_id": group, "position": position}
            for key, groups in changed.items()
            for position, group in enumerate(groups)
        ]
        if rows:
            self._session.connection().execute(insert(table), rows)

    def _write_scopes(self, works: list[Work]) -> None:
        stored = {row["offering_id"]: row for row in rows_where(self._session, Scope, "offering_id", _ids(works))}
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
        delete_rows(self._session, Scope, gone, "offering_id")
        update_rows(self._session, Scope, changed, "offering_id")
        insert_rows(self._session, Scope, new)

    def _write_calendars(self, works: list[Work]) -> None:
        """A calendar that came with an import is kept as it came; one that was used here already is left alone."""
        concerned = [work for work in works if work.record.calendar is not None]
        rows = rows_where(self._session, GoogleCalendar, "offering_id", _ids(concerned))
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
        update_rows(self._session, GoogleCalendar, changed)
        insert_rows(self._session, GoogleCalendar, new)

    def _link_children(self, works: list[Work]) -> set[int]:
        """Offerings that waited for one of these as their parent are linked to it now; their ids."""
        arrived = {work.record.uuid: work.id for work in works if work.stored is None}
        if not arrived:
            return set()
        table = table_of(Offering)
        linked = []
        for part in chunks(arrived):
            statement = select(table.c.id, table.c.parent_uuid)
            waiting = statement.where(table.c.parent_uuid.in_(part), table.c.parent_id.is_(None))
            linked += [{"id": key, "parent_id": arrived[uuid]} for key, uuid in self._session.execute(waiting)]
        update_rows(self._session, Offering, linked)
        return {row["id"] for row in linked}


def _ids(works: list[Work]) -> list[int]:
    return [work.id for work in works]
