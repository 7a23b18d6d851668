"""Loads the rows for documents, with a fixed number of SELECTs for any number of offerings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Table, func, select
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

# Made once, since an alias copies every column of its table.
LINKED = aliased(Offering)
GROUP_PARENT = aliased(OrganizationGroup)


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


def load(session: Session, offering_ids: Collection[int]) -> DocumentRows:
    """The rows for the documents of these offerings. Flushes the session first."""
    session.flush()
    ids = list(offering_ids)

    def of_offerings(model: Any) -> Many:
        table: Table = model.__table__
        order = [table.c.position, table.c.id] if "position" in table.c else []
        return _grouped(
            session.execute(select(table).where(table.c.offering_id.in_(ids)).order_by(*order)),
            lambda row: row.offering_id,
        )

    of_plans = select(Plan.id).where(Plan.offering_id.in_(ids))
    return DocumentRows(
        offerings=_offerings(session, ids),
        endpoints=of_offerings(Endpoint),
        roles=of_offerings(OfferingRole),
        screenshots=of_offerings(Screenshot),
        files=of_offerings(OfferingFile),
        quotas=of_offerings(Quota),
        scopes=of_offerings(Scope),
        partitions=of_offerings(Partition),
        catalogs=_catalogs(session, ids),
        components=of_offerings(Component),
        plans=of_offerings(Plan),
        plan_components=_grouped(
            session.execute(
                select(PlanComponent.__table__, Component.type, Component.name, Component.measured_unit)
                .add_columns(Component.billing_type, Component.uuid)
                .join(Component, Component.id == PlanComponent.component_id)
                .where(Component.offering_id.in_(ids))
            ),
            lambda row: row.plan_id,
        ),
        plan_groups=_groups(session, plan_organization_groups, "plan_id", of_plans),
        groups=_groups(session, offering_organization_groups, "offering_id", ids),
        calendars=of_offerings(GoogleCalendar),
    )


def _grouped(rows: Iterable[AnyRow], key: Callable[[AnyRow], int]) -> Many:
    found: Many = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return found


def _offerings(session: Session, ids: list[int]) -> Sequence[AnyRow]:
    return session.execute(
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
        .where(Offering.id.in_(ids))
    ).all()


def _catalogs(session: Session, ids: list[int]) -> Many:
    own = OfferingSoftwareCatalog
    return _grouped(
        session.execute(
            select(
                own.__table__,
                SoftwareCatalog.uuid.label("catalog_uuid"),
                SoftwareCatalog.name,
                SoftwareCatalog.version,
                SoftwareCatalog.description,
                Partition.uuid.label("partition_uuid"),
                Partition.partition_name,
                Partition.priority_tier,
                Partition.qos,
            )
            .join(SoftwareCatalog, SoftwareCatalog.id == own.catalog_id)
            .outerjoin(Partition, Partition.id == own.partition_id)
            .where(own.offering_id.in_(ids))
            .order_by(own.position, own.id)
        ),
        lambda row: row.offering_id,
    )


def _groups(session: Session, link: Table, owner: str, owners: Any) -> Many:
    members = organization_group_members
    count = (
        select(func.count())
        .select_from(members)
        .where(members.c.group_id == OrganizationGroup.id)
        .correlate(OrganizationGroup)
        .scalar_subquery()
    )
    return _grouped(
        session.execute(
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
        ),
        lambda row: row.owner,
    )
