"""Tartu Structural Biology Core: electron and light microscopes, magnets, mass spectrometers."""

from __future__ import annotations

from portal.dev.demo.content.spec import EVERY_DAY, Component, Hours, Offering, Plan, Price, Shot, ask, choice

HOUR = Component(
    "hour", "Instrument time", "hour", "usage", "From the log of the instrument.", {"article_code": "SB-H"}
)
HELP = Component("operator", "Assistance", "day", "fixed", "A member of staff works with you.")
TRAINING = Component("training", "First-time training", "person", "one", "Once for each new user.")
DATA = Component(
    "storage",
    "Data storage",
    "TB",
    "limit",
    "Kept for six months on the core's servers.",
    {"limit_period": "month", "max_value": 50, "min_value": 0, "default_limit": 2}
    | {"is_prepaid": True, "min_prepaid_duration": 1, "max_prepaid_duration": 12},
)


def _plans(academic: str, industry: str, *, help_price: str = "140", used: int = 20) -> tuple[Plan, ...]:
    return (
        Plan(
            "Academic",
            "hour",
            {"hour": Price(academic, discount=(40, 10)), "operator": Price(help_price, 0), "training": "90"},
            "Universities and public research bodies.",
            resources=used,
        ),
        Plan(
            "Industry",
            "hour",
            {
                "hour": Price(industry, future=f"{float(industry) * 1.05:.2f}"),
                "operator": Price(help_price, 1),
                "training": "240",
            },
            "Companies; results remain confidential.",
            resources=used // 4,
        ),
    )


LIVE = choice("Sample", "Fixed cells", "Living cells", "Tissue section", "Organoid", "Beads")

OFFERINGS = (
    Offering(
        "boreas-300",
        "Boreas 300 kV cryo-electron microscope",
        "microscopy",
        "cryo-em",
        "Single-particle analysis and tomography with a direct electron detector and energy filter.",
        Hours(
            "08:00", "20:00", 4, (1, 2, 3, 4, 5, 6), ((-8, 6, "Autumn and winter"), (7, 26, "After the service week"))
        ),
        (
            HOUR,
            HELP,
            TRAINING,
            DATA,
            Component("grids", "Grid box", "box", "usage", "Twelve grids, clipped."),
            Component("regrid", "Change of grid type", "change", "few", more={"is_boolean": True, "max_value": 1}),
        ),
        (
            Plan(
                "Academic, Estonia",
                "day",
                {
                    "hour": Price("62", future="65", discount=(48, 15)),
                    "operator": Price("180", 1),
                    "training": "90",
                    "storage": "18.50",
                    "regrid": "25",
                },
                "Reduced rate paid from the national roadmap.",
                groups=("estonian", "baltic"),
                resources=31,
                max_amount=60,
            ),
            *_plans("95", "420", help_price="180", used=44),
        ),
        (0.0001, 0.0002),
        "Basement, room 017",
        attributes={"accelerating_voltage_kv": 300, "detector": "Direct electron, 4k × 4k", "energy_filter": True},
        options={
            "sample": choice(
                "Sample type",
                "Protein complex",
                "Virus-like particle",
                "Cell lamella",
                "Membrane protein",
                help_text="What is on the grid?",
            ),
            "screened": ask("boolean", "Grids have been screened at 200 kV", True),
            "biosafety": ask("integer", "Biosafety level", True, min=1, max=2, default=1),
        },
        resource_options={"notes": ask("text", "Session notes")},
        plugin_options={"maximal_resource_count_per_project": 4, "conceal_billing_data": False},
        shots=(
            Shot("The column", "Boreas with its nitrogen dewar.", "cryo-em", True),
            Shot("Grid boxes", "Twelve autoloader positions.", "samples"),
            Shot("Remote desk", "Sessions can be followed from home.", "console"),
        ),
        guide=True,
        roles=("Trained operator", "Session guest"),
        quotas=(("hour", 1412, 3600), ("storage", 86, 250)),
        endpoints=(
            ("Session viewer", "https://boreas.structbio.example.org/"),
            ("Data transfer", "sftp://data.structbio.example.org"),
        ),
        doi="10.5072/tsbc.boreas",
        citations=134,
        orders=287,
        checklist="biosafety",
        totals=(27, 128640, 139650),
        vendor="Full service contract, four visits a year.",
        integration="<p>Sessions are exported by slot id each night.</p>",
    ),
    Offering(
        "glint-200",
        "Glint 200 kV screening microscope",
        "microscopy",
        "cryo-em",
        "Fast screening of cryo grids; an overnight atlas of all twelve positions.",
        Hours("08:00", "24:00", 2, EVERY_DAY),
        (HOUR, HELP, TRAINING),
        _plans("48", "190", used=96),
        (0.0001, 0.0003),
        "Basement, room 015",
        options={"grids": ask("integer", "Grids", True, min=1, max=12)},
        shots=(
            Shot("Loading", "Grids wait in nitrogen.", "samples", True),
            Shot("Glint", "The screening column.", "cryo-em", True),
        ),
        roles=("Trained operator",),
        orders=521,
        twin=True,
    ),
    Offering(
        "spinning-disk",
        "Spinning-disk confocal microscope",
        "microscopy",
        "microscope",
        "Five lasers, two cameras, and a stage incubator for living cells.",
        Hours("08:00", "22:00", 2, EVERY_DAY),
        (HOUR, HELP, TRAINING),
        _plans("18", "95", help_price="60", used=140),
        (0.0, 0.0001),
        "Ground floor, room 122",
        attributes={"lasers_nm": [405, 445, 488, 561, 640]},
        options={"sample": LIVE, "co2": ask("boolean", "CO₂ incubation"), "start": ask("time", "Preheat from")},
        shots=(
            Shot("At the stage", "A dish in the incubator.", "microscope", True),
            Shot("Slides", "Sample racks.", "samples"),
        ),
        guide=True,
        roles=("Trained user",),
        orders=804,
        doi="10.5072/tsbc.spinning-disk",
        citations=49,
    ),
    Offering(
        "light-sheet",
        "Lattice light-sheet microscope",
        "microscopy",
        "light-sheet",
        "Gentle imaging of whole embryos and organoids for days, at a volume a second.",
        Hours("08:00", "20:00", 4),
        (HOUR, HELP, TRAINING, DATA),
        (
            *_plans("34", "160", used=28),
            Plan(
                "Long-term project", "month", {"hour": "22", "storage": "15"}, "At least 60 hours a month.", resources=3
            ),
        ),
        (0.0, 0.0002),
        "Ground floor, room 124",
        options={
            "sample": LIVE,
            "volume": choice("Data volume", "< 1 TB", "1–5 TB", "> 5 TB", help_text="For the storage."),
        },
        shots=(Shot("Sample chamber", "Two objectives meet in the water bath.", "light-sheet", True),),
        orders=118,
    ),
    Offering(
        "nmr-800",
        "800 MHz NMR spectrometer with cryoprobe",
        "analysis",
        "nmr",
        "Protein structure and dynamics in solution; triple resonance, 5 mm and 3 mm tubes.",
        Hours("00:00", "24:00", 8, EVERY_DAY, ((-8, 26, "Continuous operation"),)),
        (HOUR, HELP, TRAINING, Component("helium", "Helium share", "month", "fixed", "Share of the refill.")),
        (
            *_plans("26", "110", used=37),
            Plan(
                "Subscription",
                "month",
                {"helium": Price("320", 1), "hour": "9"},
                "For groups that measure every week.",
                resources=5,
                max_amount=8,
            ),
        ),
        (-0.0002, 0.0001),
        "NMR pavilion",
        attributes={"field_t": 18.8, "probes": ["TCI 5 mm cryoprobe"]},
        options={
            "nuclei": choice("Nuclei", "1H", "13C", "15N", "19F", "31P", many=True),
            "temperature": ask("integer", "Temperature (K)", min=275, max=330, default=298),
        },
        shots=(
            Shot("The magnet", "Stay outside the inner ring.", "nmr", True),
            Shot("Console", "Pulse programmes.", "console"),
        ),
        guide=True,
        roles=("Trained user",),
        quotas=(("hour", 3120, 6000),),
        orders=233,
        doi="10.5072/tsbc.nmr800",
        citations=97,
    ),
    Offering(
        "nmr-600",
        "600 MHz NMR with sample changer",
        "analysis",
        "nmr",
        "Small molecules and reaction monitoring; sixty tubes run unattended overnight.",
        Hours("00:00", "24:00", 1, EVERY_DAY),
        (HOUR, HELP, TRAINING),
        _plans("12", "60", help_price="60", used=88),
        (-0.0002, 0.0002),
        "NMR pavilion",
        options={"tubes": ask("integer", "Tubes", True, min=1, max=60)},
        parent="nmr-800",
        orders=655,
        twin=True,
    ),
    Offering(
        "orbit-ms",
        "High-resolution LC-MS/MS mass spectrometer",
        "analysis",
        "mass-spec",
        "Proteomics and metabolomics with nano-flow chromatography and ion mobility.",
        Hours("06:00", "24:00", 6, EVERY_DAY),
        (
            HOUR,
            HELP,
            TRAINING,
            Component("column", "Analytical column", "piece", "few"),
            Component("sample", "Sample preparation", "sample", "usage"),
        ),
        (
            Plan(
                "Service, per sample",
                "quantity",
                {"sample": Price("74", discount=(24, 12))},
                "We run it for you.",
                resources=66,
            ),
            *_plans("42", "165", used=31),
        ),
        (0.0001, -0.0001),
        "First floor, room 203",
        options={
            "matrix": choice("Matrix", "Cell lysate", "Plasma", "Plant extract", "Purified protein"),
        },
        shots=(
            Shot("Source", "Nano spray in front of the inlet.", "mass-spec", True),
            Shot("Vials", "Autosampler.", "samples"),
        ),
        guide=True,
        orders=372,
        checklist="biosafety",
    ),
    Offering(
        "cell-sorter",
        "Four-laser cell sorter",
        "analysis",
        "analyser",
        "Sorts up to six populations into tubes or plates, in a class II cabinet.",
        Hours("09:00", "18:00", 3),
        (HOUR, HELP, TRAINING),
        _plans("38", "150", help_price="110", used=52),
        (0.0, -0.0001),
        "Ground floor, room 118",
        options={
            "cells": choice("Cells", "Human", "Mouse", "Plant protoplasts", "Yeast"),
        },
        roles=("Trained operator",),
        orders=196,
        checklist="biosafety",
    ),
)
