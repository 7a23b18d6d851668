"""Scenes of instruments: microscopes, magnets, beam lines, lasers, analysers."""

from __future__ import annotations

from math import cos, pi, sin

from portal.dev.demo.pictures.canvas import Canvas
from portal.dev.demo.pictures.furniture import display, person, plant, setting, wall, workstation
from portal.dev.demo.pictures.palettes import mix


def cryo_em(c: Canvas) -> None:
    """A tall enclosed electron microscope with its operator's desk."""
    setting(c)
    c.box(1.1, 1.2, 0, 1.5, 2.6, 3.0, c.grey)
    c.box(3.0, 1.4, 0, 3.0, 2.8, 1.0, c.white)
    c.box(3.0, 1.4, 1.0, 3.0, 2.8, 0.22, c.main, shadow=False)
    c.box(3.0, 1.4, 1.22, 3.0, 2.8, 3.3, c.white, shadow=False)
    c.left(3.3, 4.2, 1.6, 1.35, 2.6, mix(c.main, c.palette.deep, 0.2))
    c.left(3.42, 4.2, 1.72, 1.1, 2.36, c.screen)
    c.line([(3.98, 4.2, 1.8), (3.98, 4.2, 3.95)], c.accent, 9)
    c.line([(3.98, 4.2, 1.8), (3.98, 4.2, 3.95)], c.glow_colour, 4)
    c.left(4.95, 4.2, 3.7, 0.7, 0.35, c.main)
    c.right(6, 2.0, 1.7, 1.6, 2.2, mix(c.grey, c.white, 0.4))
    c.right(6, 2.1, 3.4, 0.5, 0.3, c.accent)
    c.cylinder(4.4, 2.7, 4.52, 0.75, 0.6, c.grey, shadow=False)
    c.cylinder(4.4, 2.7, 5.12, 0.42, 0.35, c.main, shadow=False)
    c.cylinder(7.9, 2.6, 0, 0.55, 1.5, c.white)
    c.cylinder(7.9, 2.6, 1.5, 0.5, 0.25, c.main, top=0.2, shadow=False)
    c.line([(7.9, 2.6, 1.75), (7.2, 2.6, 2.3), (6.0, 2.6, 2.2)], c.dark, 5)
    workstation(c, 4.6, 6.9, 2.6)
    person(c, 6.1, 8.4, c.accent)
    plant(c, 1.2, 8.4)


def microscope(c: Canvas) -> None:
    """A large light microscope on a damped table, its beam shining through the sample."""
    setting(c)
    c.box(1.6, 1.6, 0, 6.4, 5.4, 0.9, c.grey)
    c.box(1.4, 1.4, 0.9, 6.8, 5.8, 0.3, c.dark, shadow=False)
    c.box(2.4, 2.3, 1.2, 3.2, 3.4, 0.5, c.white)
    c.box(2.6, 2.5, 1.7, 1.1, 2.6, 3.1, c.white, shadow=False)
    c.box(2.6, 2.5, 4.8, 3.3, 2.6, 0.75, c.main, shadow=False)
    c.glow(4.9, 4.0, 2.7, 1.5, c.accent, 0.85)
    c.box(3.7, 2.9, 2.1, 2.3, 2.2, 0.2, c.dark, shadow=False)
    c.floor(4.3, 3.5, 1.0, 0.9, c.glow_colour, z=2.31)
    c.cylinder(4.8, 3.9, 3.3, 0.2, 0.5, c.grey, top=0.42, shadow=False)
    c.line([(4.8, 3.9, 3.3), (4.8, 3.9, 2.35)], c.glow_colour, 8)
    c.cylinder(4.8, 3.9, 3.8, 0.42, 1.0, c.white, shadow=False)
    c.cylinder(4.6, 3.8, 5.55, 0.4, 0.7, c.dark, shadow=False)
    c.cylinder(3.3, 3.8, 5.55, 0.3, 0.45, c.grey, shadow=False)
    c.box(6.2, 2.3, 1.2, 1.5, 1.6, 1.2, c.dark)
    for n in range(4):
        c.left(6.4 + n * 0.3, 3.9, 1.5, 0.12, 0.6, (c.accent, c.glow_colour)[n % 2])
    c.line([(6.2, 3.2, 1.9), (5.6, 3.6, 2.0), (5.6, 3.6, 2.2)], c.accent, 4)
    display(c, 5.6, 6.3, 1.2, 2.0, 1.3)
    person(c, 8.8, 7.4, c.main)
    plant(c, 1.1, 8.7)


def lightsheet(c: Canvas) -> None:
    """An optical table with two objectives meeting in a glowing sample chamber."""
    setting(c)
    c.box(1, 1.4, 0, 8, 6.2, 0.9, c.grey)
    c.box(0.8, 1.2, 0.9, 8.4, 6.6, 0.3, c.dark, shadow=False)
    for row in range(5):
        c.line([(1.2, 2.2 + row * 1.15, 1.2), (8.8, 2.2 + row * 1.15, 1.2)], mix(c.dark, "#ffffff", 0.16), 2)
    c.box(1.4, 1.8, 1.2, 2.2, 1.4, 1.1, c.main)
    c.line([(3.6, 2.5, 1.9), (6.2, 2.5, 1.9), (6.2, 4.4, 1.9)], c.accent, 6)
    c.box(5.9, 2.2, 1.2, 0.6, 0.6, 1.2, c.white)
    c.box(2.0, 4.0, 1.2, 1.5, 1.3, 2.2, c.white)
    c.box(3.5, 4.3, 2.1, 0.9, 0.7, 0.7, c.grey, shadow=False)
    c.glow(5.0, 4.8, 2.2, 1.9, c.accent, 0.95)
    c.box(4.4, 4.2, 1.2, 1.2, 1.2, 1.5, mix(c.glow_colour, c.main, 0.15), shadow=False)
    c.floor(4.55, 4.35, 0.9, 0.9, c.glow_colour, z=2.71)
    c.box(5.6, 4.4, 1.8, 0.8, 0.8, 0.8, c.grey, shadow=False)
    c.box(6.4, 4.1, 1.2, 1.7, 1.4, 2.0, c.white)
    c.right(8.1, 4.3, 2.4, 1.0, 0.4, c.main)
    display(c, 2.0, 6.8, 1.2, 1.9, 1.25)
    person(c, 5.2, 8.8, c.accent)


def nmr(c: Canvas) -> None:
    """A superconducting magnet on its legs, with the field lines as rings on the floor."""
    setting(c)
    for r in (4.1, 3.4):
        c.hoop(4.4, 4.4, 0, r, c.main, 3, 0.35)
    for lx, ly in ((3.2, 3.2), (5.7, 3.2), (3.2, 5.7)):
        c.cylinder(lx, ly, 0, 0.26, 1.1, c.dark)
    c.cylinder(4.4, 4.4, 0.5, 0.34, 0.6, c.grey)
    c.cylinder(5.6, 5.6, 0, 0.26, 1.1, c.dark)
    c.cylinder(4.4, 4.4, 1.0, 1.7, 0.4, c.grey, top=2.0, shadow=False)
    c.cylinder(4.4, 4.4, 1.4, 2.0, 2.5, c.white, shadow=False)
    c.cylinder(4.4, 4.4, 2.25, 2.015, 0.5, c.main, shadow=False)
    c.cylinder(4.4, 4.4, 2.75, 2.0, 1.2, c.white, shadow=False)
    c.cylinder(4.4, 4.4, 3.95, 2.0, 0.45, c.grey, top=1.3, shadow=False)
    c.cylinder(3.5, 4.4, 4.35, 0.28, 0.9, c.white, shadow=False)
    c.cylinder(4.4, 3.7, 4.35, 0.28, 0.9, c.white, shadow=False)
    c.cylinder(4.5, 4.5, 4.4, 0.45, 0.7, c.accent, shadow=False)
    c.cylinder(4.5, 4.5, 5.1, 0.18, 0.5, c.dark, shadow=False)
    c.box(7.6, 1.6, 0, 1.3, 1.6, 2.6, c.grey)
    c.left(7.8, 3.2, 1.5, 0.9, 0.8, c.screen)
    c.line([(7.7, 2.4, 2.6), (6.9, 2.8, 3.0), (6.2, 3.5, 2.6)], c.dark, 4)
    workstation(c, 6.9, 6.9, 2.2)
    person(c, 8.4, 8.6, c.main)


def beamline(c: Canvas) -> None:
    """A storage ring with beams leaving it for their hutches."""
    setting(c, grid=False)
    ring_x, ring_y, r = 4.1, 4.1, 3.2
    c.disc(ring_x + 0.4, ring_y - 0.2, 0, r + 0.5, c.palette.deep, 0.14)
    c.cylinder(ring_x, ring_y, 0, r + 0.45, 0.75, c.white, shadow=False)
    c.disc(ring_x, ring_y, 0.75, r - 0.35, mix(c.palette.slab, c.palette.deep, 0.16))
    c.disc(ring_x + 0.1, ring_y + 0.15, 0.6, r - 0.5, c.palette.slab)
    c.hoop(ring_x, ring_y, 0.76, r + 0.06, c.accent, 9)
    c.hoop(ring_x, ring_y, 0.78, r + 0.06, c.glow_colour, 3)
    for n in range(10):
        angle = 2 * pi * n / 10 + 0.3
        c.box(
            ring_x + (r + 0.05) * cos(angle) - 0.28, ring_y + (r + 0.05) * sin(angle) - 0.28, 0.75, 0.56, 0.56, 0.42,
            c.main, shadow=False,
        )  # fmt: skip
    c.cylinder(ring_x, ring_y, 0.6, 0.9, 0.55, c.white, top=0.8, shadow=False)
    plant(c, ring_x - 1.3, ring_y + 0.6, 0.6, 0.7)
    c.line([(ring_x + 3.2, ring_y - 0.2, 0.85), (7.6, 8.0, 0.85)], c.accent, 7, 0.9)
    c.line([(ring_x - 0.4, ring_y + 3.2, 0.85), (2.6, 8.6, 0.85)], c.accent, 7, 0.9)
    c.line([(ring_x + 3.2, ring_y - 1.2, 0.85), (8.3, 2.0, 0.85)], c.accent, 7, 0.9)
    c.box(8.0, 1.2, 0, 1.4, 1.7, 1.6, c.main)
    c.box(7.0, 7.2, 0, 2.2, 1.8, 1.7, c.white)
    c.left(7.3, 9.0, 0.2, 0.7, 1.1, c.main)
    c.left(8.3, 9.0, 0.7, 0.6, 0.5, c.glow_colour)
    c.box(1.9, 8.0, 0, 1.6, 1.4, 1.4, c.white)
    c.left(2.2, 9.4, 0.5, 0.9, 0.5, c.glow_colour)
    person(c, 5.4, 8.9, c.accent)


def endstation(c: Canvas) -> None:
    """Inside a hutch: beam pipe, sample stage, detector."""
    setting(c)
    wall(c, mix(c.palette.slab, c.main, 0.22), 3.2)
    c.left(6.4, 0.23, 0.0, 2.0, 2.5, mix(c.main, c.palette.deep, 0.1))
    c.left(6.7, 0.23, 1.2, 1.4, 0.8, c.glow_colour, 0.8)
    c.box(0.23, 3.9, 0, 1.6, 2.2, 1.3, c.dark)
    c.box(0.23, 4.2, 1.3, 2.3, 1.6, 1.3, c.grey, shadow=False)
    c.line([(2.5, 5, 2.0), (4.4, 5, 2.0)], c.dark, 15)
    c.line([(2.5, 5, 2.06), (4.4, 5, 2.06)], c.grey, 8)
    c.box(4.0, 4.3, 0, 1.5, 1.5, 1.1, c.white)
    c.cylinder(4.75, 5.05, 1.1, 0.5, 0.35, c.main, shadow=False)
    c.cylinder(4.75, 5.05, 1.45, 0.2, 0.35, c.grey, shadow=False)
    c.line([(4.4, 5, 2.0), (6.7, 5, 2.0)], c.accent, 6)
    c.glow(4.8, 5, 2.05, 1.0, c.glow_colour)
    c.box(6.4, 3.9, 0, 1.7, 2.2, 0.9, c.grey)
    c.box(6.7, 3.8, 0.9, 1.0, 2.4, 2.3, c.dark, shadow=False)
    c.right(7.7, 4.0, 1.1, 2.0, 1.9, mix(c.dark, c.main, 0.5))
    c.line([(3.2, 7.2, 0), (3.2, 7.2, 1.5), (4.2, 6.4, 2.5), (4.9, 5.3, 2.2)], c.accent, 17)
    c.cylinder(3.2, 7.2, 0, 0.5, 0.6, c.dark)
    c.ball(3.2, 7.2, 1.5, 0.3, c.white)
    c.ball(4.2, 6.4, 2.5, 0.28, c.white)
    person(c, 7.4, 8.2, c.main)


def laser(c: Canvas) -> None:
    """An optical table with mirrors and crossing beams."""
    setting(c)
    c.box(0.9, 1.5, 0, 8.2, 6.0, 0.8, c.grey)
    c.box(0.7, 1.3, 0.8, 8.6, 6.4, 0.35, c.dark, shadow=False)
    for n in range(7):
        c.line([(1.4 + n * 1.2, 1.6, 1.15), (1.4 + n * 1.2, 7.4, 1.15)], mix(c.dark, "#ffffff", 0.14), 2)
    c.box(1.2, 1.8, 1.15, 3.2, 1.5, 1.1, c.main)
    c.left(1.5, 3.3, 1.5, 1.2, 0.4, c.glow_colour)
    spots = [(4.4, 2.5), (8.3, 2.5), (6.4, 6.6), (3.2, 4.6), (8.3, 5.2)]
    for colour, width in ((c.accent, 9), (c.glow_colour, 3)):
        c.line([(x, y, 1.75) for x, y in spots], colour, width)
    for x, y in sorted(spots[1:], key=sum):
        c.cylinder(x, y, 1.15, 0.18, 0.35, c.grey)
        c.box(x - 0.3, y - 0.3, 1.5, 0.6, 0.6, 0.55, c.white, shadow=False)
        c.glow(x, y, 1.9, 0.55, c.glow_colour, 0.8)
    c.box(1.3, 5.4, 1.15, 1.5, 1.6, 1.3, c.white)
    c.left(1.6, 7.0, 1.5, 0.9, 0.6, c.screen)
    c.cylinder(5.0, 4.9, 1.15, 0.7, 0.7, c.grey)
    c.cylinder(5.0, 4.9, 1.85, 0.45, 0.4, c.main, shadow=False)
    person(c, 5.2, 8.8, c.main)


def massspec(c: Canvas) -> None:
    """A bench instrument with a liquid chromatography tower."""
    setting(c)
    c.box(1.2, 2.2, 0, 7.4, 3.4, 1.1, c.grey)
    for n in range(4):
        c.left(1.5 + n * 1.8, 5.6, 0.2, 1.4, 0.7, c.white)
    c.box(1.0, 2.0, 1.1, 7.8, 3.8, 0.16, c.white, shadow=False)
    for n, colour in enumerate((c.dark, c.white, c.main, c.white)):
        c.box(1.5, 2.6, 1.26 + n * 0.85, 1.9, 2.4, 0.8, colour, shadow=n == 0)
    c.left(1.8, 5.0, 3.1, 1.2, 0.4, c.glow_colour)
    for n, colour in enumerate((c.accent, c.glow_colour, c.main)):
        c.cylinder(1.9 + n * 0.55, 3.4, 4.66, 0.2, 0.55, colour, shadow=False)
        c.cylinder(1.9 + n * 0.55, 3.4, 5.21, 0.1, 0.2, c.dark, shadow=False)
    c.box(3.9, 2.5, 1.26, 3.3, 2.6, 2.3, c.white)
    c.box(3.9, 2.5, 3.56, 3.3, 2.6, 0.25, c.main, shadow=False)
    c.cylinder(4.8, 3.6, 3.81, 0.6, 1.2, c.grey, shadow=False)
    c.left(5.5, 5.1, 1.7, 1.3, 1.3, c.screen)
    for n, h in enumerate((0.3, 0.9, 0.2, 0.55, 0.15)):
        c.line([(5.7 + n * 0.22, 5.1, 1.8), (5.7 + n * 0.22, 5.1, 1.8 + h)], c.accent, 5)
    c.line([(3.4, 4.6, 2.9), (3.65, 5.1, 2.5), (4.0, 5.1, 2.5)], c.accent, 4)
    c.cylinder(4.5, 5.15, 2.2, 0.3, 0.5, c.accent, shadow=False)
    c.box(7.5, 2.7, 1.26, 0.9, 1.4, 1.0, c.dark)
    person(c, 7.0, 7.6, c.accent)
    plant(c, 1.2, 8.4)


def analyser(c: Canvas) -> None:
    """A cabinet that sorts droplets into tubes."""
    setting(c)
    c.box(1.8, 2.0, 0, 6.0, 3.6, 1.0, c.grey)
    c.box(2.0, 2.2, 1.0, 3.6, 3.0, 3.0, c.white)
    c.box(2.0, 2.2, 4.0, 3.6, 3.0, 0.3, c.main, shadow=False)
    c.left(2.4, 5.2, 1.5, 2.8, 2.0, c.screen)
    c.glow(3.8, 5.2, 2.6, 0.9, c.accent)
    for dx, colour in ((-0.8, c.accent), (-0.3, c.glow_colour), (0.3, c.main), (0.8, c.accent)):
        c.line([(3.8, 5.2, 3.3), (3.8 + dx * 0.3, 5.2, 2.5), (3.8 + dx, 5.2, 1.8)], colour, 4)
    c.box(6.0, 2.5, 1.0, 1.5, 2.4, 1.9, c.grey)
    c.right(7.5, 2.8, 1.5, 1.8, 0.9, c.main)
    for n in range(4):
        c.cylinder(3.0 + n * 0.5, 6.6, 0, 0.16, 0.8, (c.accent, c.glow_colour, c.main)[n % 3])
    workstation(c, 5.4, 7.1, 2.4)
    person(c, 8.8, 6.6, c.accent)


SCENES = {
    "cryo-em": cryo_em,
    "microscope": microscope,
    "light-sheet": lightsheet,
    "nmr": nmr,
    "beamline": beamline,
    "endstation": endstation,
    "laser": laser,
    "mass-spec": massspec,
    "analyser": analyser,
}
