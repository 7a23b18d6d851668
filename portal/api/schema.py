"""The OpenAPI 3.1 document: its parts for offerings and bookings, and what they share."""

from __future__ import annotations

from portal import __version__
from portal.api.auth import EXPIRED, INACTIVE, NO_KEY, SPACES, UNKNOWN
from portal.api.booking_resource_schema import booking_schemas
from portal.api.booking_schema import booking_parameters, booking_paths, booking_responses
from portal.api.errors import NOT_PROVIDED, SERVER_ERROR
from portal.api.offering_schema import MESSAGE, offering_paths, offering_schemas
from portal.api.openapi import Schema, json_content, with_headers
from portal.api.order_schema import order_parameters, order_paths, order_schemas
from portal.api.params import DEFAULT_PAGE_SIZE, INVALID_PAGE, MAX_PAGE_SIZE
from portal.errors import CalendarRefusal, CalendarRefused

DESCRIPTION = """\
Offerings that can be booked, and the calendars that they are published in. The API follows Waldur's documentation of \
booking offerings, so Waldur's published clients work with it unchanged.

Send an API token as `Authorization: Token <40 hex digits>`, `Bearer <token>` or `Bearer Token <token>`. Create one on \
your account page, or with `POST /api-auth/password/`.

Every path ends in a slash. UUIDs are written with dashes; in paths, 32 hex digits are accepted as well. Instants are \
RFC 3339 in UTC."""


def document() -> Schema:
    """The whole document, as plain data."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Booking portal", "version": __version__, "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "security": [{"tokenAuth": []}, {"bearerAuth": []}],
        # The names of Waldur's document: generated clients name their modules after them.
        "tags": [
            {"name": "booking-offerings", "description": "Offerings, their availability and their Google calendars"},
            {"name": "booking-resources", "description": "Bookings: request, accept, reject, cancel, move"},
            {"name": "marketplace-bookings", "description": "The occupied periods of an offering"},
            {"name": "marketplace-orders", "description": "Bookings in the form of Waldur's orders"},
            {"name": "marketplace-public-offerings", "description": "Offerings as Waldur's web client reads them"},
            {"name": "api-auth", "description": "Tokens"},
            {"name": "media", "description": "Pictures and files"},
        ],
        "paths": {**offering_paths(), **booking_paths(), **order_paths()},
        "components": {
            "schemas": {**offering_schemas(), **booking_schemas(), **order_schemas()},
            "parameters": {**_parameters(), **booking_parameters(), **order_parameters()},
            "headers": _headers(),
            "responses": {**_responses(), **booking_responses()},
            "securitySchemes": {
                "tokenAuth": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`Token ` followed by 40 hex digits.",
                },
                "bearerAuth": {"type": "http", "scheme": "bearer", "description": "The same token."},
            },
        },
    }


def _parameters() -> Schema:
    def query(name: str, schema: Schema, description: str) -> Schema:
        # Empty is the same as left out.
        return {
            "name": name,
            "in": "query",
            "required": False,
            "allowEmptyValue": True,
            "schema": schema,
            "description": description,
        }

    return {
        "uuid": {"name": "uuid", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}},
        "page": query("page", {"type": "integer", "minimum": 1}, "A page number within the paginated result set."),
        "page_size": query(
            "page_size",
            {"type": "integer", "minimum": 1, "default": DEFAULT_PAGE_SIZE},
            f"Number of results to return per page. More than {MAX_PAGE_SIZE} means {MAX_PAGE_SIZE}.",
        ),
        "field": {
            **query(
                "field",
                {"type": "array", "items": {"$ref": "#/components/schemas/OfferingFieldEnum"}},
                "Answer these keys only (repeat it for several). Unknown names are ignored; "
                "where none is left, everything is answered.",
            ),
            "style": "form",
            "explode": True,
        },
        "If-None-Match": {
            "name": "If-None-Match",
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": "The ETag of the answer that you have.",
        },
    }


def _headers() -> Schema:
    return {
        "X-Result-Count": {"schema": {"type": "integer"}, "description": "The number of results over all pages."},
        "Link": {
            "schema": {"type": "string"},
            "description": "Complete addresses of the first, prev, next and last page (RFC 8288).",
        },
        "ETag": {"schema": {"type": "string"}, "description": "Changes with the answer; send it as If-None-Match."},
        "WWW-Authenticate": {"schema": {"type": "string", "const": "Token"}},
        "Allow": {"schema": {"type": "string"}, "description": "The methods that this path answers to."},
        "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."},
    }


def _responses() -> Schema:
    def problem(description: str, *details: str, headers: tuple[str, ...] = ()) -> Schema:
        found: Schema = {"description": description}
        if headers:
            found["headers"] = with_headers(*headers)
        return {**found, "content": json_content(MESSAGE, *({"detail": detail} for detail in details))}

    unauthorized = (NOT_PROVIDED, UNKNOWN, INACTIVE, EXPIRED, NO_KEY, SPACES)
    return {
        "NotModified": {"description": "You have it already.", "headers": with_headers("ETag")},
        "Unauthorized": problem("No token, or not a valid one", *unauthorized, headers=("WWW-Authenticate",)),
        "Forbidden": problem("You may see this but not do that", "You do not have permission to perform this action."),
        "NotFound": problem("No such offering, or you may not see it", "No Offering matches the given query."),
        "InvalidPage": problem("No such page", INVALID_PAGE),
        "TooManyWrites": problem(
            "One person may only write so often",
            "One person may make 1000 changes an hour, and you have made them. Try again in 4 seconds.",
            headers=("Retry-After",),
        ),
        "MethodNotAllowed": problem("Not this method", 'Method "DELETE" not allowed.', headers=("Allow",)),
        "NotAcceptable": problem("JSON is all there is", "Could not satisfy the request Accept header."),
        "ServerError": problem("A defect of the portal", SERVER_ERROR),
        "CalendarRefused": {
            "description": "The calendar is not in a state for that",
            "content": json_content(
                {"$ref": "#/components/schemas/Messages"},
                *([CalendarRefused.TEXTS[reason]] for reason in CalendarRefusal),
            ),
        },
    }
