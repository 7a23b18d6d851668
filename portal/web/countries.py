"""Names of countries by their two-letter code, from the time-zone package's own table (public domain)."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def _names() -> dict[str, str]:
    table = files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text(encoding="utf-8")
    lines = [line for line in table.splitlines() if line and not line.startswith("#")]
    # The published API knows one more code than ISO 3166: the European Union's.
    return {"EU": "European Union"} | dict(line.split("\t", 1) for line in lines)


def country_name(code: str) -> str:
    """The country's English name; the code itself where it is not known; empty for an empty code."""
    return _names().get(code, code)
