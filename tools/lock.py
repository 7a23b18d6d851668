"""Pin and hash everything that the project installs, from requirements/*.in and package.json.

    .venv/bin/python -m tools.lock [--upgrade]

Names no registry in any of the files: whoever installs uses the registries of their own configuration.
"""

import subprocess
import sys
from pathlib import Path

from tools.assets import npm_from_wheel, npm_on_path
from tools.prepare import CLIENT_VERSIONS, ROOT, SetUpFailed, clean_environ, run_or_fail

REQUIREMENTS = Path("requirements")


def main() -> None:
    upgrade = [option for option in sys.argv[1:] if option == "--upgrade"]
    try:
        compile_requirements(["base.in"], "base.txt", upgrade)
        compile_requirements(["base.in", "dev.in"], "dev.txt", upgrade)
        compile_requirements(["node.in"], "node.txt", upgrade)
        for version in CLIENT_VERSIONS:
            compile_requirements([f"client-{version}.in"], f"client-{version}.txt", upgrade)
        options = [
            "--package-lock-only",
            "--ignore-scripts",
            "--omit-lockfile-registry-resolved",
            "--no-audit",
            "--no-fund",
        ]
        npm = npm_on_path() or npm_from_wheel()
        run_or_fail([*npm, "install", *options], clean_environ(), "package-lock.json cannot be written")
    except (SetUpFailed, subprocess.SubprocessError) as failure:
        sys.exit(str(failure))


def compile_requirements(sources: list[str], target: str, upgrade: list[str]) -> None:
    """Write one locked file that holds on every system and every Python from 3.11."""
    options = [
        "--universal",
        "--python-version",
        "3.11",
        "--generate-hashes",
        "--no-header",
        "--no-annotate",
        "--quiet",
    ]
    files = [str(REQUIREMENTS / source) for source in sources]
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "compile",
        *options,
        *upgrade,
        *files,
        "-o",
        str(REQUIREMENTS / target),
    ]
    status = subprocess.run(command, cwd=ROOT, env=clean_environ(), check=False).returncode
    if status:
        raise SetUpFailed(f"requirements/{target} cannot be resolved (see above).")


if __name__ == "__main__":
    main()
