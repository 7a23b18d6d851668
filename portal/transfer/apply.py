"""Puts a batch of records into the database: everything that is there is loaded at once, compared, and written at once.

Deletions come first, so that a uuid which one record gives up can be taken by a later one.
"""

from __future__ import annotations

import re
import uuid as uuidlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from portal.documents import store
from portal.models import (
    Booking,
    Category,
    ComplianceChecklist,
    Media,
    Offering,
    Organization,
    PlanComponent,
    Project,
    SoftwareCatalog,
)
from portal.models.base import utcnow
from portal.schema.checks import InvalidValue
from portal.services import calendars
from portal.transfer.part_owners import PartOwners
from portal.transfer.parts import (
    PARTS,
    Work,
    delete_parts,
    write_calendars,
    write_groups,
    write_parts,
    write_plan_components,
    write_scopes,
)
from portal.transfer.record import Record, Shared
from portal.transfer.shared import upsert_groups, upsert_shared
from portal.transfer.tables import (
    Row,
    chunks,
    differs,
    insert_for_ids,
    insert_rows,
    rows_where,
    table_of,
    update_rows,
    with_defaults,
)


@dataclass(slots=True)
class BatchResult:
    """What became of a batch: uuids of offerings by what happened to them."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0


class Batch:
    """Several records that go in together. Their uuids differ."""

    def __init__(self, session: Session, public_url: str, records: Iterable[Record]) -> None:
        self._session = session
        self._media = re.compile(re.escape(public_url) + r"(/api/media/([0-9a-fA-F-]{32,36})/)")
        self._works: list[Work] = []
        self._renamed: list[int] = []
        self._load(list(records), public_url)

    # What is there

    def _load(self, records: list[Record], public_url: str) -> None:
        session = self._session
        stored = {row["uuid"]: row for row in rows_where(session, Offering, "uuid", [it.uuid for it in records])}
        self._candidates = {it.uuid: Work(it, stored.get(it.uuid), from_here=it.base == public_url) for it in records}
        by_id = {row["id"]: self._candidates[uuid] for uuid, row in stored.items()}
        for key, (model, _) in PARTS.items():
            for row in rows_where(session, model, "offering_id", by_id):
                by_id[row["offering_id"]].parts[key].append(row)
        plans = {row["id"]: (work, row["uuid"]) for work in by_id.values() for row in work.parts["plans"]}
        for row in rows_where(session, PlanComponent, "plan_id", plans):
            work, plan = plans[row["plan_id"]]
            work.plan_components[plan].append(row)
        self._owners = PartOwners(session, self._candidates.values())

    # What is asked for

    def add(self, record: Record) -> None:
        """Add one of the records to those that are written. Raises InvalidValue where it contradicts what is there."""
        work = self._candidates[record.uuid]
        if work.stored is None:
            if "name" not in record.values:
                raise InvalidValue("is missing", "name")
            if record.category is None:
                raise InvalidValue("is missing: every offering has a category", "category_uuid")
        self._owners.claim(work)
        self._check_components(work)
        self._check_software_catalogs(work)
        self._owners.record(work)
        self._works.append(work)

    def _check_components(self, work: Work) -> None:
        stored = {row["uuid"]: row for row in work.parts["components"]}
        for position, row in enumerate(work.record.parts.get("components", ())):
            if row["uuid"] not in stored and "billing_type" not in row:
                raise InvalidValue("is missing", f"components[{position}].billing_type")
        known = {row["type"] for row in work.given("components")}
        plans = {row["uuid"] for row in work.parts["plans"]}
        for position, plan in enumerate(work.record.parts.get("plans", ())):
            if plan["uuid"] not in plans and "unit" not in plan:
                raise InvalidValue("is missing", f"plans[{position}].unit")
            for row in plan["components"] or ():
                if row["type"] not in known:
                    raise InvalidValue(
                        f"the offering has no component {row['type']!r}", f"plans[{position}].{row['path']}"
                    )

    def _check_software_catalogs(self, work: Work) -> None:
        known = {row["uuid"] for row in work.given("partitions")}
        stored = {row["uuid"] for row in work.parts["software_catalogs"]}
        for position, row in enumerate(work.record.parts.get("software_catalogs", ())):
            path = f"software_catalogs[{position}]"
            if row["uuid"] not in stored and "catalog" not in row:
                raise InvalidValue("is missing", f"{path}.catalog")
            if row.get("partition") is not None and row["partition"] not in known:
                raise InvalidValue("is no partition of this offering", f"{path}.partition.uuid")

    # What is written

    def write(self) -> BatchResult:
        """Write all records that were taken, documents included, into the session's transaction."""
        works = self._works
        if not works:
            return BatchResult()
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
        groups, regrouped = upsert_groups(self._session, every_group)
        if regrouped:
            dependents |= store.dependents(self._session, groups=regrouped)
        checklists = self._checklists(records)
        created = {work.record.uuid for work in works if work.stored is None}
        session = self._session
        self._write_offerings(works, organizations, projects, categories, checklists)
        delete_parts(session, works)
        write_parts(session, works, catalogs)
        write_plan_components(session, works)
        write_groups(session, works, groups)
        write_scopes(session, works)
        write_calendars(session, works)
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
        return BatchResult(
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
        ids, renamed = upsert_shared(self._session, model, found, more)
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
            wanted = dict(record.values)
            if "name" in wanted:
                wanted["sort_key"] = wanted["name"].casefold()
            if "orders_elsewhere" in wanted and work.stored:
                wanted["orders_elsewhere"] = max(0, wanted["orders_elsewhere"] - orders.get(work.stored["id"], 0))
            if record.unknown:
                before = work.stored["unknown_fields"] if work.stored else None
                wanted["unknown_fields"] = {**(before or {}), **record.unknown}
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

    def _own_bookings(self, works: list[Work]) -> dict[int, int]:
        ids = [work.stored["id"] for work in works if work.stored and work.from_here]
        if not ids:
            return {}
        statement = select(Booking.offering_id, func.count()).where(Booking.offering_id.in_(ids))
        return dict(self._session.execute(statement.group_by(Booking.offering_id)).all())

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
