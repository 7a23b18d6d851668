"""The version is declared in portal/__init__.py; what has to repeat it has the same one."""

import json
import re
from pathlib import Path

from portal import __version__
from portal.api.schema import document

ROOT = Path(__file__).resolve().parents[2]


def test_the_front_end_package_has_the_version():
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    assert package["version"] == lock["version"] == lock["packages"][""]["version"] == __version__


def test_the_changelog_has_a_section_for_the_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "\n- " not in text.partition("\n## ")[0], "every line belongs to a version"
    sections = re.findall(r"^## (\S+)$", text, flags=re.MULTILINE)
    numbered = [name for name in sections if name != "Unreleased"]
    assert max(numbered, key=lambda name: [int(part) for part in name.split(".")]) == __version__


def test_the_openapi_document_tells_the_version():
    assert document()["info"]["version"] == __version__
