"""Opens the calendars of a connection, with this thread's client and the connection's access token."""

from __future__ import annotations

from portal.calendar_sync import access_tokens
from portal.calendar_sync.connections import NOT_CONFIGURED
from portal.calendar_sync.errors import ProviderMisconfigured
from portal.calendar_sync.plan import app_mark
from portal.calendar_sync.provider import CalendarProvider
from portal.calendar_sync.providers.google.client import GoogleCalendarProvider, GoogleClientPool
from portal.config import Settings


class GoogleProviderFactory:
    """Implements OpenProvider. Nothing is built before the first connection is opened."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._app = app_mark(settings.public_url)
        self._pool = GoogleClientPool(settings.google_api_root)

    def __call__(self, connection_id: int) -> CalendarProvider:
        if not self._settings.google_configured:
            raise ProviderMisconfigured("no client", sentence=NOT_CONFIGURED)
        return GoogleCalendarProvider(
            self._pool.client(), lambda stale: access_tokens.access_token(connection_id, stale=stale), self._app
        )

    def close(self) -> None:
        """Close the network connections of all threads."""
        self._pool.close()
