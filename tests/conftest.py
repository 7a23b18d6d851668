"""What every test may ask for. Each group of fixtures lives in its own file under tests/support/.

backend         "sqlite" and "postgresql", one after the other: whoever asks runs on both
app             the application on a migrated database; whatever the test does is rolled back at its end
db_session      db.session inside an application context of `app`, for calling services and queries
client          an HTTP client of `app`; commit before asking it (it has sessions of its own)
limited         the application with other settings until the test ends
query_counter   counts the SQL statements of a block
live_database   a migrated database of the test's own, with real commits, for several processes or threads
live_portal     the portal on `live_database`, served on a loopback port
make_live_portal  the same with other settings
redis_url       a Redis database of the worker's own, empty
browser_page    a page of a real browser;  console_errors  what it complained about;  axe  accessibility checks
real_hasher     what hashes passwords outside of tests; every test has a cheap one in its place
waldur_client_dirs  version -> folder of the published clients, for PYTHONPATH of a subprocess
"""

import gc
import os
import sys

import pytest
from hypothesis import settings

from tools.check import is_core

# The suite is several processes and starts many more: what one compiles is kept for the others.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# How long an example takes says how busy the machine is.
settings.register_profile("portal", deadline=None)
settings.load_profile("portal")

pytest_plugins = [
    "tests.support.shared",
    "tests.support.databases",
    "tests.support.portal",
    "tests.support.redis",
    "tests.support.browser",
    "tests.support.clients",
]


# Tests with one of these start servers, browsers and other processes.
LONG = {"live_database", "browser"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--part", choices=("measured", "others"), help="the tests whose coverage is measured, or the others"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Drop the backend that a test's marker rules out, and what is not in the part of the suite that was asked for.

    Long tests run first, so that no worker ends up alone with one.
    """
    part = config.getoption("part")
    kept, dropped = [], []
    for item in items:
        backend = getattr(item, "callspec", None) and item.callspec.params.get("backend")
        ruled_out = (backend == "sqlite" and item.get_closest_marker("postgresql_only")) or (
            backend == "postgresql" and item.get_closest_marker("sqlite_only")
        )
        if part:
            measured = backend != "postgresql" and is_core(item.path.relative_to(config.rootpath))
            ruled_out = ruled_out or measured != (part == "measured")
        (dropped if ruled_out else kept).append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept
    items.sort(key=lambda item: LONG.isdisjoint(getattr(item, "fixturenames", ())))


def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of every later garbage collection: it lives as long as the process."""
    gc.collect()
    gc.freeze()
