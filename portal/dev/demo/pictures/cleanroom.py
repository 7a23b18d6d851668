"""Scenes of clean room tools: chambers, the writer under yellow light, wafers."""

from __future__ import annotations

from portal.dev.demo.pictures.canvas import Canvas
from portal.dev.demo.pictures.furniture import person, setting, wall, workstation
from portal.dev.demo.pictures.palettes import mix


def reactor(c: Canvas) -> None:
    """A deposition or etching chamber with gas lines and a glowing port."""
    setting(c)
    wall(c, mix(c.palette.slab, c.main, 0.15), 3.2, "r")
    c.box(1.0, 1.4, 0, 2.0, 2.2, 3.6, c.white)
    c.left(1.3, 3.6, 2.2, 1.3, 0.9, c.screen)
    c.line([(1.5, 3.6, 2.5), (1.9, 3.6, 2.9), (2.3, 3.6, 2.6)], c.accent, 4)
    c.box(3.4, 2.2, 0, 3.6, 3.6, 1.3, c.grey)
    c.cylinder(5.2, 4.0, 1.3, 1.55, 1.7, c.white)
    c.cylinder(5.2, 4.0, 1.9, 1.57, 0.3, c.main, shadow=False)
    c.cylinder(5.2, 4.0, 3.0, 1.65, 0.3, c.grey, shadow=False)
    c.cylinder(5.2, 4.0, 3.3, 1.3, 0.5, c.white, top=0.8, shadow=False)
    c.cylinder(5.2, 4.0, 3.8, 0.35, 0.8, c.accent, shadow=False)
    c.glow(5.2, 6.0, 2.3, 1.2, c.glow_colour, 0.95)
    x, y = c.at(5.2, 5.45, 2.2)
    c.raw(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="30" fill="{c.dark}"/>')
    c.raw(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="22" fill="{c.glow_colour}"/>')
    c.raw(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="12" fill="{c.accent}"/>')
    for n, colour in enumerate((c.main, c.accent, c.glow_colour)):
        c.cylinder(8.3, 1.4 + n * 0.95, 0, 0.36, 2.2, colour)
        c.cylinder(8.3, 1.4 + n * 0.95, 2.2, 0.36, 0.3, colour, top=0.12, shadow=False)
        c.line([(8.3, 1.4 + n * 0.95, 2.6), (7.3, 2.4 + n * 0.5, 3.2), (6.3, 3.6, 3.2)], c.dark, 4)
    c.box(3.6, 5.8, 0, 1.1, 1.2, 1.5, c.main)
    person(c, 7.2, 8.0, c.white)


def lithography(c: Canvas) -> None:
    """A clean room under yellow light, a wafer on the stage of the writer."""
    setting(c)
    wall(c, mix(c.glow_colour, "#ffffff", 0.35), 3.1)
    for n in range(3):
        c.left(1.2 + n * 2.9, 0.23, 1.0, 2.3, 1.4, mix(c.glow_colour, c.accent, 0.35))
        c.left(1.5 + n * 2.9, 0.23, 1.0, 0.5, 1.4, "#ffffff", 0.4)
    c.box(1.6, 1.8, 0, 3.6, 3.0, 1.2, c.white)
    c.box(1.8, 2.0, 1.2, 1.4, 2.6, 2.4, c.white, shadow=False)
    c.box(1.8, 2.0, 3.6, 3.0, 2.6, 0.5, c.main, shadow=False)
    c.cylinder(4.1, 3.4, 2.5, 0.22, 1.1, c.grey, top=0.5, shadow=False)
    c.line([(4.1, 3.4, 2.5), (4.1, 3.4, 1.3)], c.accent, 6)
    c.disc(4.1, 3.4, 1.28, 0.85, c.dark)
    c.disc(4.1, 3.4, 1.34, 0.78, mix(c.main, "#ffffff", 0.4))
    c.glow(4.1, 3.4, 1.4, 0.8, c.glow_colour)
    c.box(6.3, 1.5, 0, 2.5, 2.2, 1.9, c.grey)
    c.box(6.3, 1.5, 1.9, 2.5, 2.2, 1.0, mix(c.glow_colour, "#ffffff", 0.4), shadow=False)
    c.left(6.6, 3.7, 0.5, 1.9, 1.0, c.white)
    workstation(c, 1.4, 7.2, 2.4)
    for x, y in ((6.2, 6.0), (7.6, 7.9)):
        person(c, x, y, "#ffffff")


def wafer(c: Canvas) -> None:
    """Wafers with their dies, one of them on the dicing chuck."""
    setting(c)
    c.box(1.2, 1.2, 0, 6.6, 6.6, 0.7, c.grey)
    c.cylinder(4.5, 4.5, 0.7, 2.9, 0.35, c.dark)
    c.disc(4.5, 4.5, 1.06, 2.7, mix(c.main, "#ffffff", 0.25))
    for i in range(-4, 5):
        for j in range(-4, 5):
            if i * i + j * j <= 17 and (i + j + c.random.randint(0, 1)) % 2:
                tone = (c.main, c.accent, c.glow_colour)[c.random.choice((0, 0, 1, 2))]
                c.floor(4.5 + i * 0.52 - 0.22, 4.5 + j * 0.52 - 0.22, 0.45, 0.45, tone, 0.85, z=1.07)
    c.box(1.4, 1.6, 0.7, 0.9, 1.0, 3.2, c.white)
    c.box(1.4, 1.6, 3.9, 3.6, 1.0, 0.6, c.main, shadow=False)
    c.cylinder(4.4, 2.3, 2.2, 0.2, 1.7, c.grey, shadow=False)
    c.line([(4.4, 2.6, 2.2), (4.4, 2.6, 1.1)], c.accent, 7)
    c.box(8.2, 3.0, 0, 1.2, 2.4, 0.4, c.white)
    for n in range(4):
        c.disc(8.8, 4.2, 0.5 + n * 0.28, 0.75, mix(c.main, "#ffffff", 0.1 + n * 0.15))
    person(c, 8.6, 8.0, "#ffffff")


SCENES = {
    "reactor": reactor,
    "lithography": lithography,
    "wafer": wafer,
}
