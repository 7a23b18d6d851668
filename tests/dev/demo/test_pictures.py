"""The drawn pictures are small, well-formed, harmless, and always the same."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from portal.dev.demo.content import media
from portal.dev.demo.pictures import KINDS, PALETTES, draw, thumbnail

SVG = "{http://www.w3.org/2000/svg}"
SHAPES = {"svg", "defs", "linearGradient", "radialGradient", "stop", "path", "rect", "circle", "ellipse", "g"}


def check(data: bytes) -> None:
    """Raises AssertionError for a picture that could carry more than a picture."""
    root = ET.fromstring(data)
    assert root.tag == f"{SVG}svg"
    assert root.get("viewBox") == "0 0 1200 675"
    used = set()
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in SHAPES
        assert not (element.text or "").strip()
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert "href" not in name
            assert name != "style"
            assert "//" not in value
            assert "nan" not in value
            assert "inf" not in value
            used |= set(re.findall(r"url\((.*?)\)", value))
    assert used <= {f"#{element.get('id')}" for element in root.iter() if element.get("id")}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_small_harmless_picture(kind: str) -> None:
    for palette in PALETTES:
        for close in (False, True):
            data = draw(kind, f"{palette}/x", close)
            check(data)
            assert len(data) < 9_500
    assert thumbnail(kind, "nano/x") == draw(kind, "nano/x")


def test_the_check_can_fail() -> None:
    picture = draw("nmr", "biology/x")
    for harm in (
        b"<script>1</script></svg>",
        b'<image href="https://example.org/x.png"/></svg>',
        b"<text>Hi</text></svg>",
    ):
        with pytest.raises(AssertionError):
            check(picture.replace(b"</svg>", harm))
    with pytest.raises(AssertionError):
        check(picture.replace(b'fill="url(#g0)"', b'fill="url(#missing)"'))


def test_the_seed_decides_and_nothing_else() -> None:
    assert draw("meeting", "campus/a") == draw("meeting", "campus/a")
    assert draw("meeting", "campus/a") != draw("meeting", "campus/b")
    assert draw("meeting", "campus/a") != draw("meeting", "photon/a")
    assert draw("meeting", "somebody else") == draw("meeting", "somebody else")


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(KeyError):
        draw("teapot", "campus/x")


def test_pictures_of_the_demo_differ_from_each_other() -> None:
    pictures = [one.data for one in media() if one.content_type == "image/svg+xml"]
    assert len(pictures) > 80
    assert len(set(pictures)) == len(pictures)
    for data in pictures:
        check(data)
