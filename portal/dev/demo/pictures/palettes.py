"""The colours of the demo's pictures: one palette per organization, so that a provider is recognised at a glance."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

WHITE = "#f5f7fc"


@dataclass(frozen=True)
class Palette:
    """Background (`sky_light` to `sky`), slab, main colour, accent, `deep` for shade, `glow` for lamps and beams."""

    sky_light: str
    sky: str
    slab: str
    main: str
    accent: str
    deep: str
    glow: str
    night: bool = False


PALETTES: dict[str, Palette] = {
    "photon": Palette("#eef2ff", "#b9c6fb", "#dfe5ff", "#4a5fd9", "#ff8b5e", "#1c2160", "#ffd98a"),
    "biology": Palette("#e9fbf7", "#9edfd3", "#d5f3ec", "#119a88", "#ff7f8e", "#0a3a45", "#b8fff0"),
    "nano": Palette("#fbf2ff", "#d3bbf5", "#ece0fb", "#7f4fd6", "#ffbf3c", "#2f1a5a", "#ffe39a"),
    "observatory": Palette("#4b3d83", "#141a45", "#3a3f7c", "#7f8cf0", "#ffb163", "#0a0e2e", "#ffe2a8", night=True),
    "marine": Palette("#e6f6ff", "#93cbf0", "#d3ecfb", "#1b7cc6", "#ff6f4d", "#0a2c55", "#c9f3ff"),
    "campus": Palette("#fff3e8", "#ffc59c", "#ffe3cd", "#e36a3f", "#2a9d8f", "#4a2132", "#ffe9b0"),
}


def palette_for(seed: str) -> Palette:
    """The palette named by the part of `seed` before the first "/", else one chosen by the seed's digest."""
    name = seed.split("/", 1)[0]
    if name in PALETTES:
        return PALETTES[name]
    names = sorted(PALETTES)
    return PALETTES[names[hashlib.sha256(seed.encode()).digest()[0] % len(names)]]


def mix(first: str, second: str, share: float) -> str:
    """`first` with `share` (0..1) of `second` in it; colours are #rrggbb."""
    pairs = ((int(first[at : at + 2], 16), int(second[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(one + (two - one) * share):02x}" for one, two in pairs)
