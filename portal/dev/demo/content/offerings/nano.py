"""Saimaa Nanofabrication Centre: clean room tools and the course that opens its door."""

from __future__ import annotations

from portal.dev.demo.content.spec import Component, Hours, Offering, Plan, Price, Shot, ask, choice

TOOL = Component(
    "tool_hour", "Tool time", "hour", "usage", "From log-in to log-out at the tool.", {"article_code": "SN-T"}
)
ENTRY = Component("entry", "Clean room entry", "day", "fixed", "Gown, gloves and air.", {"article_code": "SN-E"})
ENGINEER = Component("engineer", "Process engineer", "hour", "usage")
GOLD = Component("metal", "Precious metals", "g", "usage", "Gold and platinum by weight.")
BAY = Hours("08:00", "20:00", 4)
SUBSTRATE = choice("Substrate", "Silicon", "Silica", "Sapphire", "III–V", "Polymer", "Other")


def _plans(hour: str, *, used: int) -> tuple[Plan, ...]:
    return (
        Plan("Academic", "day", {"tool_hour": hour, "entry": Price("24", 1), "engineer": "45"}, resources=used),
        Plan(
            "Company",
            "day",
            {
                "tool_hour": Price(f"{float(hour) * 2.4:.2f}", discount=(30, 12)),
                "entry": Price("55", 1, future="58"),
                "engineer": "110",
            },
            resources=used // 3,
        ),
        Plan(
            "Partner",
            "month",
            {"tool_hour": f"{float(hour) * 1.6:.2f}", "entry": Price("390", 1)},
            "A monthly pass for members of the partner programme.",
            groups=("industry",),
            resources=2,
        ),
    )


OFFERINGS = (
    Offering(
        "ebl",
        "Electron-beam lithography writer",
        "cleanroom",
        "lithography",
        "Direct writing down to 8 nm lines on wafers of up to 150 mm.",
        Hours("00:00", "24:00", 6),
        (TOOL, ENTRY, ENGINEER),
        _plans("85", used=41),
        (0.0002, 0.0001),
        "Bay 1, ISO 4",
        attributes={"voltage_kv": 100, "smallest_line_nm": 8},
        options={
            "substrate": SUBSTRATE,
            "dose": ask("string", "Dose (µC/cm²)"),
            "layout": ask("boolean", "Layout file is ready", True),
        },
        shots=(
            Shot("Load lock", "The writer behind yellow glass.", "lithography", True),
            Shot("Result", "After lift-off.", "wafer"),
        ),
        guide=True,
        roles=("Licensed user",),
        orders=174,
        doi="10.5072/snc.ebl",
        citations=58,
    ),
    Offering(
        "ald",
        "Atomic layer deposition reactor",
        "cleanroom",
        "reactor",
        "Oxides and nitrides, one atomic layer after the other; thermal or plasma.",
        BAY,
        (TOOL, ENTRY, ENGINEER),
        _plans("42", used=67),
        (0.0002, 0.0002),
        "Bay 3, ISO 6",
        options={
            "material": choice("Material", "Al₂O₃", "HfO₂", "TiO₂", "ZnO", "TiN"),
            "thickness": ask("integer", "Thickness (nm)", True, min=1, max=200, default=20),
            "substrate": SUBSTRATE,
        },
        guide=True,
        roles=("Licensed user",),
        orders=248,
    ),
    Offering(
        "icp-etcher",
        "ICP plasma etcher",
        "cleanroom",
        "reactor",
        "Deep anisotropic etching of silicon and glass with end-point detection.",
        BAY,
        (TOOL, ENTRY, ENGINEER),
        _plans("55", used=49),
        (0.0002, 0.0003),
        "Bay 4, ISO 6",
        options={
            "process": choice("Process", "Silicon deep", "Oxide", "III–V", "Oxygen clean"),
            "mask": ask("string", "Mask material", True),
        },
        shots=(
            Shot("Plasma", "The view port during a run.", "reactor", True),
            Shot("Wafer", "Dies after etching.", "wafer", True),
        ),
        roles=("Licensed user",),
        orders=201,
        twin=True,
    ),
    Offering(
        "mask-aligner",
        "Mask aligner and spin-coating line",
        "cleanroom",
        "wafer",
        "Ultraviolet contact lithography with back-side alignment; coaters, hot plates and wet benches in one line.",
        Hours("08:00", "20:00", 2, (1, 2, 3, 4, 5, 6)),
        (TOOL, ENTRY),
        (
            Plan("Academic", "day", {"tool_hour": "28", "entry": Price("24", 1)}, resources=93),
            Plan("Company", "day", {"tool_hour": "66", "entry": Price("55", 1)}, resources=21),
        ),
        (0.0002, 0.0),
        "Bay 2, ISO 5",
        options={"resist": choice("Resist", "Positive", "Negative", "Image reversal")},
        shots=(Shot("Yellow bay", "Coating under safe light.", "lithography"),),
        orders=388,
    ),
    Offering(
        "fib-sem",
        "Focused ion beam microscope (FIB-SEM)",
        "microscopy",
        "microscope",
        "Cross sections, lamellae and nano-prototyping with a gallium beam.",
        BAY,
        (TOOL, ENGINEER, GOLD, Component("lamella", "Lamella by staff", "piece", "one")),
        (
            Plan("Academic", "hour", {"tool_hour": "75", "metal": "68", "engineer": "45"}, resources=36),
            Plan("Lamella service", "quantity", {"lamella": "340"}, "Send the sample, get the grid.", resources=19),
        ),
        (0.0001, 0.0),
        "Room 108",
        state="Paused",
        paused_reason="The ion column is being exchanged. Bookings open again when the new source is aligned.",
        options={"task": choice("Task", "Cross section", "TEM lamella", "Deposition", "Imaging only")},
        shots=(
            Shot("Chamber", "Stage and gas needles.", "microscope", True),
            Shot("Desk", "Where lamellae are cut.", "console"),
        ),
        orders=155,
    ),
    Offering(
        "dicing",
        "Wafer dicing and wire bonding bench",
        "cleanroom",
        "wafer",
        "Diamond blade saw and gold wire bonder: from wafer to chip on board.",
        Hours("08:00", "16:00", 2),
        (TOOL, GOLD),
        (Plan("Academic", "hour", {"tool_hour": "30", "metal": "68"}),),
        (0.0001, 0.0001),
        "Room 111",
        state="Draft",
        options={"chips": ask("integer", "Chips", True, min=1, max=400)},
        twin=True,
    ),
    Offering(
        "cleanroom-course",
        "Clean room induction course",
        "rooms",
        "training",
        "A morning of theory and an afternoon in the gown: the licence that every tool here asks for.",
        Hours("08:00", "16:00", 8, (2, 4)),
        (Component("seat", "Course place", "person", "one"), Component("gown", "Personal gown", "piece", "few")),
        (
            Plan("Students", "quantity", {"seat": "0", "gown": "35"}, resources=210),
            Plan("Everybody else", "quantity", {"seat": Price("290", future="310"), "gown": "35"}, resources=58),
        ),
        (0.0, 0.0002),
        "Seminar room 2",
        options={
            "people": ask("integer", "Participants", True, min=1, max=8),
            "language": choice("Language", "Finnish", "English"),
        },
        orders=268,
        checklist="cleanroom",
    ),
)
