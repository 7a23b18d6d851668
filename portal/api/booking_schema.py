"""The part of the OpenAPI document with the operations for bookings and availability."""

from __future__ import annotations

from typing import Any

from portal.api.availability import DEFAULT_SPAN, LONGEST_SPAN, MAX_ENTRIES
from portal.api.booking_filter_table import FILTERS, Filter, Kind
from portal.api.booking_filters import ORDERS
from portal.api.openapi import (
    FLAG,
    FREE,
    TEXT,
    TIME,
    UUID,
    Schema,
    head_of,
    json_content,
    one_of,
    ref,
    refusals,
    with_headers,
)
from portal.api.responses import JSON
from portal.services.booking_requests import MAX_KEY


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
        "start": _query("start", TIME, "The beginning of the window; now where it is left out."),
        "end": _query(
            "end", TIME, f"Its end; {DEFAULT_SPAN.days} days later by default, at most {LONGEST_SPAN.days} days."
        ),
        "duration": _query(
            "duration",
            {**TEXT, "pattern": r"^\d{1,4}:[0-5]\d:[0-5]\d$"},
            "How long a slot must be at least; no longer than the window.",
        ),
        "Idempotency-Key": {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {**TEXT, "maxLength": MAX_KEY},
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
        "BadRequest": {"description": "What is wrong, by field", "content": json_content(FREE)},
        "UnsupportedMedia": {"description": "Not JSON", "content": json_content(ref("schemas", "Detail"))},
    }


def booking_paths() -> Schema:
    """The operations."""
    many = {"type": "array", "items": ref("schemas", "BookingResource")}
    one = "/api/booking-resources/{uuid}/"
    listed = ["booking_field", "page", "page_size", "o", *(f"filter_{name}" for name in FILTERS)]
    listing: Schema = {
        **_operation("booking_resources_list", "List bookings"),
        "description": "Your own, and those of offerings that you manage.",
        "parameters": [ref("parameters", name) for name in listed],
        "responses": {
            "200": {
                "description": "A page of bookings",
                "headers": with_headers("X-Result-Count", "Link", "ETag"),
                "content": json_content(many),
            },
            **refusals(_304="NotModified", _400="BadRequest", _401="Unauthorized", _404="InvalidPage"),
        },
    }
    return {
        "/api/booking-resources/": {
            "get": listing,
            "head": head_of(listing, "booking_resources_count", "Count bookings"),
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
                **_operation("marketplace_bookings_list", "The occupied periods of an offering"),
                "tags": ["marketplace-bookings"],
                "description": "Unpaged. A name is null unless you are the booker or share an organization with them.",
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
                "summary": "Free slots",
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
    Kind.TEXT: TEXT,
    Kind.UUID: UUID,
    Kind.URL: TEXT,
    Kind.INSTANT: TIME,
    Kind.FLAG: FLAG,
    Kind.NUMBER: {"type": "number"},
    Kind.STATE: ref("schemas", "ResourceState"),
    Kind.ORDER_STATE: ref("schemas", "OrderState"),
}


def _filter(name: str, wanted: Filter) -> Schema:
    value = _FILTER_TYPES[wanted.kind]
    schema: Any = {"type": "array", "items": value} if wanted.many else value
    return _query(name, schema)
