"""Things several scenes share: the setting itself, people, plants, desks, screens and racks."""

from __future__ import annotations

from portal.dev.demo.pictures.canvas import HEIGHT, WIDTH, Canvas
from portal.dev.demo.pictures.palettes import mix

SKIN = ("#f2c6a5", "#d9a07a", "#9a6a4c", "#f0b892")


def setting(c: Canvas, slab: str | None = None, grid: bool = True, dawn: bool = False) -> None:
    """Background with a soft sun, and the slab that carries the scene."""
    p = c.palette
    sky = c.gradient("down", [(0, p.sky_light, 1), (1, p.sky, 1)], 'x1=".2" y1="0"' if not p.night else "")
    if p.night:
        sky = c.gradient("down", [(0, p.sky, 1), (0.6, mix(p.sky, p.sky_light, 0.75), 1), (1, "#b0688f", 1)])
    if dawn:
        sky = c.gradient("down", [(0, "#5d6fc9", 1), (0.55, "#f3a98f", 1), (1, "#ffd9a0", 1)])
    c.raw(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{sky}"/>')
    if dawn:
        c.glow(-1.5, 3.0, 2.2, 7, "#fff3d0", 0.85)
        c.spot(-1.5, 3.0, 2.2, 0.9, "#fff3d0")
    elif p.night:
        stars(c)
    else:
        light = mix(p.sky_light, "#ffffff", 0.6)
        halo = c.gradient("radial", [(0, light, 1), (0.62, light, 0.85), (1, light, 0)])
        c.raw(f'<circle cx="600" cy="270" r="430" fill="{halo}"/>')
    under = c.gradient("radial", [(0, p.deep, 0.5), (0.55, p.deep, 0.22), (1, p.deep, 0)])
    cx, cy = c.at(5.2, 5.2, -1.5)
    c.raw(f'<ellipse cx="{cx:.0f}" cy="{cy:.0f}" rx="{10.2 * c.unit:.0f}" ry="{5.2 * c.unit:.0f}" fill="{under}"/>')
    colour = slab or p.slab
    c.box(0, 0, -0.42, 10, 10, 0.42, colour, shadow=False)
    c.floor(0.28, 0.28, 9.44, 9.44, mix(mix(colour, "#ffffff", 0.34), colour, 0.45))
    if grid:
        tone = mix(colour, "#ffffff", 0.7) if not p.night else mix(colour, "#ffffff", 0.22)
        for at in (2.64, 5, 7.36):
            c.line([(at, 0.28, 0), (at, 9.72, 0)], tone, 2)
            c.line([(0.28, at, 0), (9.72, at, 0)], tone, 2)


def stars(c: Canvas) -> None:
    """A night sky; the places follow from the seed."""
    for size, many in ((1.2, 26), (2, 12), (3, 4)):
        d = "".join(f"M{c.random.randint(10, 1190)} {c.random.randint(8, 380)}h0" for _ in range(many))
        c.raw(f'<path stroke="#fff" stroke-linecap="round" stroke-width="{size * 1.7:g}" opacity=".8" d="{d}"/>')


def person(c: Canvas, x: float, y: float, colour: str, z: float = 0, sitting: bool = False) -> None:
    """Somebody, standing or sitting, for scale."""
    skin = SKIN[c.random.randrange(len(SKIN))]
    tall = 0.78 if sitting else 1.15
    if not sitting:
        c.disc(x + 0.14, y - 0.06, z, 0.27, c.palette.deep, 0.18)
    _, light, dark = c.shades(colour)
    (cx, low), (_, high) = c.at(x, y, z), c.at(x, y, z + tall)
    wide, neck = 0.27 * c.unit, 0.17 * c.unit
    for fill, right in ((light, wide), (dark, wide * 0.96)):
        start = -wide if fill == light else wide * 0.2
        edge = start if start > 0 else -neck
        d = f"M{cx + start:.0f} {low:.0f}Q{cx:.0f} {low + wide * 0.7:.0f} {cx + right:.0f} {low:.0f}"
        d += f"L{cx + neck:.0f} {high:.0f}Q{cx:.0f} {high - neck:.0f} {cx + edge:.0f} {high:.0f}z"
        c.raw(f'<path fill="{fill}" d="{d}"/>')
    c.spot(x, y, z + tall + 0.22, 0.22, skin)


def plant(c: Canvas, x: float, y: float, z: float = 0, size: float = 1) -> None:
    """A pot plant."""
    green = mix("#3fa66a", c.palette.deep, 0.12)
    c.cylinder(x, y, z, 0.2 * size, 0.42 * size, c.white, top=0.26 * size, shadow=z == 0)
    for dx, dz, r, tone in (
        (-0.2, 0.75, 0.28, 0.2),
        (0.2, 0.8, 0.27, 0.32),
        (0, 1.1, 0.32, 0.0),
        (-0.08, 1.18, 0.18, -1),
    ):
        fill = mix(green, c.palette.deep, tone) if tone >= 0 else mix(green, "#ffffff", 0.28)
        c.spot(x + dx * size, y - dx * size, z + dz * size, r * size, fill)


def display(c: Canvas, x: float, y: float, z: float, w: float, h: float, face: str = "left") -> None:
    """A screen with a picture on it: bars, a curve or blocks, as the seed falls."""
    back = c.screen
    if face == "left":
        c.box(x, y, z, w, 0.1, h, c.dark, shadow=False)
        c.left(x + 0.06, y + 0.1, z + 0.06, w - 0.12, h - 0.12, back)
    else:
        c.box(x, y, z, 0.1, w, h, c.dark, shadow=False)
        c.right(x + 0.1, y + 0.06, z + 0.06, w - 0.12, h - 0.12, back)

    def spot(u: float, v: float) -> tuple[float, float, float]:
        across, up = 0.12 + u * (w - 0.24), 0.1 + v * (h - 0.2)
        return (x + across, y + 0.1, z + up) if face == "left" else (x + 0.1, y + w - across, z + up)

    bright = mix(c.accent, "#ffffff", 0.15)
    if c.random.random() < 0.5:
        heights = [c.random.uniform(0.15, 0.9) for _ in range(7)]
        c.line([spot(n / 6, v) for n, v in enumerate(heights)], bright, 3)
        c.line([spot(0, 0.06), spot(1, 0.06)], mix(back, "#ffffff", 0.4), 2)
    else:
        for n in (0, 2, 1, 3):
            c.line([spot(n / 3, 0.05), spot(n / 3, c.random.uniform(0.3, 0.95))], bright if n % 2 else c.glow_colour, 7)


def desk(c: Canvas, x: float, y: float, w: float, d: float, colour: str | None = None, h: float = 0.85) -> None:
    """A table top on four legs."""
    c.floor(x + 0.15, y - 0.1, w, d, c.palette.deep, 0.14)
    for lx, ly in ((x + 0.08, y + d - 0.12), (x + w - 0.12, y + d - 0.12), (x + w - 0.12, y + 0.08)):
        c.line([(lx, ly, 0), (lx, ly, h - 0.05)], c.dark, 5)
    c.box(x, y, h - 0.12, w, d, 0.14, colour or c.white, shadow=False)


def workstation(c: Canvas, x: float, y: float, w: float = 2.2) -> None:
    """A desk with two screens and a keyboard, seen from the user's side."""
    desk(c, x, y, w, 1.1)
    display(c, x + 0.1, y + 0.25, 1.0, w / 2 - 0.15, 0.75)
    display(c, x + w / 2 + 0.05, y + 0.25, 1.0, w / 2 - 0.15, 0.75)
    c.floor(x + w / 2 - 0.4, y + 0.7, 0.8, 0.26, c.grey, z=0.88)


def chair(c: Canvas, x: float, y: float, colour: str, back: str = "") -> None:
    """A chair; `back` is the side of its back rest: n, w or nothing."""
    c.cylinder(x, y, 0, 0.07, 0.4, c.dark, shadow=False)
    if back == "n":
        c.box(x - 0.24, y - 0.3, 0.4, 0.5, 0.1, 0.7, colour, shadow=False)
    if back == "w":
        c.box(x - 0.3, y - 0.24, 0.4, 0.1, 0.5, 0.7, colour, shadow=False)
    c.cylinder(x, y, 0.4, 0.27, 0.12, colour, shadow=False)


def rack(c: Canvas, x: float, y: float, w: float = 1.5, d: float = 1.6, h: float = 4.0, units: int = 8) -> None:
    """A server rack, its front with lights to the lower left."""
    c.box(x, y, 0, w, d, h, c.dark)
    step = (h - 0.4) / units
    front = y + d
    c.left(x + 0.12, front, 0.2, w - 0.24, h - 0.4, c.screen)
    heights = [0.2 + (n + 0.5) * step for n in range(units)]
    lit = {n for n in range(units) if c.random.random() < 0.4}
    for z in heights:
        c.line([(x + 0.3, front, z), (x + w * 0.62, front, z)], mix(c.main, c.screen, 0.35), 6)
    for colour, chosen in ((c.accent, lit), (c.glow_colour, set(range(units)) - lit)):
        for n in sorted(chosen):
            c.line([(x + w - 0.32, front, heights[n])] * 2, colour, 7)


def wall(c: Canvas, colour: str, h: float = 3.4, sides: str = "lr", thick: float = 0.22) -> None:
    """The two back walls of a room: `l` along the upper left edge, `r` along the upper right edge."""
    top, left, right = c.shades(colour)
    if "l" in sides:
        c.right(thick, 0, 0, 10, h, c.gradient("down", [(0, left, 1), (1, right, 1)]))
        c.floor(0, 0, thick, 10, top, z=h)
        c.left(0, 10, 0, thick, h, left)
    if "r" in sides:
        c.left(thick if "l" in sides else 0, thick, 0, 10 - thick, h, c.gradient("down", [(0, top, 1), (1, left, 1)]))
        c.floor(0, 0, 10, thick, mix(top, "#ffffff", 0.4), z=h)
        c.right(10, 0, 0, thick, h, right)


def window(c: Canvas, at: float, width: float, z: float = 1.2, h: float = 1.6, side: str = "r") -> None:
    """A window in a back wall, with a slanting reflection."""
    glass = mix(c.palette.sky, "#ffffff", 0.45)
    draw = (
        (lambda a, w, o, f: c.left(a, 0.23, z, w, h, f, o))
        if side == "r"
        else (lambda a, w, o, f: c.right(0.23, a, z, w, h, f, o))
    )
    draw(at, width, 1, glass)
    draw(at + width * 0.12, width * 0.22, 0.5, "#ffffff")
    draw(at + width * 0.44, width * 0.1, 0.4, "#ffffff")
