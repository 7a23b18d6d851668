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
# Read by tools/server.py, which starts the processes.
OF_TOOLS = {"WEB_WORKERS"}
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


def described(page: str) -> list[str]:
    """What is in code quotes in the first cell of each row of the tables of a page."""
    rows = re.findall(r"^\| (`.+?`) \| ", (ROOT / "docs" / page).read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [name for cell in rows for name in re.findall(r"`([^`]+)`", cell)]


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


def commands(group: click.Group, prefix: str = "") -> dict[str, click.Command]:
    """Every command of the portal's own, by its full name."""
    found = {}
    for name, command in group.commands.items():
        full = f"{prefix}{name}"
        found |= commands(command, f"{full} ") if isinstance(command, click.Group) else {full: command}
    return found


def test_the_settings_that_are_described_are_those_there_are():
    described_settings = [name for name in described("settings.md") if re.fullmatch(r"[A-Z_]+", name)]
    expected = {one.name.upper() for one in fields(Settings) if one.name not in NO_VARIABLE} | OF_TOOLS
    assert sorted(described_settings) == sorted(expected)


@pytest.mark.sqlite_only
def test_the_commands_that_are_described_are_those_there_are(worker_app):
    # `db` is Flask-Migrate's group, `run`, `shell` and `routes` are Flask's.
    own = {name: command for name, command in commands(worker_app.cli).items() if not name.startswith("db ")}
    rows = [row for row in described("commands.md") if not row.startswith(("make ", "db "))]
    by_name = {name: row for row in rows for name in own if re.match(rf"{name}(?= [A-Z\[-]|$)", row)}
    assert set(by_name) == set(own)
    assert len(rows) == len(own)
    for name, command in own.items():
        options = {text for one in command.params if isinstance(one, click.Option) for text in one.opts}
        assert set(re.findall(r"--[a-z-]+", by_name[name])) == options, name


def test_the_make_targets_that_are_described_are_those_there_are():
    targets = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    rows = [row.removeprefix("make ") for row in described("commands.md") if row.startswith("make ")]
    assert sorted(rows) == sorted(targets)


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


NAMED_PATH = re.compile(
    r"`((?:bench|deploy|docs|migrations|portal|requirements|static|templates|tests|tools)/[\w./-]*\w/?)`"
)


def test_files_and_folders_that_are_named_exist():
    pages = [page for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")] if page.name != "CHANGELOG.md"]
    named = {(page.name, path) for page in pages for path in NAMED_PATH.findall(page.read_text(encoding="utf-8"))}
    assert len(named) > 50
    assert [it for it in sorted(named) if not (ROOT / it[1]).exists() and not it[1].startswith("static/packed")] == []
