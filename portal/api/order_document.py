"""The order of a booking in the API: Waldur's OrderDetails. Its state is that of the booking."""

from __future__ import annotations

from typing import Any

from portal.api.booking_parts import attributes_part, offering_part, plan_part, project_part
from portal.domain.booking_states import BookingAction, BookingState, order_state
from portal.domain.identifiers import format_uuid
from portal.domain.instants import format_instant
from portal.queries.bookings import BookingView

ANSWERS = frozenset({BookingAction.ACCEPT.value, BookingAction.REJECT.value})


def order_document(view: BookingView, base: str) -> dict[str, Any]:
    """The order as it is retrieved."""
    return {
        **offering_part(view, base),
        **plan_part(view, base),
        **project_part(view, base),
        **order_part(view, base),
        "url": f"{base}/api/marketplace-orders/{view.booking.order_uuid}/",
        "slug": f"order-{view.booking.order_uuid.hex}",
        "resource_uuid": None,
        "resource_type": None,
        "cost": None,
        "start_date": None,
        "request_comment": None,
        "callback_url": None,
    }


def order_part(view: BookingView, base: str) -> dict[str, Any]:
    """The order inside a booking."""
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
        "attributes": attributes_part(booking),
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
