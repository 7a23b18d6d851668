"""The documentation names every setting and every command, and no file names a place of one machine."""

import re
import subprocess
from dataclasses import fields
from pathlib import Path

import click
import pytest

from portal.config import Settings
from tools.check import LINT

ROOT = Path(__file__).resolve().parents[2]
# Not an environment variable.
NO_VARIABLE = {"from_demo_env"}
# Split, so that this file does not match.
FORBIDDEN = {
    "the address of a package registry": re.compile(
        "registry" + r"\.npmjs|files\.python" + "hosted|pypi" + r"\.org/simple"
    ),
    "a folder of one machine": re.compile(r"/work" + r"/(main|shared)|/root" + r"/|/tmp/" + "brief"),
}
TEXT = {
    ".py",
    ".md",
    ".txt",
    ".in",
    ".toml",
    ".cfg",
    ".json",
    ".html",
    ".css",
    ".js",
    ".yml",
    ".sh",
    ".mako",
    ".ini",
    "",
}


def documentation() -> str:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return "\n".join(page.read_text(encoding="utf-8") for page in pages if page.exists())


def tracked_files() -> list[Path]:
    """Tracked and new files that are not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in found if path.suffix in TEXT and path.is_file()]


def commands(group: click.Group, prefix: str = "") -> list[str]:
    """Every command of the portal's own, by its full name."""
    names = []
    for name, command in group.commands.items():
        full = f"{prefix}{name}"
        names += commands(command, f"{full} ") if isinstance(command, click.Group) else [full]
    return names


@pytest.mark.parametrize("setting", [one.name.upper() for one in fields(Settings) if one.name not in NO_VARIABLE])
def test_every_setting_is_documented(setting):
    assert re.search(rf"\b{setting}\b", documentation()), f"docs/ does not say what {setting} does"


@pytest.mark.sqlite_only
def test_every_command_is_documented(worker_app):
    # `db` is Flask-Migrate's group, documented there.
    own = [name for name in commands(worker_app.cli) if not name.startswith("db ")]
    text = documentation()
    missing = [name for name in own if name not in text]
    assert not missing, f"docs/ does not name these commands: {missing}"


def test_every_make_target_is_documented():
    targets = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = documentation()
    missing = [target for target in targets if f"make {target}" not in text]
    assert not missing, f"docs/ and README.md do not name: {missing}"


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_names_a_place_of_one_machine(what):
    found = []
    for path in tracked_files():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if FORBIDDEN[what].search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}")
    assert not found, f"{what}: {found}"


def test_hooks_before_a_commit_run_what_lint_runs():
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    entries = re.findall(r"^ +entry: \.venv/bin/python -m (.+)$", hooks, flags=re.MULTILINE)
    # A hook gets the changed files in place of ".".
    assert entries == [" ".join(command).removesuffix(" .").replace(" . ", " ") for command in LINT]
