"""Emajõe Science Campus: rooms, hall, workshops and a glasshouse."""

from __future__ import annotations

from portal.dev.demo.content.spec import EVERY_DAY, Component, Hours, Offering, Plan, Price, Shot, ask, choice

ROOM = Component("room_hour", "Room", "hour", "usage", more={"article_code": "ESC-R"})
COFFEE = Component("coffee", "Coffee break", "person", "usage")
SETUP = Component("setup", "Furniture set-up", "event", "one")
TECH = Component("technician", "Technician", "day", "fixed")


def _room_plans(price: str, used: int) -> tuple[Plan, ...]:
    return (
        Plan("Campus", "hour", {"room_hour": "0", "coffee": "3.80"}, resources=used),
        Plan("Visitors", "hour", {"room_hour": Price(price, discount=(6, 15)), "coffee": "4.90"}, resources=used // 6),
    )


OFFERINGS = (
    Offering(
        "meridian-hall",
        "Lecture hall Meridian (180 seats)",
        "rooms",
        "lecture",
        "Rising rows, two projectors, cameras for streaming and a foyer for posters.",
        Hours("08:00", "20:00", 2, (1, 2, 3, 4, 5, 6)),
        (ROOM, COFFEE, SETUP, TECH),
        (
            Plan("Campus", "day", {"room_hour": "0", "technician": Price("90", 1), "coffee": "3.80"}, resources=58),
            Plan(
                "Conference",
                "day",
                {
                    "room_hour": Price("130", future="140"),
                    "technician": Price("240", 1),
                    "setup": "180",
                    "coffee": "4.90",
                },
                resources=22,
            ),
        ),
        (0.0, 0.0001),
        "Building 1, ground floor",
        attributes={"seats": 180, "step_free": True},
        options={
            "event": ask("string", "Title of the event", True),
            "guests": ask("integer", "Guests", True, min=10, max=180),
            "stream": ask("boolean", "Streaming"),
            "catering": choice("Catering", "None", "Coffee", "Lunch"),
        },
        shots=(
            Shot("From the gallery", "Rows 1 to 9.", "lecture", True),
            Shot("Control room", "Streaming desk.", "console"),
        ),
        guide=True,
        orders=301,
    ),
    Offering(
        "training-baltica",
        "Training room Baltica (24 places)",
        "rooms",
        "training",
        "Desks with power and network, a teacher's screen on both sides, and a helper when you want one.",
        Hours("08:00", "18:00", 2),
        (ROOM, COFFEE, TECH),
        (
            Plan("Campus", "day", {"room_hour": "0", "coffee": "3.80", "technician": Price("60", 0)}, resources=133),
            Plan(
                "Course provider",
                "day",
                {"room_hour": Price("48", discount=(8, 10)), "coffee": "4.90", "technician": Price("160", 1)},
                resources=39,
            ),
        ),
        (0.0001, 0.0001),
        "Building 1, room 210",
        attributes={"seats": 24, "step_free": True},
        options={
            "course": ask("string", "Course", True),
            "laptops": ask("integer", "Laptops to lend", min=0, max=24, default=0),
        },
        shots=(Shot("Desks", "In exam layout.", "training", True), Shot("Small group", "The same floor.", "meeting")),
        orders=420,
    ),
    Offering(
        "ohtutaht",
        "Meeting room Õhtutäht (10 seats)",
        "rooms",
        "meeting",
        "A quiet corner room with a hybrid meeting system and a whiteboard wall.",
        Hours("08:00", "20:00", 1, EVERY_DAY),
        (ROOM, COFFEE),
        _room_plans("22", 240),
        (0.0001, 0.0),
        "Building 1, room 305",
        attributes={"seats": 10, "step_free": True},
        billable=False,
        options={
            "people": ask("integer", "How many people?", min=2, max=10),
            "hybrid": ask("boolean", "Hybrid meeting"),
        },
        shots=(Shot("Table", "Ten seats, one camera.", "meeting", True),),
        orders=1204,
    ),
    Offering(
        "glass-pod",
        "Glass pod for four",
        "rooms",
        "meeting",
        "A sound-proof box in the atrium for interviews and calls.",
        Hours("08:00", "20:00", 1, EVERY_DAY),
        (ROOM,),
        (Plan("Everybody", "hour", {"room_hour": "0"}, resources=310),),
        (0.0001, 0.0002),
        "Building 1, atrium",
        attributes={"seats": 4},
        billable=False,
        orders=1530,
        twin=True,
    ),
    Offering(
        "print-workshop",
        "3D-print workshop",
        "workshops",
        "printer",
        "Filament, resin and metal-filled prints, with a bench for finishing and people who help.",
        Hours("09:00", "21:00", 3, (1, 2, 3, 4, 5, 6)),
        (
            Component("machine", "Printer", "hour", "usage"),
            Component("filament", "Filament", "kg", "usage"),
            Component("resin", "Resin", "litre", "usage"),
            Component("induction", "Induction", "person", "one"),
        ),
        (
            Plan(
                "Student", "hour", {"machine": "1.20", "filament": "22", "resin": "48", "induction": "0"}, resources=165
            ),
            Plan(
                "Start-up",
                "hour",
                {
                    "machine": Price("4.50", discount=(50, 20)),
                    "filament": "29",
                    "resin": Price("62", future="66"),
                    "induction": "40",
                },
                resources=37,
            ),
        ),
        (-0.0003, 0.0002),
        "Building 3, room 004",
        options={
            "printer": choice("Printer", "Filament, large", "Filament, fine", "Resin"),
            "hours": ask("integer", "Print hours", min=1),
            "budget": ask("money", "Spend at most"),
        },
        shots=(Shot("Prints", "A morning's work.", "printer", True), Shot("Next door", "Glue, saws, files.", "lab")),
        guide=True,
        roles=("Inducted user",),
        orders=690,
    ),
    Offering(
        "vr-lab",
        "Virtual reality laboratory",
        "workshops",
        "vr",
        "Tracking over eight by eight metres, six headsets and a wall for those who watch.",
        Hours("09:00", "18:00", 3),
        (Component("lab_hour", "Laboratory", "hour", "usage"), TECH),
        (
            Plan("Research", "hour", {"lab_hour": "15"}, resources=44),
            Plan("Visit", "day", {"lab_hour": "40", "technician": Price("120", 1)}, resources=61),
        ),
        (-0.0003, 0.0003),
        "Building 3, room 101",
        options={
            "people": ask("integer", "People", True, min=1, max=6),
            "software": choice("Software", "Molecules", "Buildings", "Own"),
        },
        shots=(Shot("Headset", "The view from inside.", "vr", True),),
        orders=228,
    ),
    Offering(
        "greenhouse",
        "Research glasshouse, compartment 2",
        "climate",
        "greenhouse",
        "Sixty square metres with lamps, screens and watering by recipe.",
        Hours("06:00", "18:00", 6, EVERY_DAY),
        (
            Component("table", "Growing table", "week", "usage"),
            Component("gardener", "Gardener", "hour", "usage"),
            Component("soil", "Soil and pots", "experiment", "one"),
        ),
        (Plan("Research", "month", {"table": "18", "gardener": "26", "soil": "75"}, resources=29),),
        (-0.0010, 0.0011),
        "Botanic yard",
        options={"plant": ask("string", "Plant", True), "gmo": ask("boolean", "Genetically modified", True)},
        shots=(
            Shot("Tables", "Tomatoes under lamps.", "greenhouse", True),
            Shot("Drying room", "Warm and dry.", "chamber"),
        ),
        guide=True,
        orders=72,
        checklist="biosafety",
    ),
    Offering(
        "podcast-studio",
        "Podcast and recording studio",
        "workshops",
        "studio",
        "Two microphones, a quiet room and an editor's desk. For the campus only.",
        Hours("10:00", "18:00", 2),
        (Component("studio_hour", "Studio", "hour", "usage"),),
        (Plan("Campus", "hour", {"studio_hour": "0"}, resources=51),),
        (0.0, 0.0002),
        "Building 1, basement",
        shared=False,
        billable=False,
        options={"episode": ask("string", "Working title")},
        orders=88,
    ),
)
