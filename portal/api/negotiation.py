"""The Accept header: whether a client takes what a resource answers (contract section 5; RFC 9110, 12.5.1)."""

from __future__ import annotations


def accepts(header: str, media_type: str) -> bool:
    """Whether `media_type` is acceptable. Parameters other than q are ignored; empty means anything.

    The most specific range decides, so `*/*;q=0, application/json` takes JSON.
    """
    if not header.strip():
        return True
    main = media_type.partition("/")[0]
    found: dict[str, bool] = {}
    for part in header.split(","):
        media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
        found["*/*" if media_range == "*" else media_range] = not any(map(_is_zero, parameters))
    for media_range in (media_type, f"{main}/*", "*/*"):
        if media_range in found:
            return found[media_range]
    return False


def _is_zero(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.strip() == "q" and value.strip() in ("0", "0.", "0.0", "0.00", "0.000")
