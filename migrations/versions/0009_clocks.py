"""a number beside each document for when its offering can be booked: offerings that are alike share it"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BATCH = 1000
SQLITE = "UPDATE offering_documents SET clock = :clock WHERE offering_id = :id"
POSTGRESQL = """
UPDATE offering_documents AS document SET clock = found.clock
FROM unnest(CAST(:ids AS integer[]), CAST(:clocks AS bigint[])) AS found (id, clock)
WHERE document.offering_id = found.id
"""


def upgrade() -> None:
    op.add_column("offering_documents", sa.Column("clock", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index("ix_offering_documents_clock", "offering_documents", ["offering_id", "clock"], unique=False)
    _fill()


def downgrade() -> None:
    op.drop_index("ix_offering_documents_clock", table_name="offering_documents")
    op.drop_column("offering_documents", "clock")


def _fill() -> None:
    connection = op.get_bind()
    page = sa.text("SELECT id, attributes FROM offerings WHERE id > :last ORDER BY id LIMIT :batch")
    last = 0
    while found := connection.execute(page, {"last": last, "batch": BATCH}).all():
        clocks = {row.id: _clock(row.attributes) for row in found}
        if connection.dialect.name == "postgresql":
            # One statement: for each there is a row of catalogue_changes, which every request counts.
            connection.execute(sa.text(POSTGRESQL), {"ids": list(clocks), "clocks": list(clocks.values())})
        else:
            connection.execute(sa.text(SQLITE), [{"id": key, "clock": clock} for key, clock in clocks.items()])
        last = found[-1].id


def _clock(attributes: Any) -> int:
    # SQLite keeps JSON as text, PostgreSQL's driver reads it.
    known = json.loads(attributes) if isinstance(attributes, str) else attributes
    schedules = known.get("schedules")
    if isinstance(schedules, list):
        schedules = [_deciding(entry) for entry in schedules]
    text = orjson.dumps([schedules, known.get("booking_rules")])
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True)


def _deciding(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return None
    extended = entry.get("extendedProps")
    of_config = (extended.get("type"), extended.get("config")) if isinstance(extended, dict) else (None, None)
    return entry.get("start"), entry.get("end"), *of_config
