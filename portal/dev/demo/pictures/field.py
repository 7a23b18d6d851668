"""Scenes under the open sky: telescopes, the sea, things that fly and dive."""

from __future__ import annotations

from portal.dev.demo.pictures.canvas import UNIT, Canvas
from portal.dev.demo.pictures.furniture import person, setting
from portal.dev.demo.pictures.palettes import mix


def _ground(c: Canvas) -> str:
    return mix("#7d6a86", c.palette.slab, 0.45)


def _hill(c: Canvas, dawn: bool = False) -> None:
    """A mountain top under the stars, or at dawn."""
    setting(c, _ground(c), grid=False, dawn=dawn)
    for x, y, r in ((1.6, 8.2, 0.5), (8.6, 1.6, 0.6), (8.9, 8.4, 0.35), (1.3, 2.2, 0.4)):
        c.dome(x, y, 0, r, mix(_ground(c), c.palette.deep, 0.2), 0.7)


def telescope(c: Canvas) -> None:
    """A dome with its slit open to the night."""
    _hill(c)
    c.disc(5.4, 4.6, 0, 2.9, c.palette.deep, 0.25)
    c.cylinder(4.8, 4.8, 0, 2.5, 1.6, "#e8e9f7")
    c.cylinder(4.8, 4.8, 1.6, 2.65, 0.3, c.grey, shadow=False)
    c.glow(4.4, 5.6, 3.4, 2.6, c.accent, 0.5)
    c.dome(4.8, 4.8, 1.9, 2.5, "#dfe2f6", 1.0)
    x, y = c.at(4.8, 4.8, 1.9)
    edges = (
        (-0.95, 1.3),
        (-1.5, -1.1),
        (-1.0, -2.5),
        (-0.2, -3.04),
        (0.75, -2.97),
        (-0.1, -2.0),
        (-0.1, -0.6),
        (0.25, 1.55),
    )
    p = [f"{x + dx * c.unit:.0f} {y + dy * c.unit:.0f}" for dx, dy in edges]
    curve = f"M{p[0]}C{p[1]} {p[2]} {p[3]}L{p[4]}C{p[5]} {p[6]} {p[7]}Z"
    c.raw(f'<path fill="{c.screen}" d="{curve}"/>')
    c.line([(4.5, 5.4, 2.1), (4.1, 6.0, 4.4)], c.main, 40)
    c.line([(4.5, 5.4, 2.1), (4.1, 6.0, 4.4)], mix(c.main, "#ffffff", 0.45), 12, 0.7)
    c.line([(4.12, 5.98, 4.3), (4.1, 6.0, 4.42)], c.glow_colour, 42)
    c.left(4.6, 7.3, 0, 0.8, 1.1, c.accent)
    c.box(7.2, 5.6, 0, 1.7, 1.7, 1.0, "#e8e9f7")
    c.left(7.5, 7.3, 0.3, 0.6, 0.4, c.glow_colour)
    c.right(8.9, 5.9, 0.3, 0.8, 0.4, c.glow_colour)
    person(c, 6.2, 8.6, c.accent)


def radio(c: Canvas) -> None:
    """A dish listening upwards."""
    _hill(c)
    c.cylinder(4.8, 4.8, 0, 1.6, 0.8, "#e8e9f7")
    c.cylinder(4.8, 4.8, 0.8, 0.9, 1.5, c.grey, top=0.6, shadow=False)
    c.box(4.2, 4.2, 2.2, 1.2, 1.2, 0.6, c.main, shadow=False)
    x, y = c.at(4.8, 4.8, 3.3)
    body = c.gradient("along", [(0, "#ffffff", 1), (0.6, "#d5d9f2", 1), (1, mix(c.main, c.palette.deep, 0.25), 1)])
    inner = c.gradient("along", [(0, mix(c.main, c.palette.deep, 0.3), 1), (1, "#eceefb", 1)])
    c.raw(
        f'<g transform="translate({x:.0f} {y:.0f}) rotate(-28) scale({c.unit / UNIT:g})">'
        f'<path fill="{body}" d="M-205 -40C-190 90 190 90 205 -40Z"/>'
        f'<ellipse cy="-40" rx="205" ry="66" fill="{inner}"/>'
        '<ellipse cy="-34" rx="120" ry="36" fill="#fff" opacity=".25"/>'
        f'<path fill="none" stroke="{c.grey}" stroke-width="6" d="M-150 -20 0 -190 150 -20M0 20V-190"/>'
        f'<circle cy="-196" r="20" fill="{c.accent}"/></g>'
    )
    c.box(7.4, 1.9, 0, 1.5, 1.8, 1.0, "#e8e9f7")
    c.left(7.7, 3.7, 0.3, 0.6, 0.4, c.glow_colour)
    person(c, 7.2, 7.6, c.accent)


def solar(c: Canvas) -> None:
    """A solar tower with its mirror catching the light."""
    _hill(c, dawn=True)
    c.box(2.2, 5.6, 0, 5.6, 2.4, 1.1, "#e8e9f7")
    c.cylinder(4.6, 4.4, 0, 1.2, 4.3, "#eceefb", top=0.75)
    for n in range(3):
        c.left(4.5, 5.35 - n * 0.1, 1.7 + n * 0.8, 0.3, 0.4, c.glow_colour)
    c.cylinder(4.6, 4.4, 4.3, 1.0, 0.25, c.main, shadow=False)
    c.glow(4.6, 4.4, 5.2, 2.4, c.glow_colour, 0.95)
    c.ball(4.6, 4.4, 5.0, 0.5, c.accent)
    for n in range(4):
        c.left(2.7 + n * 1.3, 8.0, 0.35, 0.8, 0.45, c.glow_colour)
    person(c, 8.6, 7.2, c.accent)


def _sea(c: Canvas) -> None:
    """A block of water instead of the slab."""
    setting(c, mix(c.main, "#ffffff", 0.42), grid=False)
    light = mix(c.palette.sky_light, "#ffffff", 0.5)
    for n in range(9):
        x, y = c.random.uniform(0.8, 8.2), 0.9 + n * 1.0
        c.line([(x, y, 0), (x + 0.35, y + 0.12, 0), (x + 0.75, y, 0), (x + 1.1, y + 0.12, 0)], light, 4, 0.7)


def vessel(c: Canvas) -> None:
    """A research ship with its crane, on the waves."""
    _sea(c)
    red = c.accent
    deck = mix("#d9ab7c", c.palette.slab, 0.2)
    c.poly([(1.6, 7.0, 0.01), (7.4, 7.6, 0.01), (9.5, 5.2, 0.01), (8.0, 3.2, 0.01), (1.4, 3.4, 0.01)], "#ffffff", 0.35)
    _, lid, dark = c.shades(red)
    c.poly([(1.6, 6.4, 0), (7.2, 6.4, 0), (7.5, 6.6, 1.2), (1.3, 6.6, 1.2)], lid)
    c.poly([(7.2, 6.4, 0), (9.0, 5.0, 0), (9.6, 5.0, 1.35), (7.5, 6.6, 1.2)], mix(lid, dark, 0.5))
    c.poly([(1.3, 6.6, 1.0), (7.45, 6.6, 1.0), (7.5, 6.6, 1.2), (1.3, 6.6, 1.2)], "#ffffff")
    c.poly(
        [(7.45, 6.6, 1.0), (9.55, 5.0, 1.12), (9.6, 5.0, 1.35), (7.5, 6.6, 1.2)], mix("#ffffff", c.palette.deep, 0.15)
    )
    c.poly([(1.3, 3.6, 1.2), (7.5, 3.6, 1.2), (9.6, 5.0, 1.35), (7.5, 6.6, 1.2), (1.3, 6.6, 1.2)], deck)
    c.box(4.3, 4.0, 1.2, 2.6, 2.2, 1.0, c.white)
    for n in range(4):
        c.left(4.55 + n * 0.58, 6.2, 1.55, 0.36, 0.36, c.screen)
    c.box(4.8, 4.3, 2.2, 1.9, 1.7, 0.85, c.white, shadow=False)
    c.left(4.95, 6.0, 2.5, 1.6, 0.36, c.screen)
    c.right(6.7, 4.45, 2.5, 1.4, 0.36, c.screen)
    c.cylinder(5.1, 4.9, 3.05, 0.4, 0.9, c.main, shadow=False)
    c.cylinder(5.1, 4.9, 3.45, 0.405, 0.2, c.glow_colour, shadow=False)
    c.cylinder(5.1, 4.9, 3.65, 0.4, 0.3, c.main, shadow=False)
    c.line([(6.1, 5.1, 3.05), (6.1, 5.1, 4.9)], c.dark, 5)
    c.ball(6.1, 5.1, 4.2, 0.22, c.white)
    c.line([(2.2, 5.8, 1.2), (2.2, 5.8, 3.2), (0.5, 5.8, 3.9)], c.glow_colour, 13)
    c.line([(0.5, 5.8, 3.9), (0.5, 5.8, 1.7)], c.dark, 3)
    c.ball(0.5, 5.8, 1.5, 0.28, c.accent)
    c.box(2.7, 4.2, 1.2, 0.9, 0.9, 0.6, c.main)
    person(c, 3.3, 6.0, c.glow_colour, 1.2)


def rov(c: Canvas) -> None:
    """An underwater vehicle on its tether, lamps lit."""
    setting(c, mix(c.main, c.palette.deep, 0.35), grid=False)
    c.glow(2.4, 8.2, 0.6, 3.4, c.glow_colour, 0.75)
    kelp = mix("#2fae83", c.main, 0.2)
    for x, y, h in ((1.2, 2.0, 0.8), (8.6, 2.6, 1.1), (8.7, 8.2, 0.7), (5.6, 9.0, 0.5)):
        for place, bend in enumerate((-0.1, 0.08, 0.14)):
            foot = x + place * 0.28
            c.line(
                [(foot, y, 0), (foot + bend, y - bend, h * 0.7), (foot, y, h * 1.3), (foot + bend, y - bend, h * 1.9)],
                kelp,
                8,
            )
    c.floor(2.6, 2.6, 5.2, 4.2, c.palette.deep, 0.3)
    for y in (2.7, 5.9):
        c.box(2.6, y, 0.9, 5.0, 0.25, 0.25, c.dark, shadow=False)
        c.box(3.1, y, 1.15, 0.25, 0.25, 1.4, c.dark, shadow=False)
        c.box(6.6, y, 1.15, 0.25, 0.25, 1.4, c.dark, shadow=False)
        if y < 5:
            c.box(3.0, 3.1, 1.2, 3.9, 2.6, 1.2, mix(c.grey, c.main, 0.3), shadow=False)
    c.box(2.6, 2.7, 2.5, 5.0, 3.5, 1.4, c.accent, shadow=False)
    c.box(2.6, 2.7, 3.9, 5.0, 3.5, 0.18, c.white, shadow=False)
    c.left(3.0, 6.2, 2.9, 1.6, 0.5, "#ffffff")
    for x in (4.0, 6.2):
        c.cylinder(x, 4.4, 4.08, 0.6, 0.16, c.dark, shadow=False)
        c.disc(x, 4.4, 4.26, 0.4, c.main)
    c.line([(5.1, 3.2, 4.1), (5.4, 2.4, 5.0), (7.4, 2.2, 5.0), (9.6, 0.2, 6.4)], c.dark, 6)
    for x in (3.4, 4.4):
        c.ball(x, 6.5, 1.9, 0.32, c.white)
        c.glow(x - 0.1, 6.7, 1.9, 0.8, c.glow_colour, 1)
    for _ in range(9):
        cx, cy = c.random.randint(180, 1000), c.random.randint(90, 420)
        c.raw(f'<circle cx="{cx}" cy="{cy}" r="{c.random.randint(4, 13)}" fill="#fff" opacity=".5"/>')


def drone(c: Canvas) -> None:
    """A survey drone above patches of land."""
    setting(c, grid=False)
    greens = (
        mix("#8ccf8e", c.palette.slab, 0.25),
        mix("#5fb58a", c.palette.slab, 0.2),
        mix("#e9d48a", c.palette.slab, 0.2),
    )
    for i in range(3):
        for j in range(3):
            c.floor(0.5 + i * 3.05, 0.5 + j * 3.05, 2.9, 2.9, greens[(i * 2 + j + c.random.randint(0, 1)) % 3])
    c.poly([(0.5, 4.4, 0), (9.5, 6.6, 0), (9.5, 7.4, 0), (0.5, 5.2, 0)], c.main, 0.75)
    for x, y in ((1.3, 1.4), (2.2, 1.1), (8.4, 1.5), (1.4, 8.2), (8.7, 8.6)):
        c.cylinder(x, y, 0, 0.42, 1.2, mix("#2f8f63", c.palette.deep, 0.1), top=0.02)
    c.poly([(5, 5, 3.0), (2.9, 5.6, 0), (5.4, 7.6, 0), (7.4, 5.4, 0)], c.glow_colour, 0.32)
    c.poly([(2.9, 5.6, 0.01), (5.4, 7.6, 0.01), (7.4, 5.4, 0.01), (4.9, 3.4, 0.01)], c.accent, 0.3)
    arms = ((2.9, 2.9), (7.1, 2.9), (2.9, 7.1), (7.1, 7.1))
    for x, y in arms:
        c.line([(5, 5, 3.7), (x, y, 3.9)], c.dark, 13)
    c.cylinder(5, 5, 2.9, 0.3, 0.35, c.dark, top=0.45, shadow=False)
    c.box(4.1, 4.1, 3.25, 1.8, 1.8, 0.75, c.white, shadow=False)
    c.left(4.4, 5.9, 3.45, 1.2, 0.35, c.accent)
    c.dome(5, 5, 4.0, 0.7, c.main, 0.6)
    for x, y in arms:
        c.cylinder(x, y, 3.75, 0.22, 0.45, c.dark, shadow=False)
        c.disc(x, y, 4.25, 1.25, "#ffffff", 0.55)
        c.hoop(x, y, 4.25, 1.25, c.main, 3, 0.5)
        c.disc(x, y, 4.28, 0.16, c.accent)


def wavetank(c: Canvas) -> None:
    """A long basin with a wave running down it."""
    setting(c)
    c.box(0.8, 2.4, 0, 8.4, 4.6, 1.5, c.white)
    c.floor(1.1, 2.7, 7.8, 4.0, mix(c.main, c.palette.deep, 0.2), z=1.5)
    for n in range(6):
        x = 1.4 + n * 1.2
        crest = mix(c.main, "#ffffff", 0.25 + 0.12 * (n % 3))
        c.poly([(x, 2.7, 1.5), (x + 0.6, 2.7, 2.05), (x + 0.6, 6.7, 2.05), (x, 6.7, 1.5)], crest)
        c.poly(
            [(x + 0.6, 2.7, 2.05), (x + 1.2, 2.7, 1.5), (x + 1.2, 6.7, 1.5), (x + 0.6, 6.7, 2.05)],
            mix(crest, c.palette.deep, 0.22),
        )
        c.line([(x + 0.6, 2.7, 2.06), (x + 0.6, 6.7, 2.06)], "#ffffff", 4, 0.8)
    c.left(0.8, 7.0, 0, 8.4, 1.5, c.gradient("down", [(0, mix(c.main, "#ffffff", 0.45), 1), (1, c.main, 1)]))
    for n in range(8):
        c.line([(0.8 + n * 1.2, 7.0, 0), (0.8 + n * 1.2, 7.0, 1.5)], c.white, 6)
    c.box(3.6, 2.2, 2.6, 0.9, 5.0, 0.4, c.accent, shadow=False)
    c.box(3.6, 7.0, 0, 0.9, 0.3, 2.6, c.accent)
    c.cylinder(4.05, 4.7, 1.9, 0.18, 0.7, c.dark, shadow=False)
    c.poly([(5.6, 4.2, 2.0), (7.4, 4.2, 2.0), (7.8, 4.7, 2.3), (7.4, 5.2, 2.0), (5.6, 5.2, 2.0)], c.accent)
    c.box(5.8, 4.4, 2.1, 0.9, 0.6, 0.5, c.white, shadow=False)
    person(c, 2.2, 8.6, c.main)
    person(c, 7.6, 8.6, c.accent)


def mesocosm(c: Canvas) -> None:
    """Round tanks of sea water under lamps."""
    setting(c)
    for n, (x, y) in enumerate(((2.5, 2.5), (6.6, 2.5), (2.5, 6.6), (6.6, 6.6))):
        c.cylinder(x, y, 0, 1.5, 1.3, c.white)
        c.disc(x, y, 1.3, 1.34, mix(c.main, c.palette.deep, 0.25))
        c.disc(x, y, 1.2, 1.2, (c.main, mix("#4fb277", c.main, 0.35))[n % 2])
        c.disc(x - 0.25, y - 0.1, 1.22, 0.55, "#ffffff", 0.22)
        for _ in range(3):
            fx, fy = x + c.random.uniform(-0.7, 0.6), y + c.random.uniform(-0.7, 0.6)
            c.line([(fx, fy, 1.22), (fx + 0.22, fy, 1.22)], c.accent, 7)
        c.line([(x - 1.5, y - 0.2, 0), (x - 1.5, y - 0.2, 3.3), (x, y, 3.3)], c.dark, 5)
        c.cylinder(x, y, 2.95, 0.6, 0.35, c.dark, top=0.15, shadow=False)
        c.glow(x, y, 2.6, 1.3, c.glow_colour, 0.55)
    c.line([(4.5, 0.6, 0.1), (4.5, 9.4, 0.1)], c.main, 10)
    person(c, 4.9, 8.9, c.accent)


SCENES = {
    "telescope": telescope,
    "radio": radio,
    "solar": solar,
    "vessel": vessel,
    "rov": rov,
    "drone": drone,
    "wave-tank": wavetank,
    "mesocosm": mesocosm,
}
