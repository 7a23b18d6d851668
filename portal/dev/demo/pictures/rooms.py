"""Scenes of rooms: where people meet, learn, watch and record."""

from __future__ import annotations

from portal.dev.demo.pictures.canvas import Canvas
from portal.dev.demo.pictures.furniture import (
    SKIN,
    chair,
    desk,
    display,
    person,
    plant,
    setting,
    wall,
    window,
    workstation,
)
from portal.dev.demo.pictures.palettes import mix


def meeting(c: Canvas) -> None:
    """A table for six in front of a screen."""
    setting(c)
    wall(c, mix(c.palette.slab, "#ffffff", 0.3), 3.0)
    window(c, 1.2, 2.6, side="l")
    window(c, 4.6, 2.6, side="l")
    display(c, 2.8, 0.25, 0.9, 3.6, 1.7)
    c.floor(2.0, 2.4, 6.2, 5.4, c.main, 0.22)
    for n in range(3):
        chair(c, 3.3 + n * 1.6, 3.0, c.accent, "n")
    person(c, 4.9, 3.0, c.main, 0.45, sitting=True)
    desk(c, 2.5, 3.5, 4.8, 2.6, mix("#e0b88a", c.palette.slab, 0.25), 1.0)
    c.box(3.2, 4.9, 1.04, 0.9, 0.6, 0.06, c.dark, shadow=False)
    c.floor(5.4, 4.2, 0.7, 0.5, c.white, z=1.04)
    c.cylinder(6.6, 5.0, 1.02, 0.13, 0.3, c.accent, shadow=False)
    for n in range(3):
        chair(c, 3.3 + n * 1.6, 6.8, c.main)
    person(c, 6.5, 6.8, c.accent, 0.45, sitting=True)
    plant(c, 8.9, 1.2, size=1.3)


def training(c: Canvas) -> None:
    """Rows of desks with laptops, a teacher at the board."""
    setting(c)
    wall(c, mix(c.palette.slab, "#ffffff", 0.3), 3.2)
    c.left(2.0, 0.23, 1.0, 5.6, 2.1, c.white)
    c.line([(2.6, 0.24, 1.6), (3.4, 0.24, 2.5), (4.2, 0.24, 1.9), (5.2, 0.24, 2.7)], c.accent, 5)
    c.line([(5.8, 0.24, 2.4), (7.1, 0.24, 2.4)], c.main, 5)
    c.line([(5.8, 0.24, 2.0), (6.7, 0.24, 2.0)], c.grey, 5)
    window(c, 2.2, 2.2, side="l")
    window(c, 5.6, 2.2, side="l")
    person(c, 1.4, 1.6, c.accent)
    for row in range(3):
        y = 2.9 + row * 2.1
        for col in range(2):
            x = 1.4 + col * 3.9
            desk(c, x, y, 3.2, 0.9, mix("#e0b88a", c.palette.slab, 0.3))
            for seat in (0.8, 2.3):
                c.left(x + seat - 0.3, y + 0.35, 0.87, 0.65, 0.45, c.main)
                if c.random.random() < 0.6:
                    person(c, x + seat, y + 1.35, (c.accent, c.main, c.white)[c.random.randrange(3)], 0.3, sitting=True)
                else:
                    chair(c, x + seat, y + 1.35, c.grey)
    plant(c, 9.2, 1.0)


def lecture(c: Canvas) -> None:
    """Rising rows of seats before a stage with a large screen."""
    setting(c)
    wall(c, mix(c.main, c.palette.deep, 0.35), 3.5, "r")
    c.left(2.2, 0.24, 0.8, 5.6, 2.4, c.white)
    c.left(2.4, 0.25, 0.95, 5.2, 2.1, c.screen)
    c.glow(5.0, 0.3, 2.0, 2.3, c.glow_colour, 0.5)
    for n, r in enumerate((0.85, 0.55, 0.25)):
        x, y = c.at(5.0, 0.3, 2.0)
        c.raw(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r * c.unit:.0f}" fill="{(c.main, c.accent, c.glow_colour)[n]}"/>')
    c.box(1.0, 0.4, 0, 8.0, 2.0, 0.3, mix("#d9ab7c", c.palette.slab, 0.2), shadow=False)
    c.box(7.4, 1.0, 0.3, 0.7, 0.6, 1.0, c.accent)
    person(c, 6.6, 1.4, c.white, 0.3)
    for row in range(4):
        y, z = 3.6 + row * 1.5, row * 0.32
        c.box(0.8, y, 0, 8.4, 1.5, 0.25 + z, mix(c.palette.slab, c.palette.deep, 0.08), shadow=False)
        seats = [1.25 + seat * 1.33 for seat in range(6)]
        top, left, right = c.shades(c.accent)
        for x in seats:
            if c.random.random() < 0.45:
                c.spot(x + 0.44, y + 0.45, 1.2 + z, 0.2, SKIN[c.random.randrange(len(SKIN))])
        for x in seats:
            c.left(x, y + 0.8, 0.25 + z, 0.9, 0.72, left)
        for x in seats:
            c.right(x + 0.9, y + 0.5, 0.25 + z, 0.3, 0.72, right)
        for x in seats:
            c.floor(x, y + 0.5, 0.9, 0.3, top, z=0.97 + z)


def console(c: Canvas) -> None:
    """A control room: a wall of screens above a curved desk."""
    setting(c)
    wall(c, mix(c.palette.deep, c.main, 0.4), 3.2)
    for n in range(3):
        display(c, 1.2 + n * 2.85, 0.26, 0.9, 2.5, 1.7)
    for n in range(3):
        display(c, 0.26, 1.2 + n * 2.85, 0.9, 2.5, 1.7, "right")
    workstation(c, 2.2, 3.6, 3.0)
    workstation(c, 5.9, 3.6, 3.0)
    person(c, 3.6, 5.6, c.accent, 0.3, sitting=True)
    person(c, 7.3, 5.6, c.main, 0.3, sitting=True)
    person(c, 5.0, 8.2, c.white)


def studio(c: Canvas) -> None:
    """A padded room with two microphones."""
    setting(c)
    wall(c, mix(c.main, c.palette.deep, 0.4), 3.1)
    for i in range(4):
        for j in range(2):
            tone = (mix(c.main, c.palette.deep, 0.2), c.main)[(i + j) % 2]
            c.left(1.0 + i * 2.15, 0.24, 0.4 + j * 1.3, 1.9, 1.1, tone)
            c.right(0.24, 1.0 + i * 2.15, 0.4 + j * 1.3, 1.9, 1.1, tone)
    c.disc(5, 5, 0, 3.0, c.accent, 0.25)
    c.cylinder(5, 5, 0, 0.3, 0.9, c.dark)
    c.cylinder(5, 5, 0.9, 1.8, 0.18, mix("#e0b88a", c.palette.slab, 0.2))
    for x, y in ((4.1, 5.2), (5.4, 4.3)):
        c.line([(x + 0.5, y, 1.1), (x, y, 1.9), (x + 0.2, y + 0.2, 2.4)], c.dark, 6)
        c.cylinder(x + 0.2, y + 0.2, 2.3, 0.2, 0.55, c.grey, top=0.24, shadow=False)
        c.ball(x + 0.2, y + 0.2, 2.95, 0.26, c.accent)
    person(c, 2.3, 5.4, c.accent)
    person(c, 6.2, 7.4, c.white)
    c.left(7.2, 0.25, 2.6, 1.6, 0.35, c.glow_colour)


def vr(c: Canvas) -> None:
    """A headset as large as a house, and the world it shows."""
    setting(c)
    wall(c, mix(c.palette.deep, c.main, 0.35), 3.3)
    for n in range(5):
        tone = mix(c.glow_colour, c.accent, n / 4)
        c.line([(0.24, 1 + n * 2, 0.2), (0.24, 1 + n * 2, 3.1)], tone, 3, 0.5)
        c.line([(1 + n * 2, 0.24, 0.2), (1 + n * 2, 0.24, 3.1)], tone, 3, 0.5)
    for n in range(3):
        c.line([(0.24, 9.7, 0.6 + n * 1.0), (0.24, 0.24, 0.6 + n * 1.0), (9.7, 0.24, 0.6 + n * 1.0)], c.accent, 3, 0.5)
    c.hoop(5, 5, 0.02, 2.9, c.accent, 5, 0.7)
    c.disc(5, 5, 0.02, 2.5, c.accent, 0.15)
    c.line([(2.9, 5.8, 2.7), (2.9, 3.2, 2.9), (6.6, 3.2, 2.9)], c.dark, 26)
    c.glow(4.8, 5.6, 2.4, 2.8, c.glow_colour, 0.5)
    c.box(2.7, 4.6, 1.6, 4.2, 1.7, 1.9, c.white, shadow=False)
    c.left(2.95, 6.3, 1.85, 3.7, 1.4, c.screen)
    c.left(3.15, 6.3, 2.05, 1.45, 1.0, c.main)
    c.left(5.0, 6.3, 2.05, 1.45, 1.0, c.accent)
    c.left(3.3, 6.3, 2.5, 0.5, 0.4, "#ffffff", 0.45)
    c.left(5.15, 6.3, 2.5, 0.5, 0.4, "#ffffff", 0.45)
    c.box(7.6, 2.2, 1.3, 0.8, 0.8, 0.8, c.accent, shadow=False)
    c.ball(2.0, 7.4, 1.4, 0.5, c.main)
    person(c, 7.8, 7.8, c.accent)


SCENES = {
    "meeting": meeting,
    "training": training,
    "lecture": lecture,
    "vr": vr,
    "studio": studio,
    "console": console,
}
