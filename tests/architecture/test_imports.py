"""Packages are layers: imports point down, Flask is imported by views only, Google's libraries by its provider only."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# The pure modules of the calendar sync: values and rules, like those of portal.domain.
CALENDAR_VALUES = frozenset(
    {
        "portal.calendar_sync.errors",
        "portal.calendar_sync.freshness",
        "portal.calendar_sync.plan",
        "portal.calendar_sync.provider",
        "portal.calendar_sync.providers",
        "portal.calendar_sync.states",
    }
)
GOOGLE_SCOPES = "portal.calendar_sync.providers.google.scopes"
LEAVES = frozenset({"portal.domain", "portal.errors"}) | CALENDAR_VALUES
BASE = LEAVES | {"portal.config", "portal.models", "portal.secretbox", "portal.logs"}
READS = BASE | {f"portal.{name}" for name in ("schema", "extensions", "policies", "audit", "queries", "documents")}
WRITES = READS | {"portal.services", "portal.transfer"}
ENTRY_POINTS = WRITES | {"portal.localization", "portal.calendar_sync", "portal.worker", "portal.mail"}

# A package, or a module of a package, and what it may import (itself always). A new package fails the test until it is
# added here.
MAY_IMPORT: dict[str, frozenset[str]] = {
    "portal.errors": frozenset(),
    "portal.domain": frozenset({"portal.errors"}),
    "portal.logs": frozenset(),
    "portal.deferred": frozenset(),
    "portal.after_response": frozenset(),
    "portal.secretbox": LEAVES,
    "portal.config": LEAVES,
    "portal.models": LEAVES,
    "portal.extensions": BASE,
    "portal.pseudo_locales": frozenset(),
    "portal.localization": LEAVES | {"portal.pseudo_locales"},
    "portal.policies": BASE | {"portal.extensions"},
    "portal.audit": BASE | {"portal.extensions", "portal.policies"},
    "portal.request_ids": frozenset(),
    "portal.schema": LEAVES,
    "portal.documents": BASE | {"portal.schema", "portal.extensions", "portal.policies"},
    "portal.queries": BASE | {"portal.schema", "portal.extensions", "portal.policies", "portal.documents"},
    "portal.services": READS,
    "portal.transfer": READS | {"portal.services"},
    "portal.calendar_sync": WRITES,
    "portal.calendar_sync.errors": frozenset({"portal.domain"}),
    "portal.calendar_sync.freshness": frozenset({"portal.domain"}),
    "portal.calendar_sync.plan": frozenset({"portal.domain"}),
    "portal.calendar_sync.provider": frozenset({"portal.calendar_sync.errors", "portal.calendar_sync.plan"}),
    "portal.calendar_sync.providers": frozenset({GOOGLE_SCOPES}),
    "portal.calendar_sync.providers.google": WRITES | {"portal.calendar_sync", GOOGLE_SCOPES},
    GOOGLE_SCOPES: frozenset({"portal.calendar_sync.provider"}),
    "portal.calendar_sync.states": frozenset({"portal.errors"}),
    "portal.mail": WRITES | {"portal.localization"},
    "portal.worker": WRITES | {"portal.calendar_sync", "portal.mail"},
    "portal.cli": ENTRY_POINTS,
    "portal.compression": BASE | {"portal.extensions"},
    "portal.web": ENTRY_POINTS | {"portal.after_response"},
    "portal.api": ENTRY_POINTS | {"portal.after_response"},
    # No other package may import it: production never loads it.
    "portal.dev": ENTRY_POINTS | {GOOGLE_SCOPES},
    "portal.asgi": frozenset(),
    "portal.early_refusals": frozenset({"portal.asgi", "portal.domain"}),
    "portal.response_headers": LEAVES | {"portal.config"},
    "portal.app": ENTRY_POINTS
    | {"portal.web", "portal.api", "portal.cli", "portal.compression", "portal.request_ids", "portal.deferred"}
    | {"portal.asgi", "portal.early_refusals", "portal.response_headers"},
}
FLASK = ("flask", "flask_login", "flask_migrate", "flask_sqlalchemy", "flask_wtf", "werkzeug", "wtforms", "jinja2")
WITH_FLASK = (
    "portal.localization",
    "portal.after_response",
    "portal.app",
    "portal.extensions",
    "portal.mail",
    "portal.compression",
    "portal.web",
    "portal.api",
    "portal.cli",
    "portal.dev",
)
GOOGLE = ("google", "googleapiclient", "google_auth_oauthlib", "google_auth_httplib2", "httplib2", "oauthlib")
WITHOUT_OUTSIDE = ("flask", "sqlalchemy", "requests", "socket", "http", "urllib.request", "huey", "redis", "psycopg")
FILES = sorted(path.relative_to(ROOT) for path in (ROOT / "portal").rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def package_of(module: str) -> str:
    """The entry of MAY_IMPORT that a module belongs to: the most specific one, else the package below `portal`."""
    parts = module.split(".")
    for length in range(len(parts), 2, -1):
        if (name := ".".join(parts[:length])) in MAY_IMPORT:
            return name
    return ".".join(parts[:2])


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """The full names that a file imports, wherever in it, with their lines."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            # `from portal import policies` means portal.policies. The version is in portal/__init__.py itself.
            if module == "portal":
                for alias in node.names:
                    yield "portal" if alias.name == "__version__" else f"portal.{alias.name}", node.lineno
            else:
                yield module, node.lineno


def is_below(name: str, roots: tuple[str, ...]) -> bool:
    return any(name == root or name.startswith(f"{root}.") for root in roots)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_point_down(path):
    here = package_of(module_name(path))
    if here == "portal":
        assert not list(imported(path)), "portal/__init__.py imports nothing: portal.domain loads nothing else"
        return
    assert here in MAY_IMPORT, f"add {here} to MAY_IMPORT"
    wrong = [
        f"{path}:{line} imports {name}"
        for name, line in imported(path)
        if name.startswith("portal.") and package_of(name) != here and package_of(name) not in MAY_IMPORT[here]
    ]
    assert not wrong, wrong


@pytest.mark.parametrize("path", FILES, ids=str)
def test_only_views_and_extensions_import_flask(path):
    if is_below(module_name(path), WITH_FLASK):
        return
    wrong = [f"{path}:{line} imports {name}" for name, line in imported(path) if is_below(name, FLASK)]
    assert not wrong, wrong


@pytest.mark.parametrize("path", FILES, ids=str)
def test_only_the_google_provider_imports_googles_libraries(path):
    if is_below(module_name(path), ("portal.calendar_sync.providers.google",)):
        return
    wrong = [f"{path}:{line} imports {name}" for name, line in imported(path) if is_below(name, GOOGLE)]
    assert not wrong, wrong


PURE = [path for path in FILES if package_of(module_name(path)) in LEAVES | {GOOGLE_SCOPES}]


@pytest.mark.parametrize("path", PURE, ids=str)
def test_pure_modules_import_no_database_and_no_network(path):
    wrong = [f"{path}:{line} imports {name}" for name, line in imported(path) if is_below(name, WITHOUT_OUTSIDE)]
    assert not wrong, wrong


@pytest.mark.parametrize("path", FILES, ids=str)
def test_no_function_contains_an_import(path):
    hidden = [
        f"{path}:{inner.lineno}"
        for outer in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for inner in ast.walk(outer)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert not hidden, hidden


def strings(path: Path) -> Iterator[tuple[str, int]]:
    """The strings of a file that could be the name of a module, with their lines."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, node.lineno


def test_only_the_demo_command_names_development_code():
    """The command imports portal.dev when it is called: the worker also registers it, and must not load portal.dev."""
    naming = {
        str(path)
        for path in [*FILES, Path("wsgi.py")]
        for name, _line in strings(path)
        if path.parts[1:2] != ("dev",) and is_below(name, ("portal.dev",))
    }
    assert naming == {"portal/cli/demo.py"}


@pytest.mark.parametrize("module", ["wsgi", "portal.cli.register", "portal.worker.queue", "portal.worker.run"])
def test_production_loads_no_development_code(module):
    code = f"import sys, {module}; print(*(name for name in sys.modules if name.startswith('portal.dev')))"
    environ = {"PATH": os.environ["PATH"], "SECRET_KEY": "x" * 40}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("path", [path for path in FILES if path.parts[1:3] == ("dev", "google_emulator")], ids=str)
def test_the_google_calendar_emulator_imports_nothing_of_the_portal(path):
    foreign = [f"{path}:{line} imports {name}" for name, line in imported(path) if is_below(name, ("portal",))]
    assert not [one for one in foreign if "portal.dev.google_emulator" not in one]


def test_no_two_packages_import_each_other():
    # Otherwise "down" would mean nothing.
    for package, below in MAY_IMPORT.items():
        for other in below:
            assert package not in MAY_IMPORT[other], f"{package} and {other} may import each other"


def test_forbidden_imports_are_found(tmp_path, monkeypatch):
    source = "from portal.web import pages\nimport flask.json\ndef f():\n    import os\n"
    (tmp_path / "bad.py").write_text(source, encoding="utf-8")
    assert list(imported(tmp_path / "bad.py")) == [("portal.web", 1), ("flask.json", 2), ("os", 4)]
    assert "portal.web" not in MAY_IMPORT["portal.services"]
    assert is_below("flask.json", FLASK)
    assert not is_below("flaskish", FLASK)
