"""The slug of a booking: unique, stable and never empty, of letters, digits and dashes."""

from __future__ import annotations

from uuid import UUID

from portal.domain.identifiers import parse_uuid

_PREFIX = "booking-"


def booking_slug(uuid: UUID) -> str:
    """The slug of the booking with this UUID."""
    return f"{_PREFIX}{uuid.hex}"


def uuid_in_slug(slug: str) -> UUID | None:
    """The UUID of the booking with this slug, or None if no booking can have it."""
    try:
        uuid = parse_uuid(slug.removeprefix(_PREFIX))
    except ValueError:
        return None
    return uuid if slug == booking_slug(uuid) else None
