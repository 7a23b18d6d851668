"""What the demo shows: offerings of six invented facilities in the shape of the API, their pictures and people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from portal.dev.demo.content.media import MediaSpec, media
from portal.dev.demo.content.organizations import GROUPS, ORGANIZATIONS, GroupSpec, OrganizationSpec
from portal.dev.demo.content.people import PEOPLE, PersonSpec
from portal.dev.demo.content.wire import write


def offering_documents(base_url: str, now: datetime) -> Iterator[dict[str, Any]]:
    """About forty offerings as GET /api/booking-offerings/ answers them, with addresses under `base_url`.

    Schedules and closures lie around `now` (aware); all else, uuids included, is the same at every call.
    """
    yield from write(base_url, now)


def organizations() -> tuple[OrganizationSpec, ...]:
    """The facilities, with the slugs of the groups they are in."""
    return tuple(ORGANIZATIONS.values())


def groups() -> tuple[GroupSpec, ...]:
    """The groups of organizations, parents first."""
    return tuple(GROUPS.values())


def people() -> tuple[PersonSpec, ...]:
    """Staff, owners, managers and researchers."""
    return PEOPLE


__all__ = [
    "GroupSpec",
    "MediaSpec",
    "OrganizationSpec",
    "PersonSpec",
    "groups",
    "media",
    "offering_documents",
    "organizations",
    "people",
]
