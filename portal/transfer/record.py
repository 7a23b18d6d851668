"""Reads one record (an offering as `GET /api/booking-offerings/` answers it) into rows, or says what is wrong with it.

No database here. A key that is missing leaves no trace in the result: what is stored already then stays. Keys that
the API does not have are kept for exports; keys whose value the portal computes are ignored.
"""

from __future__ import annotations

import re
import uuid as uuidlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from portal.domain.imported_schedules import normalized_schedules
from portal.domain.rules import check_rules
from portal.domain.schedules import check_schedules
from portal.domain.texts import visible
from portal.domain.zones import known_zone
from portal.schema import checks
from portal.schema.checks import InvalidValue, columns
from portal.schema.fields import ObjectSchema
from portal.schema.offering import (
    CALENDAR,
    CATALOG,
    COMPONENT,
    ENDPOINT,
    FIELDS,
    FILE,
    GROUP,
    OFFERING,
    PARTITION,
    PLAN,
    PLAN_COMPONENT,
    QUOTA,
    ROLE,
    SCREENSHOT,
    SOFTWARE_CATALOG,
)

# Entries of one list of a record, and of all its lists together.
MAX_ITEMS = 2000
MAX_ROWS = 10_000
_PLACE = "/api/booking-offerings/"
_UUID_AT_END = re.compile(r"/([0-9a-fA-F-]{32,36})/?$")

Row = dict[str, Any]


@dataclass(slots=True)
class Shared:
    """Something that several offerings name, as this record has it. Equal uuids are one thing."""

    uuid: uuidlib.UUID
    values: Row


@dataclass(slots=True)
class Group(Shared):
    """An organization group. `parent` is None at a root; `knows_parent` is False where the record does not say."""

    parent: Shared | None = None
    knows_parent: bool = False


@dataclass(slots=True)
class Record:
    """One offering, read. What is None (or not in a dictionary) was not in the record.

    `parts` are the lists that belong to the offering alone, by their key on the wire; rows hold `uuid` where the part
    has one, and `position`. Plans hold besides: `components` (rows with `type`, or None) and `groups` (or None).
    Software catalogs hold `catalog` (Shared) and `partition` (uuid or None) where the record says.
    """

    uuid: uuidlib.UUID
    name: str
    # Where the record comes from: scheme://host (and path) before /api/; "" where its url does not say.
    base: str
    values: Row
    parts: dict[str, list[Row]] = field(default_factory=dict)
    groups: list[Group] | None = None
    organization: Shared | None = None
    project: Shared | None = None
    category: Shared | None = None
    # Wire keys of single relations that the record has, though with null.
    unset: frozenset[str] = frozenset()
    checklist: str | None = None
    scope: Row = field(default_factory=dict)
    calendar: Row | None = None
    # Keys that the published offering does not have.
    unknown: Row = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many entries its lists have together, those of its plans included."""
        plans = self.parts.get("plans", ())
        inside = sum(len(plan["components"] or ()) + len(plan["groups"] or ()) for plan in plans)
        return sum(map(len, self.parts.values())) + len(self.groups or ()) + inside


def read_record(data: Any, default_zone: str = "UTC", warnings: list[InvalidValue] | None = None) -> Record:
    """The record, checked. Raises InvalidValue with the path of an invalid value.

    `default_zone`: the time zone of offerings without their own. `warnings` gets what is dropped because no client
    could read it; without such a list it is invalid.
    """
    if not isinstance(data, dict):
        raise InvalidValue(f"must be an object, and is {checks.json_type(data)}")
    try:
        uuid = checks.uuid(data["uuid"])
    except KeyError:
        raise InvalidValue("is missing", "uuid") from None
    except InvalidValue as wrong:
        raise wrong.under("uuid") from None
    record = Record(uuid, str(data.get("name", ""))[:200], _base(data), columns(data, OFFERING.imports[""], warnings))
    _check_attributes(record.values, default_zone)
    if record.values.get("parent_uuid") == uuid:
        raise InvalidValue("an offering cannot be its own parent", "parent_uuid")
    _read_relations(record, data)
    _read_parts(record, data, warnings)
    if record.rows > MAX_ROWS:
        raise InvalidValue(f"its lists have {record.rows:,} entries together: at most {MAX_ROWS:,} are accepted")
    record.scope = columns(data, OFFERING.imports["scope"])
    if record.scope.get("link"):
        record.scope["link"] = _own_path(record, record.scope["link"])
    for key in (it for it in data if it not in FIELDS):
        try:
            record.unknown |= checks.free_object({key: data[key]})
        except InvalidValue as wrong:
            if warnings is None:
                raise
            warnings.append(wrong)
    if "googlecalendar" in data:
        record.calendar = _calendar(data["googlecalendar"])
    return record


def _base(data: Row) -> str:
    url = data.get("url")
    if url is None:
        return ""
    try:
        found, place, _ = checks.checked_text(url).partition(_PLACE)
    except InvalidValue as wrong:
        raise wrong.under("url") from None
    return found if place else ""


def _own_path(record: Record, link: str) -> str:
    """A link into the API the record comes from, without its host: it is answered on this portal's."""
    if record.base and link.startswith(f"{record.base}/api/"):
        return link.removeprefix(record.base)
    return link


def _check_attributes(found: Row, default_zone: str) -> None:
    if "attributes" not in found:
        return
    # Always answered as a list, so stored as one: an export then finds nothing new.
    attributes = found["attributes"]
    if attributes.setdefault("schedules", []) is None:
        raise InvalidValue("must be a list of schedule entries, and is null", "attributes.schedules")
    rules = attributes.get("booking_rules")
    for problem in check_rules(rules):
        raise InvalidValue(problem.reason, f"attributes.booking_rules{problem.path}")
    zone = known_zone((rules or {}).get("time_zone") or default_zone)
    attributes["schedules"] = normalized_schedules(attributes["schedules"], zone)
    for problem in check_schedules(attributes["schedules"]):
        raise InvalidValue(problem.reason, f"attributes.schedules{problem.path}")


def _read_relations(record: Record, data: Row) -> None:
    unset = set()

    def one(key: str, name_key: str, column: str, limit: int | None) -> Shared | None:
        uuid_key = f"{key}_uuid"
        if data.get(uuid_key) is not None:
            uuid = columns(data, {uuid_key: ("uuid", checks.uuid)})["uuid"]
        elif data.get(key) is not None:
            uuid = _uuid_of_link(data[key], key)
        else:
            if key in data or uuid_key in data:
                unset.add(key)
            return None
        return Shared(uuid, columns(data, {name_key: (column, checks.text(limit, line=True))}))

    record.organization = one("customer", "customer_name", "name", checks.NAME_LENGTH)
    record.project = one("project", "project_name", "name", None)
    record.category = one("category", "category_title", "title", checks.NAME_LENGTH)
    if "category" in unset:
        raise InvalidValue("must not be null: every offering has a category", "category_uuid")
    if "compliance_checklist" in data:
        checklist = columns(data, OFFERING.imports["checklist"])
        link = checklist["compliance_checklist"]
        record.checklist = _own_path(record, link) if link else None
        if not link:
            unset.add("compliance_checklist")
    record.unset = frozenset(unset)


def _uuid_of_link(link: Any, key: str) -> uuidlib.UUID:
    found = _UUID_AT_END.search(link) if isinstance(link, str) else None
    if found is None:
        raise InvalidValue("must be an address that ends in a UUID", key)
    try:
        return checks.uuid(found[1])
    except InvalidValue as wrong:
        raise wrong.under(key) from None


def _items(data: Row, key: str) -> Iterator[tuple[int, Row]]:
    given = data[key]
    if given is None:
        return
    if not isinstance(given, list):
        raise InvalidValue(f"must be a list, and is {checks.json_type(given)}", key)
    if len(given) > MAX_ITEMS:
        raise InvalidValue(f"has {len(given):,} entries: at most {MAX_ITEMS:,} are accepted", key)
    for position, item in enumerate(given):
        if not isinstance(item, dict):
            raise InvalidValue(f"must be an object, and is {checks.json_type(item)}", f"{key}[{position}]")
        yield position, item


def _read_parts(record: Record, data: Row, warnings: list[InvalidValue] | None) -> None:
    simple: tuple[tuple[str, ObjectSchema, bool], ...] = (
        ("endpoints", ENDPOINT, True),
        ("roles", ROLE, True),
        ("screenshots", SCREENSHOT, True),
        ("files", FILE, False),
        ("quotas", QUOTA, False),
        ("partitions", PARTITION, True),
    )
    for key, component, has_uuid in simple:
        if key in data:
            record.parts[key] = _part(record, data, key, partial(_plain, component), has_uuid)
    if "components" in data:
        record.parts["components"] = _part(record, data, "components", partial(_component, warnings), warnings=warnings)
        _refuse_twice(record.parts["components"], "type", "components")
    if "software_catalogs" in data:
        record.parts["software_catalogs"] = _part(record, data, "software_catalogs", _software_catalog)
    if "plans" in data:
        record.parts["plans"] = _part(record, data, "plans", partial(_plan, warnings), warnings=warnings)
    if "organization_groups" in data:
        record.groups = _groups(data)


def _part(
    record: Record,
    data: Row,
    key: str,
    read: Callable[[Row], Row],
    has_uuid: bool = True,
    warnings: list[InvalidValue] | None = None,
) -> list[Row]:
    rows = []
    for position, item in _items(data, key):
        known = len(warnings or ())
        try:
            row = read(item)
            if has_uuid and item.get("uuid") is not None:
                row["uuid"] = columns(item, {"uuid": ("uuid", checks.uuid)})["uuid"]
            elif has_uuid:
                # The same at every import, so that a second one updates what the first one made.
                row["uuid"] = uuidlib.uuid5(record.uuid, f"{key}/{row.get('type', position)}")
        except InvalidValue as wrong:
            raise wrong.under(f"{key}[{position}]") from None
        for warning in (warnings or ())[known:]:
            warning.under(f"{key}[{position}]")
        row["position"] = position
        rows.append(row)
    if has_uuid:
        _refuse_twice(rows, "uuid", key)
    return rows


def _refuse_twice(rows: list[Row], column: str, key: str) -> None:
    seen = set()
    for position, row in enumerate(rows):
        if row[column] in seen:
            raise InvalidValue("appears twice in this list", f"{key}[{position}].{column}")
        seen.add(row[column])


def _plain(component: ObjectSchema, item: Row) -> Row:
    return columns(item, component.imports[""])


def _component(warnings: list[InvalidValue] | None, item: Row) -> Row:
    row = columns(item, COMPONENT.imports[""], warnings)
    if "type" not in row:
        raise InvalidValue("is missing", "type")
    return row


def _software_catalog(item: Row) -> Row:
    row = columns(item, SOFTWARE_CATALOG.imports[""])
    if "catalog" in item:
        catalog = _object(item, "catalog")
        if "uuid" not in catalog:
            raise InvalidValue("is missing", "catalog.uuid")
        try:
            uuid = columns(catalog, {"uuid": ("uuid", checks.uuid)})["uuid"]
            row["catalog"] = Shared(uuid, columns(catalog, CATALOG.imports[""]))
        except InvalidValue as wrong:
            raise wrong.under("catalog") from None
    if "partition" in item:
        row["partition"] = None
        if item["partition"] is not None:
            partition = _object(item, "partition")
            try:
                row["partition"] = columns(partition, {"uuid": ("uuid", checks.uuid_or_null)}).get("uuid")
            except InvalidValue as wrong:
                raise wrong.under("partition") from None
    return row


def _object(item: Row, key: str) -> Row:
    if not isinstance(item[key], dict):
        raise InvalidValue(f"must be an object, and is {checks.json_type(item[key])}", key)
    found: Row = item[key]
    return found


def _plan(warnings: list[InvalidValue] | None, item: Row) -> Row:
    row = columns(item, PLAN.imports[""], warnings)
    row["components"] = _plan_components(item)
    row["groups"] = _groups(item) if "organization_groups" in item else None
    return row


def _plan_components(item: Row) -> list[Row] | None:
    """The plan's components; older sources only have its prices, future_prices and quotas by component type."""
    if item.get("components"):
        rows = []
        for position, component in _items(item, "components"):
            try:
                row = columns(component, PLAN_COMPONENT.imports[""])
            except InvalidValue as wrong:
                raise wrong.under(f"components[{position}]") from None
            if "type" not in row:
                raise InvalidValue("is missing", f"components[{position}].type")
            rows.append(row | {"path": f"components[{position}].type"})
        _refuse_twice(rows, "type", "components")
        return rows
    if "components" in item and item["components"] not in (None, []):
        raise InvalidValue(f"must be a list, and is {checks.json_type(item['components'])}", "components")
    tables = [(key, column) for key, column in _TABLES if item.get(key) is not None]
    if not tables:
        return [] if item.get("components") == [] else None
    found: dict[str, Row] = {}
    for key, column in tables:
        table = _object(item, key)
        if len(table) > MAX_ITEMS:
            raise InvalidValue(f"has {len(table):,} entries: at most {MAX_ITEMS:,} are accepted", key)
        for kind, value in table.items():
            row = found.setdefault(kind, {"type": kind, "path": f"{key}.{visible(kind)}"})
            try:
                checks.required_line(checks.NAME_LENGTH)(kind)
                row[column] = PLAN_COMPONENT.imports[""][column][1](value)
            except InvalidValue as wrong:
                raise wrong.under(f"{key}.{visible(kind)}") from None
    return list(found.values())


_TABLES = (("prices", "price"), ("future_prices", "future_price"), ("quotas", "amount"))


def _groups(data: Row) -> list[Group]:
    groups: list[Group] = []
    seen = set()
    key = "organization_groups"
    for position, item in _items(data, key):
        try:
            if "uuid" not in item:
                raise InvalidValue("is missing", "uuid")
            uuid = columns(item, {"uuid": ("uuid", checks.uuid)})["uuid"]
            if uuid in seen:
                raise InvalidValue("appears twice in this list", "uuid")
            seen.add(uuid)
            group = Group(
                uuid, columns(item, GROUP.imports[""]), knows_parent="parent" in item or "parent_uuid" in item
            )
            group.parent = _parent(item)
            if group.parent is not None and group.parent.uuid == uuid:
                raise InvalidValue("a group cannot be its own parent", "parent_uuid")
        except InvalidValue as wrong:
            raise wrong.under(f"{key}[{position}]") from None
        groups.append(group)
    return groups


def _parent(item: Row) -> Shared | None:
    if item.get("parent_uuid") is not None:
        uuid = columns(item, {"parent_uuid": ("uuid", checks.uuid)})["uuid"]
    elif item.get("parent") is not None:
        uuid = _uuid_of_link(item["parent"], "parent")
    else:
        return None
    return Shared(uuid, columns(item, {"parent_name": ("name", checks.text(checks.NAME_LENGTH, line=True))}))


def _calendar(given: Any) -> Row | None:
    if given is None:
        return None
    if not isinstance(given, dict):
        raise InvalidValue(f"must be an object, and is {checks.json_type(given)}", "googlecalendar")
    try:
        row = columns(given, CALENDAR.imports[""])
    except InvalidValue as wrong:
        raise wrong.under("googlecalendar") from None
    row = {"backend_id": None, "public": False} | row
    row["backend_id"] = row["backend_id"] or None
    if row["public"] and row["backend_id"] is None:
        raise InvalidValue("cannot be true for a calendar without a backend_id", "googlecalendar.public")
    return row
