"""Builds the published JSON of an offering from its rows: two bodies and the index that lets a reader cut them.

The form is that of the Waldur API documentation; which values are null, "", [] or absent is the contract's
section 2.3, the arithmetic of plans its section 7 (portal.domain.pricing).
"""

from __future__ import annotations

import hashlib
import uuid as uuidlib
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple
from urllib.parse import quote_plus

import orjson

from portal.documents.layout import BASE, EMBED, FIELDS, PROVIDER_ONLY, Index, PlanSpan, ScheduleSpan
from portal.documents.rows import AnyRow, Source
from portal.domain.clocks import clock_of
from portal.domain.instants import format_instant, parse_instant
from portal.domain.pricing import PricedComponent, is_active, price_number, price_plan, price_text
from portal.domain.words import words_of

_NOTHING: list[AnyRow] = []
_PARTITION_FIELDS = (
    "uuid",
    "partition_name",
    "cpu_bind",
    "def_cpu_per_gpu",
    "max_cpus_per_node",
    "max_cpus_per_socket",
    "def_mem_per_cpu",
    "def_mem_per_gpu",
    "def_mem_per_node",
    "max_mem_per_cpu",
    "max_mem_per_node",
    "default_time",
    "max_time",
    "grace_time",
    "max_nodes",
    "min_nodes",
    "exclusive_topo",
    "exclusive_user",
    "priority_tier",
    "qos",
    "req_resv",
)
_COMPONENT_FIELDS = (
    "uuid",
    "billing_type",
    "type",
    "name",
    "description",
    "measured_unit",
    "unit_factor",
    "limit_period",
    "limit_amount",
    "article_code",
    "max_value",
    "min_value",
    "max_available_limit",
    "is_boolean",
    "default_limit",
    "factor",
    "is_builtin",
    "is_prepaid",
    "overage_component",
    "min_prepaid_duration",
    "max_prepaid_duration",
)
_partition_values = attrgetter(*_PARTITION_FIELDS)
_component_values = attrgetter(*_COMPONENT_FIELDS)


@dataclass(frozen=True, slots=True)
class Prepared:
    """The document of one offering, as portal.models.OfferingDocument keeps it."""

    offering_id: int
    full: bytes
    public: bytes
    full_index: bytes
    public_index: bytes
    first_end: float | None
    restricted: bool
    inherited: bytes | None
    digest: str
    search_name: str
    search_text: str
    clock: int


class _Member(NamedTuple):
    """One key with its value: as managers get it, and as others do (None: not at all). Spans start at its own."""

    full: bytes
    public: bytes | None
    full_items: tuple[tuple[Any, int, int], ...] = ()
    public_items: tuple[tuple[Any, int, int], ...] = ()


_KEYS = {name: b'"%b":' % name.encode() for name in FIELDS}


def build(source: Source) -> Iterator[Prepared]:
    """The documents of all offerings of `source`."""
    for offering in source.offerings:
        yield _prepare(source, offering)


def _prepare(source: Source, row: AnyRow) -> Prepared:
    members = _members(source, row)
    full, full_index = _body(members, public=False)
    public, public_index = _body(members, public=True)
    inherited = None if row.linked_uuid is None else orjson.dumps(row.linked_plugin_options)
    plans = source.plans.get(row.id, _NOTHING)
    digest = hashlib.blake2b(full, digest_size=16)
    # The spans too: they name plans by their keys, which a plan made anew does not keep.
    for part in (public, full_spans := full_index.pack(), public_spans := public_index.pack(), inherited or b""):
        digest.update(part)
    # What not everybody who sees the offering may see: restricted plans, and references that are judged by themselves.
    refers = row.parent_uuid is not None or row.project_id is not None
    restricted = refers or any(plan.id in source.plan_groups for plan in plans)
    if restricted:
        digest.update(b"restricted")
    return Prepared(
        offering_id=row.id,
        full=full,
        public=public,
        full_index=full_spans,
        public_index=public_spans,
        first_end=min((span.end for span in full_index.schedules), default=None),
        restricted=restricted,
        inherited=inherited,
        digest=digest.hexdigest(),
        search_name=" ".join(words_of(row.name)),
        search_text=" ".join(words_of(f"{row.name} {row.description} {row.organization_name or ''}")),
        clock=clock_of(row.attributes),
    )


def _body(members: dict[str, _Member], *, public: bool) -> tuple[bytes, Index]:
    pieces: list[bytes] = []
    offsets: list[int] = []
    schedules: tuple[ScheduleSpan, ...] = ()
    plans: tuple[PlanSpan, ...] = ()
    at = 1
    for name in FIELDS:
        offsets.append(at)
        member = members.get(name)
        text = None if member is None else member.public if public else member.full
        if member is None or text is None:
            continue
        items = member.public_items if public else member.full_items
        if name == "attributes":
            schedules = tuple(ScheduleSpan(end, at + start, at + stop) for end, start, stop in items)
        elif name == "plans":
            plans = tuple(PlanSpan(plan_id, at + start, at + stop) for plan_id, start, stop in items)
        pieces.append(text)
        at += len(text) + 1
    offsets.append(at)
    return b"{" + b",".join(pieces) + b"}", Index(tuple(offsets), schedules, plans)


def _members(source: Source, row: AnyRow) -> dict[str, _Member]:
    values = _values(source, row)
    members = {}
    for name, value in values.items():
        text = _KEYS[name] + orjson.dumps(value)
        members[name] = _Member(text, None if name in PROVIDER_ONLY else text)
    members["attributes"] = _attributes(row.attributes)
    members["plans"] = _plans(source, row)
    calendar = source.calendars.get(row.id)
    if calendar:
        members["googlecalendar"] = _googlecalendar(calendar[0])
    return members


def _values(source: Source, row: AnyRow) -> dict[str, Any]:
    def of(rows: dict[int, list[AnyRow]]) -> list[AnyRow]:
        return rows.get(row.id, _NOTHING)

    scope = next(iter(of(source.scopes)), None)
    linked = row.linked_uuid is not None
    return {
        "url": _api(f"booking-offerings/{row.uuid}"),
        "uuid": row.uuid,
        "created": format_instant(row.created),
        "name": row.name,
        "slug": row.slug,
        "description": row.description,
        "full_description": row.full_description,
        "privacy_policy_link": row.privacy_policy_link,
        "access_url": row.access_url,
        "endpoints": [{"uuid": it.uuid, "name": it.name, "url": it.url} for it in of(source.endpoints)],
        "software_catalogs": [_software_catalog(it) for it in of(source.catalogs)],
        "partitions": [_partition(it) for it in of(source.partitions)],
        "roles": [
            {"uuid": it.uuid, "name": it.name, "url": _api(f"marketplace-offering-user-roles/{it.uuid}")}
            for it in sorted(of(source.roles), key=_by_name)
        ],
        "customer": _api_or_null("customers", row.organization_uuid),
        "customer_uuid": row.organization_uuid,
        "customer_name": row.organization_name,
        "project": _api_or_null("projects", row.project_uuid),
        "project_uuid": row.project_uuid,
        "project_name": row.project_name,
        "category": _api(f"marketplace-categories/{row.category_uuid}"),
        "category_uuid": row.category_uuid,
        "category_title": row.category_title,
        "options": row.options,
        "resource_options": row.resource_options,
        "components": [_component(it) for it in sorted(of(source.components), key=_by_name_and_type)],
        "plugin_options": row.plugin_options,
        "state": row.state,
        "vendor_details": row.vendor_details,
        "getting_started": row.getting_started,
        "integration_guide": row.integration_guide,
        "thumbnail": _link(row.thumbnail),
        "order_count": row.orders_elsewhere + source.bookings.get(row.id, 0),
        "screenshots": [_screenshot(it) for it in of(source.screenshots)],
        "type": row.type,
        "shared": row.shared,
        "billable": row.billable,
        "scope": _link(scope.link) if scope else None,
        "scope_uuid": scope.uuid if scope else None,
        "scope_name": scope.name if scope else None,
        "scope_state": scope.state if scope else None,
        "scope_error_message": scope.error_message if scope else None,
        "files": [
            {"name": it.name, "created": format_instant(it.created), "file": _link(it.file)} for it in of(source.files)
        ],
        "quotas": [{"name": it.name, "usage": it.usage, "limit": it.limit} for it in of(source.quotas)],
        "paused_reason": row.paused_reason,
        "datacite_doi": row.datacite_doi,
        "citation_count": row.citation_count,
        "latitude": row.latitude,
        "longitude": row.longitude,
        "country": row.country,
        "backend_id": row.backend_id,
        "organization_groups": [_group(it) for it in of(source.groups)],
        "image": _link(row.image),
        "total_customers": row.total_customers,
        "total_cost": row.total_cost,
        "total_cost_estimated": row.total_cost_estimated,
        "parent_description": row.linked_description if linked else row.parent_description,
        "parent_uuid": row.linked_uuid if linked else row.parent_uuid,
        "parent_name": row.linked_name if linked else row.parent_name,
        "backend_metadata": row.backend_metadata,
        "has_compliance_requirements": row.has_compliance_requirements,
        "compliance_checklist": _link(row.checklist_link),
        "user_has_consent": row.user_has_consent,
    }


def _by_name(row: AnyRow) -> tuple[str, str]:
    return row.name, row.uuid.hex


def _by_name_and_type(row: AnyRow) -> tuple[str, str]:
    # As portal.domain.pricing orders prices and quotas.
    return row.name, row.type


def _by_folded_name(row: AnyRow) -> tuple[str, str]:
    return row.name.casefold(), row.uuid.hex


def _software_catalog(row: AnyRow) -> dict[str, Any]:
    found = {
        "uuid": row.uuid,
        "catalog": {
            "uuid": row.catalog_uuid,
            "name": row.name,
            "version": row.version,
            "description": row.description,
        },
        "enabled_cpu_family": row.enabled_cpu_family,
        "enabled_cpu_microarchitectures": row.enabled_cpu_microarchitectures,
        "package_count": row.package_count,
    }
    if row.partition_uuid is not None:
        # Absent, not null, where there is none: published clients cannot read null here.
        found["partition"] = {
            "uuid": row.partition_uuid,
            "partition_name": row.partition_name,
            "priority_tier": row.priority_tier,
            "qos": row.qos,
        }
    return found


def _partition(row: AnyRow) -> dict[str, Any]:
    return dict(zip(_PARTITION_FIELDS, _partition_values(row), strict=True))


def _component(row: AnyRow) -> dict[str, Any]:
    return dict(zip(_COMPONENT_FIELDS, _component_values(row), strict=True))


def _screenshot(row: AnyRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "uuid": row.uuid,
        "description": row.description,
        "image": _link(row.image),
        "thumbnail": _link(row.thumbnail),
        "created": format_instant(row.created),
    }


def _group(row: AnyRow) -> dict[str, Any]:
    found = {"uuid": row.uuid, "url": _api(f"organization-groups/{row.uuid}"), "name": row.name}
    if row.parent_uuid is not None:
        # Absent at a root: published clients cannot read null here.
        found |= {"parent_uuid": row.parent_uuid, "parent_name": row.parent_name}
    return found | {
        "parent": _api_or_null("organization-groups", row.parent_uuid),
        "customers_count": max(row.customers_elsewhere, row.members),
    }


def _googlecalendar(row: AnyRow) -> _Member:
    address = None
    if row.public and row.backend_id:
        address = orjson.Fragment(b'"' + EMBED + b"src=" + quote_plus(row.backend_id).encode() + b'"')
    shown = {"public": row.public, "http_link": address}
    full = b'"googlecalendar":' + orjson.dumps({"backend_id": row.backend_id, **shown})
    return _Member(full, b'"googlecalendar":' + orjson.dumps(shown) if row.public else None)


def _attributes(attributes: dict[str, Any]) -> _Member:
    # `schedules` is always answered, as a list (contract section 8); each entry's span is noted for the clock.
    key = b'"attributes":'
    members: list[bytes] = []
    items: tuple[tuple[Any, int, int], ...] = ()
    at = len(key) + 1
    for name, value in {**attributes, "schedules": attributes.get("schedules", [])}.items():
        start = orjson.dumps(name) + b":"
        if name == "schedules" and isinstance(value, list):
            text, items = _list(start, [(_end_of(entry), orjson.dumps(entry)) for entry in value], at)
        else:
            text = start + orjson.dumps(value)
        members.append(text)
        at += len(text) + 1
    whole = key + b"{" + b",".join(members) + b"}"
    return _Member(whole, whole, items, items)


def _end_of(entry: Any) -> float:
    """When a schedules entry ends, in seconds since the epoch; long ago, where that cannot be read."""
    try:
        return parse_instant(entry.get("end")).timestamp()
    except (AttributeError, ValueError):
        return 0.0


def _plans(source: Source, row: AnyRow) -> _Member:
    bodies: list[tuple[int, bytes, bytes]] = []
    for plan in sorted(source.plans.get(row.id, _NOTHING), key=_by_folded_name):
        full = orjson.dumps(_plan(source, row, plan))
        # Inside a text the quotes would be escaped, and no other value of a plan before this one has keys.
        backend_id = b',"backend_id":' + orjson.dumps(plan.backend_id)
        bodies.append((plan.id, full, full.replace(backend_id, b"", 1)))
    full, full_items = _list(b'"plans":', [(plan_id, text) for plan_id, text, _ in bodies])
    public, public_items = _list(b'"plans":', [(plan_id, text) for plan_id, _, text in bodies])
    return _Member(full, public, full_items, public_items)


def _list(key: bytes, items: list[tuple[Any, bytes]], at: int = 0) -> tuple[bytes, tuple[tuple[Any, int, int], ...]]:
    """`key` with a list of items already encoded, and where each lies, counted from `at` bytes before the key."""
    spans = []
    at += len(key) + 1
    for mark, text in items:
        spans.append((mark, at, at + len(text)))
        at += len(text) + 1
    return key + b"[" + b",".join(text for _, text in items) + b"]", tuple(spans)


def _plan(source: Source, offering: AnyRow, plan: AnyRow) -> dict[str, Any]:
    components = sorted(source.plan_components.get(plan.id, _NOTHING), key=_by_name_and_type)
    figures = price_plan(
        [
            PricedComponent(
                type=it.type,
                billing_type=it.billing_type,
                price=it.price,
                amount=it.amount,
                future_price=it.future_price,
                name=it.name,
            )
            for it in components
        ]
    )
    count, holding = source.plan_bookings.get(plan.id, (0, 0))
    return {
        "url": _api(f"marketplace-public-offerings/{offering.uuid}/plans/{plan.uuid}"),
        "uuid": plan.uuid,
        "name": plan.name,
        "description": plan.description,
        "article_code": plan.article_code,
        "max_amount": plan.max_amount,
        "archived": plan.archived,
        "is_active": is_active(plan.max_amount, plan.active_elsewhere + holding),
        "unit_price": price_text(figures.unit_price),
        "unit": plan.unit,
        "init_price": price_number(figures.init_price),
        "switch_price": price_number(figures.switch_price),
        "backend_id": plan.backend_id,
        "organization_groups": [_group(it) for it in source.plan_groups.get(plan.id, _NOTHING)],
        "components": [
            {
                "type": it.type,
                "name": it.name,
                "measured_unit": it.measured_unit,
                "amount": it.amount,
                "price": price_text(it.price),
                "future_price": None if it.future_price is None else price_text(it.future_price),
                "discount_threshold": it.discount_threshold,
                "discount_rate": it.discount_rate,
            }
            for it in components
        ],
        "prices": {kind: price_number(price) for kind, price in figures.prices.items()},
        "future_prices": {
            kind: None if price is None else price_number(price) for kind, price in figures.future_prices.items()
        },
        "quotas": figures.quotas,
        "resources_count": plan.resources_elsewhere + count,
        "plan_type": figures.plan_type,
        "minimal_price": price_number(figures.minimal_price),
    }


def _api(path: str) -> orjson.Fragment:
    return orjson.Fragment(b'"' + BASE + b"/api/" + path.encode() + b'/"')


def _api_or_null(collection: str, uuid: uuidlib.UUID | None) -> orjson.Fragment | None:
    return None if uuid is None else _api(f"{collection}/{uuid}")


def _link(value: str | None) -> orjson.Fragment | str | None:
    """An address as stored; one of this portal itself (`/api/…`) is answered on the host that was asked."""
    if value is None or not value.startswith("/api/"):
        return value
    return orjson.Fragment(b'"' + BASE + orjson.dumps(value)[1:])
