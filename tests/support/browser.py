"""A real browser. Ask for the server before the page: fixtures end in reverse, and a page that is still loading must
not find its server gone. The browser is CHROMIUM, else chromium or google-chrome on PATH, driven by Playwright."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.support.shared import unavailable

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"


def find_browser() -> str | None:
    """The browser's executable, or None."""
    given = os.environ.get("CHROMIUM", "").strip()
    return given or next((found for found in map(shutil.which, NAMES) if found), None)


# Ends with the module: while Playwright is up, asyncio.run() does not work in this thread.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser, started once for a module of tests."""
    executable = find_browser()
    if executable is None:
        unavailable("no browser: install chromium, or name one with CHROMIUM=/path")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def console_errors() -> list[str]:
    """What `browser_page` complained about so far. It must be empty at the end of a test: clear what was expected."""
    return []


@pytest.fixture
def browser_page(browser: Browser, console_errors: list[str]) -> Iterator[Page]:
    """A page in a context of its own (no cookies), 1280x900. Fails the test if the console saw an error."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(15_000)
    page = context.new_page()

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            console_errors.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: console_errors.append(str(error)))
    yield page
    context.close()
    assert not console_errors, console_errors


@pytest.fixture
def axe() -> Callable[..., list[dict[str, Any]]]:
    """`axe(page)`: the violations of WCAG 2.2 A and AA (and best practices) on the page as it is now."""
    if not AXE.is_file():
        unavailable("no axe-core: `make assets` fetches it")
    source = AXE.read_text(encoding="utf-8")

    def check(page: Page, *, only: str | None = None, rules: Sequence[str] = ()) -> list[dict[str, Any]]:
        if not page.evaluate("'axe' in window"):
            page.evaluate(source)
        options = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
        found = page.evaluate("([only, options]) => axe.run(only || document, options)", [only, options])
        return [
            {"rule": one["id"], "impact": one["impact"], "nodes": [node["html"][:200] for node in one["nodes"]]}
            for one in found["violations"]
        ]

    return check
