"""The OAuth scopes that the portal requests from Google, and the permissions that they give."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from portal.calendar_sync.provider import Permission

_PREFIX = "https://www.googleapis.com/auth/"
# The broad scope, which gives every permission. The portal does not request it, but a token made elsewhere can have it.
SCOPE_ALL = f"{_PREFIX}calendar"
# Create calendars, and read and change events in the created calendars only; no access to the user's own calendars.
SCOPE_CALENDARS = f"{_PREFIX}calendar.app.created"
# Read and change the access rules of a calendar.
SCOPE_SHARING = f"{_PREFIX}calendar.acls"
# List the account's calendars.
SCOPE_LIST = f"{_PREFIX}calendar.calendarlist.readonly"

SCOPE_OF: Mapping[Permission, str] = {
    Permission.CALENDARS: SCOPE_CALENDARS,
    Permission.SHARING: SCOPE_SHARING,
    Permission.LISTING: SCOPE_LIST,
}
# Identify the account.
IDENTITY = ("openid", "email")
SCOPES = (*IDENTITY, *SCOPE_OF.values())


def permissions_of(scopes: Iterable[str]) -> frozenset[Permission]:
    """The permissions that the granted scopes give."""
    granted = set(scopes)
    return frozenset(permission for permission, scope in SCOPE_OF.items() if scope in granted or SCOPE_ALL in granted)


def scopes_for(permissions: Collection[Permission]) -> list[str]:
    """The scopes to request for these permissions."""
    return [*IDENTITY, *(scope for permission, scope in SCOPE_OF.items() if permission in permissions)]
