"""A booking in the API: Waldur's BookingResource (docs/api.md, Bookings).

Published clients fail on null in many of its keys, so a key without a value is left out unless they accept null.
Documents of bookings are not stored: bookings change more often than they are read.
"""

from __future__ import annotations

from typing import Any

from portal.api.booking_parts import attributes_part, offering_part, plan_part, project_part
from portal.api.order_document import ANSWERS, order_part
from portal.calendar_sync.plan import event_id
from portal.domain.booking_slug import booking_slug
from portal.domain.booking_states import BookingState, api_state
from portal.domain.identifiers import format_uuid
from portal.domain.instants import format_instant
from portal.models import Booking, BookingChange, User
from portal.queries.bookings import BookingView


def booking_document(view: BookingView, base: str) -> dict[str, Any]:
    """The booking as a list shows it to its reader. Addresses begin with `base`."""
    booking = view.booking
    reviewer = _reviewer(booking)
    return {
        **offering_part(view, base),
        **plan_part(view, base),
        "attributes": attributes_part(booking),
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
        **project_part(view, base),
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
    """The booking as it is retrieved: with its order, and with its history, which Waldur does not have."""
    booking = view.booking
    order = order_part(view, base)
    pending = booking.state == BookingState.REQUESTED.value
    return {
        **booking_document(view, base),
        "order_in_progress": order if pending else None,
        "creation_order": order,
        "history": [_change(it) for it in booking.changes],
    }


_ENDABLE = frozenset({BookingState.REQUESTED, BookingState.CONFIRMED})


def _billing(view: BookingView) -> dict[str, bool]:
    """How the offering is billed, for readers who see the offering."""
    if not view.visibility.offering:
        return {}
    return {"is_usage_based": view.usage_based, "is_limit_based": view.limit_based}


def _person(key: str, person: User, base: str) -> dict[str, str]:
    return {
        key: f"{base}/api/users/{person.uuid}/",
        f"{key}_username": person.email,
        f"{key}_full_name": person.full_name,
    }


def _reviewer(booking: Booking) -> User | None:
    answers = [it.user for it in booking.changes if it.what in ANSWERS and it.user is not None]
    return answers[-1] if answers else None


def _change(change: BookingChange) -> dict[str, Any]:
    return {
        "at": format_instant(change.at),
        "what": change.what,
        "by": change.user.full_name or change.user.email if change.user else None,
        "reason": change.reason,
        **change.detail,
    }
