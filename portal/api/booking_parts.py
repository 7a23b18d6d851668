"""Parts of the documents of bookings and their orders, for a reader who may no longer see all of them."""

from __future__ import annotations

from typing import Any

from portal.domain.identifiers import format_uuid
from portal.domain.instants import format_instant
from portal.models import Booking
from portal.queries.bookings import BookingView


def offering_part(view: BookingView, base: str) -> dict[str, Any]:
    """The offering; to a reader who no longer sees it only which one it was, and what it was called then."""
    offering, booked = view.booking.offering, view.details
    found: dict[str, Any] = {
        "offering": f"{base}/api/booking-offerings/{offering.uuid}/",
        "offering_name": booked.offering,
        "offering_uuid": format_uuid(offering.uuid),
    }
    if not view.visibility.offering:
        return found | ({"provider_name": booked.provider} if booked.provider else {})
    found |= {
        "offering_description": offering.description,
        "offering_image": offering.image or "",
        "offering_thumbnail": offering.thumbnail or "",
        "offering_type": offering.type,
        "offering_shared": offering.shared,
        "offering_billable": offering.billable,
        "offering_plugin_options": offering.plugin_options,
        "offering_slug": offering.slug,
        "offering_state": offering.state,
        "offering_backend_id": "",
        "category_title": offering.category.title,
        "category_uuid": format_uuid(offering.category.uuid),
        "category_icon": "",
    }
    if offering.organization is not None:
        found["provider_name"] = offering.organization.name
        found["provider_uuid"] = format_uuid(offering.organization.uuid)
        found["provider_slug"] = ""
        found["provider_description"] = ""
    if view.visibility.parent and offering.parent_uuid is not None:
        found["parent_offering_uuid"] = format_uuid(offering.parent_uuid)
        found["parent_offering_name"] = (offering.parent.name if offering.parent else offering.parent_name) or ""
    return found


def plan_part(view: BookingView, base: str) -> dict[str, Any]:
    """The plan; null to a reader who may not see it, except for its name at the time of booking."""
    booking = view.booking
    offering, plan = booking.offering, booking.plan
    shown = plan if view.visibility.plan else None
    return {
        "plan": f"{base}/api/marketplace-public-offerings/{offering.uuid}/plans/{plan.published_uuid}/" if plan else "",
        "plan_unit": shown.unit if shown else None,
        "plan_name": view.details.plan if plan and view.details.plan else None,
        "plan_uuid": format_uuid(plan.published_uuid) if plan else None,
        "plan_description": shown.description if shown else None,
    }


def project_part(view: BookingView, base: str) -> dict[str, Any]:
    """The project and its organization; nothing if the booking has no project."""
    project = view.booking.project
    if project is None:
        return {}
    found: dict[str, Any] = {
        "project": f"{base}/api/projects/{project.uuid}/",
        "project_uuid": format_uuid(project.uuid),
        "project_name": view.details.project,
        "project_description": "",
        "project_end_date": None,
    }
    if view.visibility.project and project.organization is not None:
        found["customer_uuid"] = format_uuid(project.organization.uuid)
        found["customer_name"] = project.organization.name
    return found


def attributes_part(booking: Booking) -> dict[str, Any]:
    """The request, as Waldur's front end writes it into an order."""
    schedules = [
        {
            "id": format_uuid(slot.uuid),
            "start": format_instant(slot.start),
            "end": format_instant(slot.end),
            "title": "",
            "allDay": False,
            "extendedProps": {"type": "Schedule"},
        }
        for slot in booking.slots
    ]
    return {**booking.answers, "name": booking.name, "description": booking.note, "schedules": schedules}
