"""A class name means one thing in the whole code base, so that a search for it leads to one definition."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Still to be renamed: remove a name here once only one class has it. Nothing is added.
DUPLICATES = {"Answer", "Row"}


def test_class_names_are_unique():
    places = defaultdict(set)
    for folder in ("portal", "tools", "bench"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    places[node.name].add(f"{path.relative_to(ROOT)}:{node.lineno}")
    repeated = {name: sorted(found) for name, found in places.items() if len(found) > 1}
    assert {name: found for name, found in repeated.items() if name not in DUPLICATES} == {}
    assert set(repeated) >= DUPLICATES, f"unique by now, remove: {DUPLICATES - set(repeated)}"
