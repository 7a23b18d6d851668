"""Style, types and tests, as people and CI run them.

    .venv/bin/python -m tools.check lint|test ...

Everything asked for is run even where an earlier part failed, so that one run tells everything; the tests come last.
The tests of the core (rules and services) run first, with their coverage measured: less than the floor in setup.cfg is
a failure. Measuring makes them take nearly twice as long, so the others run without it; so do those of the core on
PostgreSQL, which reach no other lines than on SQLite.

PYTEST_ARGS is passed on to pytest (for example PYTEST_ARGS="-k calendar"); then all tests run at once and unmeasured.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from tools.prepare import ROOT, clean_environ

LINT = [
    ["ruff", "check", "."],
    ["ruff", "format", "--check", "."],
    ["mypy"],
]
PYTEST = ["pytest", "-n", "auto", "--maxprocesses", "4", "--dist", "worksteal"]
CORE = ["tests/domain", "tests/services", "tests/test_policies.py"]
TEST = [
    ["coverage", "erase"],
    ["coverage", "run", "-m", *PYTEST, "--part", "measured", *CORE],
    ["coverage", "combine", "--quiet"],
    ["coverage", "report"],
    [*PYTEST, "--part", "others"],
]


def is_core(path: Path) -> bool:
    """Whether a file of tests, as seen from the root, is one of the core's."""
    return any(path.is_relative_to(it) for it in CORE)


def main() -> None:
    more = shlex.split(os.environ.get("PYTEST_ARGS", ""))
    parts = {"lint": LINT, "test": [[*PYTEST, *more]] if more else TEST}
    commands = [command for part in sys.argv[1:] for command in parts[part]]
    failed = [command for command in commands if not succeeds(command)]
    if failed:
        sys.exit("Failed: " + ", ".join(" ".join(command[:2]) for command in failed))


def succeeds(command: list[str]) -> bool:
    print("$", shlex.join(command), flush=True)
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, env=clean_environ(), check=False).returncode == 0


if __name__ == "__main__":
    main()
