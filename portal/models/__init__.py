"""Tables by noun, without behaviour and queries."""

from portal.models.accounts import ApiToken, AttemptBucket, BrowserSession, Membership, Role, User
from portal.models.base import Base
from portal.models.bookings import Booking, BookingChange, Slot, StoredIdempotencyKey
from portal.models.calendars import (
    BusyPeriod,
    CalendarChannel,
    CalendarEvent,
    ConsentRequest,
    GoogleCalendar,
    GoogleConnection,
    SyncRun,
    WorkerHeartbeat,
)
from portal.models.catalogue import (
    ComplianceChecklist,
    Endpoint,
    Media,
    Offering,
    OfferingFile,
    OfferingRole,
    Quota,
    Scope,
    Screenshot,
    media_uses,
    offering_organization_groups,
)
from portal.models.compute import OfferingSoftwareCatalog, Partition, SoftwareCatalog
from portal.models.documents import CatalogueChange, OfferingCounter, OfferingDocument, PlanCounter
from portal.models.feeds import CalendarFeed
from portal.models.installation import Installation
from portal.models.mail import AccountLink, OutgoingMail
from portal.models.organizations import Category, Organization, OrganizationGroup, Project, organization_group_members
from portal.models.plans import Component, Plan, PlanComponent, plan_organization_groups

__all__ = [
    "AccountLink",
    "ApiToken",
    "AttemptBucket",
    "Base",
    "Booking",
    "BookingChange",
    "BrowserSession",
    "BusyPeriod",
    "CalendarChannel",
    "CalendarEvent",
    "CalendarFeed",
    "CatalogueChange",
    "Category",
    "ComplianceChecklist",
    "Component",
    "ConsentRequest",
    "Endpoint",
    "GoogleCalendar",
    "GoogleConnection",
    "Installation",
    "Media",
    "Membership",
    "Offering",
    "OfferingCounter",
    "OfferingDocument",
    "OfferingFile",
    "OfferingRole",
    "OfferingSoftwareCatalog",
    "Organization",
    "OrganizationGroup",
    "OutgoingMail",
    "Partition",
    "Plan",
    "PlanComponent",
    "PlanCounter",
    "Project",
    "Quota",
    "Role",
    "Scope",
    "Screenshot",
    "Slot",
    "SoftwareCatalog",
    "StoredIdempotencyKey",
    "SyncRun",
    "User",
    "WorkerHeartbeat",
    "media_uses",
    "offering_organization_groups",
    "organization_group_members",
    "plan_organization_groups",
]
