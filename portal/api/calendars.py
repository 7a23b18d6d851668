"""The three calendar actions of an offering. Their requests have no body; one that is sent is not read."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Callable

from flask import Response

from portal.api.auth import current_actor
from portal.api.guards import token
from portal.api.params import offering_uuid
from portal.api.responses import empty_response
from portal.api.routing import resource
from portal.policies import Actor
from portal.services.calendars import share_google_calendar, sync_google_calendar, unshare_google_calendar

Action = Callable[[Actor, uuidlib.UUID], None]


def _action(name: str, action: Action) -> None:
    def perform(segment: str) -> Response:
        action(current_actor(), offering_uuid(segment))
        return empty_response()

    perform.__doc__ = action.__doc__
    resource(f"/api/booking-offerings/<segment>/{name}/", f"booking_offerings_{name}", guard=token, post=perform)


_action("google_calendar_sync", sync_google_calendar)
_action("share_google_calendar", share_google_calendar)
_action("unshare_google_calendar", unshare_google_calendar)
