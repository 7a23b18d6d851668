"""The calendar provider that this portal uses, named without loading its libraries.

A provider is one package in this folder. It implements the two protocols of portal.calendar_sync.provider
(`Consent` and `CalendarProvider`), tells which permissions its scopes give, and is named here.
"""

from __future__ import annotations

from portal.calendar_sync.providers.google.scopes import permissions_of

__all__ = ["CONSENT", "PROVIDER_FACTORY", "permissions_of"]

# Module and class, both made from the settings. portal.app loads them when they are first used.
CONSENT = ("portal.calendar_sync.providers.google.oauth", "GoogleConsent")
PROVIDER_FACTORY = ("portal.calendar_sync.providers.google.factory", "GoogleProviderFactory")
