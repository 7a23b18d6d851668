"""Registers the API in the application."""

from __future__ import annotations

from flask import Flask
from werkzeug.exceptions import HTTPException, InternalServerError

from portal.api import (
    accounts,
    availability,
    bookings,
    calendars,
    catalogue,
    docs,
    index,
    media,
    operations,
    orders,
    public_offerings,
)
from portal.api.errors import Refused, http_error, portal_error, refused, server_error
from portal.api.routing import before_request, blueprint
from portal.errors import PortalError
from portal.extensions import csrf

# Imported because they register resources on the blueprint.
RESOURCES = (
    *(accounts, availability, bookings, calendars, catalogue, docs, index, media, operations),
    *(orders, public_offerings),
)

blueprint.register_error_handler(Refused, refused)
blueprint.register_error_handler(PortalError, portal_error)
blueprint.register_error_handler(HTTPException, http_error)
blueprint.register_error_handler(InternalServerError, server_error)


def register(app: Flask) -> None:
    """Register the resources of the API, its error handlers and what happens around its requests."""
    # Tokens are the only credentials, and no browser sends one by itself.
    csrf.exempt(blueprint)
    app.before_request(before_request)
    operations.register_operations(app)
    app.register_blueprint(blueprint)
