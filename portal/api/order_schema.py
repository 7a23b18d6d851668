"""The part of the OpenAPI document about orders and public offerings, which Waldur's web client uses."""

from __future__ import annotations

from portal.api.booking_resource_schema import RESOURCE_SCHEMAS
from portal.api.openapi import (
    FREE,
    TEXT,
    TIME,
    UUID,
    Schema,
    an_object,
    json_content,
    one_of,
    ref,
    refusals,
    with_headers,
)
from portal.domain.booking_states import ORDER_STATES
from portal.services.booking_requests import MAX_PERIODS

_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
# As in a booking.
_SHARED = (
    *("offering", "offering_name", "offering_uuid", "offering_description", "offering_image", "offering_thumbnail"),
    *("offering_type", "offering_shared", "offering_billable", "offering_plugin_options", "category_title"),
    *("category_uuid", "category_icon", "provider_name", "provider_uuid", "provider_slug", "provider_description"),
    *("plan", "plan_unit", "plan_name", "plan_uuid", "plan_description", "attributes", "limits", "uuid", "created"),
    *("modified", "resource_uuid", "resource_type", "project", "project_uuid", "project_name", "project_description"),
    *("customer_uuid", "customer_name", "created_by_username", "created_by_full_name", "error_message"),
)


def order_schemas() -> Schema:
    """The components."""
    schedule = an_object({"start": TIME, "end": TIME}, required=["start", "end"], additionalProperties=True)
    reviewer = ("provider_reviewed_by", "provider_reviewed_by_username", "provider_reviewed_by_full_name")
    return {
        "OrderState": one_of(sorted(ORDER_STATES)),
        "OrderDetails": an_object(
            {
                **{name: RESOURCE_SCHEMAS[name] for name in _SHARED},
                "url": TEXT,
                "type": one_of(["Create"]),
                "state": ref("schemas", "OrderState"),
                "slug": TEXT,
                "resource_name": TEXT,
                "marketplace_resource_uuid": {**UUID, "description": "The booking."},
                "output": TEXT,
                "cost": _TEXT_OR_NULL,
                "start_date": {"type": ["string", "null"], "format": "date"},
                "request_comment": _TEXT_OR_NULL,
                "callback_url": _TEXT_OR_NULL,
                **dict.fromkeys(reviewer, TEXT),
                "provider_reviewed_at": TIME,
                "provider_rejection_comment": TEXT,
            },
            description="The order of a booking.",
        ),
        "OrderCreateRequest": an_object(
            {
                "offering": {**TEXT, "description": "The offering's address."},
                "project": {**TEXT, "description": "The address of a project of yours."},
                "plan": {**TEXT, "description": "The plan's address; needed where the offering has several."},
                "attributes": an_object(
                    {
                        "name": TEXT,
                        "description": TEXT,
                        "schedules": {"type": "array", "items": schedule, "minItems": 1, "maxItems": MAX_PERIODS},
                    },
                    required=["schedules"],
                    additionalProperties=True,
                    description="The periods, and the answers to the order form by its keys. Others are ignored.",
                ),
                "type": {**one_of(["Create"]), "default": "Create"},
                "limits": {**FREE, "description": "Ignored: bookings have no limits."},
            },
            required=["offering", "project", "attributes"],
            additionalProperties=True,
        ),
        "PublicOfferingDetails": {
            "allOf": [
                ref("schemas", "Offering"),
                an_object(
                    {
                        "google_calendar_is_public": {
                            "type": ["boolean", "null"],
                            "description": "Null without a calendar, or if you may not know of it.",
                        },
                        "google_calendar_link": _TEXT_OR_NULL,
                    }
                ),
            ]
        },
    }


def order_paths() -> Schema:
    """The operations."""
    details = json_content(ref("schemas", "OrderDetails"))
    no_order = {
        "description": "No such order, or you may not see it",
        "content": json_content(ref("schemas", "Detail")),
    }
    invalid = {"anyOf": [ref("schemas", "Messages"), FREE]}
    offering = "/api/marketplace-public-offerings/{uuid}/"
    return {
        "/api/marketplace-orders/": {
            "post": {
                "operationId": "marketplace_orders_create",
                "tags": ["marketplace-orders"],
                "summary": "Create an order",
                "description": "Requests a booking, under the same rules as `POST /api/booking-resources/`.",
                "requestBody": {
                    "required": True,
                    "content": json_content(ref("schemas", "OrderCreateRequest")),
                },
                "responses": {
                    "201": {"description": "The order", "content": details},
                    **refusals(_401="Unauthorized", _415="UnsupportedMedia", _429="TooManyWrites"),
                    "400": {
                        "description": "What is wrong: by field, or one message about the periods",
                        "content": json_content(invalid, ["Schedules are required."]),
                    },
                },
            },
        },
        "/api/marketplace-orders/{uuid}/": {
            "parameters": [ref("parameters", "uuid")],
            "get": {
                "operationId": "marketplace_orders_retrieve",
                "tags": ["marketplace-orders"],
                "summary": "Retrieve an order",
                "responses": {
                    "200": {"description": "The order", "headers": with_headers("ETag"), "content": details},
                    **refusals(_304="NotModified", _401="Unauthorized"),
                    "404": no_order,
                },
            },
        },
        offering: {
            "parameters": [ref("parameters", "uuid")],
            "get": {
                "operationId": "marketplace_public_offerings_retrieve",
                "tags": ["marketplace-public-offerings"],
                "summary": "Retrieve a public offering",
                "responses": {
                    "200": {
                        "description": "The offering",
                        "headers": with_headers("ETag"),
                        "content": json_content(ref("schemas", "PublicOfferingDetails")),
                    },
                    **refusals(_304="NotModified", _401="Unauthorized", _404="NotFound"),
                },
            },
        },
        f"{offering}plans/{{plan_uuid}}/": {
            "parameters": [ref("parameters", "uuid"), ref("parameters", "plan_uuid")],
            "get": {
                "operationId": "marketplace_public_offerings_plans_retrieve",
                "tags": ["marketplace-public-offerings"],
                "summary": "Retrieve a plan",
                "responses": {
                    "200": {
                        "description": "The plan",
                        "headers": with_headers("ETag"),
                        "content": json_content(ref("schemas", "BasePublicPlan")),
                    },
                    **refusals(_304="NotModified", _401="Unauthorized", _404="NotFound"),
                },
            },
        },
    }


def order_parameters() -> Schema:
    """The parameters."""
    return {"plan_uuid": {"name": "plan_uuid", "in": "path", "required": True, "schema": UUID}}
