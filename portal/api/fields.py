"""Every field of the published answers, once: the OpenAPI document and the page about the API are made of this table.

Names, types, formats and descriptions are those of the Waldur API documentation of booking offerings (65 fields at
the top, 185 in all); components have the names that the published clients give them. Key order is the answer's.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of JSON: `type` and `format` as in JSON Schema, or a component (`refers`), or an array of it (`many`)."""

    type: str = ""
    format: str = ""
    refers: str = ""
    many: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One key of an object."""

    name: str
    kind: Kind
    description: str = ""
    nullable: bool = False


def one(component: str) -> Kind:
    """An object (or a value out of a closed list) that is described as a component of its own."""
    return Kind(refers=component)


def many(component: str) -> Kind:
    """An array of such objects."""
    return Kind(refers=component, many=True)


TEXT = Kind("string")
URI = Kind("string", "uri")
UUID = Kind("string", "uuid")
DATE_TIME = Kind("string", "date-time")
# Exact, with 10 places: a JSON number would be rounded by whoever reads it.
DECIMAL = Kind("string", "decimal")
INTEGER = Kind("integer")
INT64 = Kind("integer", "int64")
DOUBLE = Kind("number", "double")
BOOLEAN = Kind("boolean")
ANY = Kind()

OBJECTS: dict[str, tuple[Field, ...]] = {
    "Offering": (
        Field("url", URI),
        Field("uuid", UUID),
        Field("created", DATE_TIME),
        Field("name", TEXT),
        Field("slug", TEXT),
        Field("description", TEXT),
        Field("full_description", TEXT),
        Field("privacy_policy_link", URI),
        Field("access_url", URI, "Publicly accessible offering access URL"),
        Field("endpoints", many("NestedEndpoint")),
        Field("software_catalogs", many("NestedSoftwareCatalog")),
        Field("partitions", many("NestedPartition")),
        Field("roles", many("NestedRole")),
        Field("customer", URI, nullable=True),
        Field("customer_uuid", UUID, nullable=True),
        Field("customer_name", TEXT, nullable=True),
        Field("project", URI, nullable=True),
        Field("project_uuid", UUID, nullable=True),
        Field("project_name", TEXT, nullable=True),
        Field("category", URI),
        Field("category_uuid", UUID),
        Field("category_title", TEXT),
        Field("attributes", one("OfferingAttributes")),
        Field("options", one("OfferingOptions")),
        Field("resource_options", one("OfferingOptions")),
        Field("components", many("OfferingComponent")),
        Field("plugin_options", one("MergedPluginOptions")),
        Field("state", one("OfferingState")),
        Field("vendor_details", TEXT),
        Field("getting_started", TEXT),
        Field("integration_guide", TEXT),
        Field("thumbnail", URI, nullable=True),
        Field("order_count", INTEGER),
        Field("plans", many("BasePublicPlan")),
        Field("screenshots", many("NestedScreenshot")),
        Field("type", TEXT),
        Field("shared", BOOLEAN, "Accessible to all customers."),
        Field("billable", BOOLEAN, "Purchase and usage is invoiced."),
        Field("scope", TEXT, nullable=True),
        Field("scope_uuid", UUID, nullable=True),
        Field("scope_name", UUID, nullable=True),
        Field("scope_state", one("CoreStates"), nullable=True),
        Field("scope_error_message", TEXT, nullable=True),
        Field("files", many("NestedOfferingFile")),
        Field("quotas", many("Quota")),
        Field("paused_reason", TEXT),
        Field("datacite_doi", TEXT),
        Field("citation_count", INTEGER, "Number of citations of a DOI"),
        Field("latitude", DOUBLE, nullable=True),
        Field("longitude", DOUBLE, nullable=True),
        Field("country", one("CountryEnum")),
        Field("backend_id", TEXT),
        Field("organization_groups", many("OrganizationGroup")),
        Field("image", URI, nullable=True),
        Field("total_customers", INTEGER, nullable=True),
        Field("total_cost", INTEGER, nullable=True),
        Field("total_cost_estimated", INTEGER, nullable=True),
        Field("parent_description", TEXT, nullable=True),
        Field("parent_uuid", UUID, nullable=True),
        Field("parent_name", TEXT, nullable=True),
        Field("backend_metadata", ANY),
        Field("has_compliance_requirements", BOOLEAN),
        Field("compliance_checklist", URI, nullable=True),
        Field("user_has_consent", BOOLEAN),
        Field("googlecalendar", one("GoogleCalendar")),
    ),
    "NestedEndpoint": (
        Field("uuid", UUID),
        Field("name", TEXT),
        Field("url", TEXT),
    ),
    "NestedSoftwareCatalog": (
        Field("uuid", UUID),
        Field("catalog", one("NestedSoftwareCatalogCatalog")),
        Field("enabled_cpu_family", ANY, "List of enabled CPU families: ['x86_64', 'aarch64']"),
        Field("enabled_cpu_microarchitectures", ANY, "List of enabled CPU microarchitectures: ['generic', 'zen3']"),
        Field("package_count", INTEGER),
        Field("partition", one("NestedSoftwareCatalogPartition")),
    ),
    "NestedSoftwareCatalogCatalog": (
        Field("uuid", TEXT),
        Field("name", TEXT),
        Field("version", TEXT),
        Field("description", TEXT),
    ),
    "NestedSoftwareCatalogPartition": (
        Field("uuid", TEXT),
        Field("partition_name", TEXT),
        Field("priority_tier", INTEGER, nullable=True),
        Field("qos", TEXT),
    ),
    "NestedPartition": (
        Field("uuid", UUID),
        Field("partition_name", TEXT, "Name of the SLURM partition"),
        Field("cpu_bind", INTEGER, "Default task binding policy (SLURM cpu_bind)", nullable=True),
        Field("def_cpu_per_gpu", INTEGER, "Default CPUs allocated per GPU", nullable=True),
        Field("max_cpus_per_node", INTEGER, "Maximum allocated CPUs per node", nullable=True),
        Field("max_cpus_per_socket", INTEGER, "Maximum allocated CPUs per socket", nullable=True),
        Field("def_mem_per_cpu", INT64, "Default memory per CPU in MB", nullable=True),
        Field("def_mem_per_gpu", INT64, "Default memory per GPU in MB", nullable=True),
        Field("def_mem_per_node", INT64, "Default memory per node in MB", nullable=True),
        Field("max_mem_per_cpu", INT64, "Maximum memory per CPU in MB", nullable=True),
        Field("max_mem_per_node", INT64, "Maximum memory per node in MB", nullable=True),
        Field("default_time", INTEGER, "Default time limit in minutes", nullable=True),
        Field("max_time", INTEGER, "Maximum time limit in minutes", nullable=True),
        Field("grace_time", INTEGER, "Preemption grace time in seconds", nullable=True),
        Field("max_nodes", INTEGER, "Maximum nodes per job", nullable=True),
        Field("min_nodes", INTEGER, "Minimum nodes per job", nullable=True),
        Field("exclusive_topo", BOOLEAN, "Exclusive topology access required"),
        Field("exclusive_user", BOOLEAN, "Exclusive user access required"),
        Field("priority_tier", INTEGER, "Priority tier for scheduling and preemption", nullable=True),
        Field("qos", TEXT, "Quality of Service (QOS) name"),
        Field("req_resv", BOOLEAN, "Require reservation for job allocation"),
    ),
    "NestedRole": (
        Field("uuid", UUID),
        Field("name", TEXT),
        Field("url", URI),
    ),
    "OfferingComponent": (
        Field("uuid", UUID),
        Field("billing_type", one("BillingTypeEnum")),
        Field("type", TEXT, "Unique internal name of the measured unit, for example floating_ip."),
        Field("name", TEXT, "Display name for the measured unit, for example, Floating IP."),
        Field("description", TEXT),
        Field("measured_unit", TEXT, "Unit of measurement, for example, GB."),
        Field("unit_factor", INTEGER, "The conversion factor from backend units to measured_unit"),
        Field("limit_period", one("LimitPeriodEnum"), nullable=True),
        Field("limit_amount", INTEGER, nullable=True),
        Field("article_code", TEXT),
        Field("max_value", INTEGER, nullable=True),
        Field("min_value", INTEGER, nullable=True),
        Field("max_available_limit", INTEGER, nullable=True),
        Field("is_boolean", BOOLEAN),
        Field("default_limit", INTEGER, nullable=True),
        Field("factor", INTEGER, nullable=True),
        Field("is_builtin", BOOLEAN),
        Field("is_prepaid", BOOLEAN),
        Field("overage_component", UUID, nullable=True),
        Field("min_prepaid_duration", INTEGER, nullable=True),
        Field("max_prepaid_duration", INTEGER, nullable=True),
    ),
    "BasePublicPlan": (
        Field("url", URI),
        Field("uuid", UUID),
        Field("name", TEXT),
        Field("description", TEXT),
        Field("article_code", TEXT),
        Field(
            "max_amount",
            INTEGER,
            "Maximum number of plans that could be active. Plan is disabled when maximum amount is reached.",
            nullable=True,
        ),
        Field("archived", BOOLEAN, "Forbids creation of new resources."),
        Field("is_active", BOOLEAN),
        Field("unit_price", DECIMAL),
        Field("unit", one("BillingUnit")),
        Field("init_price", DOUBLE),
        Field("switch_price", DOUBLE),
        Field("backend_id", TEXT),
        Field("organization_groups", many("OrganizationGroup")),
        Field("components", many("NestedPlanComponent")),
        Field("prices", one("BasePublicPlanPrices")),
        Field("future_prices", one("BasePublicPlanFuturePrices")),
        Field("quotas", one("BasePublicPlanQuotas")),
        Field("resources_count", INTEGER),
        Field("plan_type", TEXT, nullable=True),
        Field("minimal_price", DOUBLE),
    ),
    "OrganizationGroup": (
        Field("uuid", UUID),
        Field("url", URI),
        Field("name", TEXT),
        Field("parent_uuid", UUID),
        Field("parent_name", TEXT),
        Field("parent", URI, nullable=True),
        Field("customers_count", INTEGER),
    ),
    "NestedPlanComponent": (
        Field("type", TEXT, "Unique internal name of the measured unit, for example floating_ip."),
        Field("name", TEXT, "Display name for the measured unit, for example, Floating IP."),
        Field("measured_unit", TEXT, "Unit of measurement, for example, GB."),
        Field("amount", INTEGER),
        Field("price", DECIMAL),
        Field("future_price", DECIMAL, nullable=True),
        Field("discount_threshold", INTEGER, "Minimum amount to be eligible for discount.", nullable=True),
        Field("discount_rate", INTEGER, "Discount rate in percentage.", nullable=True),
    ),
    "NestedScreenshot": (
        Field("name", TEXT),
        Field("uuid", UUID),
        Field("description", TEXT),
        Field("image", URI),
        Field("thumbnail", URI, nullable=True),
        Field("created", DATE_TIME),
    ),
    "NestedOfferingFile": (
        Field("name", TEXT),
        Field("created", DATE_TIME),
        Field("file", URI),
    ),
    "Quota": (
        Field("name", TEXT),
        Field("usage", INTEGER),
        Field("limit", INTEGER),
    ),
    "GoogleCalendar": (
        Field("backend_id", TEXT, nullable=True),
        Field("public", BOOLEAN),
        Field("http_link", TEXT, nullable=True),
    ),
}
