"""The part of the OpenAPI document that is about offerings, their calendars, tokens and files."""

from __future__ import annotations

from portal.api.accounts import WRONG
from portal.api.openapi import Schema, an_object, head_of, json_content, one_of, or_null, ref, refusals, with_headers
from portal.api.responses import JSON
from portal.domain import choices
from portal.schema.fields import Field, FieldType
from portal.schema.offering import COMPONENTS, FIELDS

MESSAGE = {"$ref": "#/components/schemas/Detail"}


def schema_of(field: Field) -> Schema:
    """The JSON Schema of one field."""
    schema = _kind(field.kind)
    if field.nullable:
        schema = {**schema, "type": [schema["type"], "null"]} if "type" in schema else or_null(schema)
    return {**schema, "description": field.description} if field.description else schema


def _kind(kind: FieldType) -> Schema:
    if kind.refers:
        reference = {"$ref": f"#/components/schemas/{kind.refers}"}
        return {"type": "array", "items": reference} if kind.many else reference
    found = {"type": kind.type, "format": kind.format}
    return {key: value for key, value in found.items() if value}


def offering_schemas() -> Schema:
    """The components."""
    text: Schema = {"type": "string"}
    anything: Schema = {"type": "object", "additionalProperties": True}
    tables = {name: an_object({it.name: schema_of(it) for it in known.fields}) for name, known in COMPONENTS.items()}
    return {
        **tables,
        "OfferingFieldEnum": one_of(FIELDS, "A key of an offering."),
        "OfferingState": one_of(choices.OfferingState),
        "BillingTypeEnum": one_of(choices.BillingType),
        "BillingUnit": one_of(choices.BillingUnit),
        "LimitPeriodEnum": one_of([*choices.LimitPeriod, ""], "The period that limit_amount is counted in."),
        "CoreStates": {
            "type": "string",
            "description": f"{', '.join(choices.ScopeState)}; or another word, kept as it came.",
        },
        "CountryEnum": one_of(["", *choices.COUNTRIES], "ISO 3166-1 alpha-2, or EU; empty where it is not known."),
        "OfferingAttributes": an_object(
            {"schedules": {"type": "array", "items": {"$ref": "#/components/schemas/Schedule"}}},
            additionalProperties=True,
            description="Free-form, but for the schedules. Entries that have ended are left out.",
        ),
        "Schedule": an_object(
            {
                "id": text,
                "start": {"type": "string", "format": "date-time"},
                "end": {"type": "string", "format": "date-time"},
                "title": text,
                "allDay": {"type": "boolean"},
                "extendedProps": anything,
            },
            additionalProperties=True,
            description="A period in which the offering can be booked.",
        ),
        "OfferingOptions": an_object(
            {
                "order": {"type": "array", "items": text},
                "options": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/OptionField"}},
            },
            additionalProperties=True,
            description="An order form: its fields, and the order in which they stand.",
        ),
        "OptionField": an_object(
            {
                "type": one_of(choices.OptionType),
                "label": text,
                "help_text": text,
                "required": {"type": "boolean"},
                "choices": {"type": "array", "items": text},
            },
            required=["type", "label"],
            additionalProperties=True,
        ),
        "MergedPluginOptions": {**anything, "description": "Options that are not set are left out."},
        "BasePublicPlanPrices": _by_type("Price of each component, by its type.", {"type": "number"}),
        "BasePublicPlanFuturePrices": _by_type(
            "Future price of each component, by its type.", {"type": ["number", "null"]}
        ),
        "BasePublicPlanQuotas": _by_type("Amount of each component, by its type.", {"type": "integer"}),
        "Detail": an_object({"detail": text}, required=["detail"]),
        "Messages": {"type": "array", "items": text},
        "Problems": {
            "type": "object",
            "additionalProperties": {"$ref": "#/components/schemas/Messages"},
            "description": "What is wrong, by field.",
        },
        "ObtainAuthTokenRequest": an_object(
            {"username": {**text, "description": "The e-mail address."}, "password": {**text, "format": "password"}},
            required=["username", "password"],
        ),
        "CoreAuthToken": an_object({"token": {**text, "pattern": "^[0-9a-f]{40}$"}}, required=["token"]),
    }


def _by_type(description: str, values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values, "description": description}


def offering_paths() -> Schema:
    """The operations."""
    offering = ref("schemas", "Offering")
    one = "/api/booking-offerings/{uuid}/"
    listed: Schema = {
        "operationId": "booking_offerings_list",
        "tags": ["booking-offerings"],
        "summary": "List booking offerings",
        "description": "The offerings that you may see, by name.",
        "parameters": [ref("parameters", name) for name in ("field", "page", "page_size", "If-None-Match")],
        "responses": {
            "200": {
                "description": "A page of offerings",
                "headers": with_headers("X-Result-Count", "Link", "ETag"),
                "content": json_content({"type": "array", "items": offering}),
            },
            **refusals(_304="NotModified", _401="Unauthorized", _404="InvalidPage"),
        },
    }
    return {
        "/api/booking-offerings/": {
            "get": listed,
            "head": head_of(listed, "booking_offerings_count", "Count booking offerings"),
        },
        one: {
            "parameters": [ref("parameters", "uuid")],
            "get": {
                "operationId": "booking_offerings_retrieve",
                "tags": ["booking-offerings"],
                "summary": "Retrieve",
                "parameters": [ref("parameters", name) for name in ("field", "If-None-Match")],
                "responses": {
                    "200": {
                        "description": "The offering",
                        "headers": with_headers("ETag"),
                        "content": json_content(offering),
                    },
                    **refusals(_304="NotModified", _401="Unauthorized", _404="NotFound"),
                },
            },
        },
        f"{one}google_calendar_sync/": _action(
            "google_calendar_sync",
            "Google calendar sync",
            "Ask for the calendar to be made equal to the bookings. For staff and owners.",
        ),
        f"{one}share_google_calendar/": _action(
            "share_google_calendar",
            "Share google calendar",
            "Ask for the calendar to be shown to everyone. `public` becomes true once that is done.",
        ),
        f"{one}unshare_google_calendar/": _action(
            "unshare_google_calendar",
            "Unshare google calendar",
            "Ask for the calendar to be private again.",
        ),
        "/api-auth/password/": {"post": _password()},
        "/api/media/{uuid}/": {"get": _media()},
    }


def _action(name: str, summary: str, description: str) -> Schema:
    return {
        "parameters": [ref("parameters", "uuid")],
        "post": {
            "operationId": f"booking_offerings_{name}",
            "tags": ["booking-offerings"],
            "summary": summary,
            "description": f"{description} A body, if any comes, is not read.",
            "responses": {
                "200": {"description": "No response body"},
                **refusals(
                    _400="CalendarRefused", _401="Unauthorized", _403="Forbidden", _404="NotFound", _429="TooManyWrites"
                ),
            },
        },
    }


def _password() -> Schema:
    request = ref("schemas", "ObtainAuthTokenRequest")
    problems = {"anyOf": [ref("schemas", "Problems"), MESSAGE]}
    return {
        "operationId": "api_auth_password",
        "tags": ["api-auth"],
        "summary": "Get a token for a password",
        "description": "The token does not expire. Failed tries are slowed down.",
        "security": [],
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": request} for kind in (JSON, "application/x-www-form-urlencoded")},
        },
        "responses": {
            "200": {"description": "A new token", "content": json_content(ref("schemas", "CoreAuthToken"))},
            "400": {"description": "The request cannot be read", "content": json_content(problems)},
            "401": {"description": "Refused, whatever the reason", "content": json_content(MESSAGE, {"detail": WRONG})},
            "415": {"description": "Neither JSON nor a form", "content": json_content(MESSAGE)},
            "429": {
                "description": "Slowed down after failed tries",
                "headers": with_headers("Retry-After"),
                "content": json_content(MESSAGE),
            },
            **refusals(),
        },
    }


def _media() -> Schema:
    file = {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
    return {
        "operationId": "media_retrieve",
        "tags": ["media"],
        "summary": "A picture or file",
        "description": "Sent as an attachment, to anybody who knows the address.",
        "security": [],
        "parameters": [ref("parameters", "uuid"), ref("parameters", "If-None-Match")],
        "responses": {
            "200": {"description": "The file", "headers": with_headers("ETag"), "content": {"*/*": file}},
            "206": {"description": "The part that was asked for", "content": {"*/*": file}},
            "304": ref("responses", "NotModified"),
            "404": {
                "description": "No such file",
                "content": json_content(MESSAGE, {"detail": "No File matches the given query."}),
            },
            "405": ref("responses", "MethodNotAllowed"),
            "416": {"description": "There is no such part", "content": json_content(MESSAGE)},
        },
    }
