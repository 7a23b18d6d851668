"""An isometric drawing board that writes small SVG: boxes, cylinders, domes, panels and light from the upper left.

World units: the slab is 10 by 10; x runs to the lower right, y to the lower left, z up. Draw from back to front.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from random import Random

from portal.dev.demo.pictures.palettes import WHITE, Palette, mix

WIDTH, HEIGHT = 1200, 675
UNIT = 49.0
ACROSS, DOWN = 0.866, 0.5
ROUND_X, ROUND_Y = 1.2247, 0.7071

Point3 = tuple[float, float, float]


def _hull(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The convex hull (monotone chain); shadows are hulls of a footprint and its shifted copy."""
    ordered = sorted(set(points))

    def half(run: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        chain: list[tuple[float, float]] = []
        for point in run:
            while len(chain) > 1 and (chain[-1][0] - chain[-2][0]) * (point[1] - chain[-2][1]) <= (
                chain[-1][1] - chain[-2][1]
            ) * (point[0] - chain[-2][0]):
                chain.pop()
            chain.append(point)
        return chain[:-1]

    return half(ordered) + half(ordered[::-1])


def _track(points: Sequence[tuple[float, float]]) -> str:
    """Path data through pixels: an absolute start, then whole-pixel steps."""
    spots = [(round(x), round(y)) for x, y in points]
    steps = [f"{x - px} {y - py}" for (px, py), (x, y) in pairwise(spots)] or ["0 0"]
    return f"M{spots[0][0]} {spots[0][1]}l" + " ".join(steps).replace(" -", "-")


class Canvas:
    """Collects shapes and gradients of one picture. Nothing drawn carries text, links or scripts."""

    def __init__(self, palette: Palette, random: Random, close: bool = False, other: bool = False) -> None:
        self.palette, self.random = palette, random
        self.unit = UNIT * (1.5 if close else 1.0)
        self.centre = (600.0, 404.0 if not close else 500.0)
        self.shapes: list[str] = []
        self.gradients: dict[str, str] = {}
        self.white = mix(WHITE, palette.sky_light, 0.12)
        self.grey = mix("#c6cede", palette.main, 0.08)
        self.dark = mix("#39415c", palette.deep, 0.45)
        self.main, self.accent = (palette.accent, palette.main) if other else (palette.main, palette.accent)
        self.glow_colour = palette.glow
        self.screen = mix(palette.deep, "#000000", 0.15)

    # Geometry ---------------------------------------------------------------------------------------------

    def at(self, x: float, y: float, z: float = 0) -> tuple[float, float]:
        """Where a world point lies on the picture, in pixels."""
        x, y = x - 5, y - 5
        return (
            self.centre[0] + (x - y) * ACROSS * self.unit,
            self.centre[1] + (x + y) * DOWN * self.unit - z * self.unit,
        )

    def gradient(self, kind: str, stops: Sequence[tuple[float, str, float]], extra: str = "") -> str:
        """A fill made of (offset, colour, opacity) stops; `kind` is down, along or radial. Equal ones are shared."""
        body = "".join(
            f'<stop offset="{offset:g}" stop-color="{colour}"'
            + (f' stop-opacity="{opacity:g}"' if opacity < 1 else "")
            + "/>"
            for offset, colour, opacity in stops
        )
        key = f"{kind}|{extra}|{body}"
        if key not in self.gradients:
            self.gradients[key] = f"g{len(self.gradients)}"
        return f"url(#{self.gradients[key]})"

    # Flat shapes ------------------------------------------------------------------------------------------

    def raw(self, shape: str) -> None:
        """One finished SVG element."""
        self.shapes.append(shape)

    def _add(self, head: str, track: str) -> None:
        """A path; it joins the one before where that has the same paint."""
        if self.shapes and self.shapes[-1].startswith(head):
            self.shapes[-1] = self.shapes[-1][:-3] + track + '"/>'
        else:
            self.raw(head + track + '"/>')

    def path(self, points: Sequence[tuple[float, float]], fill: str, opacity: float = 1) -> None:
        """A filled polygon given in pixels."""
        faint = f' opacity="{opacity:g}"' if opacity < 1 else ""
        self._add(f'<path fill="{fill}"{faint} d="', _track(points) + "z")

    def poly(self, points: Sequence[Point3], fill: str, opacity: float = 1) -> None:
        """A filled polygon given in world units."""
        self.path([self.at(*point) for point in points], fill, opacity)

    def line(self, points: Sequence[Point3], colour: str, width: float = 3, opacity: float = 1) -> None:
        """A round-ended line through world points; `width` in pixels."""
        faint = f' opacity="{opacity:g}"' if opacity < 1 else ""
        head = f'<path fill="none" stroke="{colour}" stroke-width="{width * self.unit / UNIT:g}"{faint} d="'
        self._add(head, _track([self.at(*point) for point in points]))

    def disc(self, x: float, y: float, z: float, r: float, fill: str, opacity: float = 1) -> None:
        """A horizontal disc."""
        cx, cy = self.at(x, y, z)
        faint = f' opacity="{opacity:g}"' if opacity < 1 else ""
        rx, ry = r * ROUND_X * self.unit, r * ROUND_Y * self.unit
        self.raw(f'<ellipse cx="{cx:.0f}" cy="{cy:.0f}" rx="{rx:.0f}" ry="{ry:.0f}" fill="{fill}"{faint}/>')

    def hoop(self, x: float, y: float, z: float, r: float, colour: str, width: float, opacity: float = 1) -> None:
        """A horizontal circle drawn as a line; `width` in pixels."""
        cx, cy = self.at(x, y, z)
        faint = f' opacity="{opacity:g}"' if opacity < 1 else ""
        self.raw(
            f'<ellipse cx="{cx:.0f}" cy="{cy:.0f}" rx="{r * ROUND_X * self.unit:.1f}"'
            f' ry="{r * ROUND_Y * self.unit:.1f}" fill="none" stroke="{colour}"'
            f' stroke-width="{width * self.unit / UNIT:g}"{faint}/>'
        )

    def left(self, x: float, y: float, z: float, w: float, h: float, fill: str, opacity: float = 1) -> None:
        """A panel on a wall that faces lower left (plane of constant y)."""
        self.poly([(x, y, z), (x + w, y, z), (x + w, y, z + h), (x, y, z + h)], fill, opacity)

    def right(self, x: float, y: float, z: float, d: float, h: float, fill: str, opacity: float = 1) -> None:
        """A panel on a wall that faces lower right (plane of constant x)."""
        self.poly([(x, y, z), (x, y + d, z), (x, y + d, z + h), (x, y, z + h)], fill, opacity)

    def floor(self, x: float, y: float, w: float, d: float, fill: str, opacity: float = 1, z: float = 0) -> None:
        """A flat area on the ground, or at height `z`."""
        self.poly([(x, y, z), (x + w, y, z), (x + w, y + d, z), (x, y + d, z)], fill, opacity)

    # Light ------------------------------------------------------------------------------------------------

    def glow(self, x: float, y: float, z: float, r: float, colour: str | None = None, opacity: float = 0.9) -> None:
        """A soft light around a world point."""
        cx, cy = self.at(x, y, z)
        colour = colour or self.glow_colour
        fill = self.gradient("radial", [(0, colour, opacity), (1, colour, 0)])
        self.raw(f'<circle cx="{cx:.0f}" cy="{cy:.0f}" r="{r * self.unit:.0f}" fill="{fill}"/>')

    def shadow(self, x: float, y: float, w: float, d: float, h: float, z: float = 0) -> None:
        """The shadow of a box, falling to the right."""
        reach = min(h, 4.5) * 0.42
        corners = [(x, y), (x + w, y), (x + w, y + d), (x, y + d)]
        spots = corners + [(cx + reach, cy - reach * 0.55) for cx, cy in corners]
        self.path(_hull([self.at(cx, cy, z) for cx, cy in spots]), self.palette.deep, 0.14)

    # Solids -----------------------------------------------------------------------------------------------

    def shades(self, colour: str) -> tuple[str, str, str]:
        """Top, left and right tone of one colour under this picture's light."""
        deep = self.palette.deep
        return mix(colour, "#ffffff", 0.34), mix(colour, deep, 0.06), mix(colour, deep, 0.30)

    def box(
        self,
        x: float,
        y: float,
        z: float,
        w: float,
        d: float,
        h: float,
        colour: str,
        shadow: bool = True,
    ) -> None:
        """A box with its near-bottom corner at (x + w, y + d); shaded, with a shadow when it stands on the ground."""
        if shadow:
            self.shadow(x, y, w, d, h, z)
        top, left, right = self.shades(colour)
        low = self.palette.deep
        x2, y2, z2 = x + w, y + d, z + h
        if h > 0.9:
            left = self.gradient("down", [(0, left, 1), (1, mix(left, low, 0.16), 1)])
            right = self.gradient("down", [(0, right, 1), (1, mix(right, low, 0.20), 1)])
        self.left(x, y2, z, w, h, left)
        self.right(x2, y, z, d, h, right)
        self.floor(x, y, w, d, top, z=z2)

    def cylinder(
        self,
        x: float,
        y: float,
        z: float,
        r: float,
        h: float,
        colour: str,
        top: float | None = None,
        shadow: bool = True,
    ) -> None:
        """An upright cylinder, or a cone frustum when `top` gives another radius; `shadow` where it stands."""
        end = r if top is None else top
        if shadow:
            reach = min(h, 4.5) * 0.42
            sx, sy = self.at(x + reach, y - reach * 0.55, z)
            bx, by = self.at(x, y, z)
            rx, ry = r * ROUND_X * self.unit, r * ROUND_Y * self.unit
            self.raw(
                f'<path fill="{self.palette.deep}" opacity=".14" d="M{bx - rx * 0.3:.0f} {by - ry:.0f}'
                f"L{sx:.0f} {sy - ry:.0f}A{rx:.0f} {ry:.0f} 0 0 1 {sx:.0f} {sy + ry:.0f}"
                f'L{bx + rx * 0.3:.0f} {by + ry:.0f}Z"/>'
            )
        lid, left, right = self.shades(colour)
        body = (
            left
            if r < 0.27
            else self.gradient("along", [(0, left, 1), (0.32, lid, 1), (1, mix(right, self.palette.deep, 0.12), 1)])
        )
        cx, low = self.at(x, y, z)
        _, high = self.at(x, y, z + h)
        rx, ry, tx = (v * self.unit for v in (r * ROUND_X, r * ROUND_Y, end * ROUND_X))
        self.raw(
            f'<path fill="{body}" d="M{cx - tx:.0f} {high:.0f}L{cx - rx:.0f} {low:.0f}A{rx:.1f} {ry:.1f} 0 0 0 '
            f'{cx + rx:.0f} {low:.0f}L{cx + tx:.0f} {high:.0f}Z"/>'
        )
        if end > 0.02:
            self.disc(x, y, z + h, end, lid)

    def dome(self, x: float, y: float, z: float, r: float, colour: str, height: float = 1.0) -> None:
        """Half a ball standing on its rim; `height` stretches it."""
        lid, left, right = self.shades(colour)
        fill = self.gradient(
            "radial",
            [(0, mix(lid, "#ffffff", 0.4), 1), (0.45, left, 1), (1, mix(right, self.palette.deep, 0.1), 1)],
            'cx=".35" cy=".28" r=".85"',
        )
        cx, cy = self.at(x, y, z)
        rx, ry, up = r * ROUND_X * self.unit, r * ROUND_Y * self.unit, r * ROUND_X * self.unit * height
        self.raw(
            f'<path fill="{fill}" d="M{cx - rx:.0f} {cy:.0f}A{rx:.1f} {up:.1f} 0 0 1 {cx + rx:.0f} {cy:.0f}'
            f'A{rx:.1f} {ry:.1f} 0 0 1 {cx - rx:.0f} {cy:.0f}Z"/>'
        )

    def ball(self, x: float, y: float, z: float, r: float, colour: str) -> None:
        """A ball whose centre is at the given point."""
        lid, left, right = self.shades(colour)
        fill = self.gradient(
            "radial", [(0, mix(lid, "#ffffff", 0.4), 1), (0.5, left, 1), (1, right, 1)], 'cx=".35" cy=".3" r=".8"'
        )
        self.spot(x, y, z, r, fill)

    def spot(self, x: float, y: float, z: float, r: float, fill: str) -> None:
        """A round patch that faces the viewer."""
        cx, cy = self.at(x, y, z)
        self.raw(f'<circle cx="{cx:.0f}" cy="{cy:.0f}" r="{r * self.unit:.0f}" fill="{fill}"/>')

    # The finished picture ---------------------------------------------------------------------------------

    def svg(self) -> bytes:
        """The whole picture as UTF-8 SVG."""
        axes = {"down": 'linearGradient {} x2="0" y2="1"', "along": "linearGradient {}", "radial": "radialGradient {}"}
        parts = []
        for key, name in self.gradients.items():
            kind, extra, body = key.split("|", 2)
            tag = axes[kind].format(f'id="{name}"') + (f" {extra}" if extra else "")
            parts.append(f"<{tag}>{body}</{tag.split(' ', 1)[0]}>")
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
            ' stroke-linecap="round" stroke-linejoin="round">'
        )
        return (head + f"<defs>{''.join(parts)}</defs>{''.join(self.shapes)}</svg>\n").encode()
