"""The part of the OpenAPI document that is about bookings and availability."""

from __future__ import annotations

from typing import Any

from portal.api.availability import DEFAULT_SPAN, LONGEST_SPAN, MAX_ENTRIES
from portal.api.booking_filter_table import FILTERS, Filter, Kind
from portal.api.booking_filters import ORDERS
from portal.api.openapi import Schema, an_object, json_content, one_of, or_null, ref, refusals, with_headers
from portal.api.responses import JSON
from portal.domain.booking_states import ORDER_STATES, ApiState
from portal.services.booking_requests import MAX_KEY, MAX_PERIODS

_TEXT: Schema = {"type": "string"}
_UUID: Schema = {"type": "string", "format": "uuid"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_DATE: Schema = {"type": ["string", "null"], "format": "date"}
_FLAG: Schema = {"type": "boolean"}
_FREE: Schema = {"type": "object", "additionalProperties": True}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_UUID_OR_NULL: Schema = {"type": ["string", "null"], "format": "uuid"}

# Every key that a booking can have, by its schema, in the order of the answers.
_RESOURCE: Schema = {
    **dict.fromkeys(("offering", "offering_name"), _TEXT),
    "offering_uuid": _UUID,
    **dict.fromkeys(("offering_description", "offering_image", "offering_thumbnail", "offering_type"), _TEXT),
    **dict.fromkeys(("offering_shared", "offering_billable"), _FLAG),
    "offering_plugin_options": _FREE,
    "offering_slug": _TEXT,
    "offering_state": ref("schemas", "OfferingState"),
    **dict.fromkeys(("offering_backend_id", "category_title"), _TEXT),
    "category_uuid": _UUID,
    **dict.fromkeys(("category_icon", "provider_name"), _TEXT),
    "provider_uuid": _UUID,
    **dict.fromkeys(("provider_slug", "provider_description"), _TEXT),
    "parent_offering_uuid": _UUID,
    **dict.fromkeys(("parent_offering_name", "plan"), _TEXT),
    "plan_unit": or_null(ref("schemas", "BillingUnit")),
    "plan_name": _TEXT_OR_NULL,
    "plan_uuid": _UUID_OR_NULL,
    "plan_description": _TEXT_OR_NULL,
    **dict.fromkeys(("attributes", "limits"), _FREE),
    "uuid": _UUID,
    **dict.fromkeys(("created", "modified"), _TIME),
    **dict.fromkeys(("url", "description"), _TEXT),
    "state": ref("schemas", "ResourceState"),
    "resource_uuid": _UUID_OR_NULL,
    **dict.fromkeys(("backend_id", "effective_id"), _TEXT),
    "resource_type": _TEXT_OR_NULL,
    "project": _TEXT,
    "project_uuid": _UUID,
    **dict.fromkeys(("project_name", "project_description"), _TEXT),
    "project_end_date": _DATE,
    "customer_uuid": _UUID,
    "customer_name": _TEXT,
    "backend_metadata": _FREE,
    **dict.fromkeys(("is_usage_based", "is_limit_based"), _FLAG),
    **dict.fromkeys(("name", "slug"), _TEXT),
    "current_usages": _FREE,
    "can_terminate": _FLAG,
    "report": {"type": "array", "items": _FREE},
    "end_date": _DATE,
    "end_date_requested_by": _TEXT_OR_NULL,
    "end_date_updated_at": {"type": ["string", "null"], "format": "date-time"},
    "username": _TEXT_OR_NULL,
    "limit_usage": _FREE,
    **dict.fromkeys(("downscaled", "restrict_member_access", "paused"), _FLAG),
    "usage_limit_restriction": _TEXT,
    "endpoints": {"type": "array", "items": _FREE},
    **dict.fromkeys(("error_message", "error_traceback"), _TEXT),
    "options": _FREE,
    "available_actions": {"type": "array", "items": _TEXT},
    "user_requires_reconsent": _FLAG,
    "renewal_date": {"type": ["object", "null"]},
    "has_api_keys": _FLAG,
    **dict.fromkeys(("created_by", "created_by_username", "created_by_full_name"), _TEXT),
    **dict.fromkeys(("consumer_reviewed_by", "consumer_reviewed_by_username", "consumer_reviewed_by_full_name"), _TEXT),
    "slots": {"type": "array", "items": ref("schemas", "BookingSlot")},
}
RESOURCE_FIELDS = tuple(_RESOURCE)
_WHOLE: Schema = {
    "order_in_progress": {"type": ["object", "null"], "description": "The order, while the booking is Creating."},
    "creation_order": {"type": ["object", "null"], "description": "The order that made the booking."},
    "history": {"type": "array", "items": ref("schemas", "BookingChange")},
}


def booking_schemas() -> Schema:
    """The components."""
    period = an_object({"start": _TIME, "end": _TIME}, required=["start", "end"])
    slots = {"type": "array", "items": ref("schemas", "Period"), "minItems": 1, "maxItems": MAX_PERIODS}
    return {
        "ResourceState": one_of(
            ApiState, "Creating: requested. OK: confirmed. Terminated: rejected, cancelled, expired."
        ),
        "BookingResource": an_object(
            {**_RESOURCE, **_WHOLE}, description="A booking. Keys without a value that clients can read are left out."
        ),
        "BookingResourceFieldEnum": one_of((*RESOURCE_FIELDS, *_WHOLE), "A key of a booking."),
        "BookingSlot": an_object({"start": _TIME, "end": _TIME, "backend_id": _TEXT}),
        "BookingChange": an_object(
            {"at": _TIME, "what": _TEXT, "by": _TEXT_OR_NULL, "reason": _TEXT},
            additionalProperties=True,
            description="One line of the history. `by` null: the portal itself.",
        ),
        "BookingOrderUUID": an_object({"order_uuid": _UUID}, required=["order_uuid"]),
        "Booking": an_object(
            {"created_by_full_name": _TEXT_OR_NULL, "start": _TIME, "end": _TIME},
            required=["created_by_full_name", "start", "end"],
        ),
        "Period": period,
        "BookingRequest": an_object(
            {
                "offering": {**_TEXT, "description": "The offering's address or UUID."},
                "slots": slots,
                "name": _TEXT,
                "description": _TEXT,
                "plan": {**_TEXT, "description": "Address or UUID; needed where the offering has several plans."},
                "project": {**_TEXT, "description": "Address or UUID of a project of yours."},
                "options": {**_FREE, "description": "Answers to the offering's order form, by its keys."},
            },
            required=["offering", "slots"],
            additionalProperties=False,
        ),
        "RescheduleRequest": an_object(
            {"slots": slots, "reason": _TEXT}, required=["slots"], additionalProperties=False
        ),
        "CancelRequest": an_object({"reason": _TEXT}, additionalProperties=False),
        "ReasonRequest": an_object({"reason": _TEXT}),
        "SlotTaken": an_object(
            {
                "detail": _TEXT,
                "asked": ref("schemas", "Period"),
                "rival": ref("schemas", "Period"),
                "free": {"type": "array", "items": ref("schemas", "Period")},
            },
            required=["detail"],
            description="`free` are the nearest periods of that length which can be booked.",
        ),
        "Availability": an_object(
            {
                "time_zone": _TEXT,
                "slots": {"type": "array", "items": ref("schemas", "Period")},
                "refused": {
                    "type": "array",
                    "items": an_object(
                        {"start": _TIME, "end": _TIME, "reason": _TEXT}, required=["start", "end", "reason"]
                    ),
                },
                "next": {**_TIME, "description": "The answer ends here: the `start` of the request for the rest."},
            },
            required=["time_zone", "slots", "refused"],
        ),
    }


def booking_parameters() -> Schema:
    """The parameters: one component for each filter."""
    return {
        **{f"filter_{name}": _filter(name, it) for name, it in FILTERS.items()},
        "o": {
            **_query("o", {"type": "array", "items": one_of([*ORDERS, *(f"-{name}" for name in ORDERS)])}),
            "description": "The order; - for descending.",
        },
        "booking_field": {
            **_query("field", {"type": "array", "items": ref("schemas", "BookingResourceFieldEnum")}),
            "description": "Answer these keys only.",
        },
        "start": _query("start", _TIME, "The beginning of the window; now where it is left out."),
        "end": _query(
            "end", _TIME, f"Its end; {DEFAULT_SPAN.days} days later by default, at most {LONGEST_SPAN.days} days."
        ),
        "duration": _query(
            "duration",
            {**_TEXT, "pattern": r"^\d{1,4}:[0-5]\d:[0-5]\d$"},
            "How long a slot must be at least; no longer than the window.",
        ),
        "Idempotency-Key": {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {**_TEXT, "maxLength": MAX_KEY},
            "description": "A key of yours: the same request with the same key is answered with the same booking.",
        },
    }


def booking_responses() -> Schema:
    """The answers that several operations have."""
    no_resource = {"detail": "No Resource matches the given query."}
    state = {"detail": "Valid states for operation: Creating."}
    return {
        "NoResource": {
            "description": "No such booking, or you may not see it",
            "content": json_content(ref("schemas", "Detail"), no_resource),
        },
        "WrongState": {
            "description": "The booking is not in a state for that",
            "content": json_content(ref("schemas", "Detail"), state),
        },
        "Taken": {
            "description": "The time is taken, or the booking is not in a state for that",
            "content": json_content(ref("schemas", "SlotTaken")),
        },
        "BadRequest": {"description": "What is wrong, by field", "content": json_content(_FREE)},
        "UnsupportedMedia": {"description": "Not JSON", "content": json_content(ref("schemas", "Detail"))},
    }


def booking_paths() -> Schema:
    """The operations."""
    many = {"type": "array", "items": ref("schemas", "BookingResource")}
    one = "/api/booking-resources/{uuid}/"
    listed = ["booking_field", "page", "page_size", "o", *(f"filter_{name}" for name in FILTERS)]
    return {
        "/api/booking-resources/": {
            "get": {
                **_operation("booking_resources_list", "List bookings"),
                "description": "Your own, and those of offerings that you manage. HEAD answers the same headers.",
                "parameters": [ref("parameters", name) for name in listed],
                "responses": {
                    "200": {
                        "description": "A page of bookings",
                        "headers": with_headers("X-Result-Count", "Link", "ETag"),
                        "content": json_content(many),
                    },
                    **refusals(_304="NotModified", _400="BadRequest", _401="Unauthorized", _404="InvalidPage"),
                },
            },
            "post": {
                **_operation("booking_resources_create", "Request a booking"),
                "parameters": [ref("parameters", "Idempotency-Key")],
                "requestBody": _body("BookingRequest", required=True),
                "responses": {
                    "201": {"description": "The booking", "content": json_content(ref("schemas", "BookingResource"))},
                    **refusals(
                        _400="BadRequest",
                        _401="Unauthorized",
                        _404="NotFound",
                        _409="Taken",
                        _415="UnsupportedMedia",
                        _429="TooManyWrites",
                    ),
                },
            },
        },
        one: {
            "parameters": [ref("parameters", "uuid")],
            "get": {
                **_operation("booking_resources_retrieve", "Retrieve a booking"),
                "parameters": [ref("parameters", "booking_field")],
                "responses": {
                    "200": {
                        "description": "The booking",
                        "headers": with_headers("ETag"),
                        "content": json_content(ref("schemas", "BookingResource")),
                    },
                    **refusals(_304="NotModified", _401="Unauthorized", _404="NoResource"),
                },
            },
        },
        f"{one}accept/": _act("accept", "Confirm a request", "BookingOrderUUID", None, "Taken"),
        f"{one}reject/": _act("reject", "Turn a request down", "BookingOrderUUID", "ReasonRequest", "WrongState"),
        f"{one}cancel/": _act("cancel", "Cancel a booking", "BookingResource", "CancelRequest", "WrongState"),
        f"{one}reschedule/": _act("reschedule", "Move a booking", "BookingResource", "RescheduleRequest", "Taken"),
        "/api/marketplace-bookings/{uuid}/": {
            "parameters": [ref("parameters", "uuid")],
            "get": {
                **_operation("marketplace_bookings_list", "What is taken of an offering"),
                "description": "Unpaged. A name is null unless you and the booker share an organization.",
                "responses": {
                    "200": {
                        "description": "Bookings, requests and busy times",
                        "headers": with_headers("ETag"),
                        "content": json_content({"type": "array", "items": ref("schemas", "Booking")}),
                    },
                    **refusals(_304="NotModified", _401="Unauthorized", _404="NotFound"),
                },
            },
        },
        "/api/booking-offerings/{uuid}/availability/": {
            "parameters": [ref("parameters", "uuid")],
            "get": {
                "operationId": "booking_offerings_availability",
                "tags": ["booking-offerings"],
                "summary": "What is free",
                "description": (
                    "Every instant of the window is in a slot, or refused with a reason. Where these would be more "
                    f"than {MAX_ENTRIES:,}, the answer ends early and has `next`."
                ),
                "parameters": [ref("parameters", name) for name in ("start", "end", "duration")],
                "responses": {
                    "200": {"description": "Slots", "content": json_content(ref("schemas", "Availability"))},
                    **refusals(_400="BadRequest", _401="Unauthorized", _404="NotFound"),
                },
            },
        },
    }


def _operation(name: str, summary: str) -> Schema:
    return {"operationId": name, "tags": ["booking-resources"], "summary": summary}


def _body(schema: str, *, required: bool = False) -> Schema:
    return {"required": required, "content": {JSON: {"schema": ref("schemas", schema)}}}


def _act(name: str, summary: str, answer: str, body: str | None, conflict: str) -> Schema:
    post: Schema = {
        **_operation(f"booking_resources_{name}", summary),
        "responses": {
            "200": {"description": "Done", "content": json_content(ref("schemas", answer))},
            **refusals(
                _400="BadRequest",
                _401="Unauthorized",
                _403="Forbidden",
                _404="NoResource",
                _409=conflict,
                _429="TooManyWrites",
            ),
        },
    }
    if body is not None:
        post["requestBody"] = _body(body, required=name == "reschedule")
    return {"parameters": [ref("parameters", "uuid")], "post": post}


def _query(name: str, schema: Schema, description: str = "") -> Schema:
    # Empty is the same as left out.
    found: Schema = {"name": name, "in": "query", "required": False, "allowEmptyValue": True, "schema": schema}
    return {**found, "description": description} if description else found


_FILTER_TYPES: dict[Kind, Schema] = {
    Kind.TEXT: _TEXT,
    Kind.UUID: _UUID,
    Kind.URL: _TEXT,
    Kind.INSTANT: _TIME,
    Kind.FLAG: _FLAG,
    Kind.NUMBER: {"type": "number"},
    Kind.STATE: ref("schemas", "ResourceState"),
    Kind.ORDER_STATE: one_of(sorted(ORDER_STATES)),
}


def _filter(name: str, wanted: Filter) -> Schema:
    value = _FILTER_TYPES[wanted.kind]
    schema: Any = {"type": "array", "items": value} if wanted.many else value
    return _query(name, schema)
