"""Fjordline Marine Institute: a ship, things that dive and fly, and water under control on land."""

from __future__ import annotations

from portal.dev.demo.content.spec import EVERY_DAY, Component, Hours, Offering, Plan, Price, Shot, ask, choice

DAY = Component(
    "ship_day",
    "Ship's day",
    "day",
    "limit",
    "Crew, food and insurance included.",
    {"limit_period": "annual", "max_value": 30, "min_value": 1, "default_limit": 2, "article_code": "FM-D"},
)
FUEL = Component("fuel", "Fuel", "m³", "usage", "By the meter, at the price of the day.")
USE = Component("use_hour", "Use", "hour", "usage")
PILOT = Component("pilot", "Pilot", "day", "fixed")

OFFERINGS = (
    Offering(
        "havorn",
        "RV Havørn: 31 m research vessel",
        "field",
        "vessel",
        "Coastal research ship with an A-frame, wet laboratory, echo sounders and berths for eight scientists.",
        Hours(
            "08:00", "16:00", 8, (1, 2, 3, 4, 5, 6), ((-8, 4, "Autumn cruises"), (7, 26, "Winter and spring cruises"))
        ),
        (
            DAY,
            FUEL,
            Component("overnight", "Overnight at sea", "night", "usage"),
            Component("mobilisation", "Mobilisation", "cruise", "one"),
        ),
        (
            Plan("Research council", "day", {"ship_day": "3900", "fuel": "1150", "mobilisation": "2500"}, resources=24),
            Plan(
                "Charter",
                "day",
                {
                    "ship_day": Price("8600", future="9100", discount=(5, 8)),
                    "fuel": "1290",
                    "overnight": "1400",
                    "mobilisation": "4200",
                },
                resources=7,
            ),
        ),
        (-0.004, -0.010),
        "Quay 2",
        attributes={"length_m": 31, "berths": 8, "call_sign": "LFJV"},
        options={
            "area": ask("string", "Area of work", True),
            "scientists": ask("integer", "Scientists", True, min=1, max=8),
            "dangerous_goods": ask("boolean", "Dangerous goods on board"),
            "plan": ask("html_text", "Cruise plan"),
        },
        resource_options={"departure": ask("time", "Departure", help_text="Pilots need two hours' notice.")},
        shots=(
            Shot("On station", "The A-frame over the stern.", "vessel", True),
            Shot("Wet laboratory", "Sorting the catch.", "lab"),
            Shot("Diving robot", "Often booked together.", "rov"),
        ),
        guide=True,
        roles=("Cruise leader", "Scientist on board"),
        orders=82,
        checklist="sea-safety",
        vendor="Classed for coastal waters; next survey in 2027.",
        totals=(19, 412000, 455500),
        doi="10.5072/fmi.havorn",
        citations=76,
    ),
    Offering(
        "rov-sel",
        "Remotely operated vehicle Sel (500 m)",
        "field",
        "rov",
        "Compact diving robot with two cameras, a manipulator and a sediment corer.",
        Hours("08:00", "20:00", 4, EVERY_DAY),
        (USE, PILOT),
        (
            Plan("Research", "day", {"use_hour": "85", "pilot": Price("420", 1)}, resources=33),
            Plan("Own pilot", "hour", {"use_hour": "110"}, "For certified pilots.", resources=9),
        ),
        (-0.004, -0.009),
        "Boat house",
        attributes={"depth_m": 500},
        options={
            "depth": ask("integer", "Greatest depth (m)", True, min=1, max=500),
            "tools": choice("Tools", "Corer", "Sampler", "Sonar", many=True, required=False),
        },
        shots=(
            Shot("Manipulator", "Lamps on, tether out.", "rov", True),
            Shot("Launch", "From Havørn's deck.", "vessel"),
        ),
        guide=True,
        roles=("Certified pilot",),
        orders=127,
    ),
    Offering(
        "survey-drone",
        "Survey drone with multispectral camera",
        "field",
        "drone",
        "Maps of kelp, crops and coast lines at two centimetres per pixel.",
        Hours("08:00", "20:00", 2, EVERY_DAY),
        (USE, PILOT, Component("mosaic", "Processed mosaic", "km²", "usage")),
        (
            Plan("Research", "hour", {"use_hour": "24", "mosaic": "60"}, resources=58),
            Plan("With pilot", "day", {"use_hour": "24", "pilot": Price("380", 1), "mosaic": "60"}, resources=41),
        ),
        (0.001, 0.0),
        "Store, desk 1",
        options={"area": ask("string", "Where?", True), "licence": ask("string", "Pilot's licence")},
        shots=(Shot("In the air", "Seven bands, forty minutes.", "drone", True),),
        orders=219,
    ),
    Offering(
        "wave-tank",
        "Wave and towing tank",
        "climate",
        "wave-tank",
        "Forty metres of water with a wave maker, a towing carriage and optical motion capture.",
        Hours("08:00", "16:00", 4),
        (
            USE,
            Component("technician", "Technician", "day", "fixed"),
            Component("model", "Model workshop", "hour", "usage"),
        ),
        (
            Plan("Academic", "day", {"use_hour": "120", "technician": Price("310", 1), "model": "55"}, resources=26),
            Plan(
                "Company",
                "day",
                {"use_hour": Price("310", future="325"), "technician": Price("620", 1), "model": "90"},
                resources=18,
            ),
        ),
        (0.002, 0.001),
        "Hall B",
        attributes={"length_m": 40, "depth_m": 2.5},
        options={
            "waves": choice("Waves", "Regular", "Irregular", "None (towing)"),
            "model_length": ask("string", "Model length"),
        },
        shots=(
            Shot("Carriage", "A model in regular waves.", "wave-tank", True),
            Shot("Control", "Motion capture.", "console"),
        ),
        guide=True,
        orders=88,
    ),
    Offering(
        "climate-chamber",
        "Walk-in climate chamber −30 to +60 °C",
        "climate",
        "chamber",
        "Twelve square metres with humidity, salt fog and solar lamps.",
        Hours("00:00", "24:00", 8, EVERY_DAY),
        (USE, Component("salt", "Salt fog", "day", "usage")),
        (Plan("Standard", "day", {"use_hour": Price("19", discount=(72, 25)), "salt": "70"}, resources=62),),
        (0.002, 0.0),
        "Hall A",
        options={
            "low": ask("integer", "Lowest °C", True, min=-30, max=60),
            "high": ask("integer", "Highest °C", True, min=-30, max=60),
        },
        orders=144,
        quotas=(("use_hour", 3011, -1),),
    ),
    Offering(
        "mesocosm",
        "Sea-water mesocosm hall",
        "climate",
        "mesocosm",
        "Twelve tanks with controlled temperature, light and acidity for long experiments.",
        Hours("08:00", "16:00", 8),
        (Component("tank", "Tank", "week", "usage"), Component("light", "Light regime", "experiment", "one")),
        (Plan("Research", "month", {"tank": "95", "light": "150"}, resources=15),),
        (0.002, -0.002),
        "Hall C",
        state="Paused",
        paused_reason="The sea-water intake is being relined. The hall is expected to fill again in spring.",
        options={"tanks": ask("integer", "Tanks", True, min=1, max=12), "species": ask("text", "Species", True)},
        shots=(Shot("Tanks", "Four of the twelve.", "mesocosm", True),),
        orders=31,
    ),
)
