"""Texts for readers go through the catalogues: none is written into a template, or raised or flashed as it is."""

import ast
import re
from pathlib import Path

import pytest

from tools.translations import LANGUAGES, extract, problems, read

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.*"))
# The page of the API documentation is in English, as the API is.
ENGLISH_ONLY = {"api/docs.html"}
# Names that are the same in each language, and values that programs read.
SAME_EVERYWHERE = {"API", "DOI", "iCal", "HTML", "CSV", "Google Calendar", "Outlook"}
ATTRIBUTES = "aria-label|placeholder|title|alt|data-label|data-copied|data-failed|label"
MODULES = sorted(
    path for package in ("web", "services", "domain", "mail") for path in (ROOT / "portal" / package).rglob("*.py")
)
# Attributes without a value.
BOOLEAN = "formnovalidate|required|disabled|checked|selected|hidden|autofocus|open"
# Calls whose first argument is shown to readers.
SHOWN = {"flash", "Invalid", "Forbidden", "Conflict", "SlotRefused", "SlotTaken", "too_many"}
FIELDS = re.compile(r"\w+Field")


def literals_of_template(text: str) -> list[str]:
    """Words of a template that are neither markup nor Jinja."""
    text = re.sub(r"\{#.*?#\}", " ", text, flags=re.DOTALL)
    text = re.sub(r"\{%-?\s*trans\b.*?endtrans\s*-?%\}", " ", text, flags=re.DOTALL)
    # The class of a page.
    text = re.sub(r"\{% block page_class %\}\w+", " ", text)
    text = re.sub(r"<(style|code|svg|script)\b.*?</\1>", " ", text, flags=re.DOTALL)
    found = [value for _, value in re.findall(rf'\b({ATTRIBUTES})="([^"{{]*[A-Za-z]{{2}}[^"{{]*)"', text)]
    outside = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", " ", text, flags=re.DOTALL)
    # Attributes that a macro adds stand outside of tags.
    outside = re.sub(rf'<[^>]*>|&\w+;|[\w:-]+="[^"]*"|\b(?:{BOOLEAN})\b', " ", outside)
    found += re.findall(r"[A-Za-z][A-Za-z’']+(?:[ ,.]+[A-Za-z’']+)*", outside)
    return [it for it in found if it not in SAME_EVERYWHERE]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda it: it.relative_to(ROOT / "templates").as_posix())
def test_a_template_has_no_text_of_its_own(path):
    if path.relative_to(ROOT / "templates").as_posix() not in ENGLISH_ONLY:
        assert literals_of_template(path.read_text(encoding="utf-8")) == []


def literals_of_module(source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
            continue
        first = node.args[0]
        is_text = isinstance(first, ast.JoinedStr) or (isinstance(first, ast.Constant) and isinstance(first.value, str))
        if is_text and (node.func.id in SHOWN or FIELDS.fullmatch(node.func.id)):
            found.append(f"{node.lineno}: {ast.unparse(first)}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda it: it.relative_to(ROOT).as_posix())
def test_a_module_shows_no_text_as_it_is(path):
    assert literals_of_module(path.read_text(encoding="utf-8")) == []


def test_literals_are_found():
    assert literals_of_template('<p>Hello you</p><b title="Go on">{{ _("x") }}</b>') == ["Go on", "Hello you"]
    assert literals_of_template('{% trans %}Hello{% endtrans %}<a href="/x">{{ _("Yes") }}</a> {# note #}') == []
    assert literals_of_module('flash("Saved.")\nraise Invalid(f"{x} no")\nStringField("Name")') == [
        "1: 'Saved.'",
        "2: f'{x} no'",
        "3: 'Name'",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_is_complete(language):
    assert problems(language, read(language), extract()) == []
