"""Six invented facilities in five countries, their groups, categories and projects."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from portal.dev.demo.content.identity import uuid_of


@dataclass(frozen=True)
class GroupSpec:
    """A group of organizations; `parent` is a group's slug, or empty for a root."""

    slug: str
    name: str
    parent: str = ""

    @property
    def uuid(self) -> UUID:
        """Fixed for the slug."""
        return uuid_of("organization-group", self.slug)


@dataclass(frozen=True)
class OrganizationSpec:
    """A facility: where it is, its time zone, the domain of its addresses, the groups it is in (slugs)."""

    slug: str
    name: str
    country: str
    time_zone: str
    domain: str
    place: tuple[float, float]
    project: str
    groups: tuple[str, ...] = ()

    @property
    def uuid(self) -> UUID:
        """Fixed for the slug."""
        return uuid_of("organization", self.slug)

    @property
    def project_uuid(self) -> UUID:
        """Fixed for the slug."""
        return uuid_of("project", self.slug)


GROUPS = {
    group.slug: group
    for group in (
        GroupSpec("baltic", "Baltic research consortium"),
        GroupSpec("estonian", "Estonian universities and institutes", "baltic"),
        GroupSpec("nordic", "Nordic access network"),
        GroupSpec("industry", "Industrial partners"),
    )
}

ORGANIZATIONS = {
    organization.slug: organization
    for organization in (
        OrganizationSpec(
            "photon", "Northern Lights Photon Source", "SE", "Europe/Stockholm", "photon.example.org",
            (55.7342, 13.2514), "User programme", ("nordic",),
        ),
        OrganizationSpec(
            "biology", "Tartu Structural Biology Core", "EE", "Europe/Tallinn", "structbio.example.org",
            (58.3664, 26.6911), "Instrument core", ("baltic", "estonian"),
        ),
        OrganizationSpec(
            "nano", "Saimaa Nanofabrication Centre", "FI", "Europe/Helsinki", "saimaanano.example.org",
            (61.0650, 28.0942), "Clean room", ("nordic", "industry"),
        ),
        OrganizationSpec(
            "observatory", "Cerro Plateado Observatory", "CL", "America/Santiago", "plateado.example.org",
            (-30.1786, -70.7921), "Open time",
        ),
        OrganizationSpec(
            "marine", "Fjordline Marine Institute", "NO", "Europe/Oslo", "fjordline.example.org",
            (60.2571, 5.2210), "Fleet and field stations", ("nordic",),
        ),
        OrganizationSpec(
            "campus", "Emajõe Science Campus", "EE", "Europe/Tallinn", "campus.example.org",
            (58.3792, 26.7244), "Shared facilities", ("baltic", "estonian"),
        ),
    )
}  # fmt: skip

CATEGORIES = {
    "microscopy": "Microscopy",
    "beamlines": "Beam lines and lasers",
    "analysis": "Spectroscopy and analysis",
    "cleanroom": "Clean room",
    "computing": "Computing",
    "rooms": "Rooms and venues",
    "astronomy": "Astronomy",
    "field": "Field and marine",
    "workshops": "Workshops and laboratories",
    "climate": "Controlled environments",
}


def category_uuid(slug: str) -> UUID:
    """Fixed for the slug."""
    return uuid_of("category", slug)


def members_of(group: str) -> int:
    """How many of the demo's organizations are in a group."""
    return sum(group in organization.groups for organization in ORGANIZATIONS.values())
