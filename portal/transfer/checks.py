"""What each key of an imported record may hold, and the column that it goes into."""

from __future__ import annotations

from portal.domain import choices
from portal.transfer import values
from portal.transfer.values import Check

# Key on the wire -> column, and what reads the value or raises Wrong.
Checks = dict[str, tuple[str, Check]]


def _same(check: Check, *names: str) -> Checks:
    return {name: (name, check) for name in names}


OFFERING: Checks = {
    **_same(values.instant, "created"),
    **_same(values.required_text(values.NAME_LENGTH), "name"),
    **_same(
        values.text(),
        *("slug", "description", "full_description", "privacy_policy_link", "access_url", "vendor_details"),
        *("getting_started", "integration_guide", "type", "paused_reason", "datacite_doi", "backend_id"),
    ),
    **_same(values.free_object, "attributes"),
    **_same(values.plugin_options, "plugin_options"),
    **_same(values.order_form, "options", "resource_options"),
    **_same(values.free, "backend_metadata"),
    **_same(values.one_of(choices.OFFERING_STATES), "state"),
    **_same(values.text_or_null(), "thumbnail", "image"),
    **_same(values.flag(False), "shared", "has_compliance_requirements", "user_has_consent"),
    **_same(values.flag(True), "billable"),
    **_same(values.whole(-1, values.INT32), "citation_count"),
    **_same(values.coordinate(90), "latitude"),
    **_same(values.coordinate(180), "longitude"),
    **_same(values.country, "country"),
    **_same(values.whole_or_null(), "total_customers", "total_cost", "total_cost_estimated"),
    **_same(values.uuid_or_null, "parent_uuid"),
    **_same(values.text_or_null(), "parent_name", "parent_description"),
    "order_count": ("order_count", values.whole(0, values.COUNT32)),
}
ENDPOINT: Checks = _same(values.text(), "name", "url")
ROLE: Checks = _same(values.text(), "name")
SCREENSHOT: Checks = {
    **_same(values.text(), "name", "description", "image"),
    **_same(values.text_or_null(), "thumbnail"),
    **_same(values.instant, "created"),
}
FILE: Checks = {**_same(values.text(), "name", "file"), **_same(values.instant, "created")}
QUOTA: Checks = {
    **_same(values.text(), "name"),
    **_same(values.whole(0), "usage"),
    **_same(values.whole(-1), "limit"),
}
PARTITION: Checks = {
    **_same(values.text(), "partition_name", "qos"),
    **_same(
        values.whole_or_null(),
        *("cpu_bind", "def_cpu_per_gpu", "max_cpus_per_node", "max_cpus_per_socket", "def_mem_per_cpu"),
        *("def_mem_per_gpu", "def_mem_per_node", "max_mem_per_cpu", "max_mem_per_node", "default_time", "max_time"),
        *("grace_time", "max_nodes", "min_nodes", "priority_tier"),
    ),
    **_same(values.flag(False), "exclusive_topo", "exclusive_user", "req_resv"),
}
SOFTWARE_CATALOG: Checks = {
    **_same(values.listed, "enabled_cpu_family", "enabled_cpu_microarchitectures"),
    **_same(values.whole(0, values.COUNT64), "package_count"),
}
CATALOG: Checks = _same(values.text(), "name", "version", "description")
COMPONENT: Checks = {
    **_same(values.one_of(choices.BILLING_TYPES), "billing_type"),
    **_same(values.required_text(values.NAME_LENGTH), "type"),
    **_same(values.text(), "name", "description", "measured_unit", "article_code"),
    **_same(values.whole(1), "unit_factor"),
    **_same(values.limit_period, "limit_period"),
    **_same(
        values.whole_or_null(),
        *("limit_amount", "max_value", "min_value", "max_available_limit", "default_limit", "factor"),
        *("min_prepaid_duration", "max_prepaid_duration"),
    ),
    **_same(values.flag(False), "is_boolean", "is_builtin", "is_prepaid"),
    **_same(values.uuid_or_null, "overage_component"),
}
PLAN: Checks = {
    **_same(values.text(), "name", "description", "article_code", "backend_id"),
    **_same(values.whole_or_null(), "max_amount"),
    **_same(values.flag(False), "archived"),
    **_same(values.one_of(choices.BILLING_UNITS), "unit"),
    **_same(values.whole(0, values.COUNT64), "resources_count"),
    **_same(values.flag(True), "is_active"),
}
PLAN_COMPONENT: Checks = {
    **_same(values.required_text(values.NAME_LENGTH), "type"),
    **_same(values.whole(0), "amount"),
    **_same(values.unset_price, "price"),
    **_same(values.price_or_null, "future_price"),
    **_same(values.whole_or_null(), "discount_threshold", "discount_rate"),
}
GROUP: Checks = {
    **_same(values.text(values.NAME_LENGTH), "name"),
    "customers_count": ("customers_elsewhere", values.whole(0, values.COUNT32)),
}
SCOPE: Checks = {
    "scope": ("link", values.text_or_null()),
    "scope_uuid": ("uuid", values.uuid_or_null),
    "scope_name": ("name", values.text_or_null()),
    "scope_state": ("state", values.text_or_null()),
    "scope_error_message": ("error_message", values.text_or_null()),
}
CALENDAR: Checks = {
    **_same(values.text_or_null(), "backend_id"),
    **_same(values.flag(False), "public"),
}
CHECKLIST: Checks = _same(values.text_or_null(values.LINK_LENGTH), "compliance_checklist")
