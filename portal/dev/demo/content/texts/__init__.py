"""The offerings' long texts, one HTML file each: the full description, then the marker, then how to get started."""

from __future__ import annotations

from functools import cache
from pathlib import Path

MARKER = "<!-- getting started -->"


@cache
def texts_of(slug: str) -> tuple[str, str]:
    """(full_description, getting_started) of an offering, as HTML."""
    text = Path(__file__).with_name(f"{slug}.html").read_text(encoding="utf-8")
    full, _, start = text.partition(MARKER)
    return full.strip(), start.strip()
