"""Loads the rows for documents, with a fixed number of SELECTs for any number of offerings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Row, Select, Table, bindparam, func, select
from sqlalchemy.orm import Session, aliased

from portal.models import (
    Category,
    ComplianceChecklist,
    Component,
    Endpoint,
    GoogleCalendar,
    Offering,
    OfferingFile,
    OfferingRole,
    OfferingSoftwareCatalog,
    Organization,
    OrganizationGroup,
    Partition,
    Plan,
    PlanComponent,
    Project,
    Quota,
    Scope,
    Screenshot,
    SoftwareCatalog,
    offering_organization_groups,
    organization_group_members,
    plan_organization_groups,
)

AnyRow = Row[Any]
Many = dict[int, list[AnyRow]]


@dataclass(frozen=True, slots=True)
class DocumentRows:
    """The rows of a batch of offerings. Lists are keyed by offering, those of a plan by plan."""

    offerings: Sequence[AnyRow]
    endpoints: Many
    roles: Many
    screenshots: Many
    files: Many
    quotas: Many
    scopes: Many
    partitions: Many
    catalogs: Many
    components: Many
    plans: Many
    plan_components: Many
    plan_groups: Many
    groups: Many
    calendars: Many


# The statements are built once: building them takes longer than running them for one offering.
IDS: BindParameter[list[int]] = bindparam("ids", expanding=True)
LINKED = aliased(Offering)
GROUP_PARENT = aliased(OrganizationGroup)

OFFERINGS = (
    select(
        Offering.__table__,
        Organization.uuid.label("organization_uuid"),
        Organization.name.label("organization_name"),
        Project.uuid.label("project_uuid"),
        Project.name.label("project_name"),
        Category.uuid.label("category_uuid"),
        Category.title.label("category_title"),
        ComplianceChecklist.link.label("checklist_link"),
        LINKED.uuid.label("linked_uuid"),
        LINKED.name.label("linked_name"),
        LINKED.description.label("linked_description"),
        LINKED.plugin_options.label("linked_plugin_options"),
    )
    .outerjoin(Organization, Organization.id == Offering.organization_id)
    .outerjoin(Project, Project.id == Offering.project_id)
    .join(Category, Category.id == Offering.category_id)
    .outerjoin(ComplianceChecklist, ComplianceChecklist.id == Offering.checklist_id)
    .outerjoin(LINKED, LINKED.id == Offering.parent_id)
    .where(Offering.id.in_(IDS))
)

CATALOGS = (
    select(
        OfferingSoftwareCatalog.__table__,
        SoftwareCatalog.uuid.label("catalog_uuid"),
        SoftwareCatalog.name,
        SoftwareCatalog.version,
        SoftwareCatalog.description,
        Partition.uuid.label("partition_uuid"),
        Partition.partition_name,
        Partition.priority_tier,
        Partition.qos,
    )
    .join(SoftwareCatalog, SoftwareCatalog.id == OfferingSoftwareCatalog.catalog_id)
    .outerjoin(Partition, Partition.id == OfferingSoftwareCatalog.partition_id)
    .where(OfferingSoftwareCatalog.offering_id.in_(IDS))
    .order_by(OfferingSoftwareCatalog.position, OfferingSoftwareCatalog.id)
)

PLAN_COMPONENTS = (
    select(PlanComponent.__table__, Component.type, Component.name, Component.measured_unit)
    .add_columns(Component.billing_type, Component.uuid)
    .join(Component, Component.id == PlanComponent.component_id)
    .where(Component.offering_id.in_(IDS))
)


def _of_offerings(model: Any) -> Select[Any]:
    """The rows of a model that belong to offerings, in their order."""
    table: Table = model.__table__
    order = [table.c.position, table.c.id] if "position" in table.c else []
    return select(table).where(table.c.offering_id.in_(IDS)).order_by(*order)


def _groups(link: Table, owner: str, owners: Any) -> Select[Any]:
    """The groups that are linked to these offerings or plans."""
    members = organization_group_members
    count = (
        select(func.count())
        .select_from(members)
        .where(members.c.group_id == OrganizationGroup.id)
        .correlate(OrganizationGroup)
        .scalar_subquery()
    )
    return (
        select(
            link.c[owner].label("owner"),
            OrganizationGroup.id,
            OrganizationGroup.uuid,
            OrganizationGroup.name,
            OrganizationGroup.customers_elsewhere,
            GROUP_PARENT.uuid.label("parent_uuid"),
            GROUP_PARENT.name.label("parent_name"),
            count.label("members"),
        )
        .join(OrganizationGroup, OrganizationGroup.id == link.c.group_id)
        .outerjoin(GROUP_PARENT, GROUP_PARENT.id == OrganizationGroup.parent_id)
        .where(link.c[owner].in_(owners))
        .order_by(link.c.position, OrganizationGroup.id)
    )


# Name of a field of DocumentRows -> its statement, and the column that names the offering or plan.
MANY: dict[str, tuple[Select[Any], str]] = {
    "endpoints": (_of_offerings(Endpoint), "offering_id"),
    "roles": (_of_offerings(OfferingRole), "offering_id"),
    "screenshots": (_of_offerings(Screenshot), "offering_id"),
    "files": (_of_offerings(OfferingFile), "offering_id"),
    "quotas": (_of_offerings(Quota), "offering_id"),
    "scopes": (_of_offerings(Scope), "offering_id"),
    "partitions": (_of_offerings(Partition), "offering_id"),
    "catalogs": (CATALOGS, "offering_id"),
    "components": (_of_offerings(Component), "offering_id"),
    "plans": (_of_offerings(Plan), "offering_id"),
    "plan_components": (PLAN_COMPONENTS, "plan_id"),
    "plan_groups": (
        _groups(plan_organization_groups, "plan_id", select(Plan.id).where(Plan.offering_id.in_(IDS))),
        "owner",
    ),
    "groups": (_groups(offering_organization_groups, "offering_id", IDS), "owner"),
    "calendars": (_of_offerings(GoogleCalendar), "offering_id"),
}


def load(session: Session, offering_ids: Collection[int]) -> DocumentRows:
    """The rows for the documents of these offerings. Flushes the session first."""
    session.flush()
    given = {"ids": list(offering_ids)}
    return DocumentRows(
        offerings=session.execute(OFFERINGS, given).all(),
        **{name: _grouped(session.execute(statement, given), key) for name, (statement, key) in MANY.items()},
    )


def _grouped(rows: Iterable[AnyRow], key: str) -> Many:
    found: Many = defaultdict(list)
    for row in rows:
        found[getattr(row, key)].append(row)
    return found
