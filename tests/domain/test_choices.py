from __future__ import annotations

from importlib.resources import files

from portal.domain import choices


def test_countries_are_iso_3166_and_the_european_union() -> None:
    table = files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text(encoding="utf-8")
    iso = {line[:2] for line in table.splitlines() if line and not line.startswith("#")}
    assert len(iso) == 249
    assert set(choices.COUNTRIES) == iso | {"EU"}
    assert list(choices.COUNTRIES) == sorted(choices.COUNTRIES)
    names = list(choices.COUNTRIES.values())
    assert len(set(names)) == 250
    assert all(name == name.strip() and name[0].isupper() for name in names)


def test_country_names_for_display() -> None:
    assert choices.country_name("EE") == "Estonia"
    assert choices.country_name("") == ""
    assert choices.country_name("XK") == "XK"


def test_what_the_wire_takes_as_a_country() -> None:
    assert all(choices.is_country(code) for code in ("", "EE", "EU", "AX"))
    assert not any(choices.is_country(code) for code in ("XK", "ee", None, "EST", 3))


def test_what_the_wire_takes_as_a_limit_period() -> None:
    assert all(choices.is_limit_period(value) for value in (None, "", "month", "quarterly", "annual", "total"))
    assert not any(choices.is_limit_period(value) for value in ("quarter", "Month", 0, [], False))


def test_values_are_the_wires() -> None:
    assert {"Draft", "Active", "Paused", "Archived", "Unavailable"} == choices.OFFERING_STATES
    assert {"fixed", "usage", "limit", "one", "few"} == choices.BILLING_TYPES
    assert {"month", "quarter", "half_month", "day", "hour", "quantity"} == choices.BILLING_UNITS
    assert len(choices.OPTION_TYPES) == 16
    assert len(choices.SCOPE_STATES) == 8
    assert None in choices.PLUGIN_OPTIONS["account_name_generation_policy"]
