"""Opens the calendars of a connection: the client of this thread with the connection's access token."""

from __future__ import annotations

from portal.config import Settings
from portal.domain.google import OperatorNeeded
from portal.domain.sync_plan import app_mark
from portal.google.client import ClientPool, GoogleCalendars
from portal.services import connections
from portal.sync.engine import OpenProvider
from portal.sync.provider import CalendarProvider


def provider_factory(settings: Settings) -> OpenProvider:
    """What the engine opens connections (by their id) with. Nothing is built before the first one is opened."""
    pool = ClientPool(settings.google_api_root)
    app = app_mark(settings.public_url)

    def open_provider(connection_id: int) -> CalendarProvider:
        if not settings.google_configured:
            raise OperatorNeeded("no client", sentence=connections.NOT_CONFIGURED)
        return GoogleCalendars(pool.client(), lambda stale: connections.access_token(connection_id, stale=stale), app)

    return open_provider
