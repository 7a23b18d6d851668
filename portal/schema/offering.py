"""The published offering: 65 fields at the top, 185 in all.

Names, types, formats and descriptions are those of the Waldur API documentation of booking offerings; components have
the names that the published clients give them. The order is that of the API; selecting fields never changes it.
CONTRIBUTING.md says how to add a field.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR
from typing import Any
from urllib.parse import quote_plus

import orjson

from portal.domain import choices
from portal.domain.links import HREF_SCHEMES, PAGE_SCHEMES
from portal.schema import checks, links, options, reading
from portal.schema.checks import NAME_LENGTH
from portal.schema.fields import (
    ABSENT,
    ANY,
    BOOLEAN,
    DATE_TIME,
    DECIMAL,
    DOUBLE,
    INT64,
    INTEGER,
    NAME,
    TEXT,
    URI,
    UUID,
    ObjectSchema,
    computed,
    many,
    one,
    stored,
)
from portal.schema.plan_figures import priced_plan
from portal.schema.reading import address, api_address, by_folded_name, by_name, by_name_and_type, link, rows

# Placeholder for the address of Google's embedded calendar up to its query.
EMBED = b"\x02"


def _parent(column: str) -> Any:
    """A value of the parent: from its row if it is in the database, else from the import."""

    def read(row: Any, _source: Any) -> Any:
        return getattr(row, f"parent_{column}" if row.linked_uuid is None else f"linked_{column}")

    return read


def _calendar(row: Any, source: Any) -> Any:
    return next((CALENDAR.serialize(it, source) for it in source.calendars.get(row.id, ())), ABSENT)


def _embedded(row: Any, _source: Any) -> orjson.Fragment | None:
    if not (row.public and row.backend_id):
        return None
    return orjson.Fragment(b'"' + EMBED + b"src=" + quote_plus(row.backend_id).encode() + b'"')


def _catalog_partition(row: Any, source: Any) -> Any:
    return ABSENT if row.partition_uuid is None else CATALOG_PARTITION.serialize(row, source)


def _scope(column: str) -> dict[str, Any]:
    """Arguments of a field of the scope, which has its own table."""
    return {
        "read": reading.first("scopes", column),
        "column": column,
        "table": "scope",
        "managers_only": True,
        "copied": False,
    }


def _attributes(row: Any, _source: Any) -> dict[str, Any]:
    # Clients require `schedules` (docs/documents.md).
    return {**row.attributes, "schedules": row.attributes.get("schedules", [])}


ENDPOINT = ObjectSchema(
    "NestedEndpoint",
    (
        computed("uuid", UUID),
        stored("name", NAME),
        # Where a machine is logged in to, or data fetched from.
        stored("url", TEXT, check=links.link(HREF_SCHEMES)),
    ),
)
CATALOG = ObjectSchema(
    "NestedSoftwareCatalogCatalog",
    (
        computed("uuid", TEXT, read=lambda row, _: row.catalog_uuid),
        stored("name", NAME),
        stored("version", NAME),
        stored("description", TEXT),
    ),
)
CATALOG_PARTITION = ObjectSchema(
    "NestedSoftwareCatalogPartition",
    (
        computed("uuid", TEXT, read=lambda row, _: row.partition_uuid),
        computed("partition_name", TEXT),
        computed("priority_tier", INTEGER, null=True),
        computed("qos", TEXT),
    ),
)
SOFTWARE_CATALOG = ObjectSchema(
    "NestedSoftwareCatalog",
    (
        computed("uuid", UUID),
        computed("catalog", one(CATALOG), read=CATALOG.serialize),
        stored(
            "enabled_cpu_family", ANY, "List of enabled CPU families: ['x86_64', 'aarch64']", check=checks.free_list
        ),
        stored(
            "enabled_cpu_microarchitectures",
            ANY,
            "List of enabled CPU microarchitectures: ['generic', 'zen3']",
            check=checks.free_list,
        ),
        stored("package_count", INTEGER, check=checks.whole(0, checks.COUNT64)),
        # Absent, not null, where there is none: published clients cannot read null here.
        computed("partition", one(CATALOG_PARTITION), read=_catalog_partition),
    ),
)
PARTITION = ObjectSchema(
    "NestedPartition",
    (
        computed("uuid", UUID),
        stored("partition_name", NAME, "Name of the SLURM partition"),
        stored("cpu_bind", INTEGER, "Default task binding policy (SLURM cpu_bind)", null=True),
        stored("def_cpu_per_gpu", INTEGER, "Default CPUs allocated per GPU", null=True),
        stored("max_cpus_per_node", INTEGER, "Maximum allocated CPUs per node", null=True),
        stored("max_cpus_per_socket", INTEGER, "Maximum allocated CPUs per socket", null=True),
        stored("def_mem_per_cpu", INT64, "Default memory per CPU in MB", null=True),
        stored("def_mem_per_gpu", INT64, "Default memory per GPU in MB", null=True),
        stored("def_mem_per_node", INT64, "Default memory per node in MB", null=True),
        stored("max_mem_per_cpu", INT64, "Maximum memory per CPU in MB", null=True),
        stored("max_mem_per_node", INT64, "Maximum memory per node in MB", null=True),
        stored("default_time", INTEGER, "Default time limit in minutes", null=True),
        stored("max_time", INTEGER, "Maximum time limit in minutes", null=True),
        stored("grace_time", INTEGER, "Preemption grace time in seconds", null=True),
        stored("max_nodes", INTEGER, "Maximum nodes per job", null=True),
        stored("min_nodes", INTEGER, "Minimum nodes per job", null=True),
        stored("exclusive_topo", BOOLEAN, "Exclusive topology access required"),
        stored("exclusive_user", BOOLEAN, "Exclusive user access required"),
        stored("priority_tier", INTEGER, "Priority tier for scheduling and preemption", null=True),
        stored("qos", TEXT, "Quality of Service (QOS) name"),
        stored("req_resv", BOOLEAN, "Require reservation for job allocation"),
    ),
)
ROLE = ObjectSchema(
    "NestedRole",
    (
        computed("uuid", UUID),
        stored("name", NAME),
        computed("url", URI, read=address("marketplace-offering-user-roles", "uuid")),
    ),
)
COMPONENT = ObjectSchema(
    "OfferingComponent",
    (
        computed("uuid", UUID, read=reading.published_uuid),
        stored(
            "billing_type",
            one("BillingTypeEnum", checks.one_of(choices.BILLING_TYPES, choices.BillingType.USAGE.value)),
        ),
        stored(
            "type",
            TEXT,
            "Unique internal name of the measured unit, for example floating_ip.",
            check=checks.required_line(NAME_LENGTH),
        ),
        stored("name", NAME, "Display name for the measured unit, for example, Floating IP."),
        stored("description", TEXT),
        stored("measured_unit", NAME, "Unit of measurement, for example, GB."),
        stored(
            "unit_factor", INTEGER, "The conversion factor from backend units to measured_unit", check=checks.whole(1)
        ),
        stored("limit_period", one("LimitPeriodEnum"), null=True, check=checks.limit_period),
        stored("limit_amount", INTEGER, null=True, check=checks.limit(ROUND_FLOOR)),
        stored("article_code", NAME),
        stored("max_value", INTEGER, null=True, check=checks.limit(ROUND_FLOOR)),
        stored("min_value", INTEGER, null=True, check=checks.limit(ROUND_CEILING)),
        stored("max_available_limit", INTEGER, null=True, check=checks.limit(ROUND_FLOOR)),
        stored("is_boolean", BOOLEAN),
        stored("default_limit", INTEGER, null=True, check=checks.limit(ROUND_FLOOR)),
        stored("factor", INTEGER, null=True),
        stored("is_builtin", BOOLEAN),
        stored("is_prepaid", BOOLEAN),
        stored("overage_component", UUID, null=True),
        stored("min_prepaid_duration", INTEGER, null=True),
        stored("max_prepaid_duration", INTEGER, null=True),
    ),
)
GROUP = ObjectSchema(
    "OrganizationGroup",
    (
        computed("uuid", UUID),
        computed("url", URI, read=address("organization-groups", "uuid")),
        stored("name", NAME, check=checks.text(NAME_LENGTH, line=True)),
        # Absent at a root: published clients cannot read null here.
        computed("parent_uuid", UUID, read=reading.unless_null("parent_uuid")),
        computed("parent_name", TEXT, read=reading.unless_null("parent_name")),
        computed("parent", URI, null=True, read=address("organization-groups", "parent_uuid")),
        stored(
            "customers_count",
            INTEGER,
            check=checks.whole(0, checks.COUNT32),
            column="customers_elsewhere",
            read=lambda row, _: max(row.customers_elsewhere, row.members),
        ),
    ),
)
PLAN_COMPONENT = ObjectSchema(
    "NestedPlanComponent",
    (
        stored(
            "type",
            TEXT,
            "Unique internal name of the measured unit, for example floating_ip.",
            check=checks.required_line(NAME_LENGTH),
        ),
        computed("name", TEXT, "Display name for the measured unit, for example, Floating IP."),
        computed("measured_unit", TEXT, "Unit of measurement, for example, GB."),
        stored("amount", INTEGER),
        stored("price", DECIMAL, read=reading.price("price")),
        stored("future_price", DECIMAL, null=True, read=reading.price("future_price")),
        stored("discount_threshold", INTEGER, "Minimum amount to be eligible for discount.", null=True),
        stored("discount_rate", INTEGER, "Discount rate in percentage.", null=True),
    ),
)
# A plan with its computed prices (plan_figures). portal.documents.view adds the bookings made here to `is_active` and
# `resources_count`.
PLAN = ObjectSchema(
    "BasePublicPlan",
    (
        computed("url", URI),
        computed("uuid", UUID, read=reading.published_uuid),
        stored("name", NAME),
        stored("description", TEXT),
        stored("article_code", NAME),
        stored(
            "max_amount",
            INTEGER,
            "Maximum number of plans that could be active. Plan is disabled when maximum amount is reached.",
            null=True,
        ),
        stored("archived", BOOLEAN, "Forbids creation of new resources."),
        stored("is_active", BOOLEAN, check=checks.flag(True), read=lambda plan, _: plan.active_elsewhere),
        computed("unit_price", DECIMAL),
        stored("unit", one("BillingUnit", checks.one_of(choices.BILLING_UNITS, choices.BillingUnit.MONTH.value))),
        computed("init_price", DOUBLE),
        computed("switch_price", DOUBLE),
        stored("backend_id", TEXT, managers_only=True),
        computed("organization_groups", many(GROUP), read=rows("plan_groups", GROUP)),
        computed("components", many(PLAN_COMPONENT), read=rows("plan_components", PLAN_COMPONENT, by_name_and_type)),
        computed("prices", one("BasePublicPlanPrices")),
        computed("future_prices", one("BasePublicPlanFuturePrices")),
        computed("quotas", one("BasePublicPlanQuotas")),
        stored(
            "resources_count",
            INTEGER,
            check=checks.whole(0, checks.COUNT64),
            read=lambda plan, _: plan.resources_elsewhere,
        ),
        computed("plan_type", TEXT, null=True),
        computed("minimal_price", DOUBLE),
    ),
)
SCREENSHOT = ObjectSchema(
    "NestedScreenshot",
    (
        stored("name", NAME),
        computed("uuid", UUID),
        stored("description", TEXT),
        stored("image", URI, read=link("image")),
        stored("thumbnail", URI, null=True, read=link("thumbnail")),
        stored("created", DATE_TIME, read=reading.instant),
    ),
)
FILE = ObjectSchema(
    "NestedOfferingFile",
    (stored("name", NAME), stored("created", DATE_TIME, read=reading.instant), stored("file", URI, read=link("file"))),
)
QUOTA = ObjectSchema(
    "Quota", (stored("name", NAME), stored("usage", INTEGER), stored("limit", INTEGER, check=checks.whole(-1)))
)
CALENDAR = ObjectSchema(
    "GoogleCalendar",
    (
        stored("backend_id", TEXT, null=True, managers_only=True),
        stored("public", BOOLEAN),
        computed("http_link", TEXT, null=True, read=_embedded),
    ),
)
OFFERING = ObjectSchema(
    "Offering",
    (
        computed("url", URI, read=lambda row, _: api_address(f"booking-offerings/{row.uuid}"), copied=False),
        computed("uuid", UUID),
        stored("created", DATE_TIME, read=reading.instant, copied=False),
        stored("name", NAME, check=checks.required_line(NAME_LENGTH), edit=True),
        stored("slug", NAME, copied=False),
        stored("description", TEXT, edit=True),
        stored("full_description", TEXT, edit=True),
        stored("privacy_policy_link", URI, edit=True),
        stored("access_url", URI, "Publicly accessible offering access URL", check=links.link(PAGE_SCHEMES), edit=True),
        computed("endpoints", many(ENDPOINT), read=rows("endpoints", ENDPOINT)),
        computed("software_catalogs", many(SOFTWARE_CATALOG), read=rows("catalogs", SOFTWARE_CATALOG)),
        computed("partitions", many(PARTITION), read=rows("partitions", PARTITION)),
        computed("roles", many(ROLE), read=rows("roles", ROLE, by_name)),
        computed("customer", URI, null=True, read=address("customers", "organization_uuid")),
        computed("customer_uuid", UUID, null=True, read=lambda row, _: row.organization_uuid),
        computed("customer_name", TEXT, null=True, read=lambda row, _: row.organization_name),
        computed("project", URI, null=True, read=address("projects", "project_uuid")),
        computed("project_uuid", UUID, null=True),
        computed("project_name", TEXT, null=True),
        computed("category", URI, read=address("marketplace-categories", "category_uuid")),
        computed("category_uuid", UUID),
        computed("category_title", TEXT),
        stored("attributes", one("OfferingAttributes", checks.free_object), read=_attributes),
        stored(
            "options", one("OfferingOptions", options.order_form), read=reading.readable("options", options.order_form)
        ),
        stored(
            "resource_options",
            one("OfferingOptions", options.order_form),
            read=reading.readable("resource_options", options.order_form),
        ),
        computed("components", many(COMPONENT), read=rows("components", COMPONENT, by_name_and_type)),
        stored(
            "plugin_options",
            one("MergedPluginOptions", options.plugin_options),
            read=reading.readable("plugin_options", options.plugin_options),
        ),
        stored("state", one("OfferingState", checks.one_of(choices.OFFERING_STATES)), edit=True),
        stored("vendor_details", TEXT, edit=True),
        stored("getting_started", TEXT, edit=True),
        stored("integration_guide", TEXT, edit=True),
        stored("thumbnail", URI, null=True, read=link("thumbnail"), edit=True),
        stored(
            "order_count",
            INTEGER,
            check=checks.whole(0, checks.COUNT32),
            column="orders_elsewhere",
            managers_only=True,
            copied=False,
        ),
        computed(
            "plans",
            many(PLAN),
            read=lambda row, source: [
                PLAN.serialize(priced_plan(plan, row, source), source)
                for plan in sorted(source.plans.get(row.id, ()), key=by_folded_name)
            ],
        ),
        computed("screenshots", many(SCREENSHOT), read=rows("screenshots", SCREENSHOT)),
        stored("type", NAME),
        stored("shared", BOOLEAN, "Accessible to all customers.", edit=True),
        stored("billable", BOOLEAN, "Purchase and usage is invoiced.", check=checks.flag(True)),
        stored("scope", TEXT, null=True, check=links.link_or_null(), **_scope("link")),
        stored("scope_uuid", UUID, null=True, **_scope("uuid")),
        stored("scope_name", UUID, null=True, check=checks.text_or_null(line=True), **_scope("name")),
        stored("scope_state", one("CoreStates"), null=True, check=checks.text_or_null(), **_scope("state")),
        stored("scope_error_message", TEXT, null=True, **_scope("error_message")),
        computed("files", many(FILE), read=rows("files", FILE)),
        computed("quotas", many(QUOTA), read=rows("quotas", QUOTA), copied=False),
        stored("paused_reason", TEXT, edit=True, copied=False),
        stored("datacite_doi", TEXT, copied=False),
        stored(
            "citation_count",
            INTEGER,
            "Number of citations of a DOI",
            check=checks.whole(-1, checks.INT32),
            copied=False,
        ),
        stored("latitude", DOUBLE, null=True, check=checks.coordinate(90), edit=True),
        stored("longitude", DOUBLE, null=True, check=checks.coordinate(180), edit=True),
        stored("country", one("CountryEnum", checks.country), edit=True),
        stored("backend_id", TEXT, managers_only=True, copied=False),
        computed("organization_groups", many(GROUP), read=rows("groups", GROUP)),
        stored("image", URI, null=True, read=link("image"), edit=True),
        stored("total_customers", INTEGER, null=True, managers_only=True, copied=False),
        stored("total_cost", INTEGER, null=True, managers_only=True, copied=False),
        stored("total_cost_estimated", INTEGER, null=True, managers_only=True, copied=False),
        stored("parent_description", TEXT, null=True, read=_parent("description"), copied=False),
        stored("parent_uuid", UUID, null=True, read=_parent("uuid"), copied=False),
        stored("parent_name", NAME, null=True, read=_parent("name"), copied=False),
        stored(
            "backend_metadata",
            ANY,
            check=options.metadata,
            read=reading.readable("backend_metadata", options.metadata),
            managers_only=True,
            copied=False,
        ),
        stored("has_compliance_requirements", BOOLEAN),
        stored(
            "compliance_checklist",
            URI,
            null=True,
            check=links.link_or_null(limit=checks.LINK_LENGTH),
            table="checklist",
            read=link("checklist_link"),
        ),
        stored("user_has_consent", BOOLEAN, copied=False),
        computed("googlecalendar", one(CALENDAR), read=_calendar, copied=False),
    ),
)
FIELDS = OFFERING.names
# The offering and everything inside it, by name.
COMPONENTS = {component.name: component for component in OFFERING.below()}
