"""Catalogues of the interface texts: portal/translations/<language>/LC_MESSAGES/messages.po.

    .venv/bin/python -m tools.translations update     extract, merge, compile; exit 1 if a text is missing or fuzzy
    .venv/bin/python -m tools.translations check      exit 1 if a text is missing, fuzzy, or not in the sources any more
    .venv/bin/python -m tools.translations compile    write the .mo files

English texts are the keys, so English has no catalogue.
"""

import argparse
import io
import re
import sys
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "portal" / "translations"
LANGUAGES = ("de", "et", "fi", "fr")
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "Message": None,
    "Plural": (1, 2),
}
JINJA_OPTIONS = {"trimmed": "true", "silent": "false"}
# What portal.dev says only developers read.
SOURCES = (
    ("portal", [("dev/**", "ignore"), ("**.py", "python")]),
    ("templates", [("**.html", "jinja2"), ("**.txt", "jinja2")]),
)
DATES = re.compile(r'"(POT-Creation|PO-Revision)-Date')
PARAMETER = re.compile(r"%\((\w+)\)[sd]")


def main() -> None:
    parser = argparse.ArgumentParser(description="Catalogues of the interface texts.")
    parser.add_argument("action", choices=("update", "check", "compile"))
    action = parser.parse_args().action
    if action == "compile":
        compile_catalogues()
        return
    template = extract()
    complaints = []
    for language in LANGUAGES:
        catalogue = read(language)
        if action == "update":
            # No guesses: a similar text is not the same text.
            catalogue.update(template, no_fuzzy_matching=True)
            catalogue.obsolete.clear()
            write(language, catalogue)
        complaints += problems(language, catalogue, template)
    if action == "update":
        compile_catalogues()
    for complaint in complaints[:50]:
        print(complaint, file=sys.stderr)
    if complaints:
        sys.exit(f"{len(complaints)} texts need work. Edit the .po files and run make translations again.")


def extract() -> Catalog:
    """All texts of the sources, without line numbers, which change with every edit."""
    catalogue = Catalog(project="Booking portal", charset="utf-8")
    for folder, methods in SOURCES:
        found = extract_from_dir(
            str(ROOT / folder),
            method_map=methods,
            options_map={"**.html": JINJA_OPTIONS, "**.txt": JINJA_OPTIONS},
            keywords=KEYWORDS,
            comment_tags=("Translators:",),
            strip_comment_tags=True,
        )
        for path, _line, message, comments, context in found:
            catalogue.add(message, None, [(f"{folder}/{path}", 0)], auto_comments=comments, context=context)
    return catalogue


def read(language: str) -> Catalog:
    """The catalogue of a language; an empty one if it has none yet."""
    path = path_of(language)
    if not path.exists():
        return Catalog(locale=language, project="Booking portal", charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def write(language: str, catalogue: Catalog) -> None:
    """Write a catalogue sorted by text, without dates, so that merging two branches is easy."""
    buffer = io.BytesIO()
    write_po(buffer, catalogue, sort_output=True, omit_header=False, width=120, include_lineno=False)
    lines = [line for line in buffer.getvalue().decode().splitlines() if not DATES.match(line)]
    path_of(language).parent.mkdir(parents=True, exist_ok=True)
    path_of(language).write_text("\n".join(lines) + "\n", encoding="utf-8")


def problems(language: str, catalogue: Catalog, template: Catalog) -> list[str]:
    """What is wrong with a catalogue: missing or fuzzy texts, other parameters than in English, left-over texts."""
    found = []
    for message in template:
        if message.id:
            known = catalogue.get(message.id, message.context)
            reason = "missing" if known is None else problem(known)
            if reason:
                found.append(f"{language}: {reason}: {message.id!r}")
    left = (it.id for it in catalogue if it.id and template.get(it.id, it.context) is None)
    return [*found, *(f"{language}: not in the sources any more: {text!r}" for text in left)]


def problem(message: Message) -> str:
    """What is wrong with one text, or ""."""
    ids = message.id if isinstance(message.id, tuple | list) else (message.id,)
    strings = message.string if isinstance(message.string, tuple | list) else (message.string,)
    if message.fuzzy:
        return "fuzzy"
    if not all(strings):
        return "missing"
    expected = {name for text in ids for name in PARAMETER.findall(text)}
    for text in strings:
        used = set(PARAMETER.findall(text or ""))
        # A plural form for one thing may leave the number out.
        if used - expected or (expected - used) - ({"number", "num"} if len(ids) > 1 else set()):
            return "other parameters"
    return ""


def compile_catalogues() -> None:
    """Write the .mo files, which the portal reads, if they are older than the catalogues."""
    for language in LANGUAGES:
        source, target = path_of(language), path_of(language).with_suffix(".mo")
        if source.exists() and (not target.exists() or target.stat().st_mtime < source.stat().st_mtime):
            buffer = io.BytesIO()
            write_mo(buffer, read(language))
            partial = target.with_suffix(".new")
            partial.write_bytes(buffer.getvalue())
            partial.replace(target)


def path_of(language: str) -> Path:
    return FOLDER / language / "LC_MESSAGES" / "messages.po"


if __name__ == "__main__":
    main()
