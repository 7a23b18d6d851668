"""From the short form to the exact document that GET /api/booking-offerings/ answers, key by key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from portal.dev.demo.content.identity import uuid_of
from portal.dev.demo.content.media import guide_uuid, picture_uuid, shot_uuid
from portal.dev.demo.content.offerings import OFFERINGS
from portal.dev.demo.content.organizations import (
    CATEGORIES,
    GROUPS,
    ORGANIZATIONS,
    OrganizationSpec,
    category_uuid,
    members_of,
)
from portal.dev.demo.content.prices import figures, money, priced
from portal.dev.demo.content.rules import booking_rules
from portal.dev.demo.content.schedules import schedule_entries
from portal.dev.demo.content.spec import Component, Offering, Plan
from portal.dev.demo.content.texts import texts_of

BY_SLUG = {offering.slug: offering for _, offering in OFFERINGS}


def offering_uuid(slug: str) -> UUID:
    """Fixed for the slug."""
    return uuid_of("offering", slug)


def _created(*words: str) -> datetime:
    """A fixed day in the first two years of the facility, from the words."""
    digits = uuid_of("created", *words).int
    return datetime(2023, 9, 1, 7, tzinfo=UTC) + timedelta(days=digits % 900, minutes=digits % 540, seconds=digits % 53)


def _time(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


class _Writer:
    """Writes documents whose addresses start with `base` (no slash at the end)."""

    def __init__(self, base: str, now: datetime) -> None:
        self.base, self.now = base, now

    def link(self, route: str, uuid: UUID) -> str:
        return f"{self.base}/api/{route}/{uuid}/"

    def group(self, slug: str) -> dict[str, Any]:
        group = GROUPS[slug]
        document: dict[str, Any] = {
            "uuid": str(group.uuid),
            "url": self.link("organization-groups", group.uuid),
            "name": group.name,
        }
        if group.parent:
            parent = GROUPS[group.parent]
            document |= {"parent_uuid": str(parent.uuid), "parent_name": parent.name}
        document["parent"] = self.link("organization-groups", GROUPS[group.parent].uuid) if group.parent else None
        document["customers_count"] = members_of(slug)
        return document

    def component(self, slug: str, component: Component) -> dict[str, Any]:
        document: dict[str, Any] = {
            "uuid": str(uuid_of("component", slug, component.type)),
            "billing_type": component.billing,
            "type": component.type,
            "name": component.name,
            "description": component.description,
            "measured_unit": component.unit,
            "unit_factor": 1,
            "limit_period": None,
            "limit_amount": None,
            "article_code": "",
            "max_value": None,
            "min_value": None,
            "max_available_limit": None,
            "is_boolean": False,
            "default_limit": None,
            "factor": None,
            "is_builtin": False,
            "is_prepaid": False,
            "overage_component": None,
            "min_prepaid_duration": None,
            "max_prepaid_duration": None,
        }
        more = dict(component.more)
        if "overage_component" in more:
            more["overage_component"] = str(uuid_of("component", slug, more["overage_component"]))
        return document | more

    def plan(self, offering: Offering, plan: Plan) -> dict[str, Any]:
        uuid = uuid_of("plan", offering.slug, plan.name)
        pairs = priced(plan, offering.components)
        computed = figures(pairs)
        place = f"marketplace-public-offerings/{offering_uuid(offering.slug)}/plans"
        code = f"{offering.slug}-{plan.name}".upper().replace(" ", "-")[:24]
        return {
            "url": self.link(place, uuid),
            "uuid": str(uuid),
            "name": plan.name,
            "description": plan.description,
            "article_code": code,
            "max_amount": plan.max_amount,
            "archived": plan.archived,
            "is_active": plan.max_amount is None or plan.resources < plan.max_amount,
            "unit_price": computed["unit_price"],
            "unit": plan.unit,
            "init_price": computed["init_price"],
            "switch_price": computed["switch_price"],
            "backend_id": "",
            "organization_groups": [self.group(slug) for slug in plan.groups],
            "components": [
                {
                    "type": component.type,
                    "name": component.name,
                    "measured_unit": component.unit,
                    "amount": price.amount,
                    "price": money(price.price),
                    "future_price": None if price.future is None else money(price.future),
                    "discount_threshold": price.discount and price.discount[0],
                    "discount_rate": price.discount and price.discount[1],
                }
                for component, price in pairs
            ],
            "prices": computed["prices"],
            "future_prices": computed["future_prices"],
            "quotas": computed["quotas"],
            "resources_count": plan.resources,
            "plan_type": computed["plan_type"],
            "minimal_price": computed["minimal_price"],
        }

    def screenshots(self, offering: Offering) -> list[dict[str, Any]]:
        documents = []
        for number, shot in enumerate(offering.shots):
            picture = self.link("media", shot_uuid(offering.slug, number))
            documents.append(
                {
                    "name": shot.name,
                    "uuid": str(uuid_of("screenshot", offering.slug, str(number))),
                    "description": shot.description,
                    "image": picture,
                    "thumbnail": picture,
                    "created": _time(_created("screenshot", offering.slug, str(number))),
                }
            )
        return documents

    def compute(self, offering: Offering) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """(software_catalogs, partitions)"""
        partitions = [
            {"uuid": str(uuid_of("partition", offering.slug, one["partition_name"])), **one}
            for one in offering.partitions
        ]
        by_name = {one["partition_name"]: one for one in partitions}
        catalogs = []
        for one in offering.catalogs:
            partition = by_name[one["partition"]]
            catalogs.append(
                {
                    "uuid": str(uuid_of("offering-catalog", offering.slug, one["name"])),
                    "catalog": {
                        "uuid": str(uuid_of("catalog", one["name"], one["version"])),
                        "name": one["name"],
                        "version": one["version"],
                        "description": one["description"],
                    },
                    "enabled_cpu_family": one["families"],
                    "enabled_cpu_microarchitectures": one["architectures"],
                    "package_count": one["packages"],
                    "partition": {key: partition[key] for key in ("uuid", "partition_name", "priority_tier", "qos")},
                }
            )
        return catalogs, partitions

    def offering(self, house: OrganizationSpec, offering: Offering) -> dict[str, Any]:
        """One document, keys in the documented order; `googlecalendar` is absent: nothing is connected yet."""
        slug = offering.slug
        uuid = offering_uuid(slug)
        full, start = texts_of(slug)
        catalogs, partitions = self.compute(offering)
        picture = self.link("media", picture_uuid(slug))
        parent = BY_SLUG.get(offering.parent)
        scope_uuid = uuid_of("scope", slug) if offering.scope else None
        totals = offering.totals or (None, None, None)
        attributes = {
            "schedules": schedule_entries(slug, offering.hours, house.time_zone, self.now),
            **offering.attributes,
            "booking_rules": booking_rules(slug, house.time_zone, self.now),
        }
        return {
            "url": self.link("booking-offerings", uuid),
            "uuid": str(uuid),
            "created": _time(_created("offering", slug)),
            "name": offering.name,
            "slug": slug,
            "description": offering.short,
            "full_description": full,
            "privacy_policy_link": f"https://{house.domain}/privacy/",
            "access_url": f"https://{house.domain}/access/{slug}/" if offering.endpoints or offering.guide else "",
            "endpoints": [
                {"uuid": str(uuid_of("endpoint", slug, name)), "name": name, "url": url}
                for name, url in offering.endpoints
            ],
            "software_catalogs": catalogs,
            "partitions": partitions,
            "roles": [
                {
                    "uuid": str(uuid_of("role", slug, name)),
                    "name": name,
                    "url": self.link("marketplace-offering-user-roles", uuid_of("role", slug, name)),
                }
                for name in sorted(offering.roles)
            ],
            "customer": self.link("customers", house.uuid),
            "customer_uuid": str(house.uuid),
            "customer_name": house.name,
            "project": self.link("projects", house.project_uuid),
            "project_uuid": str(house.project_uuid),
            "project_name": house.project,
            "category": self.link("marketplace-categories", category_uuid(offering.category)),
            "category_uuid": str(category_uuid(offering.category)),
            "category_title": CATEGORIES[offering.category],
            "attributes": attributes,
            "options": {"order": list(offering.options), "options": offering.options},
            "resource_options": {"order": list(offering.resource_options), "options": offering.resource_options},
            "components": [
                self.component(slug, one) for one in sorted(offering.components, key=lambda part: part.name)
            ],
            "plugin_options": offering.plugin_options,
            "state": offering.state,
            "vendor_details": offering.vendor,
            "getting_started": start,
            "integration_guide": offering.integration,
            "thumbnail": picture,
            "order_count": offering.orders,
            "plans": [self.plan(offering, one) for one in sorted(offering.plans, key=lambda plan: plan.name)],
            "screenshots": self.screenshots(offering),
            "type": "Marketplace.Booking",
            "shared": offering.shared,
            "billable": offering.billable,
            "scope": self.link("service-settings", scope_uuid) if scope_uuid else None,
            "scope_uuid": str(scope_uuid) if scope_uuid else None,
            "scope_name": str(scope_uuid) if scope_uuid else None,
            "scope_state": offering.scope[0] if offering.scope else None,
            "scope_error_message": offering.scope[1] if offering.scope else None,
            "files": [
                {
                    "name": "User guide",
                    "created": _time(_created("guide", slug)),
                    "file": self.link("media", guide_uuid(slug)),
                }
            ]
            if offering.guide
            else [],
            "quotas": [{"name": name, "usage": usage, "limit": limit} for name, usage, limit in offering.quotas],
            "paused_reason": offering.paused_reason,
            "datacite_doi": offering.doi,
            "citation_count": offering.citations,
            "latitude": round(house.place[0] + offering.moved[0], 5),
            "longitude": round(house.place[1] + offering.moved[1], 5),
            "country": house.country,
            "backend_id": f"{house.slug}-{slug}",
            "organization_groups": [self.group(one) for one in offering.groups],
            "image": picture,
            "total_customers": totals[0],
            "total_cost": totals[1],
            "total_cost_estimated": totals[2],
            "parent_description": parent.short if parent else None,
            "parent_uuid": str(offering_uuid(parent.slug)) if parent else None,
            "parent_name": parent.name if parent else None,
            "backend_metadata": {"room": offering.room, **offering.metadata},
            "has_compliance_requirements": bool(offering.checklist),
            "compliance_checklist": self.link("checklists-admin", uuid_of("checklist", offering.checklist))
            if offering.checklist
            else None,
            "user_has_consent": offering.consent,
        }


def write(base_url: str, now: datetime) -> list[dict[str, Any]]:
    """All documents, parents before their children."""
    writer = _Writer(base_url.rstrip("/"), now)
    ordered = sorted(OFFERINGS, key=lambda pair: bool(pair[1].parent))
    return [writer.offering(ORGANIZATIONS[house], offering) for house, offering in ordered]
