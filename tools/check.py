"""Style, types and tests, as people and CI run them.

    .venv/bin/python -m tools.check lint|test ...

Everything asked for is run even where an earlier part failed, so that one run tells everything; the tests come last.
PYTEST_ARGS is passed on to pytest (for example PYTEST_ARGS="-k calendar").
"""

import os
import shlex
import subprocess
import sys

from tools.prepare import ROOT, clean_environ

LINT = [
    ["ruff", "check", "."],
    ["ruff", "format", "--check", "."],
    ["mypy"],
]
TEST = [["pytest", "-n", "auto", "--maxprocesses", "4", "--dist", "worksteal"]]


def main() -> None:
    commands = [command for part in sys.argv[1:] for command in {"lint": LINT, "test": TEST}[part]]
    failed = [command for command in commands if not succeeds(command)]
    if failed:
        sys.exit("Failed: " + ", ".join(" ".join(command[:2]) for command in failed))


def succeeds(command: list[str]) -> bool:
    more = shlex.split(os.environ.get("PYTEST_ARGS", "")) if command[0] == "pytest" else []
    print("$", shlex.join([*command, *more]), flush=True)
    return (
        subprocess.run([sys.executable, "-m", *command, *more], cwd=ROOT, env=clean_environ(), check=False).returncode
        == 0
    )


if __name__ == "__main__":
    main()
