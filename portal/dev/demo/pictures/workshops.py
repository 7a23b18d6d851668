"""Scenes of places that hold machines: racks, printers, benches, a glasshouse and a climate chamber."""

from __future__ import annotations

from math import cos, pi, sin

from portal.dev.demo.pictures.canvas import Canvas
from portal.dev.demo.pictures.furniture import (
    desk,
    person,
    plant,
    rack,
    setting,
    wall,
    window,
)
from portal.dev.demo.pictures.palettes import mix


def gpu(c: Canvas) -> None:
    """A row of racks, the middle one lit."""
    setting(c)
    for n in range(4):
        rack(c, 0.9 + n * 1.95, 1.2, 1.7, 2.0, 4.2, 7)
    c.glow(5.0, 3.4, 1.2, 3.2, c.accent, 0.28)
    for n in range(3):
        c.line([(1.8 + n * 1.95, 3.4, 0), (1.8 + n * 1.95, 5.2 + n * 0.3, 0), (6.4, 5.8 + n * 0.3, 0)], c.accent, 5)
    c.box(6.0, 5.4, 0, 2.4, 2.2, 0.8, c.white)
    c.box(6.2, 5.6, 0.8, 2.0, 1.8, 0.3, c.dark, shadow=False)
    c.floor(6.6, 5.95, 1.2, 1.1, c.main, z=1.11)
    c.floor(6.9, 6.2, 0.6, 0.6, c.glow_colour, z=1.12)
    for n in range(4):
        c.line([(6.4 + n * 0.5, 7.6, 0.2), (6.4 + n * 0.5, 7.6, 0.55)], c.accent, 5)
    person(c, 3.4, 7.8, c.main)


def server_rack(c: Canvas) -> None:
    """One open rack with room to build in."""
    setting(c)
    wall(c, mix(c.palette.slab, c.main, 0.12), 3.0, "r")
    c.box(3.2, 2.2, 0, 3.4, 3.2, 0.25, c.dark)
    c.box(3.2, 2.2, 0.25, 3.4, 0.2, 4.8, mix(c.dark, "#ffffff", 0.1), shadow=False)
    for n in range(9):
        colour = (c.white, c.grey, c.main, c.dark)[c.random.randrange(4)]
        if n in (3, 6):
            continue
        c.box(3.4, 2.4, 0.35 + n * 0.5, 3.0, 2.9, 0.4, colour, shadow=False)
        c.line([(3.7, 5.3, 0.55 + n * 0.5), (4.9, 5.3, 0.55 + n * 0.5)], mix(c.dark, colour, 0.3), 4)
        c.line([(6.0, 5.3, 0.55 + n * 0.5)] * 2, c.accent, 8)
    for x, y in ((3.2, 5.2), (6.4, 5.2), (6.4, 2.2)):
        c.box(x, y, 0.25, 0.2, 0.2, 4.8, c.dark, shadow=False)
    c.box(3.2, 2.2, 5.05, 3.4, 3.2, 0.2, c.dark, shadow=False)
    c.box(7.6, 5.2, 0, 1.4, 1.6, 0.9, c.main)
    c.box(7.7, 5.3, 0.9, 1.2, 1.4, 0.35, c.grey, shadow=False)
    person(c, 6.2, 7.8, c.accent)
    plant(c, 1.3, 2.0, size=1.2)


def printer(c: Canvas) -> None:
    """3D printers at work on coloured parts."""
    setting(c)
    desk(c, 0.9, 1.2, 8.2, 2.6, mix("#e0b88a", c.palette.slab, 0.25), 1.1)
    for n, part in enumerate((c.accent, c.glow_colour, c.main)):
        x = 1.3 + n * 2.6
        c.box(x, 1.6, 1.12, 2.0, 1.8, 0.25, c.dark)
        c.box(x, 1.6, 1.37, 0.15, 1.8, 2.2, c.dark, shadow=False)
        c.left(x + 0.15, 1.7, 1.37, 1.7, 2.2, mix(c.palette.sky_light, "#ffffff", 0.5))
        c.floor(x + 0.4, 1.9, 1.2, 1.1, c.grey, z=1.4)
        if n == 1:
            c.cylinder(x + 1.0, 2.5, 1.4, 0.42, 0.9, part, top=0.2, shadow=False)
        elif n == 0:
            c.box(x + 0.6, 2.1, 1.4, 0.8, 0.7, 0.7, part, shadow=False)
        else:
            c.dome(x + 1.0, 2.5, 1.4, 0.5, part)
        c.line([(x + 0.15, 2.6, 2.9), (x + 1.9, 2.6, 2.9)], c.grey, 6)
        c.cylinder(x + 1.0, 2.6, 2.5, 0.06, 0.5, c.white, top=0.2, shadow=False)
        c.box(x + 1.85, 1.6, 1.37, 0.15, 1.8, 2.2, c.dark, shadow=False)
        c.box(x, 1.6, 3.57, 2.0, 1.8, 0.22, c.white, shadow=False)
    for n, colour in enumerate((c.main, c.accent, c.glow_colour)):
        c.cylinder(1.6 + n * 0.2, 6.6, n * 0.32, 0.65, 0.3, colour, shadow=n == 0)
    c.box(4.2, 5.8, 0, 2.4, 1.8, 1.0, c.white)
    c.dome(4.9, 6.7, 1.0, 0.45, c.main)
    c.box(5.6, 6.2, 1.0, 0.6, 0.6, 0.7, c.accent, shadow=False)
    person(c, 7.7, 6.6, c.main)


def lab(c: Canvas) -> None:
    """A wet bench with glassware under a shelf."""
    setting(c)
    wall(c, mix(c.palette.slab, "#ffffff", 0.35), 3.4, "r")
    window(c, 6.6, 2.2)
    c.box(0.8, 0.5, 2.1, 5.0, 0.7, 0.14, c.white, shadow=False)
    for n in range(6):
        c.cylinder(
            1.3 + n * 0.78,
            0.9,
            2.24,
            0.2,
            c.random.uniform(0.4, 0.8),
            (c.accent, c.main, c.glow_colour)[n % 3],
            shadow=False,
        )
    c.box(0.8, 2.4, 0, 8.2, 2.4, 1.1, c.main)
    for n in range(5):
        c.left(1.05 + n * 1.6, 4.8, 0.2, 1.3, 0.65, mix(c.main, "#ffffff", 0.22))
    c.box(0.6, 2.2, 1.1, 8.6, 2.8, 0.18, c.white, shadow=False)
    c.cylinder(2.0, 3.5, 1.28, 0.7, 1.0, mix(c.accent, "#ffffff", 0.2), top=0.18)
    c.cylinder(2.0, 3.5, 2.28, 0.18, 0.5, c.white, shadow=False)
    for n in range(4):
        c.cylinder(3.6 + n * 0.38, 3.6, 1.28, 0.13, 0.75, (c.glow_colour, c.accent)[n % 2], shadow=False)
    c.box(5.4, 2.7, 1.28, 1.7, 1.6, 1.1, c.grey)
    c.left(5.6, 4.3, 1.6, 0.8, 0.5, c.screen)
    c.dome(6.25, 3.5, 2.38, 0.5, c.white)
    c.cylinder(8.1, 3.6, 1.28, 0.5, 0.7, c.glow_colour, top=0.35)
    person(c, 4.4, 6.6, "#ffffff")
    person(c, 7.9, 7.4, c.accent)


def samples(c: Canvas) -> None:
    """Tubes in a rack beside a cold box."""
    setting(c)
    c.box(1.4, 3.0, 0, 5.6, 3.6, 1.2, c.white)
    c.floor(1.6, 3.2, 5.2, 3.2, c.grey, z=1.21)
    for row in range(4):
        for col in range(6):
            colour = (c.accent, c.main, c.glow_colour)[c.random.choice((0, 1, 1, 2))]
            c.cylinder(2.0 + col * 0.88, 3.6 + row * 0.8, 1.21, 0.22, 0.75, colour, shadow=False)
    c.cylinder(8.0, 2.4, 0, 0.95, 1.9, c.grey)
    c.cylinder(8.0, 2.4, 1.9, 0.95, 0.5, c.main, top=0.55, shadow=False)
    c.glow(8.0, 2.4, 2.5, 1.3, c.glow_colour, 0.8)
    c.box(7.6, 6.2, 0, 1.4, 1.8, 0.35, c.main)
    for n in range(3):
        c.line([(7.9 + n * 0.4, 6.5, 0.36), (7.9 + n * 0.4, 7.7, 0.36)], c.white, 5)
    plant(c, 1.4, 8.4)


def greenhouse(c: Canvas) -> None:
    """A glasshouse with rows of plants."""
    setting(c, grid=False)
    soil, green = mix("#8a5a3c", c.palette.deep, 0.1), mix("#4fb277", c.palette.deep, 0.08)
    c.shadow(1, 1, 8, 7.4, 3.2)
    glass = mix(c.palette.sky_light, "#ffffff", 0.5)
    c.right(1, 1, 0, 7.4, 3.0, glass, 0.75)
    c.left(1, 1, 0, 8, 3.0, glass, 0.75)
    c.poly([(1, 1, 3), (9, 1, 3), (9, 4.7, 4.6), (1, 4.7, 4.6)], glass, 0.55)
    for row in range(3):
        y = 1.7 + row * 2.3
        c.box(1.6, y, 0, 6.8, 1.2, 0.6, soil)
        for col in range(8):
            x = 2.0 + col * 0.85
            c.spot(x, y + 0.6, 0.85, 0.36, mix(green, c.palette.deep, 0.16 * (col % 2)))
            c.spot(x - 0.05, y + 0.52, 0.98, 0.2, mix(green, "#ffffff", 0.25))
            if c.random.random() < 0.5:
                c.spot(x + 0.12, y + 0.75, 1.1, 0.13, (c.accent, c.main, c.glow_colour)[c.random.randrange(3)])
    person(c, 8.7, 5.0, c.main)
    c.poly([(1, 8.4, 3), (9, 8.4, 3), (9, 4.7, 4.6), (1, 4.7, 4.6)], "#ffffff", 0.4)
    c.left(1, 8.4, 0, 8, 3.0, "#ffffff", 0.2)
    c.poly([(9, 1, 0), (9, 8.4, 0), (9, 8.4, 3), (9, 4.7, 4.6), (9, 1, 3)], mix(c.palette.sky, c.main, 0.3), 0.28)
    for n in range(5):
        x = 1 + n * 2
        c.line([(x, 8.4, 0), (x, 8.4, 3), (x, 4.7, 4.6)], c.white, 5)
    c.line([(1, 8.4, 3), (9, 8.4, 3), (9, 1, 3), (9, 4.7, 4.6), (1, 4.7, 4.6)], c.white, 6)
    c.line([(9, 8.4, 3), (9, 4.7, 4.6)], c.white, 6)
    c.line([(9, 8.4, 0), (9, 8.4, 3)], c.white, 6)


def chamber(c: Canvas) -> None:
    """A walk-in climate chamber, frost on one side and heat on the other."""
    setting(c)
    c.box(1.4, 1.4, 0, 5.8, 5.0, 4.2, c.white)
    c.left(2.0, 6.4, 0.15, 2.3, 3.4, c.grey)
    c.left(2.15, 6.4, 0.25, 2.0, 3.2, mix(c.palette.sky, c.main, 0.55))
    c.left(2.35, 6.4, 0.6, 0.5, 2.6, "#ffffff", 0.35)
    c.line([(4.1, 6.4, 1.5), (4.1, 6.4, 2.2)], c.dark, 7)
    c.left(4.9, 6.4, 1.9, 1.7, 1.5, c.screen)
    c.line([(5.1, 6.4, 2.2), (5.5, 6.4, 2.9), (5.9, 6.4, 2.4), (6.4, 6.4, 3.1)], c.accent, 5)
    c.left(4.9, 6.4, 1.2, 0.7, 0.4, c.accent)
    c.left(5.8, 6.4, 1.2, 0.7, 0.4, c.main)
    c.right(7.2, 2.2, 0.8, 3.4, 2.8, mix(c.main, c.palette.deep, 0.25))
    for n in range(6):
        angle = pi * n / 6
        dx, dy = cos(angle) * 1.1, sin(angle) * 1.1
        c.line([(7.2, 3.9 - dx, 2.2 - dy), (7.2, 3.9 + dx, 2.2 + dy)], c.glow_colour, 6)
    c.box(2.4, 2.2, 4.2, 1.9, 1.9, 0.8, c.grey, shadow=False)
    c.cylinder(5.6, 3.4, 4.2, 0.7, 0.5, c.main, shadow=False)
    c.line([(5.6, 3.4, 4.75)] * 2, c.dark, 14)
    person(c, 5.0, 8.3, c.accent)
    c.box(7.4, 7.2, 0, 1.4, 1.4, 0.9, c.main)
    plant(c, 8.1, 7.9, 0.9, 0.7)


SCENES = {
    "gpu": gpu,
    "rack": server_rack,
    "printer": printer,
    "lab": lab,
    "samples": samples,
    "greenhouse": greenhouse,
    "chamber": chamber,
}
