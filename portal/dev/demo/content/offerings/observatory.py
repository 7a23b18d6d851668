"""Cerro Plateado Observatory: telescopes on a dry mountain, in Chile's time zone."""

from __future__ import annotations

from portal.dev.demo.content.spec import EVERY_DAY, Component, Hours, Offering, Plan, Price, Shot, ask, choice

HOUR = Component(
    "sky_hour",
    "Observing time",
    "hour",
    "limit",
    "Clear hours only; lost hours are given back.",
    {
        "limit_period": "annual",
        "limit_amount": 120,
        "max_value": 120,
        "min_value": 2,
        "is_prepaid": True,
        "overage_component": "sky_over",
    },
)
OVER = Component("sky_over", "Observing time beyond the allocation", "hour", "usage")
TARGET = {
    "target": ask("string", "Target or catalogue number", True, help_text="NGC 253, or coordinates."),
    "airmass": choice("Highest airmass", "1.2", "1.5", "2.0", required=False),
}
SEASONS = ((-8, 7, "Season A"), (8, 26, "Season B"))

OFFERINGS = (
    Offering(
        "condor-12",
        "Cóndor 1.2 m robotic telescope",
        "astronomy",
        "telescope",
        "Optical imaging and spectroscopy in half nights, run from anywhere; data arrive with the sunrise.",
        Hours("20:00", "24:00", 2, EVERY_DAY, SEASONS),
        (HOUR, OVER, Component("filter", "Own filter", "filter", "few")),
        (
            Plan(
                "Open time", "hour", {"sky_hour": "0", "sky_over": "55"}, "After the call for proposals.", resources=52
            ),
            Plan(
                "Guaranteed time",
                "hour",
                {"sky_hour": Price("38", discount=(60, 20)), "sky_over": "55", "filter": "120"},
                resources=11,
            ),
        ),
        (0.001, 0.002),
        "Dome 1, 2,610 m",
        attributes={"aperture_m": 1.2, "field_of_view_arcmin": 26, "seeing_arcsec": 0.9},
        options={**TARGET, "filters": choice("Filters", "g", "r", "i", "z", "Hα", many=True)},
        shots=(Shot("Dome", "The slit at dusk.", "telescope", True), Shot("Control room", "In the valley.", "console")),
        guide=True,
        roles=("Observer",),
        endpoints=(("Queue", "https://queue.plateado.example.org/condor/"),),
        doi="10.5072/cpo.condor",
        citations=301,
        orders=423,
    ),
    Offering(
        "vicuna-dish",
        "Vicuña 12 m radio dish",
        "astronomy",
        "radio",
        "Spectral lines from 70 to 116 GHz, day and night, in blocks of six hours.",
        Hours("00:00", "24:00", 6, EVERY_DAY, SEASONS),
        (HOUR, OVER),
        (
            Plan("Open time", "hour", {"sky_hour": "0", "sky_over": "70"}, resources=29),
            Plan("Geodesy", "month", {"sky_hour": "24"}, "Regular sessions.", resources=3),
        ),
        (0.012, -0.006),
        "Plateau, 2,540 m",
        attributes={"diameter_m": 12, "band_ghz": "70–116"},
        options={**TARGET, "line": ask("string", "Line and frequency", True)},
        shots=(Shot("Dish", "At the zenith.", "radio", True),),
        guide=True,
        roles=("Observer",),
        orders=160,
        quotas=(("sky_hour", 2210, 4000),),
    ),
    Offering(
        "solar-tower",
        "Solar tower and spectrograph",
        "astronomy",
        "solar",
        "High-resolution spectra of the Sun for research and for school classes.",
        Hours("08:00", "18:00", 2, EVERY_DAY, SEASONS),
        (HOUR, OVER, Component("guide", "Guided visit", "group", "one")),
        (
            Plan("Research", "hour", {"sky_hour": "20", "sky_over": "30"}, resources=18),
            Plan("School class", "quantity", {"guide": "45"}, "Up to 25 pupils with a guide.", resources=77),
        ),
        (-0.003, 0.001),
        "Tower, 2,580 m",
        options={
            "class_size": ask("integer", "Pupils", min=1, max=25),
            "language": choice("Language", "Spanish", "English"),
        },
        orders=95,
    ),
    Offering(
        "photometer-06",
        "0.6 m photometric telescope (closed in 2025)",
        "astronomy",
        "telescope",
        "The observatory's first telescope. Its archive stays open; observing has ended.",
        Hours("20:00", "24:00", 4, EVERY_DAY, ((-60, -40, "Last season"),)),
        (HOUR, OVER),
        (Plan("Open time", "hour", {"sky_hour": "0"}, resources=140, archived=True),),
        (0.002, 0.002),
        "Dome 0",
        state="Archived",
        doi="10.5072/cpo.photometer",
        citations=188,
        orders=611,
        twin=True,
    ),
)
