"""Partial responses: the `fields` parameter, e.g. `nextPageToken,items(id,start/dateTime)`."""

from typing import Any

from portal.dev.google_emulator.errors import bad_request

Mask = dict[str, "Mask"]


def parse(text: str) -> Mask:
    """The tree of selected fields; an empty branch selects everything below."""
    mask, rest = _parse(text, 0)
    if rest != len(text):
        raise bad_request(f"Invalid field selection {text}", "invalidParameter", "fields")
    return mask


def _parse(text: str, at: int) -> tuple[Mask, int]:
    mask: Mask = {}
    while True:
        at = _path(text, at, mask)
        if at >= len(text) or text[at] != ",":
            return mask, at
        at += 1


def _path(text: str, at: int, mask: Mask) -> int:
    """Parse one `a/b(c,d)` into `mask`."""
    begin = at
    while at < len(text) and text[at] not in ",/()":
        at += 1
    name = text[begin:at].strip()
    if not name:
        raise bad_request(f"Invalid field selection {text}", "invalidParameter", "fields")
    branch = mask.setdefault(name, {})
    if at < len(text) and text[at] == "/":
        return _path(text, at + 1, branch)
    if at < len(text) and text[at] == "(":
        inner, at = _parse(text, at + 1)
        if at >= len(text) or text[at] != ")":
            raise bad_request(f"Invalid field selection {text}", "invalidParameter", "fields")
        branch.update(inner)
        return at + 1
    return at


def select(value: Any, mask: Mask) -> Any:
    """The part of a document that the mask selects."""
    if not mask or "*" in mask:
        return value
    if isinstance(value, list):
        return [select(item, mask) for item in value]
    if isinstance(value, dict):
        return {name: select(value[name], branch) for name, branch in mask.items() if name in value}
    return value
