"""The endpoint for Google's push notifications about changed calendars."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from portal.calendar_sync import notifications as services
from portal.web.guards import public

blueprint = Blueprint("notifications", __name__)


@blueprint.post(services.PATH)
@public
def notified() -> ResponseReturnValue:
    """Accepted only with the channel's token. Responds 204 at once: the worker reads the calendar."""
    headers = request.headers
    services.calendar_notified(
        headers.get("X-Goog-Channel-ID", "")[:64],
        headers.get("X-Goog-Channel-Token", "")[:256],
        headers.get("X-Goog-Resource-State", ""),
    )
    return "", 204
