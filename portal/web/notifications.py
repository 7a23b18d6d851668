"""Where Google tells that a calendar changed (push notifications). Nobody else has business here."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from portal.calendar_sync import notifications as services
from portal.web.guards import public

blueprint = Blueprint("notifications", __name__)


@blueprint.post(services.PATH)
@public
def notified() -> ResponseReturnValue:
    """Believed only with the channel's token. 204 at once: what follows is the worker's."""
    headers = request.headers
    services.calendar_notified(
        headers.get("X-Goog-Channel-ID", "")[:64],
        headers.get("X-Goog-Channel-Token", "")[:256],
        headers.get("X-Goog-Resource-State", ""),
    )
    return "", 204
