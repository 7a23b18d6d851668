"""Numbers are typed into text fields: a browser drops what it cannot read from `type="number"` (12,50 becomes 1250)."""

import re
from pathlib import Path

import portal

TEMPLATES = Path(portal.__file__).parents[1] / "templates"


def test_no_form_has_a_number_field():
    sources = {path: path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*.html")}
    assert len(sources) > 20
    pattern = re.compile(r"""type\s*[=:]\s*["']?(number|range)""")
    assert [str(path) for path, text in sources.items() if pattern.search(text)] == []
