"""Types are checked strictly, and each exception says why it is one."""

import re
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IGNORED = re.compile(r"# type: ignore(?P<code>\[[a-z-]+\])?(?P<reason>  # \S.*)?$")
FILES = sorted(
    path.relative_to(ROOT) for name in ("portal", "tools", "bench", "tests") for path in (ROOT / name).rglob("*.py")
)


def unexplained(source: str) -> list[int]:
    """The lines that ignore an error without naming it, or without a reason behind it or in the line above."""
    found, before = [], ""
    for number, line in enumerate(source.splitlines(), 1):
        ignored = IGNORED.search(line)
        if ignored and not (ignored["code"] and (ignored["reason"] or before.lstrip().startswith("# "))):
            found.append(number)
        before = line
    return found


def test_everything_is_checked_strictly():
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    assert settings.getboolean("mypy", "strict")
    assert {"portal", "tools", "bench", "tests", "wsgi.py"} <= set(
        settings["mypy"]["files"].replace(" ", "").split(",")
    )
    assert not [name for name in settings if name.startswith("mypy-") and "ignore_errors" in settings[name]]


def test_what_is_ignored_has_a_reason():
    found = {str(path): unexplained((ROOT / path).read_text(encoding="utf-8")) for path in FILES}
    assert FILES
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_an_ignored_error_without_a_reason_is_found():
    ignore = "# type: ignore"
    source = (
        f"a = b()  {ignore}\n"
        f"a = b()  {ignore}[misc]\n"
        f"a = b()  {ignore}[misc]  # no stubs\n"
        f"# No stubs.\na = b()  {ignore}[misc]\n"
        f"# No stubs.\na = b()  {ignore}\n"
    )
    assert unexplained(source) == [1, 2, 7]
