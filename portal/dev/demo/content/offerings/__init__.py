"""All offerings of the demo as (organization slug, offering), facility by facility."""

from __future__ import annotations

from portal.dev.demo.content.offerings import biology, campus, computing, marine, nano, observatory, photon
from portal.dev.demo.content.spec import Offering

OFFERINGS: tuple[tuple[str, Offering], ...] = tuple(
    (organization, offering)
    for organization, offerings in (
        ("photon", photon.OFFERINGS),
        ("biology", biology.OFFERINGS),
        ("nano", nano.OFFERINGS),
        ("observatory", observatory.OFFERINGS),
        ("marine", marine.OFFERINGS),
        ("campus", (*computing.OFFERINGS, *campus.OFFERINGS)),
    )
    for offering in offerings
)
