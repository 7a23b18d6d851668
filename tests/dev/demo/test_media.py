"""The pictures of the demo are small, well-formed, harmless and different from each other."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from portal.dev.demo import content

SVG = "{http://www.w3.org/2000/svg}"
SHAPES = {"svg", "defs", "linearGradient", "radialGradient", "stop", "path", "rect", "circle", "ellipse", "g"}
PICTURES = {file.name: file.data for file in content.media() if file.content_type == "image/svg+xml"}


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


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_is_small_and_harmless(name):
    check(PICTURES[name])
    assert len(PICTURES[name]) < 9_500


def test_the_check_can_fail():
    picture = PICTURES["nmr-800.svg"]
    for harm in (
        b"<script>1</script></svg>",
        b'<image href="https://example.org/x.png"/></svg>',
        b"<text>Hi</text></svg>",
    ):
        with pytest.raises(AssertionError):
            check(picture.replace(b"</svg>", harm))
    with pytest.raises(AssertionError):
        check(picture.replace(b'fill="url(#g0)"', b'fill="url(#missing)"'))


def test_pictures_differ_from_each_other():
    assert len(PICTURES) > 80
    assert len(set(PICTURES.values())) == len(PICTURES)
