"""The part of the OpenAPI document with the components for bookings."""

from __future__ import annotations

from portal.api.openapi import FLAG, FREE, TEXT, TIME, UUID, Schema, an_object, one_of, or_null, ref
from portal.domain.booking_states import ApiState
from portal.services.booking_requests import MAX_PERIODS

_DATE: Schema = {"type": ["string", "null"], "format": "date"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_UUID_OR_NULL: Schema = {"type": ["string", "null"], "format": "uuid"}

# Every key that a booking can have, by its schema, in the order of the answers.
RESOURCE_SCHEMAS: Schema = {
    **dict.fromkeys(("offering", "offering_name"), TEXT),
    "offering_uuid": UUID,
    **dict.fromkeys(("offering_description", "offering_image", "offering_thumbnail", "offering_type"), TEXT),
    **dict.fromkeys(("offering_shared", "offering_billable"), FLAG),
    "offering_plugin_options": FREE,
    "offering_slug": TEXT,
    "offering_state": ref("schemas", "OfferingState"),
    **dict.fromkeys(("offering_backend_id", "category_title"), TEXT),
    "category_uuid": UUID,
    **dict.fromkeys(("category_icon", "provider_name"), TEXT),
    "provider_uuid": UUID,
    **dict.fromkeys(("provider_slug", "provider_description"), TEXT),
    "parent_offering_uuid": UUID,
    **dict.fromkeys(("parent_offering_name", "plan"), TEXT),
    "plan_unit": or_null(ref("schemas", "BillingUnit")),
    "plan_name": _TEXT_OR_NULL,
    "plan_uuid": _UUID_OR_NULL,
    "plan_description": _TEXT_OR_NULL,
    **dict.fromkeys(("attributes", "limits"), FREE),
    "uuid": UUID,
    **dict.fromkeys(("created", "modified"), TIME),
    **dict.fromkeys(("url", "description"), TEXT),
    "state": ref("schemas", "ResourceState"),
    "resource_uuid": _UUID_OR_NULL,
    **dict.fromkeys(("backend_id", "effective_id"), TEXT),
    "resource_type": _TEXT_OR_NULL,
    "project": TEXT,
    "project_uuid": UUID,
    **dict.fromkeys(("project_name", "project_description"), TEXT),
    "project_end_date": _DATE,
    "customer_uuid": UUID,
    "customer_name": TEXT,
    "backend_metadata": FREE,
    **dict.fromkeys(("is_usage_based", "is_limit_based"), FLAG),
    **dict.fromkeys(("name", "slug"), TEXT),
    "current_usages": FREE,
    "can_terminate": FLAG,
    "report": {"type": "array", "items": FREE},
    "end_date": _DATE,
    "end_date_requested_by": _TEXT_OR_NULL,
    "end_date_updated_at": {"type": ["string", "null"], "format": "date-time"},
    "username": _TEXT_OR_NULL,
    "limit_usage": FREE,
    **dict.fromkeys(("downscaled", "restrict_member_access", "paused"), FLAG),
    "usage_limit_restriction": TEXT,
    "endpoints": {"type": "array", "items": FREE},
    **dict.fromkeys(("error_message", "error_traceback"), TEXT),
    "options": FREE,
    "available_actions": {"type": "array", "items": TEXT},
    "user_requires_reconsent": FLAG,
    "renewal_date": {"type": ["object", "null"]},
    "has_api_keys": FLAG,
    **dict.fromkeys(("created_by", "created_by_username", "created_by_full_name"), TEXT),
    **dict.fromkeys(("consumer_reviewed_by", "consumer_reviewed_by_username", "consumer_reviewed_by_full_name"), TEXT),
    "slots": {"type": "array", "items": ref("schemas", "BookingSlot")},
}
RESOURCE_FIELDS = tuple(RESOURCE_SCHEMAS)
WHOLE: Schema = {
    "order_in_progress": {"type": ["object", "null"], "description": "The order, while the booking is Creating."},
    "creation_order": {"type": ["object", "null"], "description": "The order that made the booking."},
    "history": {"type": "array", "items": ref("schemas", "BookingChange")},
}


def booking_schemas() -> Schema:
    """The components."""
    period = an_object({"start": TIME, "end": TIME}, required=["start", "end"])
    slots = {"type": "array", "items": ref("schemas", "Period"), "minItems": 1, "maxItems": MAX_PERIODS}
    return {
        "ResourceState": one_of(
            ApiState, "Creating: requested. OK: confirmed. Terminated: rejected, cancelled, expired."
        ),
        "BookingResource": an_object(
            {**RESOURCE_SCHEMAS, **WHOLE},
            description="A booking. Keys without a value may be left out.",
        ),
        "BookingResourceFieldEnum": one_of((*RESOURCE_FIELDS, *WHOLE), "A key of a booking."),
        "BookingSlot": an_object({"start": TIME, "end": TIME, "backend_id": TEXT}),
        "BookingChange": an_object(
            {"at": TIME, "what": TEXT, "by": _TEXT_OR_NULL, "reason": TEXT},
            additionalProperties=True,
            description="One line of the history. `by` null: the portal itself.",
        ),
        "BookingOrderUUID": an_object({"order_uuid": UUID}, required=["order_uuid"]),
        "Booking": an_object(
            {"created_by_full_name": _TEXT_OR_NULL, "start": TIME, "end": TIME},
            required=["created_by_full_name", "start", "end"],
        ),
        "Period": period,
        "BookingRequest": an_object(
            {
                "offering": {**TEXT, "description": "The offering's address or UUID."},
                "slots": slots,
                "name": TEXT,
                "description": TEXT,
                "plan": {**TEXT, "description": "Address or UUID; needed where the offering has several plans."},
                "project": {**TEXT, "description": "Address or UUID of a project of yours."},
                "options": {**FREE, "description": "Answers to the offering's order form, by its keys."},
            },
            required=["offering", "slots"],
            additionalProperties=False,
        ),
        "RescheduleRequest": an_object(
            {"slots": slots, "reason": TEXT}, required=["slots"], additionalProperties=False
        ),
        "CancelRequest": an_object({"reason": TEXT}, additionalProperties=False),
        "ReasonRequest": an_object({"reason": TEXT}),
        "SlotTaken": an_object(
            {
                "detail": TEXT,
                "asked": ref("schemas", "Period"),
                "rival": ref("schemas", "Period"),
                "free": {"type": "array", "items": ref("schemas", "Period")},
            },
            required=["detail"],
            description="`free` are the nearest periods of that length which can be booked.",
        ),
        "Availability": an_object(
            {
                "time_zone": TEXT,
                "slots": {"type": "array", "items": ref("schemas", "Period")},
                "refused": {
                    "type": "array",
                    "items": an_object(
                        {"start": TIME, "end": TIME, "reason": TEXT}, required=["start", "end", "reason"]
                    ),
                },
                "next": {**TIME, "description": "The answer ends here: the `start` of the request for the rest."},
            },
            required=["time_zone", "slots", "refused"],
        ),
    }
