"""Pictures of the demo's offerings, drawn here: isometric scenes as small SVG, the same bytes for the same words.

`draw` is all that others need. The first part of a seed, up to "/", names the palette (an organization's colours).
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from portal.dev.demo.pictures import cleanroom, field, instruments, rooms, workshops
from portal.dev.demo.pictures.canvas import Canvas
from portal.dev.demo.pictures.palettes import PALETTES, palette_for

SCENES: dict[str, Callable[[Canvas], None]] = {
    name: scene for room in (instruments, cleanroom, rooms, workshops, field) for name, scene in room.SCENES.items()
}

KINDS = tuple(sorted(SCENES))


def draw(kind: str, seed: str, close: bool = False, other: bool = False) -> bytes:
    """A 1200 × 675 SVG of one of `KINDS`; `seed` ("palette/anything") decides colours and small details.

    `close` steps nearer, for a second picture of the same thing; `other` exchanges main colour and accent, for a
    second thing of the same kind. Raises KeyError for an unknown kind.
    """
    canvas = Canvas(palette_for(seed), Random(f"{kind}|{seed}"), close, other)  # noqa: S311 - a picture, not a secret
    SCENES[kind](canvas)
    return canvas.svg()


def thumbnail(kind: str, seed: str) -> bytes:
    """The picture for small places: an SVG scales, so it is the same one."""
    return draw(kind, seed)


__all__ = ["KINDS", "PALETTES", "draw", "thumbnail"]
