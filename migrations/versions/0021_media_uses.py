"""which pictures and files of the portal's own an offering shows: they are for those who see one of these offerings"""

from __future__ import annotations

import re
import uuid as uuidlib
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

BATCH = 500
LINK = re.compile(r"/api/media/([0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})", re.IGNORECASE)
# Whatever can hold a link, as text.
TEXTS = (
    *("image", "thumbnail", "description", "full_description", "getting_started", "integration_guide", "access_url"),
    *("privacy_policy_link", "vendor_details", "paused_reason", "parent_description"),
    *("attributes", "options", "resource_options", "plugin_options", "backend_metadata"),
)
PARTS = {
    "screenshots": ("image", "thumbnail", "description"),
    "offering_files": ("file",),
    "offering_endpoints": ("url",),
    "plans": ("description",),
    "components": ("description",),
}


def upgrade() -> None:
    uses = op.create_table(
        "media_uses",
        sa.Column("offering_id", sa.Integer(), nullable=False),
        sa.Column("media_uuid", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["offering_id"], ["offerings.id"], name=op.f("fk_media_uses_offering_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("offering_id", "media_uuid", name=op.f("pk_media_uses")),
    )
    op.create_index(op.f("ix_media_uses_media_uuid"), "media_uses", ["media_uuid"], unique=False)
    _fill(uses, "offerings", "id", TEXTS)
    for table, columns in PARTS.items():
        _fill(uses, table, "offering_id", columns)


def downgrade() -> None:
    op.drop_table("media_uses")


def _fill(uses: sa.Table, table: str, offering: str, columns: Iterable[str]) -> None:
    connection = op.get_bind()
    source = sa.table(table, sa.column("id"), sa.column("offering_id"), *(sa.column(name) for name in columns))
    texts = [sa.cast(source.c[name], sa.Text) for name in columns]
    page = (
        sa.select(source.c.id, source.c[offering].label("offering"), *texts)
        .where(source.c.id > sa.bindparam("last"), sa.or_(*(it.contains("/api/media/") for it in texts)))
        .order_by(source.c.id)
        .limit(BATCH)
    )
    last = 0
    while rows := connection.execute(page, {"last": last}).all():
        last = rows[-1].id
        found = {(row.offering, one) for row in rows for one in _media(row[2:])}
        known = sa.select(uses).where(uses.c.offering_id.in_({offering_id for offering_id, _ in found}))
        new = found - {(row.offering_id, row.media_uuid) for row in connection.execute(known)}
        if new:
            connection.execute(uses.insert(), [{"offering_id": key, "media_uuid": one} for key, one in new])


def _media(texts: Iterable[Any]) -> set[uuidlib.UUID]:
    return {uuidlib.UUID(it) for text in texts if text for it in LINK.findall(text)}
