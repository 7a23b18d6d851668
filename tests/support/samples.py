"""Records in the shape of the API, made from the sample that has everything."""

import copy
import json
import uuid
from pathlib import Path
from typing import Any

from portal.models import Base

DATA = Path(__file__).parent.parent / "data"
OWN_PARTS = ("endpoints", "software_catalogs", "partitions", "roles", "components", "plans", "screenshots")


def sample() -> dict[str, Any]:
    """The offering with every field filled in."""
    found: dict[str, Any] = json.loads((DATA / "sample_offering.json").read_text(encoding="utf-8"))
    return found


def another(number: int) -> dict[str, Any]:
    """The sample with other uuids wherever they are its own, so that many fit into one database."""
    record = sample()
    own = {record["uuid"], *(part["uuid"] for key in OWN_PARTS for part in record[key])}
    text = json.dumps(record)
    for one in own:
        text = text.replace(one, str(uuid.uuid5(uuid.UUID(one), str(number))))
    found: dict[str, Any] = json.loads(text)
    return found | {"name": f"Krios {number:05}"}


def bare(**values: Any) -> dict[str, Any]:
    """As little as an offering can be made of."""
    return {
        "uuid": str(uuid.uuid4()),
        "name": "Bare",
        "category_uuid": "9e3a1c58-64b7-4b1e-bd0f-7c2d8e4f5a32",
        "state": "Active",
        "shared": True,
        **copy.deepcopy(values),
    }


def child_of(parent: dict[str, Any], **values: Any) -> dict[str, Any]:
    """A child offering, with the components and plans of its parent as Waldur answers them."""
    shared = {key: copy.deepcopy(parent[key]) for key in ("components", "plans")}
    return bare(name=f"Child of {parent['name']}", parent_uuid=parent["uuid"], **shared) | values


def emptied(session: Any) -> None:
    """Take every row out of every table but the one that a migration fills."""
    session.rollback()
    for table in reversed(Base.metadata.sorted_tables):
        if table.name != "installation":
            session.execute(table.delete())
    session.commit()
    session.expunge_all()
