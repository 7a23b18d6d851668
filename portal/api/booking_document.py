"""A booking as the API answers it: BookingResource of Waldur (docs/api.md, Bookings).

Published clients fail on null in many of its keys, so a key that has no value is left out unless they read null.
Nothing is prepared here: bookings are few on a page, and change more often than they are read.
"""

from __future__ import annotations

from typing import Any

from portal.calendar_sync.plan import event_id
from portal.domain.booking_slug import booking_slug
from portal.domain.booking_states import BookingAction, BookingState, api_state, order_state
from portal.domain.identifiers import format_uuid
from portal.domain.instants import format_instant
from portal.models import Booking, BookingChange, User
from portal.queries.bookings import BookingView

ANSWERS = frozenset({BookingAction.ACCEPT.value, BookingAction.REJECT.value})


def booking_document(view: BookingView, base: str) -> dict[str, Any]:
    """The booking as a list shows it to its reader. Addresses begin with `base`."""
    booking, booked = view.booking, view.details
    offering, plan = booking.offering, booking.plan
    shown = plan if view.visibility.plan else None
    reviewer = _reviewer(booking)
    return {
        **_offering(view, base),
        "plan": f"{base}/api/marketplace-public-offerings/{offering.uuid}/plans/{plan.uuid}/" if plan else "",
        "plan_unit": shown.unit if shown else None,
        "plan_name": booked.plan if plan and booked.plan else None,
        "plan_uuid": format_uuid(plan.uuid) if plan else None,
        "plan_description": shown.description if shown else None,
        "attributes": _attributes(booking),
        "limits": {},
        "uuid": format_uuid(booking.uuid),
        "created": format_instant(booking.created),
        "modified": format_instant(booking.modified),
        "url": f"{base}/api/booking-resources/{booking.uuid}/",
        "description": booking.note,
        "state": api_state(BookingState(booking.state)).value,
        "resource_uuid": None,
        "backend_id": "",
        "effective_id": "",
        "resource_type": None,
        **_project(view, base),
        "backend_metadata": {},
        **_billing(view),
        "name": booking.name,
        "slug": booking_slug(booking.uuid),
        "current_usages": {},
        "can_terminate": BookingState(booking.state) in _ENDABLE,
        "report": [],
        "end_date": None,
        "end_date_requested_by": None,
        "end_date_updated_at": None,
        "username": None,
        "limit_usage": {},
        "downscaled": False,
        "restrict_member_access": False,
        "paused": False,
        "usage_limit_restriction": "",
        "endpoints": [],
        "error_message": "",
        "error_traceback": "",
        "options": {},
        "available_actions": [],
        "user_requires_reconsent": False,
        "renewal_date": None,
        "has_api_keys": False,
        **(_person("created_by", booking.user, base) if booking.user else {}),
        **(_person("consumer_reviewed_by", reviewer, base) if reviewer else {}),
        "slots": [
            {
                "start": format_instant(slot.start),
                "end": format_instant(slot.end),
                "backend_id": event_id(slot.uuid),
            }
            for slot in booking.slots
        ],
    }


def whole_document(view: BookingView, base: str) -> dict[str, Any]:
    """The booking as it is retrieved: with its order and, beyond Waldur's, its history for those who see it."""
    booking = view.booking
    order = _order(view, base)
    pending = booking.state == BookingState.REQUESTED.value
    return {
        **booking_document(view, base),
        "order_in_progress": order if pending else None,
        "creation_order": order,
        "history": [_change(it) for it in booking.changes],
    }


_ENDABLE = frozenset({BookingState.REQUESTED, BookingState.CONFIRMED})


def _offering(view: BookingView, base: str) -> dict[str, Any]:
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


def _billing(view: BookingView) -> dict[str, bool]:
    """How the offering is billed, for readers who see the offering."""
    if not view.visibility.offering:
        return {}
    return {"is_usage_based": view.usage_based, "is_limit_based": view.limit_based}


def _project(view: BookingView, base: str) -> dict[str, Any]:
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


def _attributes(booking: Booking) -> dict[str, Any]:
    """What was asked for, as Waldur's front end writes it into an order."""
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


def _person(key: str, person: User, base: str) -> dict[str, str]:
    return {
        key: f"{base}/api/users/{person.uuid}/",
        f"{key}_username": person.email,
        f"{key}_full_name": person.full_name,
    }


def _reviewer(booking: Booking) -> User | None:
    answers = [it.user for it in booking.changes if it.what in ANSWERS and it.user is not None]
    return answers[-1] if answers else None


def _order(view: BookingView, base: str) -> dict[str, Any]:
    booking = view.booking
    answer = next((it for it in reversed(booking.changes) if it.what in ANSWERS), None)
    found: dict[str, Any] = {
        "uuid": format_uuid(booking.order_uuid),
        "created": format_instant(booking.created),
        "modified": format_instant(booking.modified),
        "type": "Create",
        "state": order_state(BookingState(booking.state)),
        "marketplace_resource_uuid": format_uuid(booking.uuid),
        "resource_name": booking.name,
        "offering_name": view.details.offering,
        "offering_uuid": format_uuid(booking.offering.uuid),
        "attributes": _attributes(booking),
        "limits": {},
        "created_by_username": booking.user.email if booking.user else "",
        "created_by_full_name": booking.user.full_name if booking.user else "",
        "output": "",
        "error_message": "",
    }
    if answer is not None and answer.user is not None:
        found |= {
            "provider_reviewed_by": f"{base}/api/users/{answer.user.uuid}/",
            "provider_reviewed_by_username": answer.user.email,
            "provider_reviewed_by_full_name": answer.user.full_name,
            "provider_reviewed_at": format_instant(answer.at),
        }
        if answer.what == BookingAction.REJECT.value:
            found["provider_rejection_comment"] = answer.reason
    return found


def _change(change: BookingChange) -> dict[str, Any]:
    return {
        "at": format_instant(change.at),
        "what": change.what,
        "by": change.user.full_name or change.user.email if change.user else None,
        "reason": change.reason,
        **change.detail,
    }
