"""The rows of the closures in the form of booking rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from werkzeug.datastructures import MultiDict

from portal.domain.closures import MAX_CLOSURES
from portal.domain.messages import Message
from portal.errors import Invalid
from portal.transfer.editing import digest
from portal.web.forms import rows_of
from portal.web.links import printable

KEYS = ("start", "end", "reason")
# A row for a new closure. `entry` identifies the stored closure that a row shows, `removed` is the box beside it.
BLANK: Mapping[str, Any] = {"entry": "", "start": "", "end": "", "reason": "", "removed": False, "errors": ()}
EMPTIED = {
    "start": Message("Enter a start, or select “Remove”."),
    "end": Message("Enter an end, or select “Remove”."),
    "reason": Message("Enter a reason. To have none, remove this closure and add a new one."),
}


def closure_row(stored: Any) -> dict[str, Any]:
    """A stored closure as a row of the form; blank where it cannot be read."""
    known = stored if isinstance(stored, Mapping) else {}
    texts = {key: printable(str(known.get(key) or "")).strip() for key in KEYS}
    return {**BLANK, **texts, "entry": digest(stored), "errors": []}


def typed_closures(form: MultiDict[str, str]) -> list[dict[str, Any]]:
    """The rows as they were sent. Raises Invalid where fields are missing, or there are too many rows."""
    removed = form.getlist("closure_removed")
    rows: list[dict[str, Any]] = []
    for entry, *values in rows_of(form, [f"closure_{key}" for key in ("entry", *KEYS)]):
        texts = {key: printable(value).strip() for key, value in zip(KEYS, values, strict=True)}
        # Of closures that are the same in everything each box removes one.
        if is_removed := bool(entry) and entry in removed:
            removed.remove(entry)
        rows.append({**texts, "entry": entry, "removed": is_removed, "errors": []})
    if len(rows) > 2 * MAX_CLOSURES:
        raise Invalid(Message("An offering can have %(number)s closures. Nothing was saved.", number=MAX_CLOSURES))
    return rows


def read_closures(rows: Sequence[dict[str, Any]], stored: Sequence[Any]) -> tuple[list[Any], list[int]]:
    """The closures that the rows mean, and the row of each (-1: none). What is wrong with a row goes into its errors.

    A stored closure that no row shows stays, and so do its further keys.
    """
    known: dict[str, list[int]] = {}
    for position, closure in enumerate(stored):
        known.setdefault(digest(closure), []).append(position)
    kept: dict[int, tuple[Any, int]] = {position: (closure, -1) for position, closure in enumerate(stored)}
    added: list[tuple[Any, int]] = []
    for number, row in enumerate(rows):
        typed = {key: row[key] for key in KEYS if row[key]}
        if not row["entry"]:
            added += [(typed, number)] if typed else []
        elif not (same := known.get(row["entry"])):
            row["errors"].append(Message("Somebody else has changed or removed this closure. Reload the page."))
        elif row["removed"]:
            del kept[same.pop(0)]
        else:
            position = same.pop(0)
            shown = closure_row(stored[position])
            row["errors"] += [EMPTIED[key] for key in KEYS if shown[key] and not row[key]]
            changed = any(row[key] != shown[key] for key in KEYS)
            known_keys = stored[position] if isinstance(stored[position], Mapping) else {}
            kept[position] = ({**known_keys, **typed} if changed else stored[position], number)
    found = [*kept.values(), *added]
    return [closure for closure, _ in found], [number for _, number in found]
