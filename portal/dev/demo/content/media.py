"""The demo's pictures and user guides, each with a fixed uuid; documents refer to them by address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from uuid import UUID

from portal.dev.demo.content.identity import uuid_of
from portal.dev.demo.content.offerings import OFFERINGS
from portal.dev.demo.content.organizations import ORGANIZATIONS
from portal.dev.demo.content.spec import Offering
from portal.dev.demo.content.texts import texts_of
from portal.dev.demo.pictures import draw

SVG = "image/svg+xml"


@dataclass(frozen=True)
class MediaSpec:
    """A picture or a file that the loader stores under this uuid."""

    uuid: UUID
    name: str
    content_type: str
    data: bytes


def picture_uuid(slug: str) -> UUID:
    """The offering's own picture."""
    return uuid_of("picture", slug)


def shot_uuid(slug: str, number: int) -> UUID:
    """A screenshot's picture; the screenshot itself has another uuid."""
    return uuid_of("shot-picture", slug, str(number))


def guide_uuid(slug: str) -> UUID:
    """The offering's user guide."""
    return uuid_of("guide", slug)


def _plain(html: str) -> str:
    """Our own HTML as plain text: headings underlined, list items with dashes."""
    html = re.sub(r"\s+", " ", html)
    html = re.sub(r"<h3>(.*?)</h3>", lambda found: f"\n\n{found[1]}\n{'-' * len(found[1])}\n", html)
    html = re.sub(r"<li>", "\n  - ", html)
    html = re.sub(r"</(p|ul|ol)>", "\n", html)
    text = unescape(re.sub(r"<[^>]+>", "", html))
    text = "\n".join(line.strip() if not line.startswith("  -") else line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _guide(organization: str, offering: Offering) -> bytes:
    house = ORGANIZATIONS[organization]
    full, start = texts_of(offering.slug)
    hours = offering.hours
    parts = [
        offering.name,
        "=" * len(offering.name),
        "",
        f"User guide, {house.name}",
        "",
        _plain(full),
        "",
        "Before you start",
        "----------------",
        _plain(start),
        "",
        "Booking",
        "-------",
        f"Slots of {hours.slot} h between {hours.start} and {hours.end}, local time ({house.time_zone}).",
        f"Place: {offering.room or house.name}.",
        f"Questions: desk@{house.domain}",
        "",
    ]
    return "\n".join(parts).encode()


def media() -> Iterator[MediaSpec]:
    """Everything the documents link to under /api/media/."""
    for organization, offering in OFFERINGS:
        slug = offering.slug
        yield MediaSpec(
            picture_uuid(slug), f"{slug}.svg", SVG, draw(offering.kind, f"{organization}/{slug}", other=offering.twin)
        )
        for number, shot in enumerate(offering.shots):
            data = draw(shot.kind, f"{organization}/{slug}/{number}", shot.close, offering.twin)
            yield MediaSpec(shot_uuid(slug, number), f"{slug}-{number + 1}.svg", SVG, data)
        if offering.guide:
            yield MediaSpec(
                guide_uuid(slug), f"{slug}-user-guide.txt", "text/plain; charset=utf-8", _guide(organization, offering)
            )
