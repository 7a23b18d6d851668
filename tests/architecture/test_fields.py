"""A field of the offering is named by its column, its migration, its line of the schema and the pages that show it.

Everything else follows from the schema, so that a new field touches nothing else. The fields that need more, and why,
are listed here; of the others a module that names one fails.
"""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FIELDS = json.loads((ROOT / "tests" / "data" / "fields.json").read_text(encoding="utf-8"))["fields"]
# Models and schema declare fields, pages show them, the demo has examples; bookings have resources of their own.
MAY_NAME = ("portal/models/", "portal/schema/", "portal/web/", "portal/dev/", "portal/api/booking_")
# Words that bookings, people, calendars, requests … have as well: a name alone does not tell whose it is.
WORDS = {
    *("amount", "archived", "attributes", "backend_id", "billing_type", "catalog", "category", "components", "country"),
    *(
        "created",
        "description",
        "endpoints",
        "file",
        "files",
        "image",
        "is_active",
        "limit",
        "name",
        "options",
        "parent",
    ),
    *(
        "partition",
        "plans",
        "price",
        "project",
        "public",
        "quotas",
        "roles",
        "scope",
        "shared",
        "slug",
        "state",
        "type",
    ),
    *("unit", "url", "usage", "uuid", "version"),
}
NEED_MORE = {
    "other tables, which an import finds or makes and links": (
        *("category_title", "category_uuid", "compliance_checklist", "customer", "customer_name", "customer_uuid"),
        *("organization_groups", "parent_description", "parent_name", "parent_uuid", "project_name", "project_uuid"),
    ),
    "lists, each in a table of its own": ("partitions", "screenshots", "software_catalogs"),
    "columns of the software catalogue, joined when documents are built": ("partition_name", "priority_tier", "qos"),
    "prices, which are computed": (
        *("discount_rate", "discount_threshold", "limit_amount", "min_value", "overage_component"),
        *("future_price", "future_prices", "init_price", "measured_unit", "minimal_price", "plan_type", "prices"),
        *("switch_price", "unit_price"),
    ),
    "counted when bookings are made": ("max_amount", "order_count", "resources_count"),
    "inherited from the parent": ("plugin_options",),
    "made of the calendar's row": ("googlecalendar", "http_link"),
    "on the cards of the catalogue": ("thumbnail",),
}


def all_names(fields: list[dict[str, Any]]) -> Iterator[str]:
    for field in fields:
        yield field["name"]
        yield from all_names(field["children"])


def named_in(source: str) -> Iterator[tuple[str, int]]:
    """Strings, attributes and keyword arguments of a module, with their lines."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, node.lineno
        elif isinstance(node, ast.Attribute):
            yield node.attr, node.lineno
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg, node.value.lineno


def named_elsewhere() -> dict[str, list[str]]:
    wanted = set(all_names(FIELDS)) - WORDS
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "portal").rglob("*.py")):
        module = path.relative_to(ROOT).as_posix()
        if not module.startswith(MAY_NAME):
            for name, line in named_in(path.read_text(encoding="utf-8")):
                if name in wanted:
                    found.setdefault(name, []).append(f"{module}:{line}")
    return found


def test_no_module_names_a_field_that_needs_no_more_than_its_line():
    needing = {name for names in NEED_MORE.values() for name in names}
    found = named_elsewhere()
    assert {name: places for name, places in found.items() if name not in needing} == {}
    assert needing <= set(found), "these need no more either: take them out of the list"


def test_words_are_names_of_fields():
    assert set(all_names(FIELDS)) >= WORDS


def test_names_are_found():
    source = "row.country\nrow['qos']\nmake(slug=1)\n'a sentence with qos'\n"
    assert {found for found in named_in(source) if found[0] in WORDS | {"qos"}} == {
        ("country", 1),
        ("qos", 2),
        ("slug", 3),
    }
