"""A test that expects an error names the one error that it expects."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def vague(source: str) -> Iterator[int]:
    """The lines that expect any of several errors, or any error at all."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "raises":
            expected = node.args[0]
            if isinstance(expected, ast.Tuple) or ast.unparse(expected) in ("Exception", "BaseException"):
                yield node.lineno


def test_every_expected_error_is_one():
    found = {
        f"{path.relative_to(ROOT)}:{line}"
        for path in (ROOT / "tests").rglob("*.py")
        for line in vague(path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_vague_expectations_are_found():
    source = "pytest.raises((A, B))\npytest.raises(A)\npytest.raises(Exception, match='x')\npytest.raises(wanted)\n"
    assert list(vague(source)) == [1, 3]
