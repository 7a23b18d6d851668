"""Opens the calendars of a connection: the client of this thread with the connection's access token."""

from __future__ import annotations

from portal.config import Settings
from portal.domain.google import OperatorNeeded
from portal.domain.sync_plan import app_mark
from portal.google.client import ClientPool, GoogleCalendars
from portal.services import google_access
from portal.services.connections import NOT_CONFIGURED
from portal.sync.provider import CalendarProvider


class Opener:
    """What the engine opens connections (by their id) with. Nothing is built before the first one is opened."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._app = app_mark(settings.public_url)
        self._pool = ClientPool(settings.google_api_root)

    def __call__(self, connection_id: int) -> CalendarProvider:
        if not self._settings.google_configured:
            raise OperatorNeeded("no client", sentence=NOT_CONFIGURED)
        return GoogleCalendars(
            self._pool.client(), lambda stale: google_access.access_token(connection_id, stale=stale), self._app
        )

    def close(self) -> None:
        """Close the network connections of all threads."""
        self._pool.close()
